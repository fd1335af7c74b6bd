"""Numbers of one dimension of a numeric stream: range, quantiles, repeated values, holes. Pure functions."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embodied_kit.measure.columns.distribution import order
from embodied_kit.measure.columns.spots import SpotCollector, Spots, find_runs
from embodied_kit.measure.columns.store import Array, Blocks

_LARGEST = tuple(float(np.finfo(kind).max) for kind in (np.float32, np.float64))
SENTINELS: tuple[float, ...] = (
    *(999.0, -999.0, 9999.0, -9999.0, 99999.0, -99999.0, 1e30, -1e30),
    *(*_LARGEST, *(-value for value in _LARGEST)),
    *(65535.0, 2147483647.0, -2147483648.0, 4294967295.0),
)
"""Values that writers put where they have none (rule SR-05)."""
SENTINEL_MIN_REPEATS = 10
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Dimension:
    """Numbers of one dimension, in its own unit; None where no finite value is there (mean, std: or it overflows).

    Attributes:
        n: Samples, nan_n and inf_n of them not finite; everything else is over the finite ones.
        std: Population standard deviation.
        unchanged_ratio: Share of samples that equal the one before, over n - 1.
        top_value, top_ratio: Most frequent value and its share of n.
        sentinel_n: Samples that equal one of SENTINELS which repeats >= 10 times and lies outside the 1st to 99th
            percentile of the rest, or leaves no rest.
    """

    n: int
    nan_n: int
    inf_n: int
    minimum: float | None
    maximum: float | None
    mean: float | None
    std: float | None
    p01: float | None
    p50: float | None
    p99: float | None
    unchanged_ratio: float | None
    top_value: float | None
    top_ratio: float | None
    sentinel_n: int


@dataclass(frozen=True)
class Rotation:
    """Numbers of a quaternion stream.

    Attributes:
        norm_error_max: Largest | |q| - 1 | over finite samples.
        sign_flips_n: Neighbours with a negative dot product: one rotation, but an interpolator sees a jump.
    """

    norm_error_max: float | None
    sign_flips_n: int


def measure_dimension(values: Blocks) -> Dimension:
    """Numbers of a column of float64 values of shape (m,) a block."""
    n = nan_n = inf_n = unchanged = 0
    low, high, total = math.inf, -math.inf, 0.0
    last = np.empty(0)
    for block in values():
        finite = _finite(block)
        n += len(block)
        if len(finite) < len(block):
            nans = int(np.count_nonzero(np.isnan(block)))
            nan_n += nans
            inf_n += len(block) - len(finite) - nans
        unchanged += int(np.count_nonzero(block[1:] == block[:-1])) + int(np.count_nonzero(block[:1] == last))
        last = block[-1:]
        if len(finite):
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
            with np.errstate(over="ignore", invalid="ignore"):
                total += float(np.sum(finite))
    finite_n = n - nan_n - inf_n
    unchanged_ratio = unchanged / (n - 1) if n > 1 else None
    if not finite_n:
        return Dimension(n, nan_n, inf_n, None, None, None, None, None, None, None, unchanged_ratio, None, None, 0)
    mean = total / finite_n
    found = order(lambda: finite_blocks(values), finite_n, (0.01, 0.5, 0.99))
    p01, p50, p99 = found.quantiles if found else (None,) * 3
    return Dimension(
        n,
        nan_n,
        inf_n,
        low,
        high,
        mean if math.isfinite(mean) else None,
        _std(values, mean, finite_n),
        p01,
        p50,
        p99,
        unchanged_ratio,
        found.top_value if found else None,
        found.top_count / n if found else None,
        _sentinels(values, finite_n, [value for value in SENTINELS if low <= value <= high]),
    )


def measure_rotation(quaternions: Blocks) -> Rotation:
    """Numbers of quaternions xyzw, float64 of shape (m, 4) a block."""
    error: float | None = None
    flips = 0
    last = np.empty((0, 4))
    for block in quaternions():
        told = block[np.isfinite(block).all(axis=1)]
        if not len(told):
            continue
        with np.errstate(over="ignore", invalid="ignore"):
            worst = float(np.max(np.abs(np.sqrt(np.sum(told * told, axis=1)) - 1)))
            joined = np.concatenate([last, told])
            flips += int((np.sum(joined[1:] * joined[:-1], axis=1) < 0).sum())
        error = worst if error is None else max(error, worst)
        last = told[-1:]
    return Rotation(error if error is None or math.isfinite(error) else float(np.finfo(np.float64).max), flips)


def nan_spots(values: Blocks, stamps: Blocks) -> Spots:
    """Runs of samples that are not finite in any column; the value is how many samples a run has.

    Args:
        values: float64 of shape (m, k) a block.
        stamps: int64 ns of the same samples, in blocks of the same lengths.
    """
    found = SpotCollector()
    flags = ((_holes(block), times, times) for block, times in zip(values(), stamps(), strict=True))
    for runs in find_runs(flags):
        found.add(runs.start_ns, runs.end_ns, runs.n)
    return found.spots()


def _holes(block: Array) -> NDArray[np.bool_]:
    """Rows with a value that is not finite."""
    return np.asarray(~np.isfinite(block).all(axis=1), np.bool_)


def finite_blocks(values: Blocks) -> Iterator[Values]:
    """The finite values, block by block."""
    for block in values():
        yield _finite(block)


def _finite(block: Values) -> Values:
    """The finite values of a block: itself where all are."""
    told = np.isfinite(block)
    return block if told.all() else block[told]


def _std(values: Blocks, mean: float, n: int) -> float | None:
    if not math.isfinite(mean):
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        squares = sum(float(np.sum((block - mean) ** 2)) for block in finite_blocks(values))
    return math.sqrt(squares / n) if math.isfinite(squares) else None


def _sentinels(values: Blocks, n: int, possible: Sequence[float]) -> int:
    counts = dict.fromkeys(possible, 0)
    for block in finite_blocks(values) if possible else ():
        for value in possible:
            counts[value] += int(np.count_nonzero(block == value))
    repeated = [value for value, count in counts.items() if count >= SENTINEL_MIN_REPEATS]
    if not repeated:
        return 0
    rest_n = n - sum(counts[value] for value in repeated)
    rest = order(lambda: (block[~np.isin(block, repeated)] for block in finite_blocks(values)), rest_n, (0.01, 0.99))
    return sum(
        counts[value] for value in repeated if rest is None or not rest.quantiles[0] <= value <= rest.quantiles[1]
    )
