"""How well annotators agree: Cohen's kappa over time and distances of boundaries, in whole nanoseconds (rule SM-12)."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from embodied_kit.measure.declared.segments import Piece

NOTHING = ""
"""Code of the time that nobody annotated."""
Span = tuple[int, int]


@dataclass(frozen=True)
class Agreement:
    """Agreement of two annotators over some episodes.

    Attributes:
        kappa: None where both gave one and the same code to all time, or there is no time.
        boundary_s: Mean distance from each boundary of either to the nearest of the other, s; None where one has none.
    """

    kappa: float | None
    boundary_s: float | None


class Tally:
    """Adds up episodes; all sums are integers, so the order leaves no trace."""

    def __init__(self) -> None:
        self._agreed_ns = 0
        self._first: Counter[str] = Counter()
        self._second: Counter[str] = Counter()
        self._distance_ns = 0
        self._boundaries_n = 0
        self._one_sided = False

    def add(self, span: Span, first: Sequence[Piece], second: Sequence[Piece]) -> None:
        """Take in what two annotators say of one arm in one episode; pieces are in order and do not overlap."""
        edges = sorted(
            {*span, *(edge for piece in (*first, *second) for edge in piece[:2] if span[0] < edge < span[1])}
        )
        for start, end in pairwise(edges):
            one, other = _code_at(first, start), _code_at(second, start)
            self._first[one] += end - start
            self._second[other] += end - start
            self._agreed_ns += (end - start) * (one == other)
        ours, theirs = _boundaries(first), _boundaries(second)
        self._one_sided |= bool(ours) != bool(theirs)
        for edge, others in (*((edge, theirs) for edge in ours), *((edge, ours) for edge in theirs)):
            if others:
                self._distance_ns += _nearest(edge, others)
                self._boundaries_n += 1

    def result(self) -> Agreement:
        """Over all that was added."""
        total = sum(self._first.values())
        by_chance = sum(self._first[code] * self._second[code] for code in self._first)
        kappa = None
        if total and by_chance != total * total:
            kappa = (self._agreed_ns * total - by_chance) / (total * total - by_chance)
        known = self._boundaries_n and not self._one_sided
        return Agreement(kappa, self._distance_ns / self._boundaries_n / 1e9 if known else None)


def agree(episodes: Iterable[tuple[Span, Mapping[str, Sequence[Piece]], Mapping[str, Sequence[Piece]]]]) -> Agreement:
    """Agreement over episodes, arm by arm.

    Args:
        episodes: Span in ns, and what each annotator says of each arm.
    """
    tally = Tally()
    for span, first, second in episodes:
        for arm in sorted(first.keys() | second.keys()):
            tally.add(span, first.get(arm, ()), second.get(arm, ()))
    return tally.result()


def _code_at(pieces: Sequence[Piece], time_ns: int) -> str:
    index = bisect_left(pieces, (time_ns + 1,)) - 1
    return pieces[index].code if index >= 0 and pieces[index].end_ns > time_ns else NOTHING


def _boundaries(pieces: Sequence[Piece]) -> list[int]:
    return sorted({edge for piece in pieces for edge in piece[:2]})


def _nearest(edge: int, others: Sequence[int]) -> int:
    index = bisect_left(others, edge)
    return min(abs(edge - other) for other in others[max(0, index - 1) : index + 1])
