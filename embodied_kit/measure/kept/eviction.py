"""A bound on the folder of kept measurements: what was not used for longest goes first."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

from embodied_kit.errors import UsageError

MAX_CACHE_VARIABLE = "EMBODIED_KIT_CACHE_MAX_GB"
DEFAULT_MAX_GB = 10.0
_KEEP = 0.8
_STALE_S = 24 * 3600
_PARTIAL = ".partial"


def max_cache_bytes() -> int:
    """The bound: EMBODIED_KIT_CACHE_MAX_GB in 10^9 bytes, else 10 GB.

    Raises:
        UsageError: The variable is no number from 0 on.
    """
    text = os.environ.get(MAX_CACHE_VARIABLE, "")
    try:
        value = float(text) if text else DEFAULT_MAX_GB
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise UsageError(
            f"expected a number of GB in {MAX_CACHE_VARIABLE}, got '{text}'", remedy=f"export {MAX_CACHE_VARIABLE}=10"
        )
    return int(value * 1e9)


def used(path: Path) -> None:
    """Note that a kept file was used now: its mtime is the order of leaving."""
    with suppress(OSError):
        os.utime(path)


def trim(folder: Path, max_bytes: int) -> int:
    """Remove the files that were not used for longest, down to four fifths of the bound, where it is exceeded.

    Whatever a killed run left half-written goes after a day. A file that another process reads or removes meanwhile is
    no error.

    Returns:
        Bytes that are left.
    """
    kept: list[tuple[float, int, Path]] = []
    for path in folder.rglob("*"):
        with suppress(OSError):
            status = path.lstat()
            if path.is_dir():
                continue
            if path.name.endswith(_PARTIAL) and status.st_mtime < time.time() - _STALE_S:
                path.unlink()
                continue
            kept.append((status.st_mtime, status.st_size, path))
    left = sum(size for _, size, _ in kept)
    if left <= max_bytes:
        return left
    for _, size, path in sorted(kept):
        if left <= _KEEP * max_bytes:
            break
        with suppress(OSError):
            path.unlink()
            left -= size
    return left
