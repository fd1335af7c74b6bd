"""Print the two set-up commands of a README, one a line: the main job, then the tests."""

import re
import sys
from pathlib import Path

_BLOCK = re.compile(r"^```sh\n(python3 -m venv [^\n]*)\n```$", re.MULTILINE)
_ENDS = ("embodied-kit demo", "pytest")


def main() -> str:
    """The commands, or the sentence that says why there are none."""
    commands = _BLOCK.findall(Path(sys.argv[1]).read_text(encoding="utf-8"))
    if len(commands) != len(_ENDS) or not all(map(str.endswith, commands, _ENDS)):
        return f"expected two commands in {sys.argv[1]} that end in {' and '.join(_ENDS)}, got {commands}"
    print(*commands, sep="\n")
    return ""


if __name__ == "__main__":
    sys.exit(main() or 0)
