"""Skill segments of annotation layers, as measuring reads them: what is there in the expected form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from embodied_kit.measure.declared.jsonget import get_list, get_ns, get_objects, get_text
from embodied_kit.model.json import JsonObject

ONLY_ARM, BOTH_ARMS, TWO_ARMS = "single", "both", ("left", "right")


class Piece(NamedTuple):
    """One segment, ordered by its times.

    Attributes:
        start_ns, end_ns: ns since the Unix epoch.
        code: skill_code; empty where there is none.
        arm: Empty in the document means the only one.
        place: Index in skill_segments.
        object_ids: None where nobody looked.
        told: Whether it has a text in both languages.
    """

    start_ns: int
    end_ns: int
    code: str
    arm: str
    place: int
    object_ids: tuple[str, ...] | None
    told: bool


def pieces_of(document: JsonObject) -> list[Piece]:
    """Segments with both times, as they stand in the document."""
    found = []
    for place, item in enumerate(get_objects(document, "skill_segments")):
        start, end = get_ns(item, "start_ns"), get_ns(item, "end_ns")
        if start is not None and end is not None:
            ids = tuple(map(str, get_list(item, "object_ids"))) if "object_ids" in item else None
            told = bool(get_text(item, "text_zh") and get_text(item, "text_en"))
            code, arm = get_text(item, "skill_code"), get_text(item, "arm") or ONLY_ARM
            found.append(Piece(start, end, code, arm, place, ids, told))
    return found


def by_arm(pieces: Sequence[Piece]) -> dict[str, list[Piece]]:
    """Segments of each arm, in their order; what both arms do belongs to either where one is named alone."""
    arms = {piece.arm for piece in pieces}
    separate = bool(arms & set(TWO_ARMS))
    found: dict[str, list[Piece]] = {}
    for piece in pieces:
        for arm in TWO_ARMS if separate and piece.arm == BOTH_ARMS else (piece.arm,):
            found.setdefault(arm, []).append(piece)
    return found


def tidy(pieces: Sequence[Piece]) -> list[Piece]:
    """In order of time, empty ones left out, and what overlaps an earlier segment cut off."""
    found: list[Piece] = []
    for piece in sorted(pieces):
        start = max(piece.start_ns, found[-1].end_ns) if found else piece.start_ns
        if start < piece.end_ns:
            found.append(piece._replace(start_ns=start))
    return found
