"""Ranks and the most frequent one of many numbers in memory, without sorting all of them.

Numbers are taken as unsigned keys in the same order. A rank is looked up in the bin of leading bits that holds it. For
the most frequent, keys are thrown into buckets: those equal to the last key of their bucket are counted with it, the
others are thrown again, or sorted where they are many.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Keys: TypeAlias = NDArray[np.uint64]
_SIGN = np.uint64(1 << 63)
_BIN_BITS = 16
_FEW = 2**12
"""So many are sorted."""
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
"""Odd, 2^64 over the golden ratio: the leading bits of a product depend on all bits of the key."""


def keys_of(values: NDArray[Any]) -> Keys:
    """Unsigned integers in the order of the values (sign bit flipped; all bits of negative floats); -0.0 is 0.0."""
    if values.dtype.kind == "f":
        bits = (values.astype(np.float64, copy=False) + 0.0).view(np.int64)
        flips = (bits >> 63).view(np.uint64)
        flips |= _SIGN
        flips ^= bits.view(np.uint64)
        return flips
    return np.asarray(values.astype(np.int64, copy=False).view(np.uint64) ^ _SIGN, np.uint64)


def value_of(key: np.uint64, dtype: np.dtype[Any]) -> float:
    """The value of a key; an int where the dtype is one."""
    if dtype.kind == "f":
        return float((key ^ _SIGN if key & _SIGN else ~key).view(np.float64))
    return int((key ^ _SIGN).view(np.int64))


def at_ranks(keys: Keys, ranks: Sequence[int]) -> list[np.uint64]:
    """Keys that would stand at some places, counted from 1, if all were sorted."""
    low = keys.min()
    bins = keys - low
    bins >>= np.uint64(max(0, int(bins.max()).bit_length() - _BIN_BITS))
    ends = np.cumsum(np.bincount(bins.view(np.int64)))
    found: list[np.uint64] = []
    for rank in ranks:
        place = int(np.searchsorted(ends, rank))
        near = keys[bins == place]
        index = rank - 1 - (int(ends[place - 1]) if place else 0)
        found.append(np.partition(near, index)[index])
    return found


def most_frequent(keys: Keys) -> tuple[np.uint64, int]:
    """The most frequent key, the smallest one of equals, and how often it occurs."""
    if len(keys) <= _FEW:
        return _top(keys)
    bits = len(keys).bit_length() + 1
    spread = keys * _SPREAD  # in place from here: fresh megabytes cost more than the sums
    spread >>= np.uint64(64 - bits)
    bucket, place = spread.view(np.int64), np.arange(len(keys), dtype=np.int32)
    last = np.empty(1 << bits, np.int32)
    last[bucket] = place
    like = last.take(bucket)
    doubled = like != place
    if 2 * np.count_nonzero(doubled) > len(keys):
        same = keys.take(like) == keys
        counts, rest = np.bincount(like if same.all() else like[same]), keys[~same]
    else:  # most are alone in their buckets
        others = np.flatnonzero(doubled)
        like = like.take(others)
        same = keys.take(like) == keys.take(others)
        counts, rest = np.bincount(like[same], minlength=1), keys[others[~same]]
        counts += counts > 0  # the last one itself
    most = max(1, int(counts.max()))
    smallest = keys.min() if most == 1 else keys[np.flatnonzero(counts == most)].min()
    found = smallest, most
    if len(rest) < most:
        return found
    again = most_frequent if 2 * len(rest) <= len(keys) else _top  # keys made to meet in one bucket are sorted
    return max(again(rest), found, key=_rank)


def _top(keys: Keys) -> tuple[np.uint64, int]:
    if not len(keys):
        return np.uint64(0), 0
    distinct, counts = np.unique(keys, return_counts=True)
    best = int(np.argmax(counts))
    return distinct[best], int(counts[best])


def _rank(found: tuple[np.uint64, int]) -> tuple[int, int]:
    key, count = found
    return count, -int(key)
