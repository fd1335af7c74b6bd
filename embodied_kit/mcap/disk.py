"""Writing to a disk: new files only, every byte, durable when told."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from embodied_kit.errors import UsageError

_MAX_PARTS = 512  # below every IOV_MAX


def create(path: Path) -> int:
    """Open a new file for writing.

    Raises:
        UsageError: It is there already.
        OSError: The system refuses.
    """
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        return os.open(path, flags, 0o644)
    except FileExistsError as error:
        raise UsageError(
            f"expected no {path}, got one that an earlier recording left", remedy="move it away, or remove it"
        ) from error


def write_all(fd: int, parts: Sequence[bytes | memoryview]) -> int:
    """Write every byte, whatever the system takes at once; bytes written."""
    size = sum(map(len, parts))
    if not hasattr(os, "writev") or len(parts) > _MAX_PARTS:
        parts = [b"".join(parts)]
    written = os.writev(fd, parts) if hasattr(os, "writev") else os.write(fd, parts[0])
    left = written
    for part in parts if written < size else ():
        rest = memoryview(part)[min(left, len(part)) :]
        left = max(left - len(part), 0)
        while rest:
            rest = rest[os.write(fd, rest) :]
    return size


def sync(fd: int) -> None:
    """Wait for the disk; macOS and Windows know no fdatasync."""
    getattr(os, "fdatasync", os.fsync)(fd)


def sync_folder(folder: Path) -> None:
    """Make the rename itself durable; Windows cannot open a folder."""
    if os.name == "posix":
        fd = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
