"""RVL, the run-length code of depth images (A. Wilson, 2017), undone in whole arrays, block by block.

Words of 32 bits, little-endian, hold nibbles, the highest first. A number is a run of nibbles of 3 bits each, the
lowest first; the fourth bit says that more follow. The numbers are: how many pixels have no distance, how many after
them have one, of each of these the difference from the distance before (2d, or -2d - 1 below zero), and so on.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

BLOCK_WORDS = 2**13
"""What is looked at together."""
_MOST_NIBBLES = 10
"""Of one number: 30 bits, more than any count of pixels or difference needs."""
Numbers = NDArray[np.uint32]


class RvlError(Exception):
    """The bytes do not hold the pixels that they should."""


def decode_rvl(data: bytes | memoryview, n: int, block_words: int = BLOCK_WORDS) -> NDArray[np.uint16]:
    """Distances of `n` pixels, 0 for none; what follows them is not looked at.

    Args:
        data: Words.
        n: Pixels that they must hold.
        block_words: How many words are looked at together.

    Raises:
        RvlError: The data are damaged or cut.
    """
    image, blocks = _Image(n), _numbers(data, block_words)
    rest: Numbers = np.empty(0, np.uint32)
    while not image.whole:
        rest = image.take(np.concatenate([rest, next(blocks)]))
    return image.pixels


class _Image:
    """Pixels that fill up.

    Attributes:
        pixels: (n,) distances.
    """

    def __init__(self, n: int) -> None:
        self.pixels = np.zeros(n, np.uint16)
        self._at = 0
        self._owed = 0  # pixels of the last run whose differences are still to come
        self._distance = 0

    @property
    def whole(self) -> bool:
        """Whether every pixel is there."""
        return self._at == len(self.pixels)

    def take(self, numbers: Numbers) -> Numbers:
        """Use up numbers; what is returned belongs before the next ones."""
        heads, end = self._heads(numbers)
        used = min(end, len(numbers))
        counts = np.zeros(2 * len(heads) + 2, np.int64)  # pixels without and with a distance, in turn
        counts[1] = min(self._owed, used)
        counts[2::2], counts[3::2] = numbers[heads], numbers[heads + 1]
        self._owed = end - used
        if len(heads):
            counts[-1] -= self._owed
        differs = np.ones(used, bool)
        differs[heads] = differs[heads + 1] = False
        self._write(np.repeat(np.arange(len(counts)) % 2 == 1, counts), numbers[:used][differs])
        return numbers[used:]

    def _heads(self, numbers: Numbers) -> tuple[NDArray[np.intp], int]:
        """Where the pairs of counts stand, and where the next one would; that may lie in the numbers to come."""
        heads, place, ahead = [], self._owed, len(self.pixels) - self._at - self._owed
        view = numbers.data
        while ahead > 0 and place + 1 < len(numbers):
            heads.append(place)
            zeros, ones = view[place], view[place + 1]
            ahead -= zeros + ones
            place += 2 + ones
            if ahead < 0 or not zeros + ones:
                raise RvlError
        return np.array(heads, np.intp), place

    def _write(self, known: NDArray[np.bool_], differences: Numbers) -> None:
        signed = (differences >> 1).astype(np.int64) ^ -(differences & 1).astype(np.int64)
        distances = np.cumsum(signed) + self._distance
        self.pixels[self._at : self._at + len(known)][known] = distances & 0xFFFF
        self._at += len(known)
        self._distance = int(distances[-1]) if len(distances) else self._distance


def _numbers(data: bytes | memoryview, block_words: int) -> Iterator[Numbers]:
    """Numbers of each block; RvlError after the last, or where one has no end."""
    words = np.frombuffer(data, "<u4", len(data) // 4)
    rest: NDArray[np.uint8] = np.empty(0, np.uint8)
    for first in range(0, len(words), block_words):
        pairs = words[first : first + block_words].astype(">u4").view(np.uint8)
        halves = np.stack([pairs >> np.uint8(4), pairs & np.uint8(15)], axis=1).ravel()
        nibbles: NDArray[np.uint8] = np.concatenate([rest, halves])
        ends = np.flatnonzero(nibbles < 8)
        starts = np.append(0, ends + 1)
        too_long = np.flatnonzero(np.diff(starts, append=len(nibbles)) > _MOST_NIBBLES)
        starts = starts[: too_long[0] + 1] if len(too_long) else starts
        yield _values(nibbles[: starts[-1]], starts)
        if len(too_long):
            break
        rest = nibbles[starts[-1] :]
    raise RvlError


def _values(nibbles: NDArray[np.uint8], starts: NDArray[np.intp]) -> Numbers:
    """Numbers that begin at all starts but the last, which is the end."""
    bits = nibbles & 7
    values = bits[starts[:-1]].astype(np.uint32)
    longer, shift = np.flatnonzero(nibbles[starts[:-1]] > 7), 3
    at = starts[longer] + 1
    while len(longer):
        values[longer] |= bits[at].astype(np.uint32) << np.uint32(shift)
        more = nibbles[at] > 7
        longer, at, shift = longer[more], at[more] + 1, shift + 3
    return values
