"""Where things lie in a dataset folder, and how a file gets there whole or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from embodied_kit.errors import EnvironmentUnfitError, UsageError, WriteFaultError
from embodied_kit.mcap.growing import GONE, LostFileError

DATASET_JSON = "dataset.json"
GOVERNANCE_JSON = "governance.json"
TASKS_JSON = "tasks.json"
EPISODE_JSON = "episode.json"
ROBOT_JSON = "robot.json"
LAYER_JSON = "layer.json"
BAG_METADATA = "metadata.yaml"
CAPTURE_JSON = "capture.json"
CLOSING_JSON = "closing.json"
EPISODES = "episodes"
ROBOTS = "robots"
CALIBRATION = "calibration"
ANNOTATIONS = "annotations"
ATTESTATION = "attestation"
PRIVATE = ".embodied"
RECORDING = f"{PRIVATE}/recording"
JOURNALS = f"{PRIVATE}/journal"
PARTIAL = ".partial"


def data_file(index: int) -> str:
    """Name of an episode's n-th data file."""
    return f"data_{index:03d}.mcap"


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Say in one line what the system refuses while a path is written.

    Raises:
        WriteFaultError: The disk is full or read-only, or fails; the same may be tried again.
        EnvironmentUnfitError: A file that was being written is lost, as `recover` finds it.
    """
    try:
        yield
    except OSError as error:
        remedy = "see to disk space and permissions, then repeat"
        if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
            remedy = "free disk space (quotas and ulimit -f too), then repeat"
        elif error.errno == errno.EROFS:
            remedy = "make the disk writable: dmesg says why it is not, then repeat"
        elif error.errno in {errno.EMFILE, errno.ENFILE}:
            remedy = "let the shell open more files (ulimit -n 4096), then start again"
        elif error.errno in {errno.ENOENT, *GONE}:
            remedy = "plug the disk in again or put the folder back, or record to another: this one fails or is gone"
        message = f"cannot write {path}: {error.strerror or error}"
        if isinstance(error, LostFileError):
            raise EnvironmentUnfitError(message, remedy=remedy) from error
        raise WriteFaultError(message, remedy=remedy) from error


def write_whole(path: Path, data: bytes | Iterable[bytes]) -> None:
    """Put a file in place: written beside as `.partial`, synced, renamed; the folder is synced too.

    Raises:
        UsageError: A folder, device or pipe is there: a rename would put a file in its place.
        EnvironmentUnfitError: It cannot be written; what was there before stays, and nothing beside it.
    """
    if path.exists() and not path.is_file():
        raise UsageError(f"expected a new or plain file as output, got {path}", remedy="name another")
    partial = path.with_name(path.name + PARTIAL)
    with writing(path):
        try:
            with partial.open("wb") as file:
                file.writelines([data] if isinstance(data, bytes) else data)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)


def make_folders(folder: Path) -> None:
    """Make a new folder and those above it that are missing, durably.

    Raises:
        FileExistsError: It is there.
    """
    missing = [folder, *(above for above in folder.parents if not above.exists())]
    for path in reversed(missing):
        path.mkdir()
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make renames in a folder durable; a no-op where a folder cannot be opened (Windows)."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
