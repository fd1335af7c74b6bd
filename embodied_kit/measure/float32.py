"""Stamps that went through 32-bit seconds: they lie on a grid that grows coarser with time (rule TM-03).

A float32 has 24 binary digits: seconds since the start of a recording are rounded to 0.48 us after 4 s, to 7.6 us after
64 s, to 0.12 ms after 1024 s, so that frames no longer meet the stamps they were taken at. LeRobot keeps its stamps so.
"""

from __future__ import annotations

import numpy as np

from embodied_kit.measure.spots import Spot, Spots
from embodied_kit.measure.store import Blocks
from embodied_kit.measure.timing import NS_PER_S, Timing

FROM_NS = 4 * NS_PER_S
"""Before this the grid is too fine to tell: an arbitrary stamp lies on it in one case of 477 from here on, or fewer."""
WHOLE_NS_STEPS = 512
"""10^9 is 2^9 times an odd number: a multiple of 1/512 s is a whole number of ns, and an exact clock shows it too."""
FROM_RATIO = 0.1
"""From this share on the stamps are taken for such; by chance it is below 1/477."""


def float32_ratio(stamps: Blocks, timing: Timing, start_end_ns: tuple[int, int] | None) -> float:
    """Share of all stamps that lie on the grid of 32-bit seconds since the first stamp or the start of the episode.

    A stamp counts if it lies at least 4 s after the start, and exactly at the whole ns next to a float32 that is no
    multiple of 1/512 s; of the two starts the one with more of them is taken.

    Args:
        stamps: int64 ns, in any order.
        timing: Their numbers.
        start_end_ns: Of the episode; None where it is not declared.
    """
    starts = {timing.first_ns, start_end_ns[0] if start_end_ns else None}
    return max((_on_grid(stamps, start) / timing.n for start in starts if start is not None), default=0.0)


def float32_spots(stamps: Blocks, timing: Timing, start_end_ns: tuple[int, int] | None) -> Spots:
    """The whole column as one place, with its share as value, where that is 0.1 or more."""
    ratio = float32_ratio(stamps, timing, start_end_ns)
    if ratio < FROM_RATIO or timing.first_ns is None or timing.last_ns is None:
        return Spots()
    return Spots((Spot(timing.first_ns, timing.last_ns, ratio),), 1)


def _on_grid(stamps: Blocks, start_ns: int) -> int:
    count = 0
    for block in stamps():
        since = (block - start_ns)[block >= start_ns + FROM_NS]
        seconds = (since / NS_PER_S).astype(np.float32).astype(np.float64)
        telling = seconds * WHOLE_NS_STEPS % 1 != 0
        count += int((telling & (np.rint(seconds * NS_PER_S) == since)).sum())
    return count
