"""Ranks and the most frequent number are those of sorting."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from embodied_kit.measure.columns.distribution import order, quantiles
from embodied_kit.measure.columns.ranks import at_ranks, keys_of, most_frequent, value_of

FLOATS = st.lists(st.one_of(st.floats(allow_nan=False), st.sampled_from([0.0, -0.0, 1.5, 5e-324])), min_size=1)
INTEGERS = st.lists(st.one_of(st.integers(-(2**63), 2**63 - 1), st.integers(-2, 2)), min_size=1)
RNG = np.random.default_rng(11)
N = 300_000
LARGE = {
    "distinct": RNG.normal(size=N) * 10.0 ** RNG.integers(-9, 9, N),
    "repeated": np.tile(RNG.normal(size=1000), N // 1000),
    "half repeated": RNG.choice(RNG.normal(size=N // 2), N),
    "one value often": np.where(RNG.random(N) < 0.01, -7.25, RNG.normal(size=N)),
    "two values alike": np.repeat(RNG.normal(size=N // 2), 2),
    "constant": np.full(N, -1.0),
    "zeros": np.where(RNG.random(N) < 0.5, 0.0, -0.0),
    "extremes": RNG.choice(np.array([-np.finfo(float).max, np.finfo(float).max, 5e-324, 1.0]), N),
    "integers": RNG.integers(-(2**63), 2**63 - 1, N),
    "steps": RNG.integers(999_000, 1_001_000, N),
}


def _sorted(values: NDArray[Any]) -> None:
    """Every claim held against np.sort and np.unique."""
    ranks = sorted({1, len(values), (len(values) + 1) // 2, max(1, len(values) // 100)})
    keys = keys_of(values)
    found = [value_of(key, values.dtype) for key in at_ranks(keys, ranks)]
    assert found == np.sort(values)[[rank - 1 for rank in ranks]].tolist()
    distinct, counts = np.unique(values, return_counts=True)
    top, count = most_frequent(keys)
    assert (value_of(top, values.dtype), count) == (distinct[np.argmax(counts)].item(), counts.max())


@given(FLOATS)
def test_floats_rank_as_sorted(values: list[float]) -> None:
    _sorted(np.array(values, np.float64))


@given(INTEGERS)
def test_integers_rank_as_sorted(values: list[int]) -> None:
    _sorted(np.array(values, np.int64))


@pytest.mark.parametrize("values", LARGE.values(), ids=LARGE.keys())
def test_many_values_rank_as_sorted(values: NDArray[Any]) -> None:
    _sorted(values)
    fractions = (0.01, 0.5, 0.99)
    whole = order(lambda: [values[:100_000], values[100_000:]], len(values), fractions)
    assert whole is not None
    assert quantiles(lambda: [values[:100_000], values[100_000:]], len(values), fractions) == whole.quantiles
    places = [int(np.ceil(fraction * len(values) - 1e-9)) - 1 for fraction in fractions]
    assert whole.quantiles == tuple(np.sort(values)[places].tolist())
    assert isinstance(whole.top_value, int) == (values.dtype.kind == "i")


def test_keys_that_fall_into_one_bucket_are_counted_apart() -> None:
    inverse = pow(0x9E3779B97F4A7C15, -1, 2**64)
    keys = np.array([(n * inverse) % 2**64 for n in range(5000)] * 2 + [inverse], np.uint64)
    assert most_frequent(keys) == (np.uint64(inverse), 3)
