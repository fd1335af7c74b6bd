"""How far the paths of a task's episodes lie apart: mean Hausdorff distance (rule DS-09)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

MAX_PATHS = 32
"""Paths of a task that are compared, spread evenly over its episodes: 496 pairs."""
Path = NDArray[np.float32]


def mean_distance_m(paths: Sequence[Path]) -> float | None:
    """Mean Hausdorff distance over all pairs of up to MAX_PATHS paths, m; None for fewer than two.

    Args:
        paths: Positions x, y, z in m, each of shape (points, 3), in order of their episodes.
    """
    chosen = [paths[index].astype(np.float64) for index in spread(len(paths), MAX_PATHS)]
    distances = [_hausdorff_m(first, second) for first, second in combinations(chosen, 2)]
    return math.fsum(distances) / len(distances) if distances else None


def spread(n: int, most: int) -> list[int]:
    """Up to `most` of n positions, evenly spread, first and last among them."""
    if n <= most:
        return list(range(n))
    return [index * (n - 1) // (most - 1) for index in range(most)]


def _hausdorff_m(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Largest distance from a point of either path to the nearest point of the other."""
    table = np.zeros((len(first), len(second)))
    for axis in range(3):
        apart = np.subtract.outer(first[:, axis], second[:, axis])
        table += np.square(apart, out=apart)
    return math.sqrt(max(float(table.min(axis=1).max()), float(table.min(axis=0).max())))
