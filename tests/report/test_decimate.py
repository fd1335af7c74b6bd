from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from embodied_validators.report.decimate import MOST_POINTS, Envelope, Thinned, decimate, detailed


def test_peaks_and_holes_survive() -> None:
    times = np.arange(600_000, dtype=np.int64) * 1_000_000
    values = np.sin(times / 1e10)
    values[123_456], values[400_000], values[500_000] = 99.0, -99.0, np.nan
    kept_times, kept = decimate(times, values, 0, int(times[-1]))
    assert len(kept) <= MOST_POINTS
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


def test_a_fault_keeps_its_samples_when_the_rest_is_thinned() -> None:
    times = np.arange(300_000, dtype=np.int64) * 2_000_000  # ten minutes at 500 Hz
    values = np.sin(times / 1e8)
    fault = (300 * 10**9, 300 * 10**9 + 50_000_000)
    whole, fine = detailed(0, int(times[-1]), []), detailed(0, int(times[-1]), [fault])
    for chunk in np.array_split(np.arange(len(times)), 50):
        whole.add(times[chunk], values[chunk])
        fine.add(times[chunk], values[chunk])
    near = (times >= fault[0]) & (times <= fault[1])
    kept = {int(time) for time in fine.result()[0]}
    assert {int(time) for time in times[near]} <= kept
    assert len(kept & {int(time) for time in times[near]}) > 10 * sum(time in times[near] for time in whole.result()[0])
    found_times, found = fine.result()
    assert (np.diff(found_times) > 0).all()  # each sample once
    assert np.array_equal(found, np.sin(found_times / 1e8))


@given(st.integers(1, 30), st.integers(1, 400), st.integers(2, 50))
def test_a_path_is_thinned_evenly_however_it_arrives(parts: int, n: int, rows: int) -> None:
    times = np.arange(n, dtype=np.int64)
    points = np.column_stack([times, 2 * times, 3 * times]).astype(float)
    thinned = Thinned(rows)
    for chunk in np.array_split(np.arange(n), parts):
        thinned.add(times[chunk], points[chunk])
        assert sum(map(len, thinned._times)) <= 2 * rows + 1
    kept_times, kept = thinned.result()
    assert min(n, rows // 2) <= len(kept_times) <= rows + 1
    assert kept_times[0] == 0
    assert len(set(np.diff(kept_times).tolist())) <= 1
    assert np.array_equal(kept[:, 2], 3.0 * kept_times)
