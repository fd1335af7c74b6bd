"""Two-sample Kolmogorov-Smirnov test: the statistic exactly, the p-value exactly for few samples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

import numpy as np

EXACT_MAX_CELLS = 10_000
"""Up to n*m = 100*100 the p-value is counted; beyond, Kolmogorov's limit is as good as nine digits ask here."""
_TERMS = 100
_SURE = 0.2  # below it Kolmogorov's survival function is 1 to more digits than a float has


class KsResult(NamedTuple):
    """Largest distance of the two empirical distribution functions, and how likely it is or a larger one by chance."""

    d: float
    p: float


def ks_two_sample(first: Sequence[float], second: Sequence[float]) -> KsResult:
    """Two-sided test of whether two samples come from one distribution.

    The p-value is exact for distinct values (paths on a lattice, J. L. Hodges 1958) and on the safe side for equal
    ones; for more than EXACT_MAX_CELLS pairs it is Kolmogorov's limit (F. J. Massey 1951).

    Args:
        first: Finite values, at least one.
        second: Likewise.
    """
    n, m = len(first), len(second)
    height = _height(sorted(first), sorted(second))
    p = _exact(n, m, height) if n * m <= EXACT_MAX_CELLS else _limit(n, m, height)
    return KsResult(height / (n * m), p)


def _height(first: Sequence[float], second: Sequence[float]) -> int:
    """D times n times m, an integer; both ascend."""
    points = np.concatenate([first, second])
    below = np.searchsorted(first, points, side="right") * len(second)
    return int(np.abs(below - np.searchsorted(second, points, side="right") * len(first)).max())


@lru_cache(maxsize=4096)
def _exact(n: int, m: int, height: int) -> float:
    """1 - (paths from (0, 0) to (n, m) that stay below the height) / (all paths), in integers."""
    if height == 0:
        return 1.0
    row = [1] + [0] * m
    for i in range(n + 1):
        # |i * m - j * n| < height for j from `begin` to before `end`
        begin, end = max(0, (i * m - height) // n + 1), min(m + 1, -((-i * m - height) // n))
        row = [0] * begin + list(accumulate(row[begin:end])) + [0] * (m + 1 - end)
    total = math.comb(n + m, n)
    return (total - row[m]) / total


def _limit(n: int, m: int, height: int) -> float:
    root = math.sqrt(n * m / (n + m)) * height / (n * m)
    if root < _SURE:
        return 1.0
    terms = [(-1) ** (k - 1) * math.exp(-2.0 * k * k * root * root) for k in range(1, _TERMS + 1)]
    return min(1.0, max(0.0, 2.0 * math.fsum(terms)))
