"""What the cameras see of a state of the robot: colour pictures and depth images, with the noise of a sensor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from embodied_recorders.sim import robot
from embodied_recorders.sim.cameras import CAMERAS, DEPTH_RANGE_M, FRONT, Camera
from embodied_recorders.sim.geometry import Boxes, Capsules
from embodied_recorders.sim.raster import Plane, Raster
from embodied_recorders.sim.rotation import FloatArray, inverse, transform
from embodied_recorders.sim.shapes import CUBE, MOVING, STATIC

Poses: TypeAlias = Mapping[str, FloatArray]
Picture: TypeAlias = npt.NDArray[np.uint8]
DepthImage: TypeAlias = npt.NDArray[np.uint16]
LEVELS, LEVEL_OF_ONE = 256, 128.0  # steps of light, and the one where a surface shows its own colour
LIGHT_NOISE = 2.5  # steps
DEPTH_NOISE_M, DEPTH_NOISE_PER_M = 0.0008, 0.0012  # at 0 m, and more with the square of the distance
DEPTH_EDGE_RATIO = 0.02  # where the inverse depth jumps by more, the sensor sees nothing
VIGNETTE = 0.25
BANK_MARGIN = 61
MOVING_BOXES = tuple(shape for shape in MOVING if shape.kind == "box")
MOVING_CAPSULES = tuple(shape for shape in MOVING if shape.kind == "capsule")
SHADOW_CASTERS = tuple(shape for shape in MOVING if shape.name in {"upper_arm", "forearm", "wrist", "palm", CUBE})


class PictureNoise:
    """Normal noise drawn once, seen through a window that never stands still: a still scene must not look frozen."""

    def __init__(self, seed: Sequence[int], camera: Camera) -> None:
        self._rng = rng = np.random.default_rng(seed)
        self._size = (camera.height, camera.width)
        self._bank: Plane = rng.standard_normal((camera.height + BANK_MARGIN, camera.width + BANK_MARGIN), np.float32)
        self._last = (-1, -1)

    def window(self) -> Plane:
        """Noise, shape (height, width), from another place than the time before."""
        place = self._last
        while place == self._last:
            row, column = self._rng.integers(BANK_MARGIN, size=2).tolist()
            place = (row, column)
        self._last = place
        window: Plane = self._bank[place[0] : place[0] + self._size[0], place[1] : place[1] + self._size[1]]
        return window


class Renderer:
    """Both cameras over one scene.

    Args:
        seed: Decides the noise.
    """

    def __init__(self, seed: int) -> None:
        everything = (*STATIC, *MOVING)
        self._rasters = {camera.name: Raster(camera, everything) for camera in CAMERAS}
        self._noise = {camera.name: PictureNoise([seed, number, 5], camera) for number, camera in enumerate(CAMERAS)}
        self._vignettes = {camera.name: _vignette(camera) for camera in CAMERAS}
        self._depth_noise = PictureNoise([seed, len(CAMERAS), 5], FRONT)
        self._colours = _colours([shape.colour for shape in everything])
        self._static, self._boxes = Boxes(STATIC), Boxes(MOVING_BOXES)
        self._capsules = Capsules(MOVING_CAPSULES)
        self._draw_static(FRONT, scene_poses(np.zeros(15)))
        self._background = self._rasters[FRONT.name].layers()

    def draw(self, camera: Camera, poses: Poses) -> None:
        """Draw what a camera sees of the poses of `scene_poses`; the front camera stands still."""
        to_camera = inverse(poses[camera.frame_id])
        raster = self._rasters[camera.name]
        if camera is FRONT:
            raster.begin(to_camera, self._background)
        else:
            self._draw_static(camera, poses)
        raster.shadows(SHADOW_CASTERS, np.stack([poses[shape.link] for shape in SHADOW_CASTERS]), to_camera)
        boxes = to_camera @ np.stack([poses[shape.link] for shape in MOVING_BOXES])
        raster.draw_boxes(MOVING_BOXES, self._boxes, boxes)
        capsules = to_camera @ np.stack([poses[shape.link] for shape in MOVING_CAPSULES])
        raster.draw_capsules(MOVING_CAPSULES, self._capsules, capsules)

    def picture(self, camera: Camera) -> Picture:
        """What was drawn last, as the sensor gives it: darker corners, noise. Shape (height, width, 4), RGBX."""
        raster = self._rasters[camera.name]
        level = raster.light * self._vignettes[camera.name]
        level += self._noise[camera.name].window() * np.float32(LIGHT_NOISE)
        np.clip(level, 0.0, LEVELS - 1, out=level)
        index = level.astype(np.int32)
        index += raster.number * LEVELS
        picture: Picture = self._colours.take(index).view(np.uint8).reshape(camera.height, camera.width, 4)
        return picture

    def depth_m(self, camera: Camera) -> Plane:
        """Depth of what a camera drew last, m along the optical axis, without noise. Shape (height, width)."""
        return 1.0 / self._rasters[camera.name].inverse

    def depth_mm(self) -> DepthImage:
        """What the depth sensor at the front camera gives: mm with noise, 0 at edges and out of range."""
        depth = self.depth_m(FRONT)
        holes = _edges(self._rasters[FRONT.name].inverse)
        holes |= (depth < DEPTH_RANGE_M[0]) | (depth > DEPTH_RANGE_M[1])
        depth += (DEPTH_NOISE_M + DEPTH_NOISE_PER_M * depth * depth) * self._depth_noise.window()
        millimetres: DepthImage = np.clip(1000.0 * depth + 0.5, 0.0, 65535.0).astype(np.uint16)
        millimetres[holes] = 0
        return millimetres

    def _draw_static(self, camera: Camera, poses: Poses) -> None:
        to_camera = inverse(poses[camera.frame_id])
        raster = self._rasters[camera.name]
        raster.begin(to_camera)
        raster.draw_boxes(STATIC, self._static, np.broadcast_to(to_camera, (len(STATIC), 4, 4)))


def scene_poses(state: FloatArray) -> dict[str, FloatArray]:
    """Pose (4, 4) in base_link of every frame and of the cube, for joints (8,), then x y z and quaternion w x y z."""
    poses = robot.link_poses(state[: len(robot.JOINTS)])
    x, y, z, qw, qx, qy, qz = state[len(robot.JOINTS) :].tolist()
    poses[CUBE] = transform((x, y, z), (qx, qy, qz, qw))
    return poses


def _colours(colours: list[tuple[int, int, int]]) -> npt.NDArray[np.uint32]:
    """Four bytes RGBX for each shape and level of light, flat, LEVELS a shape."""
    table = np.zeros((len(colours), LEVELS, 4), np.uint8)
    light = np.arange(LEVELS) / LEVEL_OF_ONE
    table[:, :, :3] = np.minimum(np.array(colours)[:, None, :] * light[None, :, None], 255.0)
    return table.view(np.uint32).reshape(-1)


def _edges(inverse: Plane) -> npt.NDArray[np.bool_]:
    """Pixels whose neighbour to the right or below lies much nearer or farther."""
    edges = np.zeros(inverse.shape, np.bool_)
    edges[:, :-1] = np.abs(np.diff(inverse, axis=1)) > DEPTH_EDGE_RATIO * inverse[:, :-1]
    edges[:-1] |= np.abs(np.diff(inverse, axis=0)) > DEPTH_EDGE_RATIO * inverse[:-1]
    return edges


def _vignette(camera: Camera) -> Plane:
    """Level of light 1 over the picture."""
    x = (np.arange(camera.width) - camera.cx) / camera.width
    y = (np.arange(camera.height) - camera.cy) / camera.height
    fall = LEVEL_OF_ONE * (1.0 - VIGNETTE * 2.0 * (x[None, :] ** 2 + y[:, None] ** 2))
    return fall.astype(np.float32)
