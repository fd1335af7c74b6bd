"""Whether an array of commands holds joint positions, by its values: its names are only declared."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from embodied_kit.measure.derived.track import ARRAY_DATA, ARRAYS, Track, field_tracks
from embodied_kit.measure.streams.episode import StreamView

NEAR = 0.05
"""A command whose median distance to a measured joint is this part of the joint's range goes along with it."""
_MOVED = 1e-2
_MOST_COLUMNS, _MOST_ROWS, _LEAST_ROWS = 64, 2048, 20


def goes_along(commands: StreamView, states: Sequence[Track]) -> bool:
    """Whether half of the elements of an array, and two at least, go along with joints that moved.

    Looked at are up to 4096 messages spread over the episode, and the first 64 elements of either side: this tells
    what an array is, and no limit is held against it.
    """
    tracks = [
        track
        for series in commands.series
        if series.short_type in ARRAYS and ARRAY_DATA in series.numeric.fields
        for track in field_tracks(series.numeric.fields[ARRAY_DATA])
    ]
    return any(_alike(track, state) for track in tracks for state in states)


def _alike(commands: Track, state: Track) -> bool:
    rows = state.before(commands.stamps)
    told = np.flatnonzero(rows >= 0)
    told = told[:: max(1, len(told) // _MOST_ROWS)]
    if len(told) < _LEAST_ROWS:
        return False
    measured = state.values[rows[told]][:, :_MOST_COLUMNS]
    with np.errstate(invalid="ignore"):
        moved = measured[:, np.ptp(measured, axis=0) >= _MOVED]
    columns = commands.values[told][:, :_MOST_COLUMNS]
    near_n = sum(_near(columns[:, index], moved) for index in range(columns.shape[1]))
    return bool(near_n >= max(2, columns.shape[1] / 2))


def _near(command: NDArray[np.float64], measured: NDArray[np.float64]) -> bool:
    """Whether a command (n,) goes along with any of some joints (n, k)."""
    with np.errstate(invalid="ignore", over="ignore"):  # what is not finite is near nothing
        apart = np.median(np.abs(measured - command[:, None]), axis=0)
        return bool((apart <= NEAR * np.ptp(measured, axis=0)).any())
