"""Stamps that went through 32-bit seconds are told from every other kind."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from embodied_kit.measure.float32 import FROM_RATIO, float32_ratio
from embodied_kit.measure.store import Blocks
from embodied_kit.measure.timing import measure_timing

START_NS = 1_790_000_000_123_456_789


def blocks(stamps: np.ndarray) -> Blocks:
    return lambda: iter(np.array_split(stamps, 3))


def ratio(stamps: np.ndarray) -> float:
    return float32_ratio(blocks(stamps), measure_timing(blocks(stamps), None), (START_NS, START_NS + 1))


def through_float32(seconds: np.ndarray) -> np.ndarray:
    return START_NS + np.rint(seconds.astype(np.float32).astype(np.float64) * 1e9).astype(np.int64)


@given(st.floats(5, 997), st.integers(10, 400), st.floats(0, 3))
def test_stamps_of_float32_seconds_are_found(rate_hz: float, seconds: int, lead_s: float) -> None:
    since = lead_s + np.arange(int(rate_hz * seconds)) / rate_hz
    found = ratio(through_float32(since))
    multiples = np.modf(since.astype(np.float32).astype(np.float64) * 512)[0] == 0
    assert found == np.mean((since >= 4) & ~multiples) or abs(found - np.mean((since >= 4) & ~multiples)) < 0.01


@given(st.floats(5, 997), st.integers(5, 400), st.floats(0, 5), st.integers(0, 2**32))
def test_jittering_stamps_are_not(rate_hz: float, seconds: int, lead_s: float, seed: int) -> None:
    count = max(30, int(rate_hz * seconds))
    jitter = np.random.default_rng(seed).normal(0, 50e-6, count)
    stamps = START_NS + ((lead_s + np.arange(count) / rate_hz + jitter) * 1e9).astype(np.int64)
    assert ratio(stamps) < FROM_RATIO


def test_exact_clocks_are_not() -> None:
    for rate_hz in (10, 15, 25, 30, 50, 60, 64, 100, 128, 200, 250, 256, 400, 500, 512, 1000):
        ticks = np.arange(rate_hz * 100, dtype=np.int64)
        assert ratio(START_NS + ticks * 10**9 // rate_hz) < FROM_RATIO, rate_hz
        assert ratio(START_NS // 1000 * 1000 + ticks * 10**6 // rate_hz * 1000) < FROM_RATIO, rate_hz


def test_the_drift_after_a_quarter_of_an_hour() -> None:
    seconds = np.arange(30 * 2000) / 30
    error_ns = np.abs(through_float32(seconds) - START_NS - np.rint(seconds * 1e9).astype(np.int64))
    assert error_ns[: 30 * 60].max() < 4_000
    assert error_ns[30 * 1024 :].max() > 50_000
    assert ratio(through_float32(seconds)) > 0.9
