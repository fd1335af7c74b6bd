"""Rows of kind near_duplicate and transcoded (rules DS-03, DS-04)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from embodied_kit.episode.layout import DATASET_JSON
from embodied_kit.measure.corpus.members import TOP_ROWS, Corpus, Member, corpus_row, grouped
from embodied_kit.measure.corpus.similar import Pair, find_similar
from embodied_kit.measure.declared.jsonget import get_objects, get_text
from embodied_kit.measure.rows import NEEDS_SIGNAL
from embodied_kit.model.facts import Row

_NO_STATES = "some episodes have no joint positions or no duration"
_TRANSCODE = "transcode"


def near_duplicates(corpus: Corpus) -> Iterator[Row]:
    """The 64 most alike pairs, how many are near duplicates, and whether some episode could not be compared."""
    if len(corpus.accepted) < 2:
        return
    known = [item for item in corpus.accepted if item.traits.states is not None and item.duration_s]
    found: list[tuple[Pair, Member, Member]] = []
    near_n = 0
    for group in grouped(known, _comparable).values():
        pairs, near = _pairs(group)
        found += pairs
        near_n += near
    found.sort(key=lambda item: (item[0].unlike, item[1].name, item[2].name))
    for pair, first, second in found[:TOP_ROWS]:
        values = {"cosine": pair.cosine, "duration_ratio": pair.duration_ratio}
        yield corpus_row("near_duplicate", first.path, values, target=second.name, episode=first.name)
    missing = len(corpus.accepted) - len(known)
    why = NEEDS_SIGNAL if corpus.depth == "index" else _NO_STATES
    if missing:
        yield corpus_row("near_duplicate", DATASET_JSON, {"missing_n": missing}, reasons={"cosine": why})
    counts = {"n": len(known), "missing_n": missing, "pairs_n": near_n if corpus.depth != "index" else None}
    yield corpus_row("near_duplicates", DATASET_JSON, counts, reasons={"pairs_n": why})


def _comparable(member: Member) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Robots and shape of the states: only equals can be compared."""
    states = member.traits.states
    return member.robots, () if states is None else states.shape


def _pairs(group: Sequence[Member]) -> tuple[list[tuple[Pair, Member, Member]], int]:
    states = [item.traits.states for item in group if item.traits.states is not None]
    durations = [item.duration_s or 0.0 for item in group]
    similar = find_similar(states, durations)
    return [(pair, group[pair.first], group[pair.second]) for pair in similar.top], similar.near_n


def transcoded(corpus: Corpus) -> Iterator[Row]:
    """Accepted episodes that by their lineage are another encoding of an accepted episode."""
    if not corpus.accepted:
        return
    names = {item.name for item in corpus.accepted}
    twice = [
        (item, get_text(step, "parent_id"))
        for item in corpus.accepted
        for step in get_objects(item.document, "lineage")
        if get_text(step, "operation") == _TRANSCODE and get_text(step, "parent_id") in names - {item.name}
    ]
    for item, parent in twice[:TOP_ROWS]:
        yield corpus_row("transcoded", item.path, {"distinct_n": 1}, target=parent, episode=item.name)
    if not twice:
        yield corpus_row("transcoded", DATASET_JSON, {"n": len(corpus.accepted), "distinct_n": 0})
