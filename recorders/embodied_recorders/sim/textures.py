"""Baked patterns, so that pictures have detail: brightness about 1, a texel a millimetre, repeated every TILE."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from embodied_recorders.sim.rotation import FloatArray
from embodied_recorders.sim.shapes import Texture

Pattern: TypeAlias = npt.NDArray[np.float32]
TEXELS_PER_M = 1000.0
TILE = 512  # a power of two, so that an index wraps by a mask


def bake(seed: int = 0) -> Mapping[Texture, Pattern]:
    """Pattern of each texture but `plain`, flat, TILE * TILE long."""
    rng = np.random.default_rng(seed)
    texel = np.arange(TILE)
    mat = 1.0 + 0.22 * _cloudy(rng, (4, 16, 64))
    mat[texel % 64 < 2, :] *= 0.65
    mat[:, texel % 64 < 2] *= 0.65
    planks = 1.0 + 0.2 * _cloudy(rng, (16, 64, 128))
    planks[texel % 128 < 6, :] *= 0.6
    planks[:, texel % 256 < 6] *= 0.75
    bands = np.where(texel // 16 % 2 == 0, 1.0, 0.72)[:, None] * (1.0 + 0.1 * _cloudy(rng, (4, 16)))
    cells = texel // 8 % 2
    checker = np.where(cells[:, None] == cells[None, :], 1.15, 0.5) * (1.0 + 0.06 * _cloudy(rng, (2,)))
    baked: dict[Texture, FloatArray] = {"mat": mat, "planks": planks, "bands": bands, "checker": checker}
    return {name: pattern.astype(np.float32).reshape(-1) for name, pattern in baked.items()}


def _cloudy(rng: np.random.Generator, cells_mm: tuple[int, ...]) -> FloatArray:
    """Noise in [-1, 1] of cells of several sizes."""
    total = np.zeros((TILE, TILE))
    for cell in cells_mm:
        coarse = rng.uniform(-1.0, 1.0, (TILE // cell, TILE // cell))
        total += np.kron(coarse, np.ones((cell, cell)))
    return total / len(cells_mm)
