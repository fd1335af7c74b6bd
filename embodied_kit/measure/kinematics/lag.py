"""How much later a state follows its command: the shift at which their speeds agree best. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embodied_kit.measure.kinematics.motion import Motion

STEP_S = 0.005
MOST_S, LEAST_S = 1.0, -0.25
MAX_POINTS = 2**17
FOLLOWS_FROM = 0.5
"""Correlation from which a state is said to follow."""
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Lag:
    """What comes out.

    Attributes:
        lag_s: Shift of the state behind the command.
        correlation: Pearson correlation of the speeds at this shift.
    """

    lag_s: float
    correlation: float


def command_lag(command: Motion, state: Motion) -> Lag | None:
    """Shift from LEAST_S to MOST_S at which the speeds of a command and its state correlate best.

    Both are interpolated linearly onto one grid of STEP_S (a coarser one where that were too long); a parabola through
    the best shift and its neighbours gives the fraction of a step.

    Args:
        command: Commanded positions, one column.
        state: Measured positions, one column, of the same clock.

    Returns:
        None where they overlap for less than 1 s, or one of them does not change.
    """
    offset_s = (state.start_ns - command.start_ns) / 1e9
    if command.n < 3 or state.n < 3:
        return None
    first = max(0.0, offset_s)
    last = min(float(command.time_s[-1]), offset_s + float(state.time_s[-1]))
    if last - first < 1.0:
        return None
    step = max(STEP_S, (last - first) / MAX_POINTS)
    grid = first + step * np.arange(int((last - first) / step) + 1)
    commanded = np.diff(np.interp(grid, command.time_s, command.values[:, 0]))
    measured = np.diff(np.interp(grid - offset_s, state.time_s, state.values[:, 0]))
    shifts = range(
        -min(round(-LEAST_S / step), len(commanded) // 2), min(round(MOST_S / step), len(commanded) // 2) + 1
    )
    scores = [_correlation(commanded, measured, shift) for shift in shifts]
    told = [score for score in scores if score is not None]
    if not told:
        return None
    best = scores.index(max(told))
    fraction = _peak(scores[best - 1], scores[best], scores[best + 1]) if 0 < best < len(scores) - 1 else 0.0
    return Lag((shifts[best] + fraction) * step, max(told))


def _correlation(command: Values, state: Values, shift: int) -> float | None:
    """Correlation of state[i + shift] with command[i]."""
    n = len(command) - abs(shift)
    first, second = (command[:n], state[shift:]) if shift >= 0 else (command[-shift:], state[:n])
    first, second = first - np.mean(first), second - np.mean(second)
    size = float(np.sum(first**2)) * float(np.sum(second**2))
    return float(np.sum(first * second)) / size**0.5 if size > 0 else None


def _peak(before: float | None, at: float | None, after: float | None) -> float:
    """Where a parabola through three equally spaced points has its top, in steps from the middle one."""
    if before is None or at is None or after is None:
        return 0.0
    bend = before - 2 * at + after
    return 0.5 * (before - after) / bend if bend < 0 else 0.0
