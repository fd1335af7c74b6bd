"""Memory that this process shares with one that it spawns; the system frees it when the last of the two is gone.

On POSIX it never has a name (memfd, or a file that is already unlinked), so a kill -9 of either side leaves nothing
behind and no tracker warns; the descriptor goes to the child with its arguments. Windows frees a named mapping itself.

A memfd does not lie in /dev/shm, so that a container's 64 MB there do not matter. Where there is none (macOS, or a
sandbox refuses it), all of the file is taken at once: a page that is missed at its first use ends a process by SIGBUS.
"""

from __future__ import annotations

import mmap
import os
import secrets
import sys
import threading
from collections.abc import Callable
from multiprocessing import reduction
from pathlib import Path
from tempfile import TemporaryFile
from typing import Final

from embodied_recorders.writing.memory import is_strict

_IN_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - the file has no name there
_STEP: Final = 1 << 20


class SharedBlock:
    """Bytes that two processes see; pages take memory once they are written.

    Args:
        size: In bytes, a multiple of the page size.
        handle: What opens the same memory again: a descriptor, or a name on Windows; None makes a new block.
    """

    def __init__(self, size: int, handle: int | str | None = None) -> None:
        self.size = size
        self._handle: int | str
        if sys.platform == "win32":
            self._handle = handle or f"embodied-kit-{secrets.token_hex(16)}"
            self._map = mmap.mmap(-1, size, tagname=str(self._handle))
        else:
            self._handle = _new_descriptor(size) if handle is None else int(handle)
            try:
                self._map = mmap.mmap(self._handle, size)
            except BaseException:  # it opens the descriptor once more, or there is no room for so many addresses
                self.let_go()
                raise
        self._views: list[memoryview] = []

    def view(self, first: int, size: int) -> memoryview:
        """Writable bytes of the block."""
        found = memoryview(self._map)[first : first + size]
        self._views.append(found)
        return found

    def words(self, first: int, count: int) -> memoryview:
        """Unsigned 64-bit words of the block, read and written whole."""
        found = self.view(first, 8 * count).cast("Q")
        self._views.append(found)
        return found

    def let_go(self) -> None:
        """Close the handle, once the child has its own; the memory stays mapped."""
        if isinstance(self._handle, int) and self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def close(self) -> None:
        """Unmap; no view may be used afterwards."""
        self.let_go()
        for view in reversed(self._views):
            view.release()
        self._map.close()

    def __reduce__(self) -> tuple[Callable[..., SharedBlock], tuple[int, object]]:
        """Goes to a process that is being spawned."""
        if isinstance(self._handle, str):
            return _opened, (self.size, self._handle)
        return _opened, (self.size, reduction.DupFd(self._handle))


def _opened(size: int, handle: object) -> SharedBlock:
    """The block in the child."""
    detach = getattr(handle, "detach", None)
    block = SharedBlock(size, detach() if detach else str(handle))
    block.let_go()
    return block


def _new_descriptor(size: int) -> int:
    """A file of that size without a name."""
    descriptor = _memory_descriptor()
    try:
        if descriptor is not None and not is_strict():
            os.ftruncate(descriptor, size)
            return descriptor
        if descriptor is None:
            with TemporaryFile(dir=_IN_MEMORY if _IN_MEMORY.is_dir() else None) as file:
                descriptor = os.dup(file.fileno())
        _take_place(descriptor, size)
    except OSError:
        if descriptor is not None:
            os.close(descriptor)
        raise
    return descriptor


def _memory_descriptor() -> int | None:
    """An empty file in memory; None where the system has none, or a sandbox refuses it."""
    if not hasattr(os, "memfd_create"):
        return None
    try:
        return os.memfd_create("embodied-kit")
    except OSError:
        return None


def _take_place(descriptor: int, size: int) -> None:
    """Have all of a file, and not only its length."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size)
        return
    for first in range(0, size, _STEP):
        os.pwrite(descriptor, bytes(min(_STEP, size - first)), first)


class Fence:
    """Keeps loads and stores before it before those after it, on processors that reorder them (ARM).

    Giving a lock back orders what came before, taking it orders what follows.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def __call__(self) -> None:
        """Order memory accesses."""
        self._lock.release()
        self._lock.acquire()
