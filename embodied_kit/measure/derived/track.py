"""Positions over time as whole arrays, for what compares two streams."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from embodied_kit.measure.columns.numeric import Field
from embodied_kit.measure.columns.store import Blocks
from embodied_kit.measure.declared.jsonget import get_texts
from embodied_kit.measure.streams.episode import StreamView
from embodied_kit.measure.streams.series import JOINT_STATE, Series

MAX_TRACK_VALUES = 2**22
JOINT_POSITION = "position"
ARRAYS = tuple(f"std_msgs/{kind}MultiArray" for kind in ("Float64", "Float32"))
ARRAY_DATA = "data"
PATHS = ("pose.position", "pose.pose.position", "transform.translation")
"""Fields that hold a path in space."""
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Track:
    """Values of one layout of a field, ordered by stamp.

    Attributes:
        names: Of the columns.
        stamps: (n,) int64 ns, ascending.
        values: (n, k) float64.
    """

    names: tuple[str, ...]
    stamps: Ints
    values: NDArray[np.float64]

    def column(self, name: str) -> NDArray[np.float64]:
        """Values of one name."""
        return np.ascontiguousarray(self.values[:, self.names.index(name)])

    def before(self, times: Ints) -> Ints:
        """Row at or before each time; -1 before the first."""
        return np.asarray(np.searchsorted(self.stamps, times, side="right") - 1, np.int64)


def joint_tracks(view: StreamView) -> list[Track]:
    """Joint positions of a JointState stream, or of an array whose names are declared; one a publisher and layout.

    Layouts beyond MAX_TRACK_VALUES values are left out; `too_long` tells of them.
    """
    declared = get_texts(view.declared, "names")
    found = [track for series in view.series for track in _joint_tracks(series, declared)]
    return [track for track in found if all(track.names)]


def _joint_tracks(series: Series, declared: Sequence[str]) -> list[Track]:
    fields = series.numeric.fields
    if series.short_type == JOINT_STATE and JOINT_POSITION in fields:
        return field_tracks(fields[JOINT_POSITION])
    if series.short_type in ARRAYS and ARRAY_DATA in fields and len(set(declared)) == len(declared):
        tracks = field_tracks(fields[ARRAY_DATA])
        return [replace(track, names=tuple(declared)) for track in tracks if len(track.names) == len(declared)]
    return []


def field_tracks(field: Field) -> list[Track]:
    """Tracks of a field, longest first."""
    found = [load() for names, rows, load in field_layouts(field) if rows * len(names) <= MAX_TRACK_VALUES]
    return sorted(found, key=lambda track: -len(track.stamps))


def field_layouts(field: Field) -> Iterator[tuple[tuple[str, ...], int, Callable[[], Track]]]:
    """(names, rows, what loads them) of each layout of a field that has rows."""
    for values, stamps, order, rows in field.matrices():
        if rows:
            names = tuple(field.names[index] for index in order)
            yield names, rows, partial(_load, names, values, stamps)


def _load(names: tuple[str, ...], values: Blocks, stamps: Blocks) -> Track:
    """Rows of blocks in order of their stamps; equal stamps as they came."""
    times = np.concatenate(list(stamps()))
    by_time = np.argsort(times, kind="stable")
    return Track(names, times[by_time], np.concatenate(list(values()))[by_time])


def too_long(field: Field) -> bool:
    """Whether a field that is compared with others has more values than are compared."""
    return field.path in (JOINT_POSITION, *PATHS) and any(
        rows * len(order) > MAX_TRACK_VALUES for _, _, order, rows in field.matrices()
    )


def nearest_distance(times: Ints, others: Ints) -> Ints:
    """Distance of each time to the nearest of others, both ascending; times outside the others' span are left out."""
    if not len(others):
        return np.empty(0, np.int64)
    inside = times[(times >= others[0]) & (times <= others[-1])]
    after = np.searchsorted(others, inside)
    before = np.maximum(after - 1, 0)
    return np.asarray(
        np.minimum(np.abs(others[np.minimum(after, len(others) - 1)] - inside), np.abs(inside - others[before])),
        np.int64,
    )
