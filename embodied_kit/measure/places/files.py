"""Table `file`: what lies there, held against what documents declare (rules ST-07, ST-08, PV-01)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

from embodied_kit.episode.layout import ANNOTATIONS, EPISODES, ROBOTS
from embodied_kit.episode.paths import PathProblem, UnsafePathError, open_inside, path_problem
from embodied_kit.measure.declared.jsonget import get_objects, get_text
from embodied_kit.measure.places.walk import Entry, make_entry
from embodied_kit.measure.rows import make_row
from embodied_kit.model.facts import Depth, Row
from embodied_kit.model.json import JsonObject, JsonValue

_BLOCK_BYTES = 2**20
_SHOWN_LETTERS = 1024


@dataclass(frozen=True)
class Declared:
    """A file that a document lists.

    Attributes:
        path: Relative to the root; as declared where it leads out of its folder.
        sha256: Declared digest; empty where there is none.
        problem: What the declared text alone says of its safety.
        episode: Whose document lists it; empty for a robot's URDF.
        contradicted: Whether it is listed twice, with digests that differ.
    """

    path: str
    sha256: str
    problem: PathProblem
    episode: str
    contradicted: bool = False


def declared_files(folder: str, episode: str, document: JsonObject) -> list[Declared]:
    """Files that an episode.json lists; a path that leads out of the episode's folder is kept and never opened.

    Args:
        folder: The episode's folder relative to the root, empty for the root itself.
        episode: Name of the episode.
        document: episode.json.
    """
    return [_declare(folder, get_text(item, "path"), get_text(item, "sha256"), episode) for item in _files(document)]


def declare_urdf(robot_path: str, robot: JsonObject) -> Declared | None:
    """The URDF that a robot.json names; None where it names none."""
    uri = get_text(robot, "urdf_uri")
    return _declare(robot_path.rpartition("/")[0], uri, get_text(robot, "urdf_sha256"), "") if uri else None


def merge_declared(entries: list[Entry], declared: list[Declared]) -> list[tuple[Entry, Declared | None]]:
    """Every file that is there or declared, once, sorted by path; a missing one has an entry without size."""
    by_path: dict[str, Declared] = {}
    for item in declared:
        before = by_path.get(item.path, item)
        by_path[item.path] = replace(item, contradicted=before.contradicted or before.sha256 != item.sha256)
    found = [(entry, by_path.pop(entry.path, None)) for entry in entries]
    for item in by_path.values():
        entry = make_entry(item.path, None, item.problem)
        found.append((replace(entry, episode=item.episode or entry.episode), item))
    return sorted(found, key=lambda pair: pair[0].path)


def file_row(
    entry: Entry, declared: Declared | None, sha256: str | None, *, depth: Depth, present: bool, bare: bool = False
) -> Row:
    """Row of one file.

    Args:
        entry: What lies there, or what was declared.
        declared: The claim of a document; None for none.
        depth: How deep the measurement looks.
        sha256: Of its bytes; None where it was not or could not be read.
        present: Whether it is there.
        bare: Whether no layout applies (a bare file or bag): nothing is unlisted then.
    """
    digest = declared.sha256 if declared else ""
    agrees = sha256 == digest and not (declared and declared.contradicted)
    values: dict[str, JsonValue] = {
        "path": entry.path,
        "kind": entry.kind,
        "size": entry.size,
        "sha256": sha256,
        "declared_sha256": digest or None,
        "sha256_ok": agrees if sha256 and digest else None,
        "listing": _listing(entry, declared, present=present, bare=bare),
        "path_problem": entry.problem,
    }
    unread = "the file is missing" if not present else "the file is not opened"
    reasons = {
        "size": unread,
        "sha256": unread,
        "sha256_ok": "no digest is declared" if not digest else unread,
        "declared_sha256": "no digest is declared",
    }
    return make_row("file", values, episode=entry.episode or None, reasons=reasons, depth=depth)


def hash_inside(root: Path, path: str) -> str | None:
    """SHA-256 of a regular file below the root; None where it is none or cannot be read."""
    digest = hashlib.sha256()
    try:
        with open_inside(root, path) as file:
            while block := file.read(_BLOCK_BYTES):
                digest.update(block)
    except (OSError, UnsafePathError):
        return None
    return digest.hexdigest()


def _files(document: JsonObject) -> list[JsonObject]:
    return [item for item in get_objects(document, "files") if get_text(item, "path")]


def _declare(folder: str, path: str, sha256: str, episode: str) -> Declared:
    problem = path_problem(path)
    shown = path.encode("utf-8", "backslashreplace").decode()[:_SHOWN_LETTERS]
    inside = problem not in ("absolute", "parent") and folder
    return Declared(f"{folder}/{shown}" if inside else shown, sha256, problem, episode)


def _listing(entry: Entry, declared: Declared | None, *, present: bool, bare: bool) -> str:
    if declared is not None:
        return "listed" if present else "missing"
    top = entry.path.split("/", 1)[0]
    free = entry.document or top in (ROBOTS, ANNOTATIONS) or bare
    in_episode = top == EPISODES and not entry.document
    return "free" if free and not in_episode else "unlisted"
