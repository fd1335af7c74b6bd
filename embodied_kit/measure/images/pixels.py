"""Numbers of a decoded plane: luma, contrast, sharpness, depth. Integer arithmetic, so every machine finds the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

CLIPPED_FROM = 250
_STRIP_PIXELS = 2**18


@dataclass(frozen=True)
class ColourNumbers:
    """Numbers of a grey plane, 0 to 255.

    Attributes:
        mean: Mean luma.
        clipped_ratio: Share of pixels >= 250.
        contrast: 95th minus 5th percentile, by nearest rank.
        sharpness: Variance of the Laplacian (4-neighbour kernel, inner pixels).
    """

    mean: float
    clipped_ratio: float
    contrast: float
    sharpness: float


@dataclass(frozen=True)
class DepthNumbers:
    """Numbers of a depth plane.

    Attributes:
        zero_ratio: Share of pixels without a distance (0, not finite or below 0).
        median: Median of the others in the image's own unit, by nearest rank; None for none.
    """

    zero_ratio: float
    median: float | None


def colour_numbers(pixels: NDArray[np.uint8]) -> ColourNumbers:
    """Numbers of a grey plane of shape (height, width)."""
    counts = np.zeros(256, np.int64)
    for strip in strips(pixels, 0):
        counts += np.bincount(strip.ravel(), minlength=256)
    ends, total = np.cumsum(counts), pixels.size
    low, high = (int(np.searchsorted(ends, max(1, -(-total * percent // 100)))) for percent in (5, 95))
    return ColourNumbers(
        mean=int((counts * np.arange(256)).sum()) / total,
        clipped_ratio=int(counts[CLIPPED_FROM:].sum()) / total,
        contrast=float(high - low),
        sharpness=_laplacian_variance(pixels),
    )


def depth_numbers(pixels: NDArray[Any]) -> DepthNumbers:
    """Numbers of a depth plane of shape (height, width)."""
    flat = pixels.ravel()
    with np.errstate(invalid="ignore"):
        valid = flat[(flat > 0) & (flat < np.inf)] if flat.dtype.kind == "f" else flat[flat > 0]
    return DepthNumbers(1 - len(valid) / len(flat), _median(valid) if len(valid) else None)


def _median(values: NDArray[Any]) -> float:
    """Smallest value with at least half of all at or below it; the values are put in another order."""
    middle = (len(values) + 1) // 2
    if values.dtype == np.uint16:  # counting is ten times faster than selecting
        return float(np.searchsorted(np.cumsum(np.bincount(values)), middle))
    values.partition(middle - 1)
    return float(values[middle - 1])


def strips(pixels: NDArray[Any], overlap: int) -> Iterator[NDArray[Any]]:
    """Groups of rows, so that no temporary array grows with the image."""
    rows = max(1 + overlap, _STRIP_PIXELS // pixels.shape[1])
    for first in range(0, len(pixels) - overlap, rows - overlap):
        yield pixels[first : first + rows]


def _laplacian_variance(pixels: NDArray[np.uint8]) -> float:
    """Variance of 4*p - left - right - above - below over the inner pixels, in exact integers."""
    height, width = pixels.shape
    n = (height - 2) * (width - 2)
    if height < 3 or width < 3:
        return 0.0
    total = squares = 0
    for strip in strips(pixels, 2):
        wide = strip.astype(np.int32)
        inner = 4 * wide[1:-1, 1:-1] - wide[1:-1, :-2] - wide[1:-1, 2:] - wide[:-2, 1:-1] - wide[2:, 1:-1]
        total += int(inner.sum(dtype=np.int64))
        squares += int((inner * inner).sum(dtype=np.int64))
    return float((squares * n - total * total) / (n * n))
