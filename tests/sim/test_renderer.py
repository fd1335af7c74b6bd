"""Pictures and depth of the numpy renderer, against MuJoCo's own rays."""

from __future__ import annotations

import numpy as np
import pytest
import simplejpeg

from embodied_recorders.sim.cameras import FRAME_RATE_HZ, FRONT, JPEG_QUALITY, WRIST, Camera, frame_step
from embodied_recorders.sim.physics import Physics, load_mujoco
from embodied_recorders.sim.plan import plan_take
from embodied_recorders.sim.renderer import Renderer, scene_poses

MOMENTS_MS = (0, 2550, 5200)


@pytest.fixture(scope="module")
def scene() -> dict[int, tuple[np.ndarray, Physics]]:
    """States on the way of a take, each with a physics that stands there."""
    physics = Physics()
    plan = plan_take(3, 1, None)
    physics.place_cube(*plan.cube)
    moments = {}
    for ms in range(max(MOMENTS_MS) + 1):
        physics.step(plan.position[ms], plan.velocity[ms])
        if ms in MOMENTS_MS:
            moments[ms] = physics.state.copy()
    return moments


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer(1)


def grey(jpeg: bytes) -> np.ndarray:
    return simplejpeg.decode_jpeg(jpeg, "GRAY")[:, :, 0].astype(float)


def sharpness(image: np.ndarray) -> float:
    inner = -4 * image[1:-1, 1:-1] + image[:-2, 1:-1] + image[2:, 1:-1] + image[1:-1, :-2] + image[1:-1, 2:]
    return float(inner.var())


def ray_depth(physics: Physics, camera: Camera, pose: np.ndarray, row: int, column: int) -> float:
    """Depth along the optical axis that MuJoCo's own ray finds."""
    mujoco = load_mujoco()
    ray = np.array([(column - camera.cx) / camera.fx, (row - camera.cy) / camera.fy, 1.0])
    length = np.linalg.norm(ray)
    geom = np.zeros(1, np.int32)
    where = mujoco.mj_ray(physics.model, physics.data, pose[:3, 3], pose[:3, :3] @ ray / length, None, True, -1, geom)
    return where / length if where >= 0 else 100.0


@pytest.mark.parametrize("camera", [FRONT, WRIST], ids=lambda camera: camera.name)
@pytest.mark.parametrize("ms", MOMENTS_MS)
def test_depth_agrees_with_rays_of_mujoco(
    renderer: Renderer, scene: dict[int, np.ndarray], camera: Camera, ms: int
) -> None:
    physics = Physics()
    physics.data.qpos[:] = scene[ms]
    physics.tcp()  # brings all bodies to this state
    poses = scene_poses(scene[ms])
    renderer.draw(camera, poses)
    depth = renderer.depth_m(camera)
    rng = np.random.default_rng(ms)
    # Half of the rays over the whole picture, half where the robot and the cube are.
    near = np.argwhere(np.abs(depth - np.median(depth)) > 0.02)
    pixels = [*rng.integers((camera.height, camera.width), size=(60, 2)), *rng.choice(near, 60)]
    errors = np.array([depth[v, u] - ray_depth(physics, camera, poses[camera.frame_id], v, u) for v, u in pixels])
    silhouettes = np.abs(errors) > 0.001  # a ray at a rim may fall on either side
    assert silhouettes.sum() <= 2
    assert np.abs(errors[~silhouettes]).max() < 1e-4


def test_pictures_are_bright_sharp_and_never_the_same(renderer: Renderer, scene: dict[int, np.ndarray]) -> None:
    for state in scene.values():
        poses = scene_poses(state)
        for camera in (FRONT, WRIST):
            renderer.draw(camera, poses)
            jpegs = [
                simplejpeg.encode_jpeg(renderer.picture(camera), JPEG_QUALITY, colorspace="RGBX") for _ in range(3)
            ]
            assert len(set(jpegs)) == 3  # of one still scene
            image = grey(jpegs[0])
            assert image.shape == (240, 320)
            assert 55 < image.mean() < 200
            assert (image >= 250).mean() < 0.05
            assert np.percentile(image, 95) - np.percentile(image, 5) > 40
            assert sharpness(image) > 200


def test_the_depth_sensor_has_noise_and_few_holes(renderer: Renderer, scene: dict[int, np.ndarray]) -> None:
    renderer.draw(FRONT, scene_poses(scene[5200]))
    truth = renderer.depth_m(FRONT) * 1000.0
    first, second = renderer.depth_mm(), renderer.depth_mm()
    assert first.dtype == np.uint16
    assert not np.array_equal(first, second)
    seen = first > 0
    assert 0.9 < seen.mean() < 1.0
    error = first[seen] - truth[seen]
    assert abs(error.mean()) < 0.2
    assert 0.5 < error.std() < 8.0
    assert 300 < np.median(first[seen]) < 3000


def test_the_cube_moves_in_the_picture(renderer: Renderer, scene: dict[int, np.ndarray]) -> None:
    state = scene[0].copy()
    pictures = []
    for shift in (0.0, 0.05):
        state[8] = scene[0][8] + shift
        renderer.draw(FRONT, scene_poses(state))
        pictures.append(renderer.picture(FRONT)[:, :, :3].astype(int))
    changed = np.abs(pictures[0] - pictures[1]).max(2) > 40
    assert 50 < changed.sum() < 3000


def test_frames_lie_on_the_grid_to_half_a_millisecond() -> None:
    steps = np.array([frame_step(frame) for frame in range(3000)])
    assert np.abs(steps - np.arange(3000) * 1000 / FRAME_RATE_HZ).max() <= 0.5
    assert set(np.diff(steps)) == {33, 34}
