"""Episodes that are almost alike: cosine of their states, in blocks, the same bits on every machine.

Matrix products find the candidates, and nothing else: their last bits depend on the processor. What is reported, and
what is near a threshold, is summed again element by element.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NEAR_COSINE = 0.995
NEAR_DURATION_RATIO = 0.95
"""Both from deepen-grade 0.4.1."""
TOP_PAIRS = 64
_BLOCK = 1024
_EXACT_ROWS = 4096
_MANY_PAIRS = 2 * TOP_PAIRS
_DIGITS = 9
Floats = NDArray[np.float64]
Units = NDArray[np.float32]
Ints = NDArray[np.int64]


@dataclass(frozen=True, order=True)
class Pair:
    """Two episodes, most alike first when sorted.

    Attributes:
        unlike: Minus the cosine, rounded to 9 digits.
        first, second: Positions of the episodes, first < second.
        duration_ratio: The shorter over the longer.
    """

    unlike: float
    first: int
    second: int
    duration_ratio: float

    @property
    def cosine(self) -> float:
        """Of the two."""
        return -self.unlike


@dataclass(frozen=True)
class Similar:
    """Pairs whose durations differ by at most 5 %.

    Attributes:
        top: The 64 most alike.
        near_n: How many have a cosine of 0.995 or more.
    """

    top: tuple[Pair, ...]
    near_n: int


def find_similar(states: Sequence[NDArray[np.float32]], durations_s: Sequence[float]) -> Similar:
    """The most similar pairs of episodes.

    Each joint is scaled to mean 0 and deviation 1 over all episodes, so that a pose which all share makes nobody alike;
    the cosine is that of all scaled states, point after point.

    Args:
        states: Joint positions of each episode, all of one shape (points, joints).
        durations_s: Positive.
    """
    if len(states) < 2:
        return Similar((), 0)
    by_duration = np.argsort(np.asarray(durations_s, np.float64), kind="stable")
    units = _unit_vectors([states[index] for index in by_duration.tolist()])
    durations = np.asarray(durations_s, np.float64)[by_duration]
    search = _Search(units, durations, by_duration.astype(np.int64))
    for rows, columns in _blocks(durations):
        search.look(rows, columns)
    return Similar(tuple(search.top), search.near_n)


def _unit_vectors(states: Sequence[NDArray[np.float32]]) -> Units:
    """Scaled states as vectors of length 1; the last column is 1 where all else is 0.

    Returns:
        (n, points * joints + 1).
    """
    points, joints = states[0].shape
    units = np.zeros((len(states), points * joints + 1), np.float32)
    for joint in range(joints):
        values = np.stack([state[:, joint] for state in states]).astype(np.float64)
        centre, spread = values.mean(), values.std()
        if spread > 0:
            units[:, joint * points : (joint + 1) * points] = (values - centre) / spread
    for start in range(0, len(units), _EXACT_ROWS):
        part = units[start : start + _EXACT_ROWS]
        length = np.sqrt(np.square(part, dtype=np.float64).sum(axis=1))
        still = length == 0
        part[still, -1] = length[still] = 1.0
        part /= length[:, None].astype(np.float32)
    return units


def _blocks(durations: Floats) -> Iterator[tuple[slice, slice]]:
    """Blocks of rows and of columns in which a pair of near durations may stand; durations ascend."""
    n = len(durations)
    for start in range(0, n, _BLOCK):
        stop = min(start + _BLOCK, n)
        reach = int(np.searchsorted(durations, durations[stop - 1] / NEAR_DURATION_RATIO * (1 + 1e-12), side="right"))
        for column in range(start, reach, _BLOCK):
            yield slice(start, stop), slice(column, min(column + _BLOCK, reach))


class _Search:
    """Keeps the best pairs while blocks go by."""

    def __init__(self, units: Units, durations: Floats, positions: Ints) -> None:
        self._units = units
        self._durations = durations
        self._positions = positions
        self._margin = units.shape[1] * float(np.finfo(np.float32).eps)  # bound on the error of a product of units
        self.top: list[Pair] = []
        self.near_n = 0

    def look(self, rows: slice, columns: slice) -> None:
        """Take the pairs of a block in."""
        rough = self._units[rows] @ self._units[columns].T
        ratio = self._durations[rows][:, None] / self._durations[columns][None, :]
        later = np.arange(columns.start, columns.stop)[None, :] > np.arange(rows.start, rows.stop)[:, None]
        rough[~(later & (ratio >= NEAR_DURATION_RATIO))] = -2.0
        self._count(rough, rows, columns)
        self._rank(rough, rows, columns)

    def _count(self, rough: Units, rows: slice, columns: slice) -> None:
        self.near_n += int((rough >= NEAR_COSINE + self._margin).sum())
        close = np.argwhere(np.abs(rough - NEAR_COSINE) < self._margin)
        for pairs in self._pairs(close, rows, columns):
            self.near_n += sum(pair.cosine >= NEAR_COSINE for pair in pairs)

    def _rank(self, rough: Units, rows: slice, columns: slice) -> None:
        if self._nothing_is_more_alike():
            return
        least = self.top[-1].cosine - self._margin if len(self.top) == TOP_PAIRS else -1.5
        if np.count_nonzero(rough >= least) > _MANY_PAIRS:
            best = float(np.partition(rough, rough.size - TOP_PAIRS, axis=None)[rough.size - TOP_PAIRS])
            least = max(least, best - 2 * self._margin)
        for pairs in self._pairs(np.argwhere(rough >= max(least, -1.5)), rows, columns):
            self.top = sorted([*self.top, *pairs])[:TOP_PAIRS]
            if self._nothing_is_more_alike():
                return

    def _nothing_is_more_alike(self) -> bool:
        return len(self.top) == TOP_PAIRS and self.top[-1].cosine >= 1.0

    def _pairs(self, places: NDArray[np.intp], rows: slice, columns: slice) -> Iterator[list[Pair]]:
        """Pairs, some thousand at a time, with their cosine summed in double precision, element by element."""
        for start in range(0, len(places), _EXACT_ROWS):
            part = places[start : start + _EXACT_ROWS]
            first, second = part[:, 0] + rows.start, part[:, 1] + columns.start
            a, b = self._units[first].astype(np.float64), self._units[second].astype(np.float64)
            lengths = np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))
            cosines = np.round((a * b).sum(axis=1) / lengths, _DIGITS)
            ratios = self._durations[first] / self._durations[second]
            ends = np.sort(np.stack([self._positions[first], self._positions[second]]), axis=0)
            columns_of = (cosines.tolist(), ends[0].tolist(), ends[1].tolist(), ratios.tolist())
            yield [Pair(-cosine, one, other, ratio) for cosine, one, other, ratio in zip(*columns_of, strict=True)]
