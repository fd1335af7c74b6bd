"""Clipping of a force or torque sensor. Pure functions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CLIPPED_FROM_S = 0.2
"""A value that stays exactly at its extreme for so long is clipped: noise never lets it."""


def clipped_ratio(stamps: NDArray[np.int64], values: NDArray[np.float64]) -> float:
    """Share of samples in runs of at least CLIPPED_FROM_S at exactly the largest or smallest value; a constant has 0.

    Args:
        stamps: (n,) ns, ascending.
        values: (n,).
    """
    finite = values[np.isfinite(values)]
    if not len(finite) or finite.max() == finite.min():
        return 0.0
    clipped = 0
    for extreme in (finite.max(), finite.min()):
        at = np.concatenate(([0], (values == extreme).astype(np.int8), [0]))
        first, stop = np.flatnonzero(np.diff(at) == 1), np.flatnonzero(np.diff(at) == -1)
        lasting = stamps[stop - 1] - stamps[first] >= CLIPPED_FROM_S * 1e9
        clipped += int((stop - first)[lasting].sum())
    return clipped / len(values)
