"""Two reports held against each other: what is new, gone and changed, and which of both is worse."""

from embodied_validators.report.diff.compare import Change, Difference, Named, compare, exit_code
from embodied_validators.report.diff.render import DIFF_FORMATS, DiffFormat, DiffRequest

__all__ = ["DIFF_FORMATS", "Change", "DiffFormat", "DiffRequest", "Difference", "Named", "compare", "exit_code"]
