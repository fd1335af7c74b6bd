"""Distances as colours over a fixed range, so that a colour means the same distance in every picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

DEPTH_RANGE_M = (0.1, 10.0)
"""Distances from the brightest colour to the darkest; what is nearer or farther has the colour of the end."""
_NEAR_TO_FAR = np.array([[255, 240, 150], [252, 150, 60], [205, 65, 110], [115, 45, 165], [45, 60, 160]], np.float64)
"""Brightness falls all the way, so that the order can be seen without colours too; none is black."""
_STEPS = 256
_SHARES = np.linspace(0, len(_NEAR_TO_FAR) - 1, _STEPS)
_TABLE = np.stack([np.interp(_SHARES, range(len(_NEAR_TO_FAR)), band) for band in _NEAR_TO_FAR.T], 1).astype(np.uint8)
_LEAST_BAR, _BAR_SHARE = 2, 40


def depth_colours(metres: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Colours of distances in m, shape (height, width); the last rows are a bar of the whole range, near to far.

    The scale is logarithmic: a centimetre counts near by and not far away. No distance (0, not finite, negative) is
    black.
    """
    near, far = DEPTH_RANGE_M
    known = np.isfinite(metres) & (metres > 0)
    share = np.log(np.clip(np.where(known, metres, near), near, far) / near) / np.log(far / near)
    colours: NDArray[np.uint8] = _TABLE[np.rint(share * (_STEPS - 1)).astype(np.intp)]
    colours[~known] = 0
    bar = _TABLE[np.linspace(0, _STEPS - 1, metres.shape[1]).astype(np.intp)]
    colours[-max(_LEAST_BAR, len(colours) // _BAR_SHARE) :] = bar
    return colours
