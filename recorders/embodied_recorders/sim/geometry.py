"""Shapes seen from a camera, many at once: box faces as planes of the picture, capsules as axes, with their windows.

A pixel's ray is d = (x, y, 1) and its point z d. On a plane with normal n at a place p, 1/z = n.d / n.p is linear in
the picture, and so is each coordinate on the plane times 1/z.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from embodied_recorders.sim.cameras import Camera
from embodied_recorders.sim.rotation import FloatArray
from embodied_recorders.sim.shapes import Shape

IntArray: TypeAlias = npt.NDArray[np.int64]
NEAR_M = 0.01
SIGNS: FloatArray = np.array([[x, y, z] for x in (-1.0, 1.0) for y in (-1.0, 1.0) for z in (-1.0, 1.0)])


@dataclass(frozen=True)
class Faces:
    """Faces that look at the camera.

    Attributes:
        owner: Index of the box, shape (m,).
        inverse: 1/z = inverse . d, shape (m, 3).
        across: Coordinate / half size / z = across . d, shape (m, 3); within -1 and 1 on the face. Likewise `up`.
        half: Half sizes along across and up, m, shape (m, 2).
        normal: Outward unit normal, shape (m, 3).
        windows: First and last row, first and last column (last excluded) of what it may cover, shape (m, 4).
    """

    owner: IntArray
    inverse: FloatArray
    across: FloatArray
    up: FloatArray
    half: FloatArray
    normal: FloatArray
    windows: IntArray


class Boxes:
    """A fixed set of boxes."""

    def __init__(self, shapes: Sequence[Shape]) -> None:
        self._at = np.array([shape.at for shape in shapes], float).reshape(-1, 3)
        self._size = np.array([shape.size for shape in shapes], float).reshape(-1, 3)

    def faces(self, poses: FloatArray, camera: Camera) -> Faces:
        """Faces towards the camera, for poses (n, 4, 4) of the boxes' links in the optical frame; none out of sight."""
        turn = poses[:, :3, :3]
        centre = np.einsum("nij,nj->ni", turn, self._at) + poses[:, :3, 3]
        axes = np.transpose(turn, (0, 2, 1))  # [box, axis, xyz]
        side = -np.sign(np.einsum("nai,ni->na", axes, centre))
        normal = side[:, :, None] * axes
        middle = centre[:, None, :] + self._size[:, :, None] * normal
        distance = np.einsum("nai,nai->na", normal, middle)
        owner, axis = np.nonzero(distance < 0.0)
        j, k = (axis + 1) % 3, (axis + 2) % 3
        across, up, place = axes[owner, j], axes[owner, k], middle[owner, axis]
        half = np.column_stack([self._size[owner, j], self._size[owner, k]])
        inverse = normal[owner, axis] / distance[owner, axis, None]
        corners = (
            place[:, None, :]
            + SIGNS[None, :4, 1:2] * (half[:, 0:1] * across)[:, None, :]
            + SIGNS[None, :4, 2:3] * (half[:, 1:2] * up)[:, None, :]
        )
        seen, windows = _windows(corners, camera)
        return Faces(
            owner[seen],
            inverse[seen],
            _coordinate(across, place, inverse, half[:, 0])[seen],
            _coordinate(up, place, inverse, half[:, 1])[seen],
            half[seen],
            normal[owner, axis][seen],
            windows[seen],
        )


class Capsules:
    """A fixed set of capsules, each along z of its link."""

    def __init__(self, shapes: Sequence[Shape]) -> None:
        self._at = np.array([shape.at for shape in shapes], float).reshape(-1, 3)
        self._half = np.array([shape.size[1] for shape in shapes], float)
        self._radius = np.array([shape.size[0] for shape in shapes], float)

    def axes(self, poses: FloatArray, camera: Camera) -> tuple[IntArray, FloatArray, FloatArray, IntArray]:
        """Those in sight: index (m,), start (m, 3) and axis (m, 3) in m in the optical frame, window (m, 4)."""
        centre = np.einsum("nij,nj->ni", poses[:, :3, :3], self._at) + poses[:, :3, 3]
        reach = self._half[:, None] * poses[:, :3, 2]
        spread = self._radius[:, None, None] * SIGNS[None]
        corners = np.concatenate([(centre - reach)[:, None] + spread, (centre + reach)[:, None] + spread], axis=1)
        seen, windows = _windows(corners, camera)
        index = np.flatnonzero(seen)
        return index, (centre - reach)[seen], 2.0 * reach[seen], windows[seen]


def windows_on_ground(low: FloatArray, high: FloatArray, to_camera: FloatArray, camera: Camera) -> IntArray:
    """Windows (n, 4) that rectangles on the plane z = 0 of base_link may cover; empty ones where out of sight."""
    x = np.stack([low[:, 0], low[:, 0], high[:, 0], high[:, 0]], axis=1)
    y = np.stack([low[:, 1], high[:, 1], low[:, 1], high[:, 1]], axis=1)
    corners = np.stack([x, y, np.zeros_like(x)], axis=2) @ to_camera[:3, :3].T + to_camera[:3, 3]
    seen, windows = _windows(corners, camera)
    windows[~seen] = 0
    return windows


def _coordinate(axis: FloatArray, place: FloatArray, inverse: FloatArray, half: FloatArray) -> FloatArray:
    """Coefficients on d of a coordinate along `axis` from `place`, over half size and depth."""
    away = np.einsum("mi,mi->m", axis, place)
    coordinate: FloatArray = (axis - away[:, None] * inverse) / half[:, None]
    return coordinate


def _windows(corners: FloatArray, camera: Camera) -> tuple[npt.NDArray[np.bool_], IntArray]:
    """Which convex bodies of corners (n, c, 3) are in sight, and the windows (n, 4) that they may cover."""
    depth = corners[:, :, 2]
    ahead = depth >= NEAR_M
    safe = np.maximum(depth, NEAR_M)
    u = camera.fx * corners[:, :, 0] / safe + camera.cx
    v = camera.fy * corners[:, :, 1] / safe + camera.cy
    bounds = np.stack([np.floor(v.min(1)), np.ceil(v.max(1)) + 1, np.floor(u.min(1)), np.ceil(u.max(1)) + 1], axis=1)
    cut = ahead.any(1) & ~ahead.all(1)  # reaches behind the eye: it may cover everything
    bounds[cut] = (0, camera.height, 0, camera.width)
    limits = np.array([camera.height, camera.height, camera.width, camera.width])
    windows: IntArray = np.clip(bounds, 0, limits).astype(np.int64)
    seen = ahead.any(1) & (windows[:, 0] < windows[:, 1]) & (windows[:, 2] < windows[:, 3])
    return seen, windows
