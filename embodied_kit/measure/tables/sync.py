"""Rows of kind `sync` of the table `pair`: how far apart in time the samples of two streams lie (rule TM-10)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from embodied_kit.measure.columns.distribution import order
from embodied_kit.measure.columns.judged import judged_stamps
from embodied_kit.measure.declared.jsonget import get_text
from embodied_kit.measure.derived.track import MAX_TRACK_VALUES, nearest_distance
from embodied_kit.measure.rows import make_row
from embodied_kit.measure.streams.episode import Episode
from embodied_kit.measure.streams.series import Series
from embodied_kit.model.facts import Row
from embodied_kit.model.json import JsonValue

MAX_CAMERAS = 64
"""Cameras of which each pair is compared; nobody has more, and what is not compared passes nothing."""
TOO_LONG = "the stream is too long to compare"
TOO_MANY = "there are more cameras than are compared"
NOT_INSIDE = "no stamp lies within the other stream"
_QUANTILES = ("p50_ms", "p95_ms", "max_ms")
_NS_PER_MS = 1_000_000


class Member(NamedTuple):
    """A stream of a group: one of its publishers, or of a camera all of them together."""

    stream: str
    series: tuple[Series, ...]

    @property
    def n(self) -> int:
        """Messages."""
        return sum(series.n for series in self.series)


def sync_rows(episode: Episode) -> Iterator[Row]:
    """A row for any two streams of a declared sync_group, and for any two cameras whatever they declare."""
    told: set[tuple[str, str]] = set()
    for members in _declared_groups(episode):
        for sparse, dense in combinations(sorted(members, key=_density), 2):
            told.add((sparse.stream, dense.stream))
            yield _row(episode, sparse, dense)
    cameras = sorted(_cameras(episode), key=_density)
    for sparse, dense in combinations(cameras[-MAX_CAMERAS:], 2):
        if (sparse.stream, dense.stream) not in told:
            yield _row(episode, sparse, dense)
    for camera in cameras[:-MAX_CAMERAS]:
        yield _blank(episode, camera, cameras[-1], TOO_MANY)


def _density(member: Member) -> tuple[int, str]:
    return member.n, member.stream


def _declared_groups(episode: Episode) -> Iterable[list[Member]]:
    groups: dict[str, list[Member]] = {}
    for view in episode.streams:
        group = get_text(view.declared, "sync_group")
        for series in view.series if group else ():
            if series.n:
                groups.setdefault(group, []).append(Member(view.stream, (series,)))
    return groups.values()


def _cameras(episode: Episode) -> Iterator[Member]:
    """Declared streams of images: all of them look at one scene, so leaving out a sync_group leaves out nothing."""
    for view in episode.streams:
        series = tuple(item for item in view.series if item.frames is not None and item.n)
        if view.is_declared and series:
            yield Member(view.stream, series)


def _row(episode: Episode, sparse: Member, dense: Member) -> Row:
    """Distance of each stamp of the sparser stream to the nearest of the denser one."""
    if dense.n > MAX_TRACK_VALUES:
        return _blank(episode, sparse, dense, TOO_LONG)
    distance = nearest_distance(_sorted_stamps(sparse), _sorted_stamps(dense))
    found = order(lambda: [distance], len(distance), (0.5, 0.95, 1.0))
    quantiles = (value / _NS_PER_MS for value in found.quantiles) if found else (None,) * len(_QUANTILES)
    values: dict[str, JsonValue] = {"n": len(distance), **dict(zip(_QUANTILES, quantiles, strict=True))}
    return _made(episode, sparse, dense, values, dict.fromkeys(_QUANTILES, NOT_INSIDE))


def _blank(episode: Episode, sparse: Member, dense: Member, reason: str) -> Row:
    return _made(episode, sparse, dense, {}, dict.fromkeys(("n", *_QUANTILES), reason))


def _made(
    episode: Episode, sparse: Member, dense: Member, values: dict[str, JsonValue], reasons: dict[str, str]
) -> Row:
    key: dict[str, JsonValue] = {"kind": "sync", "a": sparse.stream, "b": dense.stream, "name": ""}
    return make_row("pair", key | values, episode=episode.episode_id, reasons=reasons)


def _sorted_stamps(member: Member) -> NDArray[np.int64]:
    stamps = np.concatenate([block for series in member.series for block in judged_stamps(series)[1]()])
    return np.sort(stamps[stamps != 0])
