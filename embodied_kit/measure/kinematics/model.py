"""A robot's joints with their numbers, read strictly from a URDF: whoever computes poses must not guess.

Meaning of the elements: wiki.ros.org/urdf/XML/joint; `rpy` turns about the fixed axes x, y, z in this order.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from embodied_kit.episode.urdf import UrdfJoint, read_joints
from embodied_kit.errors import DataError

MAX_JOINTS = 1024
REVOLUTE = ("revolute", "continuous")
MOVABLE = (*REVOLUTE, "prismatic")
_KINDS = (*MOVABLE, "fixed", "floating", "planar")
Vector = tuple[float, float, float]
Quaternion = tuple[float, float, float, float]


@dataclass(frozen=True)
class Joint:
    """One joint.

    Attributes:
        kind: `revolute`, `continuous`, `prismatic`, `fixed`, `floating` or `planar`.
        xyz_m: Origin of the child frame in the parent frame at position 0.
        quaternion: Its rotation, x, y, z, w.
        axis: Unit vector in the child frame.
        lower, upper: Position limits in rad or m; None where there are none.
        velocity: Speed limit in rad/s or m/s; None where there is none.
        follows: Joint that it mimics; empty for none.
        multiplier, offset: Position is `multiplier` times that of the other joint plus `offset`.
    """

    name: str
    kind: str
    parent: str
    child: str
    xyz_m: Vector = (0.0, 0.0, 0.0)
    quaternion: Quaternion = (0.0, 0.0, 0.0, 1.0)
    axis: Vector = (1.0, 0.0, 0.0)
    lower: float | None = None
    upper: float | None = None
    velocity: float | None = None
    follows: str = ""
    multiplier: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True)
class Model:
    """A tree of joints.

    Attributes:
        joints: Name -> joint, in file order.
        above: Link -> joint whose child it is.
    """

    joints: Mapping[str, Joint]
    above: Mapping[str, Joint]

    def chain(self, link: str, base: str = "") -> list[Joint] | None:
        """Joints from a base link down to a link; None where the base is not above it. An empty base is the root."""
        found: list[Joint] = []
        while link != base:
            joint = self.above.get(link)
            if joint is None:
                return None if base else found[::-1]
            found.append(joint)
            link = joint.parent
        return found[::-1]

    def links(self) -> set[str]:
        """Every link."""
        return {name for joint in self.joints.values() for name in (joint.parent, joint.child)}


def read_model(data: bytes) -> Model:
    """Joints of a URDF.

    Raises:
        DataError: It is no URDF, has too many joints, a number that is none, or is no tree.
    """
    joints = [_joint(item) for item in read_joints(data)]
    if len(joints) > MAX_JOINTS:
        raise DataError(f"expected a URDF of {MAX_JOINTS} joints at most, got {len(joints)}")
    named = {joint.name: joint for joint in joints}
    above = {joint.child: joint for joint in joints}
    if len(named) < len(joints) or len(above) < len(joints):
        raise DataError("expected each joint and each child link of a URDF once, got one twice")
    if any(joint.follows and joint.follows not in named for joint in joints):
        raise DataError("expected mimic to name a joint of the URDF, got another name")
    _refuse_cycles(above)
    return Model(named, above)


def _refuse_cycles(above: Mapping[str, Joint]) -> None:
    for start in above:
        link = start
        for _ in range(len(above)):
            joint = above.get(link)
            if joint is None:
                break
            link = joint.parent
        else:
            if link in above:
                raise DataError("expected the joints of a URDF to form a tree, got a cycle")


def _joint(item: UrdfJoint) -> Joint:
    if item.kind not in _KINDS or not (item.name and item.parent and item.child):
        raise DataError(f"expected a joint with name, known type, parent and child, got {item.name[:40]!r}")
    origin, limit = item.elements.get("origin", {}), item.elements.get("limit", {})
    mimic = item.elements.get("mimic", {})
    limited = item.kind in ("revolute", "prismatic") and "limit" in item.elements
    return Joint(
        item.name,
        item.kind,
        item.parent,
        item.child,
        _vector(origin.get("xyz", "0 0 0")),
        _turned(*_vector(origin.get("rpy", "0 0 0"))),
        _unit(_vector(item.elements.get("axis", {}).get("xyz", "1 0 0"))) if item.kind in MOVABLE else (1.0, 0.0, 0.0),
        _numbers(limit.get("lower", "0"), 1)[0] if limited else None,
        _numbers(limit.get("upper", "0"), 1)[0] if limited else None,
        _numbers(limit["velocity"], 1)[0] if "velocity" in limit else None,
        mimic.get("joint", ""),
        _numbers(mimic.get("multiplier", "1"), 1)[0],
        _numbers(mimic.get("offset", "0"), 1)[0],
    )


def _vector(text: str) -> Vector:
    x, y, z = _numbers(text, 3)
    return x, y, z


def _numbers(text: str, count: int) -> Sequence[float]:
    try:
        found = [float(part) for part in text.split()]
    except ValueError:
        found = []
    if len(found) != count or not all(math.isfinite(value) for value in found):
        raise DataError(f"expected {count} finite numbers in a URDF, got {text[:40]!r}")
    return found


def _unit(axis: Vector) -> Vector:
    length = math.sqrt(sum(part * part for part in axis))
    if length < 1e-9:
        raise DataError("expected the axis of a joint to have a length, got 0")
    return axis[0] / length, axis[1] / length, axis[2] / length


def _turned(roll: float, pitch: float, yaw: float) -> Quaternion:
    """Quaternion xyzw of a turn about the fixed axes x, then y, then z."""
    cr, sr, cp, sp, cy, sy = (part(angle / 2) for angle in (roll, pitch, yaw) for part in (math.cos, math.sin))
    return (
        sr * cp * cy - cr * sp * sy,
        cr * sp * cy + sr * cp * sy,
        cr * cp * sy - sr * sp * cy,
        cr * cp * cy + sr * sp * sy,
    )
