"""Header stamps of one publisher: periods that are missing by them, and stamps that did not advance."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

HEADER_END: Final = 12
STAMP: Final = slice(4, HEADER_END)  # after the encapsulation: seconds (int32) and nanoseconds (uint32)
_PLAIN_LITTLE_ENDIAN = b"\0\1"
_RECENT = 64
_ENOUGH = 8
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

    Attributes:
        heads: Stamps not looked at yet, as they stood in the messages.
        missing_n: Periods in which no message came; they were lost on the way or never sent.
        stale_n: Messages whose stamp was not later than the one before.

    Args:
        period_ns: Declared period in ns; None where the stream promises none, and nothing can be missing.
    """

    def __init__(self, period_ns: float | None) -> None:
        self.heads = bytearray()
        self.period_ns = period_ns
        self.missing_n = 0
        self.stale_n = 0
        self._newest_ns: int | None = None
        self._recent = np.empty(0)

    def fold(self) -> None:
        """Look at what has come since the last call."""
        if not self.heads:
            return
        words = np.frombuffer(bytes(self.heads), "<i4").reshape(-1, 2)
        self.heads.clear()
        stamps_ns = words[:, 0].astype(np.int64) * 1_000_000_000 + words[:, 1]
        if self._newest_ns is not None:
            stamps_ns = np.concatenate([[self._newest_ns], stamps_ns])
        self._newest_ns = int(stamps_ns[-1])
        intervals = np.diff(stamps_ns)
        forward = intervals[intervals > 0].astype(np.float64)
        self.stale_n += intervals.size - forward.size
        if self.period_ns is not None and forward.size:
            self._recent = np.concatenate([self._recent, forward[-_RECENT:]])[-_RECENT:]
            self.missing_n += _missing(forward, self._period(self.period_ns))

    def _period(self, declared_ns: float) -> float:
        measured_ns = float(np.median(self._recent)) if self._recent.size >= _ENOUGH else declared_ns
        return measured_ns if abs(measured_ns / declared_ns - 1) < _NEAR else declared_ns


def _missing(intervals_ns: npt.NDArray[np.float64], period_ns: float) -> int:
    return int(np.maximum(np.rint(intervals_ns / period_ns) - 1, 0).sum())
