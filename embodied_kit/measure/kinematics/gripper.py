"""Numbers of a gripper: how often it turns back, and what its numbers mean. Pure functions."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

TURN_SHARE = 0.1
"""Part of the range by which a gripper must move back to have turned."""
LEAST_M_OR_RAD = 1e-3
"""Smallest movement that is one, in the gripper's own unit."""
_NUMBER = r"([-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)"
_MEANING = {word: re.compile(rf"{_NUMBER}\s*=\s*{word}\b|\b{word}\s*=\s*{_NUMBER}") for word in ("closed", "open")}
Values = NDArray[np.float64]


def reversals(values: Values) -> int:
    """Turns of a gripper: changes of direction after which it moves back by TURN_SHARE of its range.

    Args:
        values: (n,) finite positions in order of time.
    """
    if not len(values):
        return 0
    turn = max(TURN_SHARE * float(values.max() - values.min()), LEAST_M_OR_RAD)
    count, direction, extreme = 0, 0, float(values[0])
    low = high = extreme
    for value in values[_corners(values)].tolist():
        if direction == 0:
            low, high = min(low, value), max(high, value)
            if high - low >= turn:
                direction, extreme = (1, high) if value == high else (-1, low)
        elif direction * (value - extreme) > 0:
            extreme = value
        elif direction * (extreme - value) >= turn:
            direction, extreme, count = -direction, value, count + 1
    return count


def _corners(values: Values) -> NDArray[np.int64]:
    """Rows at which the direction changes, with both ends."""
    rise = np.sign(np.diff(values))
    return np.concatenate(([0], np.flatnonzero(rise[1:] != rise[:-1]) + 1, [len(values) - 1]))


def closed_and_open(semantics: str) -> tuple[float, float] | None:
    """Values of a closed and an open gripper by `gripper_semantics` (`0=closed, 1=open`); None unless it names both."""
    found = []
    for word in ("closed", "open"):
        match = _MEANING[word].search(semantics)
        if match is None:
            return None
        found.append(float(match.group(1) or match.group(2)))
    return (found[0], found[1]) if found[0] != found[1] else None


def range_excess(values: Values, closed: float, opened: float) -> float:
    """How far values (n,) leave the range between closed and open, as a share of it; 0 inside."""
    low, high = min(closed, opened), max(closed, opened)
    return max(float(values.max()) - high, low - float(values.min()), 0.0) / (high - low)
