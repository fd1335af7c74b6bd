"""Table `segment`: what each layer of skill segments says of an episode (rules SM-07 to SM-11, SM-14)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple, cast

from embodied_kit.measure.declared.given import GivenLayer
from embodied_kit.measure.declared.jsonget import get_text
from embodied_kit.measure.declared.segments import Piece, by_arm, pieces_of, tidy
from embodied_kit.measure.derived.derive import DeriveInput, Deriver
from embodied_kit.measure.derived.gripper_events import events_inside, gripper_events
from embodied_kit.measure.measured import Tables
from embodied_kit.measure.rows import make_row
from embodied_kit.model.facts import Row
from embodied_kit.model.json import JsonValue
from embodied_kit.spec import SCHEMA_VERSION, standard

SKILLS = "skills"
_NS_PER_S = 1e9
_NO_SPAN = "the span of the episode is not known"
_OTHER_WORDS = "the vocabulary is of another version than this tool's"
_TOO_LONG = "a stream is too long to be compared with another"


class Misplaced(NamedTuple):
    """Segments of one arm that are not where they may be.

    Attributes:
        unordered: Places in skill_segments of those that begin before the one before them, or end before they begin.
        overlapping: Of those that begin before an earlier one has ended.
        outside: Of those that leave the episode; None where its span is not known.
    """

    unordered: set[int]
    overlapping: set[int]
    outside: set[int] | None

    @property
    def all(self) -> set[int] | None:
        """Each once; None where the span is not known and nothing else is wrong."""
        found = self.unordered | self.overlapping | (self.outside or set())
        return found if found or self.outside is not None else None


def derive_segments(known: DeriveInput) -> Tables:
    """Rows of one episode: how many layers have segments, and of each the whole, the gripper and every arm."""
    if known.episode_id is None:
        return {"segment": []}  # a bare file has no layers
    told = [(layer, pieces_of(layer.episode)) for layer in known.given.layers if _holds_skills(layer)]
    layers = [(layer, pieces) for layer, pieces in told if pieces]
    rows = [_row(known, "episode", "", "", {"layers_n": len(layers)})]
    for layer, pieces in layers:
        rows += _layer_rows(known, layer, pieces)
    return {"segment": rows}


SEGMENTS = Deriver("segments", 4, "signal", ("segment",), derive_segments)


def misplaced(pieces: Sequence[Piece], span: tuple[int, int] | None) -> Misplaced:
    """What is wrong with the places of the segments of one arm, as they stand in their document.

    Args:
        pieces: Of one arm.
        span: Of the episode in ns.
    """
    unordered = {piece.place for piece in pieces if piece.end_ns < piece.start_ns}
    unordered |= {later.place for earlier, later in itertools.pairwise(pieces) if later.start_ns < earlier.start_ns}
    overlapping: set[int] = set()
    until: int | None = None
    for piece in sorted(pieces):
        if until is not None and piece.start_ns < until:
            overlapping.add(piece.place)
        until = max(piece.end_ns, until) if until is not None else piece.end_ns
    if span is None:
        return Misplaced(unordered, overlapping, None)
    outside = {piece.place for piece in pieces if piece.start_ns < span[0] or piece.end_ns > span[1]}
    return Misplaced(unordered, overlapping, outside)


def covered_ratio(pieces: Sequence[Piece], span: tuple[int, int] | None) -> float | None:
    """Part of the span that at least one of the segments covers; None where the span is not known."""
    if span is None:
        return None
    inside = [
        piece._replace(start_ns=max(piece.start_ns, span[0]), end_ns=min(piece.end_ns, span[1])) for piece in pieces
    ]
    return sum(piece.end_ns - piece.start_ns for piece in tidy(inside)) / (span[1] - span[0])


def _holds_skills(layer: GivenLayer) -> bool:
    return get_text(layer.layer, "kind") in (SKILLS, "")


def _layer_rows(known: DeriveInput, layer: GivenLayer, pieces: Sequence[Piece]) -> Iterator[Row]:
    name = get_text(layer.layer, "layer_id") or layer.path.split("/")[1]
    values = {**_lengths(pieces, known.span), **_words(layer, pieces), **_objects(pieces, known.given.objects)}
    values |= {"path": layer.path, "covered_ratio": covered_ratio(pieces, known.span)}
    yield _row(known, "layer", name, "", values)
    yield from _gripper_rows(known, name, layer.path, pieces)
    for arm, part in sorted(by_arm(pieces).items()):
        wrong = misplaced(part, known.span)
        found = wrong.all
        yield _row(
            known,
            "arm",
            name,
            arm,
            {
                **_lengths(part, known.span),
                "path": layer.path,
                "covered_ratio": covered_ratio(part, known.span),
                "misplaced_n": None if found is None else len(found),
                "unordered_n": len(wrong.unordered),
                "overlap_n": len(wrong.overlapping),
                "outside_n": None if wrong.outside is None else len(wrong.outside),
                "index": min(found) if found else None,
            },
        )


def _lengths(pieces: Sequence[Piece], span: tuple[int, int] | None) -> dict[str, JsonValue]:
    """Lengths in s; a segment that begins or ends with the episode may be a part of a longer one."""
    whole = [piece for piece in pieces if span is None or (piece.start_ns > span[0] and piece.end_ns < span[1])]
    shortest = min((piece.end_ns - piece.start_ns) / _NS_PER_S for piece in whole or pieces)
    longest = max((piece.end_ns - piece.start_ns) / _NS_PER_S for piece in pieces)
    return {"n": len(pieces), "shortest_s": shortest, "longest_s": longest}


def _words(layer: GivenLayer, pieces: Sequence[Piece]) -> dict[str, JsonValue]:
    """Codes that the vocabulary does not have; a segment without a code is another rule's (ST-02)."""
    if get_text(layer.layer, "vocabulary_version") not in ("", SCHEMA_VERSION):
        return {"unknown_skill_n": None}
    codes = standard().vocabulary("skill").codes
    return {"unknown_skill_n": sum(bool(piece.code) and piece.code not in codes for piece in pieces)}


def _objects(pieces: Sequence[Piece], known: Sequence[str]) -> dict[str, JsonValue]:
    """Part of the segments that say which objects they handle, and name none that task and scene do not have."""
    coded = sum(piece.object_ids is not None and set(piece.object_ids) <= set(known) for piece in pieces)
    return {"object_coded_ratio": coded / len(pieces)}


def _gripper_rows(known: DeriveInput, name: str, path: str, pieces: Sequence[Piece]) -> Iterator[Row]:
    """Where a gripper closed or opened: one row, none where it did neither."""
    events = gripper_events(known)
    if events is None or _unread(known):
        yield _row(known, "gripper", name, "", {"path": path, "n": None, "gripper_inside_ratio": None})
    elif events:
        ratio = events_inside(events, pieces) / len(events)
        yield _row(known, "gripper", name, "", {"path": path, "n": len(events), "gripper_inside_ratio": ratio})


def _unread(known: DeriveInput) -> str:
    """Why a part of the recording was not read; empty where all of it was."""
    rows = known.facts.get("error", ())
    return next((str(row["reason"]) for row in rows if "dim" in cast("list[str]", row["tables"])), "")


def _row(known: DeriveInput, kind: str, layer: str, arm: str, values: dict[str, JsonValue]) -> Row:
    reasons = dict.fromkeys(("covered_ratio", "misplaced_n", "outside_n"), _NO_SPAN)
    not_known = _unread(known) or _TOO_LONG
    reasons |= {"unknown_skill_n": _OTHER_WORDS, "gripper_inside_ratio": not_known, "n": not_known}
    told = {column: reason for column, reason in reasons.items() if column in values}
    key: dict[str, JsonValue] = {"kind": kind, "layer": layer, "arm": arm}
    return make_row("segment", key | values, episode=known.episode_id, reasons=told)
