"""Stamps that went through 32-bit seconds are told from every other kind."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from embodied_kit.measure.columns.float32 import FROM_RATIO, float32_ratio, float32_spots
from embodied_kit.measure.columns.store import Blocks
from embodied_kit.measure.columns.timing import measure_timing

START_NS = 1_790_000_000_123_456_789


def blocks(stamps: np.ndarray) -> Blocks:
    return lambda: iter(np.array_split(stamps, 3))


def ratio(stamps: np.ndarray) -> float:
    return float32_ratio(blocks(stamps), measure_timing(blocks(stamps), None))


def through_float32(seconds: np.ndarray) -> np.ndarray:
    return START_NS + np.rint(seconds.astype(np.float32).astype(np.float64) * 1e9).astype(np.int64)


@given(st.floats(5, 997), st.integers(1, 100), st.floats(4, 5000))
def test_stamps_of_float32_seconds_are_found_wherever_they_were_counted_from(
    rate_hz: float, seconds: int, since_s: float
) -> None:
    told = since_s + np.arange(max(20, int(rate_hz * seconds))) / rate_hz
    whole = np.mean(np.modf((told - told[-1]).astype(np.float32) * 512)[0] == 0)
    assert ratio(through_float32(told)) > min(0.5, 0.9 - whole)


@given(st.floats(5, 997), st.integers(5, 100), st.integers(0, 2**32), st.sampled_from([1, 1000]))
def test_jittering_stamps_are_not(rate_hz: float, seconds: int, seed: int, tick_ns: int) -> None:
    count = max(300, int(rate_hz * seconds))
    jitter = np.random.default_rng(seed).normal(0, 50e-6, count)
    stamps = START_NS + ((np.arange(count) / rate_hz + jitter) * 1e9 / tick_ns).astype(np.int64) * tick_ns
    assert ratio(stamps) < FROM_RATIO


def test_exact_clocks_are_not() -> None:
    for rate_hz in (5, 10, 15, 20, 24, 25, 30, 50, 60, 64, 90, 100, 120, 125, 128, 200, 250, 256, 400, 500, 512, 1000):
        ticks = np.arange(rate_hz * 40, dtype=np.int64)
        for tick_ns in (1, 1000, 1_000_000):
            stamps = START_NS // tick_ns * tick_ns + ticks * (10**9 // tick_ns) // rate_hz * tick_ns
            assert ratio(stamps) < FROM_RATIO, (rate_hz, tick_ns)


def test_the_drift_after_a_quarter_of_an_hour() -> None:
    seconds = np.arange(30 * 2000) / 30
    stamps = through_float32(seconds)
    error_ns = np.abs(stamps - START_NS - np.rint(seconds * 1e9).astype(np.int64))
    assert error_ns[: 30 * 60].max() < 4_000
    assert error_ns[30 * 1024 :].max() > 50_000
    timing = measure_timing(blocks(stamps), None)
    (spot,) = float32_spots(blocks(stamps), timing).top
    assert spot.value > 0.9
    assert (spot.start_ns, spot.end_ns) == (timing.first_ns, timing.last_ns)


def test_too_few_stamps_tell_nothing() -> None:
    assert ratio(np.zeros(3, np.int64)) == 0.0
    assert ratio(np.array([START_NS])) == 0.0
    assert float32_spots(blocks(np.array([START_NS])), measure_timing(blocks(np.array([START_NS])), None)).total_n == 0
