"""Stamps that went through 32-bit seconds: they lie on a grid that grows coarser with time (rule TM-03).

A float32 has 24 binary digits: seconds since the start of a session are rounded to 0.48 us after 4 s, to 7.6 us after
64 s, to 0.12 ms after 1024 s, so that frames no longer meet the stamps they were taken at. LeRobot keeps its stamps so.
"""

from __future__ import annotations

import numpy as np

from embodied_kit.measure.columns.spots import Spot, Spots
from embodied_kit.measure.columns.store import Blocks
from embodied_kit.measure.columns.timing import NS_PER_S, Timing

STEPS_PER_S = 1 << 21
"""Steps of a float32 from 4 to 8 s, the finest that can be told; the later, coarser ones are multiples of it."""
WHOLE_NS_STEPS = 1 << 12
"""Of these, so many make 1/512 s, which is a whole number of ns: an exact clock shows its multiples as well."""
ROUNDING_NS = 1
"""Both stamps of a difference were rounded to whole ns; by chance a difference fits in 3 cases of 477."""
FROM_RATIO = 0.1
"""From this share on the stamps are taken for such."""


def float32_ratio(stamps: Blocks, timing: Timing) -> float:
    """Share of all stamps whose distance to the last is a multiple of 2^-21 s, to the ns, and none of 2^-9 s.

    Args:
        stamps: int64 ns, in any order.
        timing: Their numbers.
    """
    if timing.last_ns is None:
        return 0.0
    count = 0
    for block in stamps():
        before_ns = timing.last_ns - block[block != 0]
        steps = np.rint(before_ns * (STEPS_PER_S / NS_PER_S))
        on_grid = np.abs(steps * (NS_PER_S / STEPS_PER_S) - before_ns) <= ROUNDING_NS
        count += int((on_grid & (steps % WHOLE_NS_STEPS != 0)).sum())
    return count / timing.n


def float32_spots(stamps: Blocks, timing: Timing) -> Spots:
    """The whole column as one place, with its share as value, where that is 0.1 or more."""
    ratio = float32_ratio(stamps, timing)
    if ratio < FROM_RATIO or timing.first_ns is None or timing.last_ns is None:
        return Spots()
    return Spots((Spot(timing.first_ns, timing.last_ns, ratio),), 1)
