"""Fewer points for a plot without losing a peak: the smallest and the largest of each slice of time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

MOST_POINTS = 4000
LENS_POINTS = 300
MOST_LENSES = 8
LEAST_MARGIN_NS = 250_000_000
_KEPT_A_SLICE = 3  # smallest, largest, and one NaN so that a hole stays a hole
Times = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]


def decimate(
    times_ns: Times, values: Values, start_ns: int, end_ns: int, points: int = MOST_POINTS
) -> tuple[Times, Values]:
    """At most `points` of the samples: per slice of time the smallest, the largest and one NaN, in order of time.

    Doing it again to the result, or to parts of the samples and then to all that was kept, changes nothing.

    Args:
        times_ns: Shape (n,), ns.
        values: Shape (n,).
        start_ns: Where the first slice begins.
        end_ns: Where the last slice ends.
        points: Most samples to keep.
    """
    if len(times_ns) <= points:
        return times_ns, values
    slices = max(points // _KEPT_A_SLICE, 1)
    width = max((end_ns - start_ns) / slices, 1.0)
    place = np.clip(((times_ns - start_ns) / width).astype(np.int64), 0, slices - 1)
    hole = np.isnan(values)
    order = np.lexsort((values, place))  # NaN sorts behind every number
    number = order[~hole[order]]
    kept = [
        _first_of_run(place, number),
        _first_of_run(place, number[::-1]),
        _first_of_run(place, np.flatnonzero(hole)),
    ]
    chosen = np.unique(np.concatenate(kept))
    chosen = chosen[np.argsort(times_ns[chosen], kind="stable")]
    return times_ns[chosen], values[chosen]


def _first_of_run(place: Times, order: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """First index of each slice, where the order visits one slice after another."""
    slices = place[order]
    starts = np.ones(len(order), bool)
    starts[1:] = slices[1:] != slices[:-1]
    return order[starts]


@dataclass
class Envelope:
    """A series that grows part by part and never keeps more than a few thousand points.

    Attributes:
        start_ns, end_ns: Span over which the slices lie.
        points: Most samples that `result` gives.
    """

    start_ns: int
    end_ns: int
    points: int = MOST_POINTS
    _parts: list[tuple[Times, Values]] = field(default_factory=list)
    _held: int = 0

    def add(self, times_ns: Times, values: Values) -> None:
        """Take samples, shapes (n,) and (n,)."""
        self._parts.append((times_ns, values))
        self._held += len(times_ns)
        if self._held > 8 * self.points:
            self._parts = [self.result()]
            self._held = len(self._parts[0][0])

    def result(self) -> tuple[Times, Values]:
        """The samples kept, at most `points`."""
        if not self._parts:
            return np.zeros(0, np.int64), np.zeros(0)
        times_ns = np.concatenate([part[0] for part in self._parts])
        values = np.concatenate([part[1] for part in self._parts])
        return decimate(times_ns, values, self.start_ns, self.end_ns, self.points)


@dataclass(frozen=True)
class Detailed:
    """An envelope of the whole and a finer one of each fault, so that a fault still has its samples when zoomed in on.

    Attributes:
        whole: Envelope of the whole span.
        lenses: Envelopes of parts of it.
    """

    whole: Envelope
    lenses: tuple[Envelope, ...] = ()

    def add(self, times_ns: Times, values: Values) -> None:
        """Take samples, shapes (n,) and (n,)."""
        self.whole.add(times_ns, values)
        for lens in self.lenses:
            inside = (times_ns >= lens.start_ns) & (times_ns <= lens.end_ns)
            if inside.any():
                lens.add(times_ns[inside], values[inside])

    def result(self) -> tuple[Times, Values]:
        """The samples of all, each once, in order of time."""
        parts = [envelope.result() for envelope in (self.whole, *self.lenses)]
        times_ns = np.concatenate([part[0] for part in parts])
        values = np.concatenate([part[1] for part in parts])
        if len(parts) == 1:
            return times_ns, values
        order = np.lexsort((values, times_ns))
        times_ns, values = times_ns[order], values[order]
        equal = (values[1:] == values[:-1]) | (np.isnan(values[1:]) & np.isnan(values[:-1]))
        again = (np.diff(times_ns) == 0) & equal
        kept = np.concatenate([[True], ~again])[: len(times_ns)]
        return times_ns[kept], values[kept]


def detailed(start_ns: int, end_ns: int, faults_ns: Sequence[tuple[int, int]]) -> Detailed:
    """An empty one.

    Args:
        start_ns: Where the whole begins.
        end_ns: Where it ends.
        faults_ns: Start and end of faults; the first few get a lens each, wide enough for what is around.
    """
    lenses = []
    for start, end in faults_ns[:MOST_LENSES]:
        margin = max((end - start) * 3 // 2, LEAST_MARGIN_NS)
        lenses.append(Envelope(start - margin, end + margin, LENS_POINTS))
    return Detailed(Envelope(start_ns, end_ns), tuple(lenses))


@dataclass
class Thinned:
    """Rows of a path that grows part by part: evenly spaced ones, never more than twice as many as are wanted.

    Attributes:
        rows: Rows that `result` gives at most.
    """

    rows: int = MOST_POINTS
    _stride: int = 1
    _seen: int = 0
    _times: list[Times] = field(default_factory=list)
    _points: list[Values] = field(default_factory=list)

    def add(self, times_ns: Times, points: Values) -> None:
        """Take rows, shapes (n,) and (n, 3)."""
        first = -self._seen % self._stride
        self._times.append(times_ns[first :: self._stride])
        self._points.append(points[first :: self._stride])
        self._seen += len(times_ns)
        while sum(map(len, self._times)) > 2 * self.rows:
            self._stride *= 2
            self._times = [np.concatenate(self._times)[::2]]
            self._points = [np.concatenate(self._points)[::2]]

    def result(self) -> tuple[Times, Values]:
        """The rows kept."""
        if not self._times:
            return np.zeros(0, np.int64), np.zeros((0, 3))
        times_ns, points = np.concatenate(self._times), np.concatenate(self._points)
        step = 2 if len(times_ns) > self.rows else 1
        return times_ns[::step], points[::step]
