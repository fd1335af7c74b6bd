"""The last seconds before a take, kept in memory until one begins."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from embodied_kit.model.stream import Sample

MAX_BYTES = 512 * 1024 * 1024  # five seconds of four raw 640x480 cameras at 30 Hz fit; beyond it the oldest go


@dataclass
class PreRoll:
    """Samples of the last `seconds`, at most MAX_BYTES of them.

    Attributes:
        seconds: Length in s; 0 keeps nothing.
    """

    seconds: float
    max_bytes: int = MAX_BYTES
    _samples: deque[Sample] = field(default_factory=deque)
    _bytes_n: int = 0

    def add(self, samples: Iterable[Sample], now_ns: int) -> None:
        """Keep samples, and let go of those that are too old by `now_ns`, or later: of before a clock was set back."""
        if self.seconds <= 0:
            return
        for sample in samples:
            self._samples.append(sample)
            self._bytes_n += len(sample.cdr)
        oldest_ns = now_ns - round(self.seconds * 1e9)
        while self._samples and (
            self._bytes_n > self.max_bytes or not oldest_ns <= self._samples[0].receive_ns <= now_ns
        ):
            self._bytes_n -= len(self._samples.popleft().cdr)

    def take(self) -> list[Sample]:
        """All that is kept, in order of receipt; nothing is kept any more."""
        samples, self._samples, self._bytes_n = list(self._samples), deque(), 0
        return samples
