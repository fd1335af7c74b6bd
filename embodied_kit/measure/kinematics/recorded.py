"""Rows of kind `fk` of the table `pair`: recorded poses of an end effector against those computed from the joints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embodied_kit.measure.columns.spots import Spots
from embodied_kit.measure.declared.jsonget import get_text
from embodied_kit.measure.derived.derive import DeriveInput
from embodied_kit.measure.derived.track import PATHS, Track
from embodied_kit.measure.kinematics.body import Body
from embodied_kit.measure.kinematics.forward import Poses, angle_between
from embodied_kit.measure.kinematics.model import Joint, Model
from embodied_kit.measure.kinematics.motion import lasting
from embodied_kit.measure.kinematics.poses import LACKING, Positions, chain_poses, chain_problem
from embodied_kit.measure.rows import make_row
from embodied_kit.model.facts import Row
from embodied_kit.model.json import JsonObject, JsonValue

POSE_TYPES = ("geometry_msgs/Pose", "geometry_msgs/PoseStamped", "geometry_msgs/PoseWithCovarianceStamped")
STUCK_POSE_M, MOVED_POSE_M = 1e-3, 1e-2
"""A recorded pose whose range stays below the first while the computed one has the second is stuck (RoboMIND)."""
APART_M, APART_RAD = 0.005, float(np.deg2rad(0.5))
"""From where on poses are marked as apart: the strictest limits of rule KN-09."""
MAX_LINKS = 64
_TRIED = 4096
"""Poses by which the link is found; the one that is found is compared in all of them."""
NO_FRAME = "the frame of the pose is not in the URDF"
NO_SAMPLE = "no pose lies within the recording of the joints"
_DIGITS = 6
"""Decimals of an error that is nearly none: what lies below is the rounding of sines, which libraries differ in."""
_MEASURES: tuple[str, ...] = ("position_error_p95_mm", "rotation_error_p95_deg", "stuck")
Values = NDArray[np.float64]


@dataclass(frozen=True)
class _Link:
    """A link whose pose can be computed.

    Attributes:
        frame: Joints from the root to the frame of the recorded pose; None where it is not in the URDF.
    """

    model: Model
    chain: Sequence[Joint]
    frame: Sequence[Joint] | None

    def poses(self, positions: Positions, stamps: NDArray[np.int64]) -> tuple[Poses, NDArray[np.bool_]]:
        return chain_poses(self.model, self.chain, positions, stamps, self.frame or ())


@dataclass(frozen=True, eq=False)
class _Recorded:
    """A recorded pose: stamps (n,), xyz (n, 3), quaternion (n, 4), finite."""

    stamps: NDArray[np.int64]
    poses: Poses


def compared_poses(known: DeriveInput, body: Body, positions: Positions) -> Iterator[tuple[Row, Spots]]:
    """A row a recorded pose of role state, against the link at the end of a chain that fits it best; and where not."""
    for entry in known.by_role("state"):
        stream = get_text(entry, "stream_id") or get_text(entry, "topic")
        recorded = _recorded(known, stream)
        if recorded is not None:
            yield _compared(known, body, positions, stream, recorded, get_text(entry, "frame_id"))


def _compared(
    known: DeriveInput, body: Body, positions: Positions, stream: str, recorded: _Recorded, frame: str
) -> tuple[Row, Spots]:
    links, problem = _links(body, positions, frame or _base_frame(body))
    values: dict[str, JsonValue] = {"kind": "fk", "a": "urdf", "b": stream, "name": "", "n": 0}
    reasons, spots = dict.fromkeys(_MEASURES, problem or NO_SAMPLE), Spots()
    if links:
        best = min(links, key=lambda link: _misfit(link, positions, recorded))
        values["name"] = best.chain[-1].child
        computed, inside = best.poses(positions, recorded.stamps)
        values["n"] = int(inside.sum())
        if inside.any():
            here, there = _rows(computed, inside), _rows(recorded.poses, inside)
            values["stuck"] = _extent(there.xyz_m) < STUCK_POSE_M and _extent(here.xyz_m) >= MOVED_POSE_M
            reasons = dict.fromkeys(_MEASURES, NO_FRAME)
            if best.frame is not None:
                distance, turned = _distance(here, there), _turned(here, there)
                values["position_error_p95_mm"] = round(float(np.quantile(distance, 0.95)) * 1000, _DIGITS)
                values["rotation_error_p95_deg"] = round(float(np.rad2deg(np.quantile(turned, 0.95))), _DIGITS)
                apart = (distance > APART_M) | (turned > APART_RAD)
                spots = lasting(apart, recorded.stamps[inside])
    return make_row("pair", values, episode=known.episode_id, reasons=reasons), spots


def _turned(computed: Poses, recorded: Poses) -> Values:
    """Angle between both rotations in rad; pi for a quaternion of zeros, which is none."""
    turned = angle_between(computed.quaternion, recorded.quaternion)
    turned[~recorded.quaternion.any(axis=1)] = np.pi
    return turned


def _misfit(link: _Link, positions: Positions, recorded: _Recorded) -> float:
    """Median distance over the first poses; how far the extents differ where the frame is not known."""
    computed, inside = link.poses(positions, recorded.stamps[:_TRIED])
    if not inside.any():
        return np.inf
    here, there = _rows(computed, inside), _rows(recorded.poses, np.flatnonzero(inside))
    if link.frame is None:
        return abs(_extent(here.xyz_m) - _extent(there.xyz_m))
    return float(np.median(_distance(here, there)))


def _links(body: Body, positions: Positions, frame: str) -> tuple[list[_Link], str]:
    """Links at the end of every chain, those of grippers too; and why there is none."""
    found: list[_Link] = []
    problem = body.problem or LACKING
    for model, chain in body.tips():
        origin = model.chain(frame) if frame in model.links() else [] if not frame else None
        for candidate in ends_of(model, chain):
            trouble = chain_problem(model, [*candidate, *(origin or ())], positions)
            if not trouble and len(found) < MAX_LINKS:
                found.append(_Link(model, candidate, origin))
            problem = trouble or problem
    return found, problem


def ends_of(model: Model, chain: Sequence[Joint]) -> Iterator[Sequence[Joint]]:
    """A chain, and those of all links below it."""
    yield chain
    for joint in model.joints.values():
        whole = model.chain(joint.child) or []
        if len(whole) > len(chain) and whole[len(chain) - 1] is chain[-1]:
            yield whole


def _recorded(known: DeriveInput, stream: str) -> _Recorded | None:
    for item in known.tracks.of(stream):
        if item.ros_type in POSE_TYPES and item.field in PATHS:
            turn = f"{item.field.rpartition('.')[0]}.orientation"
            turns = next((other for other in known.tracks.of(stream, turn) if other.n == item.n), None)
            if turns is not None:
                return _finite(item.load(), turns.load())
    return None


def _finite(places: Track, turns: Track) -> _Recorded:
    xyz = np.stack([places.column(name) for name in "xyz"], axis=1)
    quaternion = np.stack([turns.column(name) for name in "xyzw"], axis=1)
    told = np.isfinite(xyz).all(axis=1) & np.isfinite(quaternion).all(axis=1)
    return _Recorded(places.stamps[told], Poses(xyz[told], quaternion[told]))


def _base_frame(body: Body) -> str:
    documents: Sequence[JsonObject] = body.documents
    return next((frame for document in documents if (frame := get_text(document, "base_frame"))), "")


def _rows(poses: Poses, rows: NDArray[np.bool_] | NDArray[np.int64]) -> Poses:
    return Poses(poses.xyz_m[rows], poses.quaternion[rows])


def _distance(first: Poses, second: Poses) -> Values:
    return np.asarray(np.sqrt(np.sum((first.xyz_m - second.xyz_m) ** 2, axis=1)))


def _extent(xyz_m: Values) -> float:
    """Largest range of a coordinate in m."""
    return float((xyz_m.max(axis=0) - xyz_m.min(axis=0)).max())
