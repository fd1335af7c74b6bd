"""Exact order statistics over columns of any length: distinct values with counts, in ascending parts."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from embodied_kit.measure.columns.ranks import at_ranks, keys_of, most_frequent, value_of
from embodied_kit.measure.columns.store import Array, Blocks

PART_ROWS = 2**20
_FEW_ROWS = 2**12
"""So many are sorted at once."""
_BINS = 4096
Part: TypeAlias = tuple[Array, NDArray[np.int64]]


@dataclass(frozen=True)
class Order:
    """Order statistics of finite values.

    Attributes:
        n: Values counted.
        quantiles: One a requested fraction, by nearest rank: the smallest value with at least q*n values at or below.
        top_value: Most frequent value, the smallest one of equals.
        top_count: How often it occurs.
    """

    n: int
    quantiles: tuple[float, ...]
    top_value: float
    top_count: int


def order(blocks: Blocks, n: int, fractions: Sequence[float]) -> Order | None:
    """Order statistics of integer or float values without NaN; None for no value.

    Args:
        blocks: int64 or float64 values of shape (m,).
        n: How many there are.
        fractions: Ascending, each in (0, 1].
    """
    if n == 0:
        return None
    ranks = _ranks(n, fractions)
    if _FEW_ROWS < n <= PART_ROWS:
        values = np.concatenate(list(blocks()))
        keys, kind = keys_of(values), values.dtype
        del values
        top, top_count = most_frequent(keys)
        quantiles = tuple(value_of(key, kind) for key in at_ranks(keys, ranks))
        return Order(n, quantiles, value_of(top, kind), top_count)
    found: list[float] = []
    top_value, top_count, seen = 0.0, 0, 0
    for values, counts in ordered_parts(blocks, n):
        ends = seen + np.cumsum(counts)
        while len(found) < len(ranks) and ranks[len(found)] <= ends[-1]:
            found.append(values[int(np.searchsorted(ends, ranks[len(found)]))].item())
        best = int(np.argmax(counts))
        if counts[best] > top_count:
            top_value, top_count = values[best].item(), int(counts[best])
        seen = int(ends[-1])
    return Order(n, tuple(found), top_value, top_count)


def quantiles(blocks: Blocks, n: int, fractions: Sequence[float]) -> tuple[float, ...] | None:
    """The quantiles of `order` alone, for half of its price; None for no value. Arguments as `order`."""
    if not _FEW_ROWS < n <= PART_ROWS:
        found = order(blocks, n, fractions)
        return found.quantiles if found else None
    values = np.concatenate(list(blocks()))
    kind = values.dtype
    return tuple(value_of(key, kind) for key in at_ranks(keys_of(values), _ranks(n, fractions)))


def _ranks(n: int, fractions: Sequence[float]) -> list[int]:
    """Nearest ranks, counted from 1."""
    return [max(1, math.ceil(fraction * n - 1e-9)) for fraction in fractions]


def ordered_parts(blocks: Blocks, n: int) -> Iterator[Part]:
    """Distinct values with their counts, ascending over all parts; at most PART_ROWS values are held at once."""
    if n <= PART_ROWS:
        yield _unique(list(blocks()))
        return
    low = min(int(keys_of(block).min()) for block in blocks() if len(block))
    high = max(int(keys_of(block).max()) for block in blocks() if len(block))
    yield from _between(blocks, low, high)


def _between(blocks: Blocks, low: int, high: int) -> Iterator[Part]:
    """Parts of the values whose keys lie in [low, high]."""
    width = max(1, -(-(high - low + 1) // _BINS))
    counts = np.zeros(_BINS, np.int64)
    for block in blocks():
        keys = keys_of(block)
        inside = keys[(keys >= np.uint64(low)) & (keys <= np.uint64(high))]
        counts += np.bincount(((inside - np.uint64(low)) // np.uint64(width)).astype(np.int64), minlength=_BINS)
    first = 0
    while first < _BINS:
        last = first
        while last + 1 < _BINS and counts[first : last + 2].sum() <= PART_ROWS:
            last += 1
        begin, end = low + first * width, min(high, low + (last + 1) * width - 1)
        held = int(counts[first : last + 1].sum())
        if held > PART_ROWS and width > 1:
            yield from _between(blocks, begin, end)
        elif held:
            yield _collect(blocks, begin, end)
        first = last + 1


def _collect(blocks: Blocks, low: int, high: int) -> Part:
    merged: list[Part] = []
    for block in blocks():
        keys = keys_of(block)
        inside = block[(keys >= np.uint64(low)) & (keys <= np.uint64(high))]
        if len(inside):
            merged.append(_unique([inside]))
    values = np.concatenate([part[0] for part in merged])
    counts = np.concatenate([part[1] for part in merged])
    distinct, where = np.unique(values, return_inverse=True)
    return distinct, np.bincount(where, weights=counts).astype(np.int64)


def _unique(blocks: list[Array]) -> Part:
    values, counts = np.unique(np.concatenate(blocks), return_counts=True)
    return values, counts.astype(np.int64)
