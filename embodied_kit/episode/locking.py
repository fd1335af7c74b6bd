"""Locks on files between processes: gone with the process that held them, however it ended."""

from __future__ import annotations

import errno
import os
import sys
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from embodied_kit.episode.layout import PRIVATE, writing
from embodied_kit.mcap.disk import write_all

DATASET_LOCK = f"{PRIVATE}/dataset.lock"
_HELD = {errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES, errno.EDEADLK}


class FileLock:
    """An open file and its lock; let go of by `release`, with this object, or with the process.

    Attributes:
        certain: Whether the file system keeps locks; where it does not, others are not kept out.
    """

    def __init__(self, descriptor: int, *, certain: bool) -> None:
        self.certain = certain
        self._descriptor = descriptor
        self._end = weakref.finalize(self, os.close, descriptor)

    def append(self, data: bytes) -> None:
        """Add bytes at the end of the file, durably.

        Raises:
            OSError: The system refuses; some of them may have been added.
        """
        write_all(self._descriptor, [data])
        os.fsync(self._descriptor)

    def release(self) -> None:
        """Let go of it; a second call changes nothing."""
        self._end()


def locked_file(path: Path, flags: int, *, shared: bool = False, wait: bool = False) -> FileLock | None:
    """Open a file and lock it.

    Args:
        path: The file.
        flags: Of `os.open`.
        shared: Others may share the lock; an exclusive one waits for all of them.
        wait: Until it is free.

    Returns:
        The lock; None where another holds it.

    Raises:
        OSError: The file cannot be opened.
    """
    descriptor = os.open(path, flags | getattr(os, "O_BINARY", 0), 0o644)
    try:
        _lock(descriptor, shared=shared, wait=wait)
    except OSError as error:
        if error.errno not in _HELD:
            return FileLock(descriptor, certain=False)
        os.close(descriptor)
        return None
    return FileLock(descriptor, certain=True)


@contextmanager
def dataset_locked(root: Path) -> Iterator[None]:
    """Be the only process that changes a dataset's documents, and wait for that.

    Raises:
        WriteFaultError: The dataset cannot be written.
    """
    path = root / DATASET_LOCK
    with writing(path):
        path.parent.mkdir(exist_ok=True)
        lock = locked_file(path, os.O_RDWR | os.O_CREAT, wait=True)
    try:
        yield
    finally:
        if lock is not None:
            lock.release()


if sys.platform == "win32":
    import msvcrt

    _PLACE = 1 << 30  # behind every byte that is read: locks are mandatory there, and know no sharing

    def _lock(descriptor: int, *, shared: bool, wait: bool) -> None:
        os.lseek(descriptor, _PLACE + os.getpid() if shared else _PLACE, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1 if shared else 1 << 24)

else:
    import fcntl

    def _lock(descriptor: int, *, shared: bool, wait: bool) -> None:
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        fcntl.flock(descriptor, kind if wait else kind | fcntl.LOCK_NB)
