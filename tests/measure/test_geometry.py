"""Cameras in space: pixels and points, registration in mm, cameras that bear each other's names, clouds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embodied_kit.measure.declared.given import Given, GivenRobot
from embodied_kit.measure.derived.derive import DeriveInput
from embodied_kit.measure.derived.track import Track
from embodied_kit.measure.derived.tracks import StreamTrack, Tracks
from embodied_kit.measure.geometry.alignment import align_clouds, can_align
from embodied_kit.measure.geometry.camera import Camera, read_camera
from embodied_kit.measure.geometry.derived import derive_geometry
from embodied_kit.measure.geometry.registration import measure_offset
from embodied_kit.measure.images.thumbnail import motion_grid, thumbnail
from embodied_kit.model.facts import Row
from embodied_kit.model.json import JsonObject

WIDTH, HEIGHT, FOCAL = 160, 120, 150.0
PERIOD_NS = 33_333_333


def entry(stream: str, **more: object) -> JsonObject:
    """Calibration of a camera that looks along z of `base` from its origin."""
    pose = {"parent_frame": "base", "child_frame": f"{stream}_optical", "xyz_m": [0.0, 0.0, 0.0]}
    found: dict[str, object] = {
        "stream_id": stream,
        "resolution": [WIDTH, HEIGHT],
        "intrinsics": {"fx": FOCAL, "fy": FOCAL, "cx": 79.5, "cy": 59.5},
        "distortion_model": "plumb_bob",
        "distortion": [0.0] * 5,
        "extrinsics": pose | {"quaternion_xyzw": [0.0, 0.0, 0.0, 1.0]},
    }
    return found | more  # type: ignore[return-value]  # plain JSON


def camera(**more: object) -> Camera:
    found = read_camera(entry("cam", **more))
    assert found is not None
    return found


DISTORTED = [
    {},
    {"distortion": [-0.2, 0.05, 0.001, -0.002, 0.01]},
    {"distortion_model": "rational_polynomial", "distortion": [0.1, -0.05, 0.001, 0.001, 0.01, 0.2, -0.02, 0.0]},
    {"distortion_model": "equidistant", "distortion": [0.02, -0.01, 0.003, 0.0]},
]


@settings(deadline=None)
@given(st.sampled_from(DISTORTED), st.floats(-0.4, 0.4), st.floats(-0.3, 0.3), st.floats(0.2, 5))
def test_a_ray_ends_on_the_pixel_that_it_came_from(how: dict[str, object], x: float, y: float, z: float) -> None:
    seen = camera(**how)
    pixel = seen.project(np.array([[x * z, y * z, z]]))
    assert seen.rays(pixel[:, 0], pixel[:, 1]) * z == pytest.approx(np.array([[x * z, y * z, z]]), abs=1e-4 * z)


def test_what_is_behind_a_camera_has_no_pixel() -> None:
    assert np.isnan(camera().project(np.array([[0.0, 0.0, -1.0]]))).all()


@pytest.mark.parametrize(
    "change", [{"resolution": [160]}, {"intrinsics": {"fx": 1.0}}, {"extrinsics": {}}, {"distortion_model": "ftheta"}]
)
def test_a_calibration_that_is_not_whole_is_no_camera(change: dict[str, object]) -> None:
    assert read_camera(entry("cam", **change)) is None


def boxes(seed: int, shift: tuple[int, int] = (0, 0)) -> tuple[np.ndarray, np.ndarray]:
    """Colour and depth (m) of boxes before a wall; the depth image is shifted by (x, y) px."""
    draw = np.random.default_rng(seed)
    colour, depth = np.full((HEIGHT, WIDTH), 120.0), np.full((HEIGHT, WIDTH), 1.5)
    for _ in range(7):
        top, left = draw.integers(14, HEIGHT - 45), draw.integers(14, WIDTH - 45)
        height, width, far = *draw.integers(16, 30, 2), draw.uniform(0.9, 1.1)
        colour[top : top + height, left : left + width] = draw.choice([40, 70, 190, 230])
        depth[top + shift[1] :, left + shift[0] :][:height, :width] = far
    holes = draw.random(depth.shape) < 0.03
    depth[holes] = 0
    return np.clip(colour + 3 * draw.standard_normal(colour.shape), 0, 255).astype(np.uint8), depth


@pytest.mark.parametrize("shift", [(0, 0), (3, 0), (0, -4), (6, 5), (-9, 2)])
def test_a_shift_of_known_length_is_found_in_pixels_and_millimetres(shift: tuple[int, int]) -> None:
    length = float(np.hypot(*shift))
    found = measure_offset(*boxes(3, shift), camera(), camera())
    assert found is not None
    assert found.px == pytest.approx(length, abs=0.8)
    assert found.mm == pytest.approx(1000 * found.px * 1.0 / FOCAL, rel=0.12)


def test_depth_of_a_camera_beside_is_brought_over_before_it_is_compared() -> None:
    """A camera 20 mm to the right sees what is 1 m away 3 px farther left; with its own pose nothing is amiss."""
    colour, depth = boxes(4, (-3, 0))
    place = {"parent_frame": "base", "xyz_m": [0.02, 0.0, 0.0], "quaternion_xyzw": [0.0, 0.0, 0.0, 1.0]}
    right = measure_offset(colour, depth, camera(), camera(extrinsics=place))
    wrong = measure_offset(colour, depth, camera(), camera())
    assert right is not None
    assert wrong is not None
    assert right.px < 0.8
    assert wrong.px > 2.2


def test_depth_without_contours_says_nothing() -> None:
    colour, _ = boxes(5)
    assert measure_offset(colour, np.full((HEIGHT, WIDTH), 1.0), camera(), camera()) is None
    noise = np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH)).astype(np.uint8)
    assert measure_offset(noise, boxes(5)[1], camera(), camera()) is None


def frame_row(stream: str, kind: str, width: int = WIDTH, height: int = HEIGHT, unit: str | None = None) -> Row:
    return {"stream": stream, "kind": kind, "width": width, "height": height, "unit_declared": unit, "unit_guess": unit}


def picture_track(stream: str, kind: str, image: np.ndarray) -> StreamTrack:
    stamps = np.zeros(len(image), np.int64)
    names = ("",) * image.shape[1]
    return StreamTrack(
        stream, "", "", f"picture.{kind}.1", names, len(image), lambda: Track(names, stamps, image.astype(np.float64))
    )


def derived(
    tracks: list[StreamTrack], frames: list[Row], calibrations: list[JsonObject], **more: object
) -> dict[str, list[Row]]:
    given_ = Given(calibrations=({"calibration_id": "c1", "cameras": list(calibrations)},))
    known = DeriveInput(None, "full", Tracks(tuple(tracks)), given=given_, facts={"frame": frames})
    known = DeriveInput(**{**vars(known), **more})
    return {name: list(rows) for name, rows in derive_geometry(known).items()}


def test_rows_of_a_shifted_rgbd_camera() -> None:
    colour, depth = boxes(6, (5, 0))
    tracks = [picture_track("rgb", "color", colour), picture_track("depth", "depth", depth * 1000)]
    frames = [frame_row("rgb", "color"), frame_row("depth", "depth", unit="mm")]
    (row,) = derived(tracks, frames, [entry("rgb"), entry("depth")])["pair"]
    assert (row["kind"], row["a"], row["b"], row["n"]) == ("registration", "rgb", "depth", 1)
    assert row["offset_mm"] == pytest.approx(1000 * 5 / FOCAL, rel=0.2)
    no_unit = [frames[0], frame_row("depth", "depth")]
    (row,) = derived(tracks, no_unit, [entry("rgb"), entry("depth")])["pair"]
    assert row["undetermined"] == dict.fromkeys(("offset_px", "offset_mm"), "no depth unit is declared")
    (row,) = derived(tracks, frames, [entry("rgb")])["pair"]
    assert row["offset_mm"] is None


@pytest.mark.parametrize(
    ("size", "matrix", "scale_ok", "centre"),
    [
        ((640, 480), (605, 604, 321, 239), True, True),
        ((640, 360), (910, 910, 640, 360), False, False),  # RH20T: halved images, the matrix of 1280 x 720
        ((1280, 720), (455, 455, 320, 180), False, True),
        ((640, 480), (605, 604, 400, 235), True, True),  # off the centre along one axis: a cropped sensor
    ],
)
def test_a_matrix_of_another_size_is_told(
    size: tuple[int, int], matrix: tuple[float, ...], scale_ok: bool, centre: bool
) -> None:
    intrinsics = dict(zip(("fx", "fy", "cx", "cy"), map(float, matrix), strict=True))
    found = entry("cam", intrinsics=intrinsics, resolution=list(size))
    (row,) = derived([], [frame_row("cam", "color", *size)], [found])["geometry"]
    assert (row["scale_ok"], row["centre_in_image"]) == (scale_ok, centre)
    assert row["age_d"] is None


def test_age_and_device_of_a_calibration() -> None:
    robot = GivenRobot({"cameras": [{"stream_id": "cam", "serial_hash": "sn-1"}]})
    calibration = {"calibration_time": "2026-09-21T12:00:00Z", "cameras": [entry("cam", serial_hash="sn-2")]}
    span = (1_790_000_000 * 10**9, 1_790_000_010 * 10**9)  # 2026-09-21T14:13:20Z
    (row,) = derived([], [], [], given=Given((robot,), (calibration,)), span=span)["geometry"]  # type: ignore[arg-type]
    assert row["age_d"] == pytest.approx((133 * 60 + 20) / 86400)
    assert row["serial_ok"] is False


URDF = b"""<robot name="r"><link name="base"/><link name="cart"/><link name="lift"/>
<joint name="slide" type="prismatic"><parent link="base"/><child link="cart"/><origin xyz="0 0 1"/>
<axis xyz="1 0 0"/><limit lower="-1" upper="1" velocity="1" effort="1"/></joint>
<joint name="up" type="prismatic"><parent link="cart"/><child link="lift"/><axis xyz="0 1 0"/>
<limit lower="-1" upper="1" velocity="1" effort="1"/></joint></robot>"""
FRAMES = 240


def drawn(seen: Camera, place: np.ndarray, texture: np.ndarray) -> np.ndarray:
    """A dark ball of 60 mm before a wall."""
    image = texture.copy()
    at = seen.project((place - seen.pose.xyz_m[0])[None])[0]
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    image[np.hypot(columns - at[0], rows - at[1]) < FOCAL * 0.03 / 1.0] = 10
    return image


def swap_tracks(names: tuple[str, str]) -> tuple[list[StreamTrack], list[JsonObject]]:
    """A ball on a cart, seen by two cameras 0.3 m apart; the images bear `names`, the calibrations left and right."""
    times = np.arange(FRAMES) * PERIOD_NS
    joints = np.stack([0.25 * np.sin(np.arange(FRAMES) / 14), 0.2 * np.sin(np.arange(FRAMES) / 9)], 1)
    places = {"left": -0.15, "right": 0.15}
    poses = {
        side: {"parent_frame": "base", "xyz_m": [x, 0.0, 0.0], "quaternion_xyzw": [0.0, 0.0, 0.0, 1.0]}
        for side, x in places.items()
    }
    entries = [entry(side, extrinsics=pose) for side, pose in poses.items()]
    tracks = [_numbers("joints", "sensor_msgs/JointState", "position", ("slide", "up"), times, joints)]
    draw = np.random.default_rng(9)
    texture = draw.integers(90, 170, (HEIGHT, WIDTH)).astype(np.uint8)
    for name, side in zip(names, places, strict=True):
        seen = camera(extrinsics=poses[side])
        grids, before = [], None
        for x, y in joints:
            noise = draw.integers(-3, 4, texture.shape)
            now = thumbnail((drawn(seen, np.array([x, y, 1.0]), texture) + noise).astype(np.uint8))
            assert now is not None
            grids.append(motion_grid(now, now if before is None else before))
            before = now
        tracks.append(_numbers(name, "", "image.motion", ("",) * 48, times, np.array(grids, np.float64)))
    return tracks, entries


def _numbers(
    stream: str, kind: str, field: str, names: tuple[str, ...], times: np.ndarray, values: np.ndarray
) -> StreamTrack:
    return StreamTrack(stream, "", kind, field, names, len(values), lambda: Track(names, times, values))


STATE: JsonObject = {"stream_id": "joints", "role": "state", "ros_type": "sensor_msgs/msg/JointState"}


@pytest.mark.parametrize(("names", "swapped"), [(("left", "right"), False), (("right", "left"), True)])
def test_cameras_that_bear_each_others_names_are_told(names: tuple[str, str], swapped: bool) -> None:
    tracks, entries = swap_tracks(names)
    given_ = Given((GivenRobot({}, URDF),), ({"cameras": entries},))
    frames = [frame_row(name, "color") for name in names]
    (row,) = derived(tracks, frames, [], given=given_, streams=(STATE,))["pair"]
    assert (row["kind"], row["swapped"]) == ("swap", swapped)
    still = _numbers("joints", "sensor_msgs/JointState", "position", ("slide", "up"), np.arange(9), np.zeros((9, 2)))
    (row,) = derived([still, *tracks[1:]], frames, [], given=given_, streams=(STATE,))["pair"]
    assert row["swapped"] is None
    (row,) = derived(tracks, frames, [], given=Given((), given_.calibrations), streams=(STATE,))["pair"]
    assert row["swapped"] is None


def test_cameras_beyond_the_eighth_are_said_not_to_be_compared() -> None:
    names = [f"cam{index}" for index in range(10)]
    given_ = Given((GivenRobot({}, URDF),), ({"cameras": [entry(name) for name in names]},))
    frames = [frame_row(name, "color") for name in names]
    joints = _numbers("joints", "sensor_msgs/JointState", "position", ("slide", "up"), np.arange(9), np.zeros((9, 2)))
    rows = derived([joints], frames, [], given=given_, streams=(STATE,))["pair"]
    why = {(str(row["a"]), str(row["b"])): row["undetermined"]["swapped"] for row in rows}
    assert len(why) == len(rows) == 8 * 7 // 2 + 2
    too_many = "more than 8 cameras are not held against each other"
    assert {key for key, reason in why.items() if reason == too_many} == {("cam0", "cam8"), ("cam0", "cam9")}
    assert why["cam0", "cam1"] == "the motion in the images of a camera was not kept"


def corner(seed: int) -> np.ndarray:
    """Points on three walls that meet, m, with a millimetre of noise."""
    draw = np.random.default_rng(seed)
    flat = draw.uniform(0, 0.6, (6000, 2))
    walls = [np.insert(flat[index::3], index, 0.0, axis=1) for index in range(3)]
    return np.concatenate(walls) + draw.normal(0, 0.0005, (6000, 3))


def test_clouds_are_apart_by_the_motion_that_one_was_given() -> None:
    if not can_align():
        pytest.skip("the extra geometry is not installed")
    angle = np.radians(2.0)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    first, second = corner(1), corner(2)
    moved = (second - second.mean(axis=0)) @ turn.T + second.mean(axis=0) + np.array([0.006, 0.0, -0.008])
    found = align_clouds(moved, first)
    assert found is not None
    assert found.translation_mm == pytest.approx(10, abs=1)
    assert found.rotation_deg == pytest.approx(2, abs=0.2)
    assert found.overlap_ratio > 0.9
    same = align_clouds(second, first)
    assert same is not None
    assert same.translation_mm < 0.5
    assert align_clouds(second + 3, first) is None


def room_depth(x: float) -> np.ndarray:
    """What a camera at (x, 0, 0) that looks along z sees of a wall, a floor, a side wall and a box: depth in m."""
    seen = camera()
    rows, columns = np.divmod(np.arange(HEIGHT * WIDTH), WIDTH)
    rays = seen.rays(columns.astype(float), rows.astype(float))
    with np.errstate(divide="ignore"):
        side, floor = (0.5 - x) / rays[:, 0], 0.3 / rays[:, 1]
    depth = np.full(len(rays), 1.4)
    for plane in (side, floor):
        depth = np.where((plane > 0) & (plane < depth), plane, depth)
    at_box = rays * 1.0 + np.array([x, 0, 0])
    box = (np.abs(at_box[:, 0] - 0.1) < 0.12) & (np.abs(at_box[:, 1]) < 0.12)
    return np.where(box, 1.0, depth).reshape(HEIGHT, WIDTH)


@pytest.mark.parametrize("wrong_m", [0.0, 0.012])
def test_extrinsics_of_two_depth_cameras_are_held_against_their_clouds(wrong_m: float) -> None:
    if not can_align():
        pytest.skip("the extra geometry is not installed")
    places = {"left": 0.0, "right": 0.1}
    tracks = [picture_track(name, "depth", np.rint(1000 * room_depth(x))) for name, x in places.items()]
    frames = [frame_row(name, "depth", unit="mm") for name in places]
    pose = {"parent_frame": "base", "quaternion_xyzw": [0.0, 0.0, 0.0, 1.0]}
    entries = [entry("left"), entry("right", extrinsics=pose | {"xyz_m": [0.1, 0.0, wrong_m]})]
    (row,) = derived(tracks, frames, entries)["pair"]
    assert (row["kind"], row["a"], row["b"]) == ("extrinsic", "left", "right")
    assert row["translation_mm"] == pytest.approx(1000 * wrong_m, abs=1.5)
    assert isinstance(row["overlap_ratio"], float)
    assert row["overlap_ratio"] > 0.6
