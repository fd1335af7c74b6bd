"""Values far from the rest of their group: Tukey's fences and the distance in standard deviations (rule DS-07)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

MIN_GROUP = 4
"""Fewer values have no quartiles worth the name (deepen-grade 0.4.1)."""
LEAST_SPREAD = 0.01
"""An interquartile range below this share of the median counts as this much: scripted takes last equally long."""


@dataclass(frozen=True)
class Spread:
    """Where the values of a group lie.

    Attributes:
        median: Nearest to both halves, interpolated.
        iqr: Third quartile minus the first, at least LEAST_SPREAD of the median.
        excess: For each value how many interquartile ranges it lies below the first or above the third quartile.
        sigma: For each value its distance from the mean in standard deviations; 0 where all are equal.
    """

    median: float
    iqr: float
    excess: tuple[float, ...]
    sigma: tuple[float, ...]


def find_spread(values: Sequence[float]) -> Spread | None:
    """Spread of a group; None for fewer than MIN_GROUP values or a median that is not positive."""
    ordered = sorted(values)
    if len(ordered) < MIN_GROUP or (median := _quantile(ordered, 0.5)) <= 0:
        return None
    low, high = _quantile(ordered, 0.25), _quantile(ordered, 0.75)
    iqr = max(high - low, LEAST_SPREAD * median)
    mean = math.fsum(ordered) / len(ordered)
    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in ordered) / len(ordered))
    excess = tuple(max(low - value, value - high, 0.0) / iqr for value in values)
    sigma = tuple(abs(value - mean) / deviation if deviation > 0 else 0.0 for value in values)
    return Spread(median, iqr, excess, sigma)


def _quantile(ordered: Sequence[float], fraction: float) -> float:
    """Between neighbours in proportion (type 7 of Hyndman and Fan)."""
    place = (len(ordered) - 1) * fraction
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)
