"""A small copy of each image: what moved since the last one, and a hash that survives another compression."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

ROWS, COLUMNS = 24, 32
SCALE = 8
"""Counts of a thumbnail to a grey level."""
GRID_ROWS, GRID_COLUMNS = 6, 8
HASH_BITS = 180
HASH_BYTES = 24
_HASH_STEP = 2 * SCALE
Thumbnail = NDArray[np.int32]


def thumbnail(pixels: NDArray[np.uint8]) -> Thumbnail | None:
    """Mean grey of 24 x 32 blocks, in eighths of a grey level, shape (24, 32); None for an image that is smaller."""
    height, width = pixels.shape
    if height < ROWS or width < COLUMNS:
        return None
    rows, columns = (np.arange(n) * size // n for n, size in ((ROWS, height), (COLUMNS, width)))
    ends = [*rows[1:].tolist(), height]
    bands = np.stack([pixels[a:b].sum(axis=0, dtype=np.uint32) for a, b in zip(rows.tolist(), ends, strict=True)])
    sums = np.add.reduceat(bands, columns, axis=1, dtype=np.int64)
    counts = np.outer(np.diff([*rows, height]), np.diff([*columns, width]))
    return np.asarray((SCALE * sums + counts // 2) // counts, np.int32)


def motion_grid(now: Thumbnail, before: Thumbnail) -> NDArray[np.uint8]:
    """Mean absolute change of 6 x 8 cells, in eighths of a grey level, at most 255; shape (48,)."""
    change = np.abs(now - before).reshape(GRID_ROWS, ROWS // GRID_ROWS, GRID_COLUMNS, COLUMNS // GRID_COLUMNS)
    cells = change.sum(axis=(1, 3)) // (ROWS * COLUMNS // (GRID_ROWS * GRID_COLUMNS))
    return np.asarray(np.minimum(cells, 255), np.uint8).ravel()


def motion_energy(now: Thumbnail, before: Thumbnail) -> float:
    """Mean absolute change of the thumbnail, in grey levels."""
    return int(np.abs(now - before).sum()) / (SCALE * ROWS * COLUMNS)


def difference_hash(small: Thumbnail) -> bytes:
    """180 bits in 24 bytes: which of 12 x 16 blocks are more than 2 grey levels brighter than the one to their left."""
    blocks = small.reshape(12, 2, 16, 2).sum(axis=(1, 3)) >> 2
    bits = np.diff(blocks, axis=1) > _HASH_STEP
    return np.packbits(bits).tobytes().ljust(HASH_BYTES, b"\0")
