"""A z-buffer over exact boxes and capsules, in numpy alone: one code on every machine, with or without a GPU.

Each pixel keeps the inverse depth, the number of the shape and how much light falls on it; colours come last.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from embodied_recorders.sim.cameras import Camera
from embodied_recorders.sim.geometry import Boxes, Capsules, windows_on_ground
from embodied_recorders.sim.rotation import FloatArray
from embodied_recorders.sim.shapes import Shape
from embodied_recorders.sim.textures import TEXELS_PER_M, TILE, bake

Plane: TypeAlias = npt.NDArray[np.float32]
Numbers: TypeAlias = npt.NDArray[np.int32]
Layers: TypeAlias = tuple[Plane, Plane, Numbers]
Window: TypeAlias = tuple[slice, slice]

FAR_M = 100.0
AMBIENT, DIFFUSE = 0.5, 0.55
LIGHT: FloatArray = np.array([0.25, 0.2, 0.95]) / np.linalg.norm([0.25, 0.2, 0.95])  # towards the lamp, base_link
SHADOW_DEPTH, SHADOW_SOFT_M = 0.42, 0.012
SHADOW_PLANE_M = 0.006  # the table, and the floor of the bin


class Raster:
    """The picture of one camera while it is drawn.

    Args:
        shapes: Everything that will be drawn, standing things first.

    Attributes:
        inverse: Inverse depth 1/z in 1/m, shape (height, width).
        light: Light on what is seen, about 1, shape (height, width).
        number: Index of the shape that is seen, shape (height, width).
    """

    def __init__(self, camera: Camera, shapes: Sequence[Shape]) -> None:
        self._camera = camera
        self._patterns = bake()
        self._x: Plane = ((np.arange(camera.width) - camera.cx) / camera.fx).astype(np.float32)[None, :]
        self._y: Plane = ((np.arange(camera.height) - camera.cy) / camera.fy).astype(np.float32)[:, None]
        size = (camera.height, camera.width)
        self.inverse: Plane = np.zeros(size, np.float32)
        self.light: Plane = np.zeros(size, np.float32)
        self.number: Numbers = np.zeros(size, np.int32)
        self._numbers = {shape.name: number for number, shape in enumerate(shapes)}
        self._lamp = LIGHT

    def begin(self, to_camera: FloatArray, background: Layers | None = None) -> None:
        """Start a picture, with the transform (4, 4) of base_link into the optical frame."""
        self._lamp = to_camera[:3, :3] @ LIGHT
        if background is None:
            self.inverse.fill(1.0 / FAR_M)
            self.light.fill(0.0)
            self.number.fill(0)
            return
        for layer, source in zip((self.inverse, self.light, self.number), background, strict=True):
            np.copyto(layer, source)

    def layers(self) -> Layers:
        """Copy of what was drawn, for `begin`."""
        return self.inverse.copy(), self.light.copy(), self.number.copy()

    def draw_boxes(self, shapes: Sequence[Shape], boxes: Boxes, poses: FloatArray) -> None:
        """Draw the boxes of these shapes, with the poses (n, 4, 4) of their links in the optical frame."""
        faces = boxes.faces(poses, self._camera)
        shades = AMBIENT + DIFFUSE * np.maximum(0.0, faces.normal @ self._lamp)
        planes = np.stack([faces.inverse, faces.across, faces.up], axis=1).astype(np.float32)
        scale = (faces.half * TEXELS_PER_M).astype(np.float32)
        for owner, plane, half, shade, window in zip(
            faces.owner.tolist(), planes, scale, shades.tolist(), faces.windows.tolist(), strict=True
        ):
            self._face(shapes[owner], plane, half, shade, _slices(window))

    def draw_capsules(self, shapes: Sequence[Shape], capsules: Capsules, poses: FloatArray) -> None:
        """Draw the capsules of these shapes, with the poses (n, 4, 4) of their links in the optical frame."""
        for index, start, along, window in zip(*capsules.axes(poses, self._camera), strict=True):
            self._capsule(shapes[int(index)], start, along, _slices(window.tolist()))

    def shadows(self, shapes: Sequence[Shape], poses: FloatArray, to_camera: FloatArray) -> None:
        """Darken the table where shapes, with poses (n, 4, 4) in base_link, keep the light away: soft stadiums."""
        stadiums = [_stadium(shape, pose) for shape, pose in zip(shapes, poses, strict=True)]
        radius = np.array([one[0] for one in stadiums])
        ends = np.array([one[1:] for one in stadiums])
        feet = ends[:, :, :2] - ends[:, :, 2:] / LIGHT[2] * LIGHT[:2]
        low, high = feet.min(1) - radius[:, None], feet.max(1) + radius[:, None]
        windows = windows_on_ground(low, high, to_camera, self._camera)
        for size, foot, window in zip(radius.tolist(), feet.astype(np.float32), windows.tolist(), strict=True):
            if window[0] < window[1] and window[2] < window[3]:
                self._shadow(size, foot, _slices(window), to_camera)

    def _shadow(self, radius: float, feet: Plane, window: Window, to_camera: FloatArray) -> None:
        x, y, height = self._base_coordinates(window, to_camera)
        dx, dy = feet[1] - feet[0]
        x -= feet[0, 0]
        y -= feet[0, 1]
        share = np.clip((x * dx + y * dy) / np.float32(max(dx * dx + dy * dy, 1e-9)), 0.0, 1.0)
        x -= share * dx
        y -= share * dy
        # (r^2 - gap^2) / 2 r is r - gap near the rim, without a root.
        dark = (np.float32(radius * radius) - (x * x + y * y)) * np.float32(SHADOW_DEPTH / (2 * radius * SHADOW_SOFT_M))
        np.clip(dark, 0.0, SHADOW_DEPTH, out=dark)
        dark *= np.abs(height) < SHADOW_PLANE_M
        self.light[window] *= 1.0 - dark

    def _base_coordinates(self, window: Window, to_camera: FloatArray) -> tuple[Plane, Plane, Plane]:
        """Coordinates in base_link, m, of what is drawn in a window."""
        turn = to_camera[:3, :3]
        eye = (-turn.T @ to_camera[:3, 3]).astype(np.float32)
        depth = 1.0 / self.inverse[window]
        along = [self._linear(window, turn[:, axis].astype(np.float32)) * depth + eye[axis] for axis in range(3)]
        return along[0], along[1], along[2]

    def _linear(self, window: Window, vector: Plane) -> Plane:
        """The product vector . d over a window."""
        plane: Plane = vector[0] * self._x[:, window[1]] + (vector[1] * self._y[window[0]] + vector[2])
        return plane

    def _face(self, shape: Shape, planes: Plane, texels: Plane, shade: float, window: Window) -> None:
        inverse = self._linear(window, planes[0])
        front = self.inverse[window]
        seen = inverse > front
        if not seen.any():
            return
        u, v = self._linear(window, planes[1]), self._linear(window, planes[2])
        seen &= np.abs(u) <= inverse
        seen &= np.abs(v) <= inverse
        if not seen.any():
            return
        np.copyto(front, inverse, where=seen)
        np.copyto(self.number[window], self._numbers[shape.name], where=seen)
        if shape.texture == "plain":
            np.copyto(self.light[window], np.float32(shade), where=seen)
            return
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # beyond the horizon; not copied
            depth = 1.0 / inverse
            light = self._pattern(shape, u * (texels[0] * depth), v * (texels[1] * depth))
        np.copyto(self.light[window], light * np.float32(shade), where=seen)

    def _capsule(self, shape: Shape, start: FloatArray, along: FloatArray, window: Window) -> None:
        radius = shape.size[0]
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            depth, fraction = self._roots(window, start, along, radius)
            inverse = 1.0 / depth
            seen = inverse > self.inverse[window]  # False for NaN: the ray misses
            if not seen.any():
                return
            lamp = self._lamp.astype(np.float32)
            facing = self._linear(window, lamp) * depth
            facing -= fraction * np.float32(along @ self._lamp) + np.float32(start @ self._lamp)
            shade = np.float32(AMBIENT) + np.clip(facing / np.float32(radius), 0.0, 1.0) * np.float32(DIFFUSE)
            if shape.texture != "plain":
                length_mm = np.float32(np.sqrt(along @ along) * TEXELS_PER_M)
                shade *= self._pattern(shape, np.where(seen, fraction * length_mm, 0.0), np.zeros((1, 1), np.float32))
        np.copyto(self.inverse[window], inverse, where=seen)
        np.copyto(self.number[window], self._numbers[shape.name], where=seen)
        np.copyto(self.light[window], shade, where=seen)

    def _roots(self, window: Window, start: FloatArray, along: FloatArray, radius: float) -> tuple[Plane, Plane]:
        """Depth of the nearer hit of each ray, NaN where it misses, and where along the axis (0 to 1) it lies."""
        ray_ray = self._x[:, window[1]] ** 2 + (self._y[window[0]] ** 2 + 1.0)
        ray_start = self._linear(window, -start.astype(np.float32))
        ray_along = self._linear(window, along.astype(np.float32))
        length2, along_start = np.float32(along @ along), np.float32(-(along @ start))
        rest = np.float32((along @ along) * (start @ start - radius**2) - (along @ start) ** 2)
        a = length2 * ray_ray - ray_along * ray_along
        b = length2 * ray_start - along_start * ray_along
        depth = (-b - np.sqrt(b * b - a * rest)) / a
        fraction = (along_start + depth * ray_along) / length2
        # Off the ends a ray may still meet a ball; the balls lie within the endless cylinder, so no other ray does.
        for off, ball, slope, share in (
            (fraction < 0.0, start, ray_start, 0.0),
            (fraction > 1.0, start + along, ray_start - ray_along, 1.0),
        ):
            if off.any():
                b, c, r = slope[off], np.float32(ball @ ball - radius**2), ray_ray[off]
                depth[off] = (-b - np.sqrt(b * b - r * c)) / r
                fraction[off] = share
        return depth, fraction

    def _pattern(self, shape: Shape, u_mm: Plane, v_mm: Plane) -> Plane:
        """Brightness at places on a surface."""
        index = (u_mm.astype(np.int32) & (TILE - 1)) * TILE + (v_mm.astype(np.int32) & (TILE - 1))
        brightness: Plane = self._patterns[shape.texture].take(index)
        return brightness


def _slices(window: Sequence[int]) -> Window:
    return slice(window[0], window[1]), slice(window[2], window[3])


def _stadium(shape: Shape, pose: FloatArray) -> tuple[float, FloatArray, FloatArray]:
    """Radius and the two ends, m in base_link, of a capsule that stands for a shape."""
    centre = pose[:3, :3] @ np.array(shape.at) + pose[:3, 3]
    if shape.kind == "capsule":
        return shape.size[0], centre - shape.size[1] * pose[:3, 2], centre + shape.size[1] * pose[:3, 2]
    longest = int(np.argmax(shape.size))
    radius = sorted(shape.size)[1]
    reach = (shape.size[longest] - radius) * pose[:3, longest]
    return radius, centre - reach, centre + reach
