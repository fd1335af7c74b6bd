from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from embodied_kit.measure.columns.dimension import (
    Dimension,
    Rotation,
    measure_dimension,
    measure_rotation,
    nan_spots,
)
from embodied_kit.measure.columns.spots import find_runs


def dimension(values: object, cut: int = 7) -> Dimension:
    array = np.asarray(values, np.float64)
    return measure_dimension(lambda: [array[i : i + cut] for i in range(0, len(array), cut)])


def rotation(quaternions: object) -> Rotation:
    array = np.asarray(quaternions, np.float64)
    return measure_rotation(lambda: [array[:2], array[2:]])


def test_numbers_of_a_known_column() -> None:
    found = dimension([1.0, 1.0, 2.0, np.nan, 4.0, np.inf, 1.0, 1.0])
    assert (found.n, found.nan_n, found.inf_n) == (8, 1, 1)
    assert (found.minimum, found.maximum, found.p01, found.p50, found.p99) == (1, 4, 1, 1, 4)
    assert found.mean == pytest.approx(10 / 6)
    assert found.std == pytest.approx(np.std([1, 1, 2, 4, 1, 1]))
    assert found.unchanged_ratio == 2 / 7
    assert (found.top_value, found.top_ratio, found.sentinel_n) == (1, 0.5, 0)


@given(hnp.arrays(np.float64, st.integers(1, 60), elements=st.floats(-1e6, 1e6)), st.randoms())
def test_order_does_not_change_what_is_no_neighbourhood(values: np.ndarray, random: object) -> None:
    shuffled = np.random.default_rng(len(values)).permutation(values)
    first, second = dimension(values), dimension(shuffled)
    assert (first.minimum, first.p50, first.top_value) == (second.minimum, second.p50, second.top_value)
    assert first.std == pytest.approx(second.std, rel=1e-9, abs=1e-6)


def test_only_holes_leave_nothing_to_average() -> None:
    found = dimension([np.nan] * 5)
    assert (found.n, found.nan_n, found.mean, found.top_value) == (5, 5, None, None)
    assert dimension([]).unchanged_ratio is None
    assert dimension([1.7e308] * 20).mean is None


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.1 * (i % 50) for i in range(2000)] + [999.0] * 12, 12),
        ([0.1 * (i % 50) for i in range(2000)] + [999.0] * 9, 0),  # too few to be a habit
        ([999.0] * 40, 40),  # nothing but sentinels
        ([float(i % 2000) for i in range(20000)], 0),  # 999 is one of its values
        ([float(i % 40) for i in range(2000)] + [-1e30] * 10 + [65535.0] * 10, 20),
        ([float(i % 40) for i in range(2000)] + [-1.0] * 15, 0),
    ],
)
def test_sentinels_are_repeated_and_far_from_the_rest(values: list[float], expected: int) -> None:
    assert dimension(values, cut=100).sentinel_n == expected


def test_quaternions_that_are_not_unit_or_flip_their_sign() -> None:
    unit = [[0.0, 0.0, 0.0, 1.0], [0.0, 0.0, 0.6, 0.8], [0.0, 0.0, -0.6, -0.8], [0.0, 0.0, 0.6, 0.8]]
    assert rotation(unit).sign_flips_n == 2
    assert rotation(unit).norm_error_max == pytest.approx(0, abs=1e-12)
    assert rotation([[0.0, 0.0, 0.0, 1.1]]).norm_error_max == pytest.approx(0.1)
    assert rotation([[np.nan, 0, 0, 1]] * 3) == Rotation(None, 0)


def test_runs_of_holes_are_places() -> None:
    values = np.ones((30, 2))
    values[3:6, 0] = np.nan
    values[9:12, 1] = np.inf
    values[29] = np.nan
    stamps = np.arange(30) * 10
    for cut in (1, 2, 5, 10, 30):
        found = nan_spots(
            lambda cut=cut: [values[i : i + cut] for i in range(0, 30, cut)],
            lambda cut=cut: [stamps[i : i + cut] for i in range(0, 30, cut)],
        )
        assert found.total_n == 3
        assert found.top == ((30, 50, 3.0), (90, 110, 3.0), (290, 290, 1.0))


@given(st.lists(st.booleans(), max_size=40), st.integers(1, 10))
def test_runs_do_not_depend_on_the_cut(flags: list[bool], cut: int) -> None:
    array, stamps = np.array(flags, bool), np.arange(len(flags))
    parts = [(array[i : i + cut], stamps[i : i + cut], stamps[i : i + cut]) for i in range(0, len(flags), cut)]
    found = [
        (int(a), int(b), int(c)) for r in find_runs(parts) for a, b, c in zip(r.start_ns, r.end_ns, r.n, strict=True)
    ]
    whole = [
        (int(a), int(b), int(c))
        for r in find_runs([(array, stamps, stamps)])
        for a, b, c in zip(r.start_ns, r.end_ns, r.n, strict=True)
    ]
    assert found == whole
    assert sum(count for _, _, count in found) == sum(flags)
    assert all(last - first + 1 == count for first, last, count in found)
