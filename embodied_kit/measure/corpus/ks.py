"""Two-sample Kolmogorov-Smirnov test: the statistic exactly, the p-value exactly for few samples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

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
    """D times n times m, an integer."""
    n, m = len(first), len(second)
    i = j = highest = 0
    while i < n and j < m:
        value = min(first[i], second[j])
        while i < n and first[i] == value:
            i += 1
        while j < m and second[j] == value:
            j += 1
        highest = max(highest, abs(i * m - j * n))
    return highest


def _exact(n: int, m: int, height: int) -> float:
    """1 - (paths from (0, 0) to (n, m) that stay below the height) / (all paths), in integers."""
    if height == 0:
        return 1.0
    row = [1 if j * n < height else 0 for j in range(m + 1)]
    for j in range(1, m + 1):
        row[j] = row[j] and row[j - 1]
    for i in range(1, n + 1):
        for j in range(m + 1):
            inside = abs(i * m - j * n) < height
            row[j] = (row[j] + (row[j - 1] if j else 0)) if inside else 0
    total = math.comb(n + m, n)
    return (total - row[m]) / total


def _limit(n: int, m: int, height: int) -> float:
    root = math.sqrt(n * m / (n + m)) * height / (n * m)
    if root < _SURE:
        return 1.0
    terms = [(-1) ** (k - 1) * math.exp(-2.0 * k * k * root * root) for k in range(1, _TERMS + 1)]
    return min(1.0, max(0.0, 2.0 * math.fsum(terms)))
