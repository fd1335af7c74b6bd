"""Files of the URDFs that robots name: read once for a whole dataset."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import PurePosixPath

from embodied_kit.episode.layout import ROBOTS
from embodied_kit.episode.urdf import MAX_URDF_BYTES
from embodied_kit.measure.declared.jsonget import get_text
from embodied_kit.measure.declared.links import DatasetDocuments
from embodied_kit.model.json import JsonObject

ReadFile = Callable[[str, int], "bytes | None"]
"""Up to so many bytes and one of a file of the dataset; None where it cannot be read."""


def urdf_path(robot_path: str, robot: JsonObject) -> str:
    """Where the URDF lies that a robot.json names, beside it; empty where it names none."""
    uri = get_text(robot, "urdf_uri")
    return f"{robot_path.rpartition('/')[0]}/{uri}" if uri else ""


def embedded_urdf_path(robot: JsonObject) -> str:
    """Name of the attachment that holds the URDF of a robot in a data file."""
    return str(PurePosixPath(ROBOTS, get_text(robot, "robot_id"), get_text(robot, "urdf_uri")))


def urdf_content(path: str, read: ReadFile) -> bytes | None:
    """Content of one URDF; None where it cannot be read or is too large."""
    data = read(path, MAX_URDF_BYTES)
    return data if data is not None and len(data) <= MAX_URDF_BYTES else None


def read_urdfs(documents: DatasetDocuments, read: ReadFile) -> Mapping[str, bytes | None]:
    """Path -> content of every URDF that a robot names; None where it cannot be read or is too large.

    Args:
        documents: Of the dataset.
        read: Reads a file of it.
    """
    paths = {urdf_path(item.path, item.value) for item in documents.all("robot")} - {""}
    return {path: urdf_content(path, read) for path in sorted(paths)}
