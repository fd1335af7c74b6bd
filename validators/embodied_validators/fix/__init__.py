"""Safe repairs of documents: what can be derived from the dataset itself, shown as a diff before it is written."""

from embodied_validators.fix.plan import FixedDocument, plan_fixes, write_fixes
from embodied_validators.fix.text import fixes_text

__all__ = ["FixedDocument", "fixes_text", "plan_fixes", "write_fixes"]
