"""Numbers of a motion: speeds on real stamps, smoothness, spikes, idle time, jumps of commands. Pure functions."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embodied_kit.measure.columns.spots import Spot, SpotCollector, Spots, find_runs
from embodied_kit.measure.derived.track import Track

WINDOW_S = 0.04
"""Time over which a difference is taken: encoder steps and jitter of microseconds vanish in it, motions do not."""
IDLE_RAD_S, IDLE_M_S = 0.05, 0.005
"""Speeds below which a joint stands still; one encoder step of 12 bit within the window is 0.04 rad/s."""
IDLE_FROM_S = 2.0
"""Shortest idle time that is marked: the limit of rule KN-12 for the ends."""
JUMP_Z = 8.0
"""Step that is marked as a jump, in standard deviations: the limit of rule KN-08."""
SPIKE_FACTOR = 15.0
ONSET_SHARE = 0.05
MOVED_RAD, MOVED_M = 0.05, 0.01
"""A chain moves where a joint of it has this range."""
_NS_PER_S = 1e9
_LEAST_SAMPLES = 8
Values = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Motion:
    """Finite samples at different times.

    Attributes:
        time_s: (n,) ascending, s since `start_ns`.
        values: (n, k).
        start_ns: Stamp of the first sample.
    """

    time_s: Values
    values: Values
    start_ns: int

    @property
    def n(self) -> int:
        """Samples."""
        return len(self.time_s)

    def derivative(self) -> Motion | None:
        """Change a second by central differences over WINDOW_S or two samples; None where there are too few."""
        if self.n < 3:
            return None
        step = float(np.median(np.diff(self.time_s)))
        half = max(1, math.ceil(WINDOW_S / 2 / step - 1e-9))
        if self.n <= 2 * half:
            return None
        rise = self.values[2 * half :] - self.values[: -2 * half]
        run = self.time_s[2 * half :] - self.time_s[: -2 * half]
        return Motion(self.time_s[half:-half], rise / run[:, None], self.start_ns)

    def stamps(self) -> NDArray[np.int64]:
        """Stamps in ns, (n,)."""
        return np.asarray(np.round(self.time_s * _NS_PER_S), np.int64) + self.start_ns

    def length(self) -> Values:
        """Euclidean length of each row, (n,)."""
        return np.asarray(np.sqrt(np.sum(self.values**2, axis=1)))


def motion_of(track: Track, columns: list[int]) -> Motion:
    """Columns of a track: rows that are finite in all of them, of equal stamps the first."""
    values = track.values[:, columns]
    told = np.isfinite(values).all(axis=1)
    stamps, values = track.stamps[told], values[told]
    first = np.concatenate((np.ones(min(1, len(stamps)), bool), np.diff(stamps) > 0))
    stamps, values = stamps[first], values[first]
    start = int(stamps[0]) if len(stamps) else 0
    return Motion((stamps - start) / _NS_PER_S, np.ascontiguousarray(values), start)


def lasting(flags: Flags, stamps: NDArray[np.int64], least_s: float = 0.0) -> Spots:
    """Runs of flags (n,) that last for `least_s`; the value is how long they last in s."""
    found = SpotCollector()
    for runs in find_runs([(flags, stamps, stamps)]):
        long_s = (runs.end_ns - runs.start_ns) / _NS_PER_S
        told = long_s >= least_s
        found.add(runs.start_ns[told], runs.end_ns[told], long_s[told])
    return found.spots()


def peak(sizes: Values, stamps: NDArray[np.int64], above: float) -> Spots:
    """The moment of the largest of sizes (n,), where that is above a limit; the value is that size."""
    if not len(sizes) or not sizes.max() > above:
        return Spots()
    at = int(np.argmax(sizes))
    return Spots((Spot(int(stamps[at]), int(stamps[at]), float(sizes[at])),), 1)


def moving(motion: Motion, still_below: Values) -> tuple[Motion, Flags] | None:
    """Velocities and where any of them reaches its own limit (k,); None where there are too few samples."""
    velocity = motion.derivative()
    return None if velocity is None else (velocity, np.asarray((np.abs(velocity.values) >= still_below).any(axis=1)))


def log_dimensionless_jerk(motion: Motion) -> float | None:
    """LDLJ: -ln(T^3 / v_peak^2 * integral of |d2v/dt2|^2 dt), over what has ONSET_SHARE of the peak speed.

    Source: Balasubramanian, Melendez-Calderon, Roby-Brami, Burdet: On the analysis of movement smoothness, J.
    NeuroEngineering and Rehabilitation 12:112 (2015), log dimensionless jerk of a velocity. Neither the size of a
    movement nor its duration changes it; a minimum-jerk movement has -5.32 as a whole, -4.41 over this part.

    Args:
        motion: Positions.

    Returns:
        None where nothing moves or too few samples are there.
    """
    velocity = motion.derivative()
    speed = velocity.length() if velocity else np.zeros(0)
    if velocity is None or not speed.any():
        return None
    peak = float(speed.max())
    rows = np.flatnonzero(speed >= ONSET_SHARE * peak)
    part = slice(int(rows[0]), int(rows[-1]) + 1)
    acceleration = velocity.derivative()
    jerk = acceleration.derivative() if acceleration else None
    if jerk is None:
        return None
    inside = (jerk.time_s >= velocity.time_s[part][0]) & (jerk.time_s <= velocity.time_s[part][-1])
    squares, times = np.sum(jerk.values[inside] ** 2, axis=1), jerk.time_s[inside]
    if len(squares) < _LEAST_SAMPLES:
        return None
    total = float(np.sum((squares[1:] + squares[:-1]) / 2 * np.diff(times)))
    duration = float(times[-1] - times[0])
    return -math.log(duration**3 / peak**2 * total) if total > 0 else None


@dataclass(frozen=True)
class Spikes:
    """Accelerations above SPIKE_FACTOR times their median over the moving samples.

    Attributes:
        ratio: Share of the moving samples.
        spots: Where they are.
    """

    ratio: float
    spots: Spots


def acceleration_spikes(motion: Motion, still_below: Values) -> Spikes | None:
    """Spikes of a motion whose columns stand still below speeds (k,); None where too few samples move."""
    found = moving(motion, still_below)
    acceleration = found[0].derivative() if found else None
    if found is None or acceleration is None:
        return None
    inside = np.searchsorted(found[0].time_s, acceleration.time_s)
    moves = found[1][np.minimum(inside, len(found[1]) - 1)]
    size = acceleration.length()
    if int(moves.sum()) < _LEAST_SAMPLES:
        return None
    spikes = moves & (size > SPIKE_FACTOR * float(np.median(size[moves])))
    return Spikes(float(spikes.sum()) / int(moves.sum()), lasting(spikes, acceleration.stamps()))


@dataclass(frozen=True)
class Idle:
    """When nothing moves.

    Attributes:
        ratio: Share of the time.
        head_s, tail_s: Time before the first and after the last movement; all of it where nothing moves.
        spots: Idle times of IDLE_FROM_S and longer.
    """

    ratio: float
    head_s: float
    tail_s: float
    spots: Spots


def idle_time(motions: list[tuple[Motion, Values]]) -> Idle | None:
    """Idle time of several motions, each with its limits: idle is when none of them moves.

    None where none has enough samples.
    """
    told = [found for motion, limits in motions if (found := moving(motion, limits)) is not None]
    if not told:
        return None
    first = min(velocity.start_ns + round(velocity.time_s[0] * _NS_PER_S) for velocity, _ in told)
    last = max(velocity.start_ns + round(velocity.time_s[-1] * _NS_PER_S) for velocity, _ in told)
    step = round(WINDOW_S / 2 * _NS_PER_S)
    grid = np.arange(first, last + 1, step, dtype=np.int64)
    moves = np.zeros(len(grid), bool)
    for velocity, flags in told:
        times = (grid - velocity.start_ns) / _NS_PER_S
        row = np.clip(np.searchsorted(velocity.time_s, times, side="right") - 1, 0, len(flags) - 1)
        inside = (times >= velocity.time_s[0] - 1e-9) & (times <= velocity.time_s[-1] + WINDOW_S)
        moves |= flags[row] & inside
    rows, spots = np.flatnonzero(moves), lasting(~moves, grid, IDLE_FROM_S)
    if not len(rows):
        whole = (last - first) / _NS_PER_S
        return Idle(1.0, whole, whole, spots)
    head, tail = rows[0] * step / _NS_PER_S, (len(grid) - 1 - rows[-1]) * step / _NS_PER_S
    return Idle(float(1 - moves.mean()), float(head), float(tail), spots)


def jump_z(motion: Motion) -> tuple[float, Spots] | None:
    """Mean over columns of (largest step - mean step) / standard deviation of the steps, and where the largest is.

    A step is the absolute change from one sample to the next; columns that do not change are left out. None where none
    changes.
    """
    scores, largest = [], Spots()
    for column in range(motion.values.shape[1]):
        step = np.abs(np.diff(motion.values[:, column]))
        spread = float(np.std(step)) if len(step) else 0.0
        if spread > 0:
            score = (step - float(np.mean(step))) / spread
            scores.append(float(score.max()))
            largest = max(
                largest,
                peak(score, motion.stamps()[1:], JUMP_Z),
                key=lambda spots: spots.top[0].value if spots.top else 0,
            )
    return (sum(scores) / len(scores), largest) if scores else None
