"""The disk that takes go to: whether it is there and may be written, and how much room it has."""

from __future__ import annotations

import errno
import os
import shutil
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from embodied_kit.episode.layout import DATASET_JSON, writing
from embodied_kit.errors import WriteFaultError

_MOMENT_S = 0.02  # most disks need less by far
_PATIENCE_S = 2.0


@dataclass(frozen=True)
class Room:
    """What was seen of a dataset's disk.

    Attributes:
        free_bytes: Free on it; 0 where it cannot be written.
        fault: Why it cannot, if so.
        silent_s: For how long it has not answered; 0 where it does.
    """

    free_bytes: int = 0
    fault: WriteFaultError | None = None
    silent_s: float = 0.0

    @property
    def may_be_written(self) -> bool:
        """Whether a take may begin there, as far as can be seen."""
        return self.fault is None and not self.silent_s


def room_of(root: Path) -> Room:
    """Look at a dataset's disk, without writing to it."""
    try:
        with writing(root):
            (root / DATASET_JSON).stat()  # the folder of a disk that was pulled out may be there still, on another
            if hasattr(os, "statvfs") and os.statvfs(root).f_flag & os.ST_RDONLY:
                raise OSError(errno.EROFS, os.strerror(errno.EROFS))
            return Room(shutil.disk_usage(root).free)
    except WriteFaultError as error:
        return Room(fault=error)


class RoomWatch:
    """Looks at a disk beside the receiving thread: one that does not answer (a network drive) must not hold it up.

    Args:
        root: Dataset folder.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._room = room_of(root)
        self._looking: threading.Thread | None = None
        self._since_s = 0.0

    def look(self) -> Room:
        """The disk as it is now, or as it was when it last answered."""
        if self._looking is None or not self._looking.is_alive():
            self._since_s = time.monotonic()
            self._looking = threading.Thread(target=self._see, name="embodied-kit-room", daemon=True)
            with suppress(RuntimeError):  # too many threads: it is as it was
                self._looking.start()
                self._looking.join(_MOMENT_S)
        silent_s = time.monotonic() - self._since_s
        is_silent = self._looking.is_alive() and silent_s > _PATIENCE_S
        return replace(self._room, silent_s=silent_s) if is_silent else self._room

    def _see(self) -> None:
        self._room = room_of(self._root)
