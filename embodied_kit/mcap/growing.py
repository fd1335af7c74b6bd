"""A new file that only grows: every byte written or none counted, its digest as it grows, durable when told."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from embodied_kit.mcap.disk import create, sync, sync_folder, write_all

GONE: Final = frozenset(
    getattr(errno, name)
    for name in ("EIO", "EROFS", "ENXIO", "ENODEV", "ESTALE", "ENOTCONN", "ESHUTDOWN", "EREMOTEIO")
    if hasattr(errno, name)
)
"""A disk that says so does not come back to who has a file open on it: it fails, or was pulled out, or the kernel has
made it read-only, and to mend it all must be closed first."""


class LostFileError(OSError):
    """What was written so far cannot be vouched for any more, and trying again does not help."""


class GrowingFile:
    """Appends to a file; a call that failed with OSError may be made again, with the same bytes.

    After a failed sync every call fails: the system may have let go of what it could not put on the disk, and say the
    next time that all is well. So it does where the disk fails (`GONE`), or the file's name is gone: removed, or with a
    disk that was pulled out.

    Args:
        path: Of the new file; its name is durable at once.
        hashed: Whether to compute `sha256`.

    Raises:
        UsageError: It exists.
        OSError: It cannot be created.
    """

    def __init__(self, path: Path, *, hashed: bool) -> None:
        self.path = path
        self.size = self.synced = 0
        self._sha = hashlib.sha256() if hashed else None
        self._torn = False
        self._lost: LostFileError | None = None
        self._fd = create(path)
        sync_folder(path.parent)

    @property
    def is_open(self) -> bool:
        """Whether more may be appended."""
        return self._fd >= 0

    @property
    def sha256(self) -> str:
        """Of the bytes so far, in lower-case hex; empty where it was not asked for."""
        return "" if self._sha is None else self._sha.hexdigest()

    def append(self, parts: Sequence[bytes | memoryview]) -> None:
        """Write every byte behind the last.

        Raises:
            LostFileError: The disk fails, or is gone.
            OSError: The system refuses; some of these bytes may lie behind `size`, and the next call overwrites them.
        """
        self._require_sound()
        try:
            if self._torn:
                os.lseek(self._fd, self.size, os.SEEK_SET)
            self._torn = True
            self.size += write_all(self._fd, parts)
        except OSError as error:
            if error.errno in GONE:
                raise self._lose(error) from error
            raise
        self._torn = False
        if self._sha is not None:
            for part in parts:
                self._sha.update(part)

    def sync(self) -> None:
        """Wait for the disk.

        Raises:
            LostFileError: The system cannot.
        """
        self._require_sound()
        try:
            sync(self._fd)
            self.path.stat()
        except OSError as error:
            raise self._lose(error) from error
        self.synced = self.size

    def rename(self, path: Path) -> None:
        """Give it its name, durably."""
        if path != self.path:
            self.path = self.path.rename(path)
        sync_folder(path.parent)

    def close(self) -> None:
        """Let go of it; closing twice is allowed."""
        if self.is_open:
            os.close(self._fd)
            self._fd = -1

    def _lose(self, error: OSError) -> LostFileError:
        self._lost = LostFileError(error.errno, error.strerror)
        return self._lost

    def _require_sound(self) -> None:
        if self._lost is not None:
            raise self._lost
