"""Places in time: the largest of each kind are kept, all are counted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from embodied_kit.measure.columns.store import Array

TOP_SPANS = 64


class Spot(NamedTuple):
    """A place in time, ns since the epoch of the stamps, with its size: periods, ns, s or samples, as its kind says."""

    start_ns: int
    end_ns: int
    value: float


@dataclass(frozen=True)
class Spots:
    """The largest places of one kind.

    Attributes:
        top: At most 64, largest first, then earliest.
        total_n: How many there are.
    """

    top: tuple[Spot, ...] = ()
    total_n: int = 0


class SpotCollector:
    """Collects places of one kind in bounded memory."""

    def __init__(self) -> None:
        self._top: list[Spot] = []
        self._total_n = 0

    def add(self, start_ns: Array, end_ns: Array, value: Array) -> None:
        """Add places; three arrays of one length."""
        self._total_n += len(value)
        best = np.argsort(-value.astype(np.float64), kind="stable")[:TOP_SPANS]
        more = [Spot(int(start_ns[i]), int(end_ns[i]), float(value[i])) for i in best]
        self._top = sorted([*self._top, *more], key=lambda spot: (-spot.value, spot.start_ns, spot.end_ns))[:TOP_SPANS]

    def spots(self) -> Spots:
        """What was collected."""
        return Spots(tuple(self._top), self._total_n)


@dataclass(frozen=True)
class Runs:
    """Runs of neighbouring samples that have something in common; one element a run.

    Attributes:
        start_ns, end_ns: Stamps of the first and last sample.
        n: Samples.
    """

    start_ns: NDArray[np.int64]
    end_ns: NDArray[np.int64]
    n: NDArray[np.int64]


Flags: TypeAlias = tuple[NDArray[np.bool_], NDArray[np.int64], NDArray[np.int64]]
"""Flags of samples, and when a run would begin and end that begins or ends with each."""


def find_runs(parts: Iterable[Flags]) -> Iterator[Runs]:
    """Runs of true flags, also across parts; `n` counts flags."""
    held: tuple[int, int, int] | None = None
    for flags, starts_ns, ends_ns in parts:
        edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
        firsts, stops = edges[::2], edges[1::2]
        begin, end, n = starts_ns[firsts], ends_ns[stops - 1], stops - firsts
        if held and len(firsts) and firsts[0] == 0:
            begin[0], n[0] = held[0], n[0] + held[2]
        elif held and len(flags):
            begin, end, n = (np.concatenate([[old], new]) for old, new in zip(held, (begin, end, n), strict=True))
        held = None if len(flags) else held
        if len(stops) and stops[-1] == len(flags):
            held = (int(begin[-1]), int(end[-1]), int(n[-1]))
            begin, end, n = begin[:-1], end[:-1], n[:-1]
        if len(n):
            yield Runs(begin, end, n)
    if held:
        yield Runs(*(np.array([value], np.int64) for value in held))
