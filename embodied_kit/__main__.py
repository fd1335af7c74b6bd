"""`embodied-kit`, and `python -m embodied_kit`, also in a plain clone, whose other two rooms are folders beside it."""

import sys
from pathlib import Path

from embodied_kit.interrupts import EXIT_INTERRUPTED, end_quietly, raise_again

end_quietly()

_ROOT = Path(__file__).resolve().parent.parent
if (_ROOT / "setup.py").is_file():
    sys.path[:0] = [str(_ROOT / "recorders"), str(_ROOT / "validators")]

from embodied_kit.cli import main as program  # noqa: E402  # the path must be set, and Ctrl-C be quiet, first


def main() -> int:
    """Run the program; its exit code."""
    raise_again()
    try:
        return program()
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    finally:
        end_quietly()


if __name__ == "__main__":
    sys.exit(main())
