"""How far depth and colour are apart: contours of the depth image against edges of the colour image (rule DG-03)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embodied_kit.measure.geometry.camera import Camera
from embodied_kit.measure.kinematics.forward import Poses, relative, rotated

REACH_PX = 12
MIN_CONTOUR_POINTS = 150
MIN_JUMP = 0.05
PEAK_OVER_MEDIAN = 1.25
_MAX_HOLE_PX = 4
_GRADIENT_CAP = 64
_MAX_POINTS = 6000
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Offset:
    """Shift of one pair of images.

    Attributes:
        px: In pixels of the colour camera.
        mm: At the median depth of the contours.
    """

    px: float
    mm: float


def contour_points(depth_m: Floats, camera: Camera) -> Floats:
    """Points (n, 3) on the near side of jumps of depth, in the optical frame of the depth camera, m.

    A jump lies between two pixels with a distance, neighbours along a row or a column with at most 4 pixels without
    one between them, that differ by 5 % of the nearer and more; its place is halfway, its depth the nearer one.

    Args:
        depth_m: (height, width), 0 for none.
        camera: In pixels of this image.
    """
    found = []
    for turned in (False, True):
        image = depth_m.T if turned else depth_m
        rows, columns = np.nonzero(image > 0)
        after = np.flatnonzero((rows[1:] == rows[:-1]) & (columns[1:] - columns[:-1] <= _MAX_HOLE_PX + 1))
        first, second = image[rows[after], columns[after]], image[rows[after], columns[after + 1]]
        nearer = np.minimum(first, second)
        jump = np.abs(first - second) >= MIN_JUMP * nearer
        along = (columns[after] + columns[after + 1])[jump] / 2
        across = rows[after][jump].astype(np.float64)
        u, v = (across, along) if turned else (along, across)
        found.append(camera.rays(u, v) * nearer[jump][:, None])
    points = np.concatenate(found)
    return points[:: max(1, -(-len(points) // _MAX_POINTS))]


def measure_offset(colour: NDArray[np.uint8], depth_m: Floats, camera: Camera, depth_camera: Camera) -> Offset | None:
    """Shift that lays the contours of depth on the edges of colour; None where they share too few or no clear edges.

    Args:
        colour: (height, width) grey.
        depth_m: (height, width) of the depth camera, m.
        camera: Of the colour image, in its pixels; poses of both are in one frame.
        depth_camera: In pixels of the depth image.
    """
    points = contour_points(depth_m, depth_camera)
    between = relative(_many(camera.pose, len(points)), _many(depth_camera.pose, len(points)))
    points = between.xyz_m + rotated(between.quaternion, points)
    pixels = camera.project(points)
    edge = REACH_PX + 2
    height, width = colour.shape
    inside = (pixels >= edge).all(axis=1) & (pixels[:, 0] < width - edge) & (pixels[:, 1] < height - edge)
    if inside.sum() < MIN_CONTOUR_POINTS:
        return None
    columns, rows = (np.rint(pixels[inside, axis]).astype(np.int64) for axis in (0, 1))
    scores = _scores(_gradient(colour), rows, columns)
    best = int(np.argmax(scores))
    if scores.flat[best] < PEAK_OVER_MEDIAN * float(np.median(scores)) or scores.flat[best] <= 0:
        return None
    y, x = divmod(best, scores.shape[1])
    dy, dx = _refined(scores[:, x], y) - REACH_PX, _refined(scores[y], x) - REACH_PX
    shift = float(np.hypot(dx, dy))
    return Offset(shift, 1000 * shift * float(np.median(points[inside, 2])) / camera.fx)


def _scores(gradient: NDArray[np.int64], rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Floats:
    """Mean gradient under the points for each shift of up to REACH_PX, shape (25, 25), rows first."""
    span = range(-REACH_PX, REACH_PX + 1)
    sums = [[int(gradient[rows + dy, columns + dx].sum()) for dx in span] for dy in span]
    return np.array(sums, np.float64) / len(rows)


def _gradient(image: NDArray[np.uint8]) -> NDArray[np.int64]:
    """|dx| + |dy| by central differences, capped, so that a few bright edges do not speak for all."""
    wide = np.pad(image, 1, mode="edge").astype(np.int64)
    size = np.abs(wide[1:-1, 2:] - wide[1:-1, :-2]) + np.abs(wide[2:, 1:-1] - wide[:-2, 1:-1])
    return np.asarray(np.minimum(size, _GRADIENT_CAP), np.int64)


def _refined(values: Floats, at: int) -> float:
    """Place of the top of a parabola through a maximum and its neighbours."""
    if at in (0, len(values) - 1):
        return float(at)
    left, top, right = (float(value) for value in values[at - 1 : at + 2])
    bend = left - 2 * top + right
    return at + 0.5 * (left - right) / bend if bend < 0 else float(at)


def _many(pose: Poses, n: int) -> Poses:
    return Poses(np.repeat(pose.xyz_m, n, axis=0), np.repeat(pose.quaternion, n, axis=0))
