"""Length of the blur in an image, in pixels: how wide its strongest edges are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MIN_EDGES = 24
MIN_CONTRAST = 24
_LINES = 40
_STRONGEST = 0.25
Ints = NDArray[np.int64]


def blur_length(pixels: NDArray[np.uint8]) -> float | None:
    """Median width in px of the strongest edges along rows or along columns, whichever is wider.

    An edge is a run of neighbouring differences of one sign along one of up to 40 lines spread evenly over the image.
    Its width is its rise over its steepest difference: a step smeared by a straight motion of L px becomes a ramp of L
    equal differences, so the width is L, and a sharp step has width 1. Looked at are edges with a rise of at least 24
    grey levels, of these the quarter with the largest rise (the contours of large things; fine texture loses its
    contrast first). Lost focus widens edges too and is counted: a single image cannot tell them apart.

    Args:
        pixels: (height, width) grey.

    Returns:
        None where neither direction has 24 such edges.
    """
    widths = [width for width in (_edge_width(_lines(pixels)), _edge_width(_lines(pixels.T))) if width is not None]
    return max(widths) if widths else None


def _lines(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Rows spread evenly over an image."""
    chosen = np.linspace(0, len(pixels) - 1, min(_LINES, len(pixels))).astype(np.int64)
    return pixels[chosen]


def _edge_width(lines: NDArray[np.uint8]) -> float | None:
    """Median width of the strongest edges along lines of shape (k, n)."""
    if lines.shape[1] < 2:
        return None
    flat = lines.astype(np.int16).ravel()
    steps = np.diff(flat)
    steps[lines.shape[1] - 1 :: lines.shape[1]] = 0  # from one line to the next nothing rises
    sign = (steps > 0).view(np.int8) - (steps < 0).view(np.int8)
    starts = np.concatenate(([0], np.flatnonzero(sign[1:] != sign[:-1]) + 1))
    ends = np.concatenate((starts[1:], [len(steps)]))
    rise = np.abs(flat[ends] - flat[starts]).astype(np.int64)
    strong = (rise >= MIN_CONTRAST) & (sign[starts] != 0)
    rise, starts, ends = rise[strong], starts[strong], ends[strong]
    if len(rise) < MIN_EDGES:
        return None
    kept = max(MIN_EDGES, int(len(rise) * _STRONGEST))
    chosen = np.sort(np.argsort(-rise, kind="stable")[:kept])
    edges = np.stack([starts[chosen], ends[chosen]], axis=1).ravel()
    steepest = np.maximum.reduceat(np.abs(np.append(steps, np.int16(0))), edges)[::2]
    width = np.sort(rise[chosen] / steepest)
    return float(width[(len(width) - 1) // 2])
