"""A calibrated camera: where it is, and where on its image a point in space lies. Elementwise, no matrix product.

Models: OpenCV's `plumb_bob` and `rational_polynomial` (k1 k2 p1 p2 k3 k4 k5 k6) and `equidistant` (k1 to k4).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embodied_kit.measure.declared.jsonget import get_list, get_number, get_object, get_text
from embodied_kit.measure.kinematics.forward import Poses
from embodied_kit.model.json import JsonObject

Floats = NDArray[np.float64]
_MODELS = ("plumb_bob", "rational_polynomial", "equidistant", "none", "")
_UNDISTORT_STEPS = 12


@dataclass(frozen=True)
class Camera:
    """One camera of a calibration, in pixels of images of `width` x `height`; pixel centres at whole numbers.

    Attributes:
        parent: Frame in which `pose` is given.
        pose: Of the optical frame (z forward, x right, y down), one moment.
    """

    stream: str
    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    model: str
    distortion: tuple[float, ...]
    parent: str
    pose: Poses

    def project(self, points: Floats) -> Floats:
        """Pixels (n, 2) of points (n, 3) in the optical frame, m; NaN for what is not before the camera."""
        z = np.where(points[:, 2] > 1e-6, points[:, 2], np.nan)
        x, y = self._distorted(points[:, 0] / z, points[:, 1] / z)
        return np.stack([self.fx * x + self.cx, self.fy * y + self.cy], axis=1)

    def rays(self, u: Floats, v: Floats) -> Floats:
        """Points (n, 3) at depth 1 that lie on pixels."""
        x0, y0 = (u - self.cx) / self.fx, (v - self.cy) / self.fy
        x, y = x0.copy(), y0.copy()
        for _ in range(_UNDISTORT_STEPS if any(self.distortion) else 0):
            there_x, there_y = self._distorted(x, y)
            x, y = x + (x0 - there_x), y + (y0 - there_y)
        return np.stack([x, y, np.ones_like(x)], axis=1)

    def _distorted(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        if not any(self.distortion):
            return x, y
        k = (*self.distortion, *[0.0] * 8)[:8]
        square = x * x + y * y
        if self.model == "equidistant":
            radius = np.sqrt(square)
            angle = np.arctan(radius)
            turn = angle * angle
            bent = angle * (1 + turn * (k[0] + turn * (k[1] + turn * (k[2] + turn * k[3]))))
            scale = np.where(radius > 1e-9, bent / np.maximum(radius, 1e-9), 1.0)
            return x * scale, y * scale
        radial = (1 + square * (k[0] + square * (k[1] + square * k[4]))) / (
            1 + square * (k[5] + square * (k[6] + square * k[7]))
        )
        return (
            x * radial + 2 * k[2] * x * y + k[3] * (square + 2 * x * x),
            y * radial + k[2] * (square + 2 * y * y) + 2 * k[3] * x * y,
        )


def read_camera(entry: JsonObject) -> Camera | None:
    """Camera of an entry of a calibration; None where intrinsics, size or pose are not whole, or no known model."""
    intrinsics, extrinsics = get_object(entry, "intrinsics"), get_object(entry, "extrinsics")
    numbers = [get_number(intrinsics, name) for name in ("fx", "fy", "cx", "cy")]
    size = _floats(get_list(entry, "resolution"))
    place, turn = (_floats(get_list(extrinsics, name)) for name in ("xyz_m", "quaternion_xyzw"))
    model, distortion = get_text(entry, "distortion_model"), _floats(get_list(entry, "distortion"))
    whole = len(size) == 2 and len(place) == 3 and len(turn) == 4 and len(distortion) <= 8 and model in _MODELS
    if not whole or any(value is None for value in numbers) or not any(turn) or min(size) < 1:
        return None
    fx, fy, cx, cy = (float(value or 0.0) for value in numbers)
    if fx <= 0 or fy <= 0:
        return None
    unit = np.array([turn]) / np.sqrt(sum(value * value for value in turn))
    pose = Poses(np.array([place]), unit)
    parent, stream = get_text(extrinsics, "parent_frame"), get_text(entry, "stream_id")
    width, height = int(size[0]), int(size[1])
    return Camera(stream, width, height, fx, fy, cx, cy, model, tuple(distortion), parent, pose)


def _floats(values: object) -> list[float]:
    found = values if isinstance(values, list | tuple) else []
    told = [float(item) for item in found if isinstance(item, int | float) and not isinstance(item, bool)]
    return told if len(told) == len(found) else []
