from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embodied_kit.measure.columns.distribution import order, ordered_parts
from embodied_kit.measure.columns.store import ColumnStore
from embodied_kit.measure.columns.timing import Timing, measure_timing

START_NS = 1_700_000_000_000_000_000
PERIOD_NS = 2_000_000


def timing(stamps: np.ndarray, period_ns: float | None = PERIOD_NS, cut: int = 100) -> Timing:
    stamps = np.asarray(stamps, np.int64)
    return measure_timing(lambda: [stamps[i : i + cut] for i in range(0, len(stamps), cut)], period_ns)


def grid(n: int) -> np.ndarray:
    return START_NS + np.arange(n, dtype=np.int64) * PERIOD_NS


def test_an_exact_grid_has_no_jitter_no_loss_and_its_rate() -> None:
    found = timing(grid(1001))
    assert (found.jitter_ratio, found.lost_n, found.lost_ratio, found.reversals, found.equal_n) == (0.0, 0, 0.0, 0, 0)
    assert found.rate_hz == 500.0
    assert found.dt_median_ns == found.dt_p99_ns == found.max_gap_ns == PERIOD_NS
    assert found.gap_count_nominal is not None
    assert set(found.gap_count_nominal.values()) == {0}
    assert (found.first_ns, found.last_ns) == (START_NS, START_NS + 1000 * PERIOD_NS)


@given(st.integers(10, 400), st.data())
def test_dropping_k_inner_samples_loses_k(n: int, data: st.DataObject) -> None:
    dropped = data.draw(st.sets(st.integers(1, n - 2), max_size=n - 3))
    left = np.delete(grid(n), sorted(dropped))
    found = timing(left)
    assert found.lost_n == len(dropped)
    assert found.lost_ratio == pytest.approx(len(dropped) / n)
    assert found.jitter_ratio == 0.0


@given(st.lists(st.integers(-3, 400), min_size=2, max_size=300), st.integers(1, 50), st.integers(51, 400))
def test_numbers_do_not_depend_on_how_the_column_is_cut(steps: list[int], cut: int, other: int) -> None:
    stamps = START_NS + np.cumsum(np.array(steps, np.int64)) * 1_000_000
    assert timing(stamps, cut=cut) == timing(stamps, cut=other)


def test_jitter_is_the_deviation_of_the_steps_that_are_no_gaps() -> None:
    steps = np.array([1_900_000, 2_100_000] * 200)
    steps[50] = 20_000_000  # a gap, which is not jitter
    found = timing(START_NS + np.cumsum(steps))
    assert found.jitter_ratio == pytest.approx(0.05, rel=1e-3)
    assert found.lost_n == 9
    assert found.gap_count_nominal is not None
    assert found.gap_count_nominal["5"] == 1
    assert found.gap_count_nominal["10"] == 0
    assert (found.gaps.total_n, found.gaps.top[0].value) == (1, 10.0)


def test_a_clock_that_jumps_back_is_one_reversal_and_keeps_its_rate() -> None:
    stamps = grid(1000)
    stamps[500:] -= 100_000_000
    found = timing(stamps)
    assert found.reversals == 1
    assert found.rate_hz == 500.0
    assert found.lost_n == 0
    assert found.back.top[0].value == 98_000_000


def test_equal_and_zero_stamps_are_counted() -> None:
    stamps = grid(100)
    stamps[10] = stamps[9]
    stamps[20] = 0
    found = timing(stamps)
    assert (found.equal_n, found.zero_n, found.n) == (1, 1, 100)
    assert found.first_ns == START_NS


def test_without_a_nominal_rate_nothing_is_invented() -> None:
    found = timing(grid(50), None)
    assert (found.jitter_ratio, found.lost_n, found.gap_count_nominal) == (None, None, None)
    assert found.gap_count_median is not None


@pytest.mark.parametrize("n", [0, 1])
def test_too_few_stamps_have_no_steps(n: int) -> None:
    found = timing(grid(n))
    assert (found.n, found.rate_hz, found.dt_median_ns, found.lost_n) == (n, None, None, None)


def test_only_the_64_largest_places_are_kept_and_all_are_counted() -> None:
    steps = np.full(500, PERIOD_NS)
    steps[::5] = PERIOD_NS * np.arange(2, 102)
    found = timing(START_NS + np.cumsum(steps))
    assert found.gaps.total_n == 99  # the first step lies before the first stamp
    assert len(found.gaps.top) == 64
    assert found.gaps.top[0].value == 101


@pytest.mark.parametrize("kind", ["int", "float", "constant"])
def test_order_statistics_of_long_columns_equal_those_of_a_sort(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("embodied_kit.measure.columns.distribution.PART_ROWS", 1000)
    random = np.random.default_rng(1)
    values = {
        "int": random.integers(-(2**62), 2**62, 20_000),
        "float": np.concatenate([random.normal(size=19_000), np.full(1000, -1e30)]),
        "constant": np.full(5000, 2.5),
    }[kind]
    blocks = np.array_split(values, 7)
    found = order(lambda: blocks, len(values), (0.01, 0.5, 0.95, 1.0))
    ordered = np.sort(values)
    assert found is not None
    assert found.quantiles == tuple(ordered[int(np.ceil(q * len(values))) - 1] for q in (0.01, 0.5, 0.95, 1.0))
    distinct, counts = np.unique(values, return_counts=True)
    assert (found.top_value, found.top_count) == (distinct[np.argmax(counts)], counts.max())
    parts = list(ordered_parts(lambda: blocks, len(values)))
    assert np.array_equal(np.concatenate([part[0] for part in parts]), distinct)


def test_a_column_reads_back_what_was_appended_wherever_it_lies() -> None:
    random = np.random.default_rng(2)
    with ColumnStore(budget_bytes=10_000) as store:
        narrow, wide = store.column("<i8"), store.column("<f8", 3)
        kept: list[np.ndarray] = []
        for size in random.integers(0, 400, 60):
            values = random.normal(size=(size, 3))
            kept.append(values)
            wide.append(values)
            narrow.append(values[:, 0].astype(np.int64))
        assert store.spilled_bytes > 0
        assert np.array_equal(np.concatenate(list(wide.blocks())), np.concatenate(kept))
        assert narrow.n == sum(map(len, kept))
        wide.block_rows = 100
        sizes = [len(block) for block in wide.blocks()]
        assert set(sizes[:-1]) == {100}
        assert np.array_equal(np.concatenate(list(wide.blocks())), np.concatenate(kept))
