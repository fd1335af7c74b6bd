"""`python -m embodied_kit`, also in a plain clone, where the other two rooms lie in folders beside this one."""

import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent
if (_ROOT / "setup.py").is_file():
    sys.path[:0] = [str(_ROOT / "recorders"), str(_ROOT / "validators")]

from embodied_kit.cli import main  # noqa: E402  # the path must be set first

if __name__ == "__main__":
    sys.exit(main())
