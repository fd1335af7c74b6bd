"""Rows of kind `swap` of `pair`: whether two cameras bear each other's names (rule VS-12).

Joints, URDF and a calibration predict where an image has to change from one frame to the next: in the cells that the
moving links cross, and everywhere where the camera itself moves. What did change is held against the prediction of the
camera's own calibration and of the other's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations

import numpy as np

from embodied_kit.measure.derived.derive import DeriveInput
from embodied_kit.measure.derived.track import Track
from embodied_kit.measure.geometry.camera import Camera, Floats
from embodied_kit.measure.geometry.rig import Rig
from embodied_kit.measure.images.imagetracks import CELLS, MOTION_FIELD
from embodied_kit.measure.images.thumbnail import GRID_COLUMNS, GRID_ROWS
from embodied_kit.measure.kinematics.body import Body, joint_streams, read_body
from embodied_kit.measure.kinematics.forward import Poses, conjugate, product, rotated
from embodied_kit.measure.kinematics.model import Joint, Model
from embodied_kit.measure.kinematics.poses import Positions, chain_poses, chain_problem, positions_of
from embodied_kit.measure.rows import make_row
from embodied_kit.model.facts import Row
from embodied_kit.model.json import JsonValue

MARGIN = 0.1
MIN_FRAMES = 60
MAX_FRAMES = 1200
MAX_CAMERAS = 8
MAX_LINKS = 32
SCENE_M = (0.5, 1.0)
"""Distances at which the scene before a moving camera is taken to lie."""
STILL_PX = 0.2
NO_MODEL = "there is no URDF whose joints are measured"
TOO_FEW = "too few frames in which the robot moves"
ALIKE = "the motion explains both assignments alike"
NOT_KEPT = "the motion in the images of a camera was not kept"
TOO_MANY = "more than 8 cameras are not held against each other"
NOWHERE = "a camera stands in a frame that the URDF does not have"
_COLUMNS = ("own_score", "swapped_score", "swapped")


def swap_rows(known: DeriveInput, rig: Rig) -> Iterator[Row]:
    """A row for each two calibrated colour cameras, and one for each camera beyond those that are compared."""
    streams = [stream for stream in rig.colour if rig.fits(stream)]
    if len(streams) < 2:
        return
    scene = _Scene(known, rig)
    for first, second in combinations(streams[:MAX_CAMERAS], 2):
        yield _row(known, first, second, *scene.compare(first, second))
    for stream in streams[MAX_CAMERAS:]:
        yield _row(known, streams[0], stream, {"n": 0}, TOO_MANY)


def _row(known: DeriveInput, first: str, second: str, values: Mapping[str, JsonValue], reason: str) -> Row:
    found: dict[str, JsonValue] = {"kind": "swap", "a": first, "b": second, "name": "", **values}
    return make_row("pair", found, episode=known.episode_id, reasons=dict.fromkeys(_COLUMNS, reason))


class _Scene:
    """Robot and cameras of one episode; what was computed for one pair serves the others."""

    def __init__(self, known: DeriveInput, rig: Rig) -> None:
        self._rig = rig
        self._body = read_body(known)
        self._positions = positions_of(joint_streams(known, "state"), self._body)
        self._links = list(_links(self._body, self._positions))
        self._motion = {
            stream: track.load() for stream in rig.colour for track in known.tracks.of(stream, MOTION_FIELD)
        }

    def compare(self, first: str, second: str) -> tuple[dict[str, JsonValue], str]:
        """Numbers of a pair, and why some are missing."""
        if not self._links:
            return {"n": 0}, NO_MODEL
        if not {first, second} <= self._motion.keys():
            return {"n": 0}, NOT_KEPT
        scores: dict[tuple[str, str], float] = {}
        n = 0
        for shown in (first, second):
            stamps, seen = _thinned(self._motion[shown])
            for named in (first, second):
                expected = self._expected(self._rig.cameras[named], stamps)
                if expected is None:
                    return {"n": 0}, NOWHERE
                told = np.isfinite(expected).all(axis=1) & (expected.max(axis=1, initial=0.0) > STILL_PX)
                if told.sum() < MIN_FRAMES:
                    return {"n": 0}, TOO_FEW
                score = _correlation(seen[told], expected[told])
                if score is None:
                    return {"n": 0}, TOO_FEW
                scores[shown, named] = score
                n = max(n, int(told.sum()))
        own = scores[first, first] + scores[second, second]
        other = scores[first, second] + scores[second, first]
        swapped = None if abs(own - other) < MARGIN else other > own
        return {"n": n, "own_score": own, "swapped_score": other, "swapped": swapped}, ALIKE

    def _expected(self, camera: Camera, stamps: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Floats | None:
        """Motion in px that each cell should show from the frame before, shape (n, CELLS); NaN outside the joints."""
        found = _camera_poses(camera, self._body, self._positions, stamps)
        if found is None:
            return None
        eye, inside = found
        total = np.zeros((len(stamps), CELLS))
        for distance in SCENE_M:
            total += _scene_motion(camera, eye, distance) / len(SCENE_M)
        for model, chain in self._links:
            poses, within = chain_poses(model, chain, self._positions, stamps)
            inside &= within
            total += _link_motion(camera, eye, poses)
        total[~inside] = np.nan
        total[1:][~inside[:-1]] = np.nan
        return total


def _links(body: Body, positions: Positions) -> Iterator[tuple[Model, list[Joint]]]:
    """Links whose pose can be computed, those with a joint that moves above them; the last ones first."""
    found = []
    for model in body.models:
        for link in model.links():
            chain = model.chain(link) or []
            if any(joint.kind != "fixed" for joint in chain) and not chain_problem(model, chain, positions):
                found.append((model, chain))
    yield from sorted(found, key=lambda item: (-len(item[1]), item[1][-1].child))[:MAX_LINKS]


def _camera_poses(
    camera: Camera, body: Body, positions: Positions, stamps: np.ndarray[tuple[int], np.dtype[np.int64]]
) -> tuple[Poses, np.ndarray[tuple[int], np.dtype[np.bool_]]] | None:
    """Poses of the optical frame in the root frame of the model; None where its parent is in no model."""
    for model in body.models:
        if camera.parent in model.links():
            chain = model.chain(camera.parent) or []
            if chain_problem(model, chain, positions):
                return None
            poses, inside = chain_poses(model, chain, positions, stamps)
            turn = np.repeat(camera.pose.quaternion, len(stamps), axis=0)
            place = poses.xyz_m + rotated(poses.quaternion, np.repeat(camera.pose.xyz_m, len(stamps), axis=0))
            return Poses(place, product(poses.quaternion, turn)), inside
    return None


def _in_camera(eye: Poses, points: Floats) -> Floats:
    """Points (n, 3) of the root frame in the optical frame of each moment."""
    return rotated(conjugate(eye.quaternion), points - eye.xyz_m)


def _link_motion(camera: Camera, eye: Poses, poses: Poses) -> Floats:
    """Motion of a link's origin against the scene, in px, put into the cell where it is seen, shape (n, CELLS)."""
    motion = np.zeros((len(poses.xyz_m), CELLS))
    pixels = camera.project(_in_camera(eye, poses.xyz_m))
    moved = np.zeros(len(pixels))
    now = Poses(eye.xyz_m[1:], eye.quaternion[1:])
    here = camera.project(_in_camera(now, poses.xyz_m[:-1]))  # where it would be now, had only the camera moved
    moved[1:] = np.sqrt(np.sum((pixels[1:] - here) ** 2, axis=1))
    cells = _cells(camera, pixels)
    seen = (cells >= 0) & np.isfinite(moved)
    motion[np.flatnonzero(seen), cells[seen]] = moved[seen]
    return motion


def _scene_motion(camera: Camera, eye: Poses, distance: float) -> Floats:
    """Motion in px of a still scene at a distance, for each cell, shape (n, CELLS)."""
    rows, columns = np.divmod(np.arange(CELLS), GRID_COLUMNS)
    u, v = (columns + 0.5) * camera.width / GRID_COLUMNS, (rows + 0.5) * camera.height / GRID_ROWS
    rays = camera.rays(u, v) * distance
    motion = np.zeros((len(eye.xyz_m), CELLS))
    before, now = Poses(eye.xyz_m[:-1], eye.quaternion[:-1]), Poses(eye.xyz_m[1:], eye.quaternion[1:])
    for cell in range(CELLS):
        there = before.xyz_m + rotated(before.quaternion, rays[cell])
        shift = camera.project(_in_camera(now, there)) - np.array([u[cell], v[cell]])
        motion[1:, cell] = np.nan_to_num(np.sqrt(np.sum(shift * shift, axis=1)))
    return motion


def _cells(camera: Camera, pixels: Floats) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Cell of each pixel; -1 outside the image."""
    known = np.asarray(np.isfinite(pixels).all(axis=1), np.bool_)
    safe = np.where(known[:, None], pixels, -1.0)
    columns = np.floor(safe[:, 0] * GRID_COLUMNS / camera.width)
    rows = np.floor(safe[:, 1] * GRID_ROWS / camera.height)
    inside = known & (columns >= 0) & (columns < GRID_COLUMNS) & (rows >= 0) & (rows < GRID_ROWS)
    return np.asarray(np.where(inside, rows * GRID_COLUMNS + columns, -1), np.int64)


def _thinned(track: Track) -> tuple[np.ndarray[tuple[int], np.dtype[np.int64]], Floats]:
    """Stamps and motion of at most MAX_FRAMES neighbouring frames, from the middle of the track."""
    first = max(0, (len(track.stamps) - MAX_FRAMES) // 2)
    return track.stamps[first : first + MAX_FRAMES], track.values[first : first + MAX_FRAMES]


def _correlation(seen: Floats, expected: Floats) -> float | None:
    """Pearson correlation over frames and cells."""
    a, b = seen - np.sum(seen) / seen.size, expected - np.sum(expected) / expected.size
    scale = float(np.sqrt(np.sum(a * a)) * np.sqrt(np.sum(b * b)))
    return float(np.sum(a * b)) / scale if scale > 0 else None
