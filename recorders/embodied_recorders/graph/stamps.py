"""Header stamps of one publisher: periods that are missing by them, and stamps that did not advance."""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

HEADER_END: Final = 12
STAMP: Final = slice(4, HEADER_END)  # after the encapsulation: seconds (int32) and nanoseconds (uint32)
Counts: TypeAlias = npt.NDArray[np.int64]
_PLAIN_LITTLE_ENDIAN = b"\0\1"
_RECENT = 64
_ENOUGH = 8
_STEP_NS = 500_000_000  # what is smaller cannot be told from a message that waits to be looked at
_NEAR = 0.2  # farther from the declared period, a measured one tells of loss: of each third message lost it is 1.5


def is_stamped(definition: str, cdr: bytes) -> bool:
    """Whether a message of this ros2msg text begins with a `std_msgs/Header` that can be read where it stands."""
    lines = (line.partition("#")[0].split() for line in definition.splitlines())
    first = next((words for words in lines if words), [])
    return first[:1] in (["std_msgs/Header"], ["std_msgs/msg/Header"], ["Header"]) and cdr[:2] == _PLAIN_LITTLE_ENDIAN


def stamp_ns(cdr: bytes) -> int:
    """Stamp of a message that begins with a header, ns since the epoch of its clock."""
    return int.from_bytes(cdr[4:8], "little", signed=True) * 1_000_000_000 + int.from_bytes(cdr[8:12], "little")


class HeaderStamps:
    """Takes heads of messages at little cost, and looks at them many at a time.

    The period is the measured one (median of the last intervals) where that is near the declared one, so that a sensor
    a little beside its declared rate has no gaps; else the declared one, so that a loss of every second message has.

    Messages that are stamped too close to one another fill periods of a gap beside them: who stutters catches up, and
    a stamp that is repeated or out of order belongs to a message that came. A jump that is the clock's is no gap: after
    it messages seem to arrive sooner than they ever did, and by as much.

    Attributes:
        heads: Stamps not looked at yet, as they stood in the messages.
        stale_n: Messages whose stamp was not later than the one before.
        advances: Whether any stamp was later than the one before; where none was, they tell nothing.

    Args:
        period_ns: Declared period in ns; None where the stream promises none, and nothing can be missing.
    """

    def __init__(self, period_ns: float | None) -> None:
        self.heads = bytearray()
        self.period_ns = period_ns
        self.stale_n = 0
        self.advances = False
        self._settled_n = self._open_n = 0
        self._newest_ns: int | None = None
        self._recent = np.empty(0)
        self._soonest_ns: int | None = None

    @property
    def missing_n(self) -> int:
        """Periods in which no message came; they were lost on the way or never sent."""
        return self._settled_n + max(self._open_n, 0)

    def fold(self, now_ns: int) -> None:
        """Look at what has come since the last call.

        Args:
            now_ns: Of a clock that never goes back, when the newest message had come.
        """
        if not self.heads:
            return
        words = np.frombuffer(bytes(self.heads), "<i4").reshape(-1, 2)
        self.heads.clear()
        stamps_ns = words[:, 0].astype(np.int64) * 1_000_000_000 + words[:, 1]
        if self._newest_ns is not None:
            stamps_ns = np.concatenate([[self._newest_ns], stamps_ns])
        self._newest_ns = int(stamps_ns[-1])
        intervals = np.diff(stamps_ns)
        forward = intervals[intervals > 0]
        self.stale_n += intervals.size - forward.size
        self.advances = self.advances or forward.size > 0
        jumps = self._is_of_the_clock(intervals, now_ns - self._newest_ns)
        if self.period_ns is not None and intervals.size:
            self._recent = np.concatenate([self._recent, forward[-_RECENT:].astype(np.float64)])[-_RECENT:]
            periods = np.rint(intervals / self._period(self.period_ns)).astype(np.int64)
            self._settle(np.where(jumps | (intervals < -_STEP_NS), 0, periods - 1))

    def _settle(self, beyond: Counts) -> None:
        """Count periods beyond one, -1 or less of them where stamps are close; a usual interval ends a run."""
        ends = np.flatnonzero(beyond == 0)
        if not ends.size:
            self._open_n += int(beyond.sum())
            return
        sums = np.add.reduceat(beyond, ends)  # from each usual interval to the next
        self._settled_n += max(self._open_n + int(beyond[: ends[0]].sum()), 0) + int(np.maximum(sums[:-1], 0).sum())
        self._open_n = int(sums[-1])

    def _is_of_the_clock(self, intervals_ns: Counts, came_ns: int) -> npt.NDArray[np.bool_]:
        """Which intervals are jumps of the clock that stamps: at most one.

        Args:
            intervals_ns: Of all stamps.
            came_ns: When the newest message came, less its stamp.
        """
        jumps = np.zeros(intervals_ns.size, np.bool_)
        if self._soonest_ns is None or (intervals_ns.size and intervals_ns.min() < -_STEP_NS):  # or it was set back
            self._soonest_ns = came_ns
            return jumps
        step_ns = self._soonest_ns - came_ns
        self._soonest_ns = min(self._soonest_ns, came_ns)
        if step_ns > _STEP_NS and intervals_ns.size:
            place = int(intervals_ns.argmax())
            longest_ns = int(intervals_ns[place])
            jumps[place] = longest_ns > _STEP_NS and abs(longest_ns - step_ns) < _STEP_NS
        return jumps

    def _period(self, declared_ns: float) -> float:
        measured_ns = float(np.median(self._recent)) if self._recent.size >= _ENOUGH else declared_ns
        return measured_ns if abs(measured_ns / declared_ns - 1) < _NEAR else declared_ns
