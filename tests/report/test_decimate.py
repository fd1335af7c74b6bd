from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from embodied_validators.report.decimate import Envelope, decimate


def test_peaks_and_holes_survive() -> None:
    times = np.arange(600_000, dtype=np.int64) * 1_000_000
    values = np.sin(times / 1e10)
    values[123_456], values[400_000], values[500_000] = 99.0, -99.0, np.nan
    kept_times, kept = decimate(times, values, 0, int(times[-1]))
    assert len(kept) <= 2000
    assert {99.0, -99.0} <= set(kept.tolist())
    assert np.isnan(kept).any()
    assert (np.diff(kept_times) >= 0).all()
    assert kept_times[np.argmax(np.nan_to_num(kept))] == times[123_456]


def test_few_samples_stay_as_they_are() -> None:
    times, values = np.arange(2000, dtype=np.int64), np.ones(2000)
    assert decimate(times, values, 0, 2000)[1] is values


@given(st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_growing_part_by_part_keeps_the_extremes(parts: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    times = np.sort(random.integers(0, 10**9, 1000 * parts)).astype(np.int64)
    values = random.normal(size=len(times))
    envelope = Envelope(0, 10**9, points=300)
    for chunk_times, chunk in zip(np.array_split(times, parts), np.array_split(values, parts), strict=True):
        envelope.add(chunk_times, chunk)
        assert envelope._held <= 8 * 300 + 1000
    _, kept = envelope.result()
    assert len(kept) <= 300
    assert kept.min() == values.min()
    assert kept.max() == values.max()
