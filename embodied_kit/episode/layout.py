"""Where things lie in a dataset folder, and how a file gets there whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

DATASET_JSON = "dataset.json"
GOVERNANCE_JSON = "governance.json"
TASKS_JSON = "tasks.json"
EPISODE_JSON = "episode.json"
ROBOT_JSON = "robot.json"
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
PARTIAL = ".partial"


def data_file(index: int) -> str:
    """Name of an episode's n-th data file."""
    return f"data_{index:03d}.mcap"


def write_whole(path: Path, data: bytes) -> None:
    """Put a file in place: written beside as `.partial`, synced, renamed; the folder is synced too."""
    partial = path.with_name(path.name + PARTIAL)
    with partial.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
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
