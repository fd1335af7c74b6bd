"""Table `span`: where things happened; the largest 64 places of each kind, and how many there are."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from embodied_kit.measure.columns.dimension import nan_spots
from embodied_kit.measure.columns.float32 import float32_spots
from embodied_kit.measure.columns.spots import TOP_SPANS, Flags, Spot, SpotCollector, Spots, find_runs
from embodied_kit.measure.columns.timing import NS_PER_S
from embodied_kit.measure.declared.jsonget import get_text
from embodied_kit.measure.images.frozen import FROZEN_SPAN_S, dark_runs, frozen_runs, seconds
from embodied_kit.measure.rows import make_row
from embodied_kit.measure.streams.episode import Episode, StreamView
from embodied_kit.measure.streams.series import Series
from embodied_kit.measure.tables.pair import stuck_spots
from embodied_kit.model.facts import Row
from embodied_kit.model.json import JsonValue

LATCHED = "latched"
LATE_FROM_NS = 50_000_000
"""Smallest limit of rule TM-12: what lies below is late for nobody."""


def span_rows(episode: Episode) -> list[Row]:
    """Rows of every kind on every stream."""
    stuck = {view.stream: spots for view, spots in stuck_spots(episode)}
    rows = [
        row
        for view in episode.streams
        for series in view.series[:1]
        if view.stream in stuck
        for row in _rows(episode, view, series, "", "stuck", stuck[view.stream])
    ]
    return rows + [
        row
        for view in episode.streams
        for series in view.series
        for child, kind, spots in _spots_of(episode, view, series)
        for row in _rows(episode, view, series, child, kind, spots)
    ]


def _rows(episode: Episode, view: StreamView, series: Series, child: str, kind: str, spots: Spots) -> Iterator[Row]:
    for spot in spots.top:
        values: dict[str, JsonValue] = {
            "stream": view.stream,
            "publisher": series.publisher,
            "child_frame": child,
            "kind": kind,
            "start_ns": spot.start_ns,
            "end_ns": spot.end_ns,
            "value": spot.value,
            "total_n": spots.total_n,
        }
        yield make_row("span", values, episode=episode.episode_id)


def _spots_of(episode: Episode, view: StreamView, series: Series) -> Iterator[tuple[str, str, Spots]]:
    """(child frame, kind, places)."""
    if not series.n:
        return
    for judged in episode.judged(view, series):
        yield judged.child_frame, "gap", judged.timing.gaps
        yield judged.child_frame, "reversal", judged.timing.back
        yield judged.child_frame, "float32", float32_spots(judged.stamps, judged.timing)
        if get_text(view.declared, "cadence") != LATCHED:  # sent once, long before it is recorded
            yield judged.child_frame, "late", _late(series, judged.child_frame)
    yield "", "nan", _nan(series)
    if episode.depth == "full" and series.frames is not None:
        yield "", "frozen", _frozen(series)
        yield "", "black", _black(series)


def _late(series: Series, child_frame: str) -> Spots:
    """Runs of messages whose log time is 50 ms or more from their header stamp; the value is the run's length in s."""
    found = SpotCollector()
    for runs in find_runs(_late_flags(series, child_frame)):
        found.add(runs.start_ns, runs.end_ns, np.maximum(0, runs.end_ns - runs.start_ns) / NS_PER_S)
    return found.spots()


def _late_flags(series: Series, child_frame: str) -> Iterator[Flags]:
    for block in series.times(child_frame)():
        told = block[block["stamp"] != 0]
        yield np.abs(told["log"] - told["stamp"]) >= LATE_FROM_NS, told["stamp"], told["stamp"]


def _nan(series: Series) -> Spots:
    """Runs of samples with a value that is not finite, in any field."""
    top: dict[tuple[int, int], Spot] = {}
    total = 0
    for field in series.numeric.fields.values():
        for values, stamps, _, _ in field.matrices():
            spots = nan_spots(values, stamps)
            for spot in spots.top:
                place = (spot.start_ns, spot.end_ns)
                top[place] = max(spot, top.get(place, spot))
            total += spots.total_n
    best = sorted(top.values(), key=lambda spot: (-spot.value, spot.start_ns, spot.end_ns))[:TOP_SPANS]
    return Spots(tuple(best), total)


def _frozen(series: Series) -> Spots:
    """Runs of equal frames of 0.5 s and more; the value is their length in s."""
    found = SpotCollector()
    for runs in frozen_runs(series.frames) if series.frames else ():
        lasting = seconds(runs)
        long = lasting >= FROZEN_SPAN_S
        found.add(runs.start_ns[long], runs.end_ns[long], lasting[long])
    return found.spots()


def _black(series: Series) -> Spots:
    """Runs of more than 5 black frames; the value is their length in s."""
    found = SpotCollector()
    for runs in dark_runs(series.frames, white=False) if series.frames else ():
        found.add(runs.start_ns, runs.end_ns, seconds(runs))
    return found.spots()
