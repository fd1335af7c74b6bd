"""The moving parts of an episode: state streams with their joints, what the URDF knows of each, and chains of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from embodied_kit.errors import DataError
from embodied_kit.measure.declared.jsonget import get_number, get_objects, get_text, get_texts
from embodied_kit.measure.declared.units import units_of
from embodied_kit.measure.derived.derive import DeriveInput
from embodied_kit.measure.derived.track import JOINT_POSITION, Track
from embodied_kit.measure.derived.tracks import StreamTrack
from embodied_kit.measure.kinematics.model import MOVABLE, Joint, Model, read_model
from embodied_kit.measure.streams.series import JOINT_STATE
from embodied_kit.model.json import JsonObject

MAX_CHAINS = 32
MAX_CHAIN_JOINTS = 64
"""No robot has more; a URDF that has is not computed, since its time would grow with their product."""
_TOO_LARGE = "the URDF has more or longer chains than are measured"
_ARRAY = "data"
"""Field of std_msgs arrays, whose names the contract gives."""
_ANGLES_AND_LENGTHS = ("rad", "deg", "m", "mm")
_GRIPPER = re.compile(r"grip|finger|jaw|thumb|knuckle|claw", re.IGNORECASE)


@dataclass(frozen=True)
class Limits:
    """What a joint may do, in rad or m, rad/s or m/s; None where nobody says."""

    lower: float | None = None
    upper: float | None = None
    velocity: float | None = None
    endless: bool = False


@dataclass(frozen=True, eq=False)
class JointStream:
    """Positions of joints on one stream.

    Attributes:
        stream: stream_id.
        names: Of the columns of the track.
        unit: Declared unit of the positions; empty where none is.
        track: Rows in order of time.
    """

    stream: str
    names: tuple[str, ...]
    unit: str
    track: Track


@dataclass(frozen=True)
class Body:
    """Robots of an episode as one: their URDFs, limits and what they say of grippers.

    Attributes:
        models: Those that could be read.
        problem: Why a model is missing; empty where none is.
        documents: robot.json of each.
    """

    models: tuple[Model, ...]
    problem: str
    documents: tuple[JsonObject, ...]

    @cached_property
    def joints(self) -> dict[str, Joint]:
        """Name -> joint over all models; the first of a name."""
        found: dict[str, Joint] = {}
        for model in self.models:
            for name, joint in model.joints.items():
                found.setdefault(name, joint)
        return found

    @cached_property
    def _limits(self) -> dict[str, JsonObject]:
        entries = [item for document in self.documents for item in get_objects(document, "joint_limits")]
        return {get_text(item, "name"): item for item in entries}

    def unit(self, name: str, declared: str) -> str:
        """Unit of a joint: a stream that declares rad means m for its prismatic joints (REP-103, JointState)."""
        kind = self.joints[name].kind if name in self.joints else ""
        slides = {"lower_m", "upper_m"} & self._limits.get(name, {}).keys()  # effort_n_m is a torque
        if kind == "prismatic" or (not kind and slides):
            return "m" if declared in ("rad", "") else declared
        return "rad" if not declared and kind in MOVABLE else declared

    def is_gripper(self, name: str) -> bool:
        """Whether a joint is one of a gripper or hand: by its name, or prismatic with nothing that moves below it."""
        joint = self.joints.get(name)
        ends = joint is not None and joint.kind == "prismatic" and name not in self._inner
        return ends or bool(_GRIPPER.search(name))

    def limits(self, name: str) -> Limits:
        """Limits of a joint: those of robot.json, which the controller kept, nowhere wider than the URDF's."""
        told, joint = self._limits.get(name, {}), self.joints.get(name)

        def number(field: str) -> float | None:
            found = [get_number(told, f"{field}_{unit}") for unit in ("rad", "m", "rad_s", "m_s")]
            return next((value for value in found if value is not None), None)

        lower, upper, velocity = number("lower"), number("upper"), number("velocity")
        if joint is None:
            return Limits(lower, upper, velocity)
        return Limits(
            _tighter(max, lower, joint.lower),
            _tighter(min, upper, joint.upper),
            _tighter(min, velocity, joint.velocity),
            joint.kind == "continuous",
        )

    def tips(self) -> Iterator[tuple[Model, list[Joint]]]:
        """Model and joints of every chain: from the root down to the last joint that is no gripper's."""
        for model in self.models:
            chains = [
                model.chain(joint.child) or []
                for joint in model.joints.values()
                if joint.kind != "fixed" and not self.is_gripper(joint.name)
            ]
            inner = {joint.name for chain in chains for joint in chain[:-1]}
            yield from ((model, chain) for chain in chains if chain[-1].name not in inner)

    @cached_property
    def _inner(self) -> set[str]:
        """Joints below which another one moves."""
        return {
            above.name
            for model in self.models
            for joint in model.joints.values()
            if joint.kind != "fixed"
            for above in model.chain(joint.parent) or []
        }


def _tighter(which: Callable[[list[float]], float], *limits: float | None) -> float | None:
    """The tighter of two limits, or the one that is known."""
    known = [limit for limit in limits if limit is not None]
    return which(known) if known else None


def read_body(known: DeriveInput) -> Body:
    """The robots of an episode."""
    models, problem = [], "" if known.given.robots else "no robot is described"
    for robot in known.given.robots:
        if robot.urdf is None:
            problem = "there is no URDF"
            continue
        try:
            model = read_model(robot.urdf)
        except DataError:
            problem = "the URDF cannot be read"
            continue
        if any(len(model.chain(joint.child) or ()) > MAX_CHAIN_JOINTS for joint in model.joints.values()):
            problem = _TOO_LARGE
        else:
            models.append(model)
    documents = tuple(robot.document for robot in known.given.robots)
    body = Body(tuple(models), problem, documents)
    return body if sum(1 for _ in body.tips()) <= MAX_CHAINS else Body((), _TOO_LARGE, documents)


def joint_streams(known: DeriveInput, role: str) -> list[JointStream]:
    """Joint positions of every stream of a role; of each publisher and layout the longest."""
    return [found for entry in known.by_role(role) if (found := _joint_stream(known, entry)) is not None]


def _joint_stream(known: DeriveInput, entry: JsonObject) -> JointStream | None:
    stream = get_text(entry, "stream_id") or get_text(entry, "topic")
    declared = get_texts(entry, "names")
    for item in known.tracks.of(stream):
        unit = units_of(entry, item.ros_type, [item.field])[item.field] or ""
        names = _names(item, declared, unit)
        if names:
            return JointStream(stream, names, unit, item.load())
    return None


def _names(item: StreamTrack, declared: Sequence[str], unit: str) -> tuple[str, ...]:
    """Names of the joints of a track; none where it holds no joint positions."""
    if item.ros_type == JOINT_STATE and item.field == JOINT_POSITION:
        names = item.names if all(item.names) else tuple(declared)
    elif item.field == _ARRAY and unit in _ANGLES_AND_LENGTHS:
        names = tuple(declared)
    else:
        return ()
    return names if len(names) == len(item.names) == len(set(names)) else ()
