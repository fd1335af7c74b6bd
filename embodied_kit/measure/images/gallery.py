"""A few whole images of a stream, spread over its time, for what needs pixels of two streams at one moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_KEPT = 6
MAX_WIDTH, MAX_HEIGHT = 640, 480
_FIRST_SLOT_NS = 250_000_000
COLOUR_FIELD, DEPTH_FIELD = "picture.color", "picture.depth"


@dataclass(frozen=True, eq=False)
class Sample:
    """One image.

    Attributes:
        pixels: (height, width), every `step`-th row and column of the image.
    """

    stamp_ns: int
    pixels: NDArray[Any]
    step: int


class Gallery:
    """Keeps at most MAX_KEPT images: the first of each slot of time, and slots grow with the stream.

    Slots lie on a grid of absolute time, so that streams of one episode keep images of nearly the same moments.
    """

    def __init__(self) -> None:
        self.kept: list[Sample] = []
        self._slot_ns = _FIRST_SLOT_NS

    def offer(self, stamp_ns: int, pixels: NDArray[Any]) -> None:
        """Show the next image."""
        if self.kept and stamp_ns // self._slot_ns <= self.kept[-1].stamp_ns // self._slot_ns:
            return
        if self.kept and self.kept[-1].pixels.dtype != pixels.dtype:
            return
        step = max(1, -(-pixels.shape[1] // MAX_WIDTH), -(-pixels.shape[0] // MAX_HEIGHT))
        sample = Sample(stamp_ns, np.ascontiguousarray(pixels[::step, ::step]), step)
        if self.kept and self.kept[-1].pixels.shape != sample.pixels.shape:
            return
        self.kept.append(sample)
        while len(self.kept) > MAX_KEPT:
            self._slot_ns *= 2
            slots = [item.stamp_ns // self._slot_ns for item in self.kept]
            self.kept = [item for index, item in enumerate(self.kept) if index == 0 or slots[index] > slots[index - 1]]
