"""What lies in a dataset folder and what the layout makes of it; nothing is followed or trusted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from embodied_kit.episode.layout import BAG_METADATA, DATASET_JSON, EPISODES, GOVERNANCE_JSON, TASKS_JSON
from embodied_kit.episode.paths import OUTSIDE_THE_DATASET, PathProblem, UnsafePathError, open_inside, walk_files

FileKind = Literal["document", "mcap", "bag_metadata", "urdf", "layer", "sqlite", "other"]
_KINDS: dict[str, FileKind] = {".mcap": "mcap", ".urdf": "urdf", ".db3": "sqlite"}


@dataclass(frozen=True)
class Entry:
    """One thing in the folder that is no directory to descend into.

    Attributes:
        path: POSIX path relative to the root, printable.
        size: Bytes; None where it is no file that may be opened.
        document: Kind of document by rule of layout; empty for none.
        episode: Name of the episode folder it lies in; empty outside.
        problem: Why it must not be opened, or how its name is unsafe.
    """

    path: str
    size: int | None
    kind: FileKind
    document: str
    episode: str
    problem: PathProblem


def list_folder(root: Path, *, outside: tuple[str, ...] = OUTSIDE_THE_DATASET) -> Iterator[Entry]:
    """Every file below a folder, sorted by path."""
    for file in walk_files(root, outside):
        yield make_entry(file.path, _size(root, file.path), file.problem)


def make_entry(path: str, size: int | None, problem: PathProblem) -> Entry:
    """An entry with what the layout says of its path."""
    document = document_kind(path)
    parts = path.split("/")
    episode = parts[1] if len(parts) > 2 and parts[0] == EPISODES else ""
    return Entry(path, size, _file_kind(path, document), document, episode, problem)


def read_inside(root: Path, path: str, max_bytes: int) -> bytes | None:
    """Up to `max_bytes` + 1 bytes of a regular file below the root; None where it is none or cannot be read."""
    try:
        with open_inside(root, path) as file:
            return file.read(max_bytes + 1)
    except (OSError, UnsafePathError):
        return None


def document_kind(path: str) -> str:
    """Kind of document that the layout expects at a path; empty for none."""
    match path.split("/"):
        case [name]:
            return {DATASET_JSON: "dataset", GOVERNANCE_JSON: "governance", TASKS_JSON: "task"}.get(name, "")
        case ["episodes", _, "episode.json"]:
            return "episode"
        case ["robots", _, "robot.json"]:
            return "robot"
        case ["robots", _, "calibration", name] if name.endswith(".json"):
            return "calibration"
        case ["annotations", _, "layer.json"]:
            return "layer"
        case ["annotations", _, name] if name.endswith(".json"):
            return "layer_episode"
    return ""


def _size(root: Path, path: str) -> int | None:
    try:
        with open_inside(root, path) as file:
            return file.seek(0, 2)
    except (OSError, UnsafePathError):
        return None


def _file_kind(path: str, document: str) -> FileKind:
    if document:
        return "layer" if document.startswith("layer") else "document"
    name = PurePosixPath(path).name
    return "bag_metadata" if name == BAG_METADATA else _KINDS.get(PurePosixPath(name).suffix.lower(), "other")
