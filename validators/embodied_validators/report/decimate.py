"""Fewer points for a plot without losing a peak: the smallest and the largest of each slice of time."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

MOST_POINTS = 2000
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
