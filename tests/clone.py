"""The clone as a new machine sees it: its tracked files, and a copy of them to build from."""

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = {
    "embodied_kit": ROOT / "embodied_kit",
    "embodied_recorders": ROOT / "recorders" / "embodied_recorders",
    "embodied_validators": ROOT / "validators" / "embodied_validators",
}
SCHEMAS = ROOT / "schemas"


@cache
def tracked() -> tuple[Path, ...]:
    """Tracked files that exist, relative to the root."""
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    return tuple(path for path in map(Path, os.fsdecode(listed).split("\0")[:-1]) if (ROOT / path).is_file())


def copy_to(folder: Path) -> Path:
    """Copy the tracked files."""
    for path in tracked():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / path, target)
    return folder


def modules() -> list[Path]:
    """Python files of the three packages."""
    return sorted(path for folder in PACKAGES.values() for path in folder.rglob("*.py"))


def module_name(path: Path) -> str:
    """Dotted name of a module's file."""
    package = next(name for name, folder in PACKAGES.items() if path.is_relative_to(folder))
    parts = (package, *path.relative_to(PACKAGES[package]).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def python(code: str, *paths: Path, cwd: Path, arguments: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh Python that looks for packages in `paths` first."""
    start = f"import sys; sys.path[:0] = {[str(path) for path in paths]!r}\n"
    command = [sys.executable, "-I", "-c", start + code, *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
