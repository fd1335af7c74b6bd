"""What a column of stamps tells: order, rate, jitter, gaps, losses. Pure functions over int64 ns.

Stamps are taken in file order, since log order hides a clock that goes back. Stamps of 0 ("not set") are counted and
left out. A *step* is the difference of two neighbours; steps below 0 are reversals and enter no other number.
Quantiles are by nearest rank, so they are stamps that occurred. The periods are the declared one (nominal) and the
median step; thresholds and formulas follow the facts table `stream` (rules TM-01, TM-02, TM-06 to TM-09, TM-14).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embodied_kit.measure.columns.distribution import quantiles
from embodied_kit.measure.columns.spots import SpotCollector, Spots
from embodied_kit.measure.columns.store import Blocks, held

NS_PER_S = 1_000_000_000
GAP_THRESHOLDS = ("1.1", "1.25", "1.5", "2", "2.5", "3", "5", "10", "30", "100")
LOST_FROM_PERIODS = 1.5
MIN_RHYTHM_STEPS = 20
_REGULAR_STEPS = (0.5, 1.5)
Stamps = NDArray[np.int64]


@dataclass(frozen=True)
class Timing:
    """Numbers of one column of stamps; None where there are too few stamps or no nominal period.

    Attributes:
        first_ns, last_ns: Smallest and largest stamp that is not 0.
        reversals: Steps below 0.
        equal_n: Steps of 0.
        rate_hz: Forward steps over the time they cover (n-1 over the span where nothing goes back).
        jitter_ratio: Standard deviation of the steps of 0 to 1.5 nominal periods, over the nominal period.
        lost_n: Sum over steps > 1.5 nominal periods of step/period - 1, each rounded to the nearest integer.
        regular_ratio: Share of the time of forward steps that lies in steps of 0.5 to 1.5 median steps; 0 below 20
            steps, which show no rhythm.
        lost_ratio: lost_n over the messages expected (received and lost).
    """

    n: int
    zero_n: int
    first_ns: int | None
    last_ns: int | None
    reversals: int
    equal_n: int
    rate_hz: float | None
    dt_median_ns: int | None
    dt_p95_ns: int | None
    dt_p99_ns: int | None
    max_gap_ns: int | None
    regular_ratio: float
    jitter_ratio: float | None
    lost_n: int | None
    lost_ratio: float | None
    gap_count_nominal: dict[str, int] | None
    gap_count_median: dict[str, int] | None
    gaps: Spots
    back: Spots


def measure_timing(stamps: Blocks, period_ns: float | None) -> Timing:
    """Numbers of a column of stamps.

    Args:
        stamps: int64 ns, in file order.
        period_ns: Nominal period in ns; None where none is declared.
    """
    n, zero_n, first_ns, last_ns = _extent(stamps)
    stamps = held(stamps, n)
    steps_n = reversals = equal_n = forward_ns = 0
    for before, after in _neighbours(stamps):
        step = after - before
        ahead = step[step >= 0]
        steps_n += len(ahead)
        forward_ns += int(ahead.sum())
        equal_n += int((step == 0).sum())
        reversals += int((step < 0).sum())
    ordered = quantiles(lambda: _forward_steps(stamps), steps_n, (0.5, 0.95, 0.99, 1.0))
    median, p95, p99, longest = map(int, ordered) if ordered else (None,) * 4
    lost_n = _lost(stamps, period_ns) if period_ns and steps_n else None
    return Timing(
        n=n,
        zero_n=zero_n,
        first_ns=first_ns,
        last_ns=last_ns,
        reversals=reversals,
        equal_n=equal_n,
        rate_hz=steps_n * NS_PER_S / forward_ns if forward_ns else None,
        dt_median_ns=median,
        dt_p95_ns=p95,
        dt_p99_ns=p99,
        max_gap_ns=longest,
        regular_ratio=_regular_ns(stamps, median) / forward_ns if median and steps_n >= MIN_RHYTHM_STEPS else 0.0,
        jitter_ratio=_jitter(stamps, period_ns, median) if period_ns and median is not None else None,
        lost_n=lost_n,
        lost_ratio=None if lost_n is None else lost_n / (n - zero_n + lost_n),
        gap_count_nominal=_gap_counts(stamps, period_ns) if period_ns and steps_n else None,
        gap_count_median=_gap_counts(stamps, float(median)) if median else None,
        gaps=_gap_spots(stamps, period_ns) if period_ns else Spots(),
        back=_reversal_spots(stamps),
    )


def span_covered_ratio(first_ns: int, last_ns: int, period_ns: float, span_ns: int) -> float:
    """(last - first + one period) / span of the recording (rule TM-14)."""
    return (last_ns - first_ns + period_ns) / span_ns


def _extent(stamps: Blocks) -> tuple[int, int, int | None, int | None]:
    n = zero_n = 0
    first: int | None = None
    last: int | None = None
    for block in stamps():
        n += len(block)
        told = block[block != 0]
        zero_n += len(block) - len(told)
        if len(told):
            low, high = int(told.min()), int(told.max())
            first, last = low if first is None else min(first, low), high if last is None else max(last, high)
    return n, zero_n, first, last


def _neighbours(stamps: Blocks) -> Iterator[tuple[Stamps, Stamps]]:
    """Pairs of neighbouring stamps that are not 0."""
    last = np.empty(0, np.int64)
    for block in stamps():
        told = np.concatenate([last, block[block != 0]])
        if len(told) > 1:
            yield told[:-1], told[1:]
        last = told[-1:]


def _forward_steps(stamps: Blocks) -> Iterator[Stamps]:
    for before, after in _neighbours(stamps):
        step = after - before
        yield step[step >= 0]


def _regular_ns(stamps: Blocks, median_ns: int) -> int:
    """Sum of the steps that are about as long as the median one."""
    low, high = (factor * median_ns for factor in _REGULAR_STEPS)
    return sum(int(step[(step >= low) & (step <= high)].sum()) for step in _forward_steps(stamps))


def _jitter(stamps: Blocks, period_ns: float, median_ns: int) -> float:
    """Population standard deviation of the steps that are no gap, over the period; exact for an exact grid."""
    n, total, squares = 0, 0, 0.0
    for step in _forward_steps(stamps):
        near = step[step <= LOST_FROM_PERIODS * period_ns] - median_ns
        n += len(near)
        total += int(near.sum())
        squares += float(np.sum(near.astype(np.float64) ** 2))
    if not n:
        return 0.0
    return float(np.sqrt(max(0.0, squares / n - (total / n) ** 2)) / period_ns)


def _lost(stamps: Blocks, period_ns: float) -> int:
    lost = 0.0
    for step in _forward_steps(stamps):
        gaps = step[step > LOST_FROM_PERIODS * period_ns]
        lost += float(np.sum(np.rint(gaps / period_ns - 1)))
    return int(lost)


def _gap_counts(stamps: Blocks, period_ns: float) -> dict[str, int]:
    limits = np.array([float(text) for text in GAP_THRESHOLDS]) * period_ns
    counts = np.zeros(len(limits), np.int64)
    for step in _forward_steps(stamps):
        lengths = step.astype(np.float64)
        counts += [np.count_nonzero(lengths > limit) for limit in limits]
    return {text: int(count) for text, count in zip(GAP_THRESHOLDS, counts, strict=True)}


def _gap_spots(stamps: Blocks, period_ns: float) -> Spots:
    """Steps > 1.5 periods; the value is their length in periods."""
    found = SpotCollector()
    for before, after in _neighbours(stamps):
        step = after - before
        gaps = step > LOST_FROM_PERIODS * period_ns
        found.add(before[gaps], after[gaps], step[gaps] / period_ns)
    return found.spots()


def _reversal_spots(stamps: Blocks) -> Spots:
    """Places where stamps go back; the value is by how many ns."""
    found = SpotCollector()
    for before, after in _neighbours(stamps):
        back = before > after
        found.add(after[back], before[back], (before - after)[back])
    return found.spots()
