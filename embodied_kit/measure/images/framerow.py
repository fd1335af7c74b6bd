"""The row of numbers that is kept of each image."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from embodied_kit.measure.images.blur import blur_length
from embodied_kit.measure.images.image import Plane
from embodied_kit.measure.images.pixels import colour_numbers, depth_numbers
from embodied_kit.measure.images.thumbnail import (
    GRID_COLUMNS,
    GRID_ROWS,
    HASH_BYTES,
    Thumbnail,
    difference_hash,
    motion_energy,
    motion_grid,
    thumbnail,
)

FRAME_DTYPE = np.dtype(
    [
        ("stamp", "<i8"),
        ("state", "u1"),
        ("depth", "?"),
        ("key", "?"),
        ("codec", "u1"),
        ("quality", "u1"),
        ("hashed", "?"),
        ("bits", "<f8"),
        ("width", "<u4"),
        ("height", "<u4"),
        ("content", "V32"),
        ("hash", f"V{HASH_BYTES}"),
        ("mean", "<f8"),
        ("clipped", "<f8"),
        ("contrast", "<f8"),
        ("sharpness", "<f8"),
        ("blur", "<f8"),
        ("energy", "<f8"),
        ("grid", "u1", (GRID_ROWS * GRID_COLUMNS,)),
        ("zero", "<f8"),
        ("valid", "<f8"),
    ]
)


class State(IntEnum):
    """What became of an image; a leading one cannot be decoded without what was sent before the recording began."""

    DECODED = 0
    FAILED = 1
    UNDECODED = 2
    LEADING = 3


class RowMaker:
    """Fills the rows of one stream; knows the image before, for what moved."""

    def __init__(self) -> None:
        self._before: Thumbnail | None = None

    def fill(self, row: NDArray[np.void], plane: Plane) -> None:
        """Numbers of a plane into a row of shape (1,)."""
        row["height"], row["width"] = plane.pixels.shape
        row["content"] = np.frombuffer(plane.content, "V32")[0]
        if plane.kind == "depth":
            depth = depth_numbers(plane.pixels)
            row["depth"], row["zero"] = True, depth.zero_ratio
            row["valid"] = np.nan if depth.median is None else depth.median
            return
        colour = colour_numbers(plane.pixels)
        row["mean"], row["clipped"] = colour.mean, colour.clipped_ratio
        row["contrast"], row["sharpness"] = colour.contrast, colour.sharpness
        blur = blur_length(plane.pixels)
        row["blur"] = np.nan if blur is None else blur
        self._small(row, thumbnail(plane.pixels))

    def again(self, row: NDArray[np.void]) -> NDArray[np.void]:
        """Row of an image that is the one before: the same numbers, and nothing moved."""
        same: NDArray[np.void] = row.copy()
        if self._before is not None and not same["depth"][0]:
            same["energy"], same["grid"] = 0.0, 0
        return same

    def _small(self, row: NDArray[np.void], small: Thumbnail | None) -> None:
        if small is not None:
            digest = difference_hash(small)
            row["hash"], row["hashed"] = np.frombuffer(digest, f"V{HASH_BYTES}")[0], any(digest)
            if self._before is not None:
                row["energy"], row["grid"] = motion_energy(small, self._before), motion_grid(small, self._before)
        self._before = small
