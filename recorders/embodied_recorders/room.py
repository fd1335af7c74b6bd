"""The disk that takes go to: whether it is there and may be written, and how much room it has."""

from __future__ import annotations

import errno
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from embodied_kit.episode.layout import DATASET_JSON, writing
from embodied_kit.errors import WriteFaultError


@dataclass(frozen=True)
class Room:
    """What was seen of a dataset's disk.

    Attributes:
        free_bytes: Free on it; 0 where it cannot be written.
        fault: Why it cannot, if so.
    """

    free_bytes: int = 0
    fault: WriteFaultError | None = None


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
