"""The arm and its gripper: joints, fixed frames and masses, from which URDF, MJCF, /tf and the contract are all made.

Straight up at all zeros, every link along z; the tool points down where q2 + q3 + q5 = pi.
Joints 4, 5 and 6 meet in one point (a spherical wrist), so the inverse is closed; see `inverse.py`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from embodied_recorders.sim.rotation import (
    IDENTITY,
    FloatArray,
    Quat,
    Vec3,
    about,
    looking,
    product,
    rotated,
    transform,
)

X: Vec3 = (1.0, 0.0, 0.0)
Y: Vec3 = (0.0, 1.0, 0.0)
Z: Vec3 = (0.0, 0.0, 1.0)
BASE = "base_link"
GRIPPER = "gripper_link"
TCP = "tcp"
FT_FRAME = "ft_frame"
OPTICAL: Quat = (-0.5, 0.5, -0.5, 0.5)  # REP-103: camera body (x forward) to optical frame (z forward)


@dataclass(frozen=True, slots=True)
class Joint:
    """One moving joint.

    Attributes:
        origin: Place of the joint in its parent link, m; no rotation.
        axis: Unit axis in the parent link.
        lower: Lower limit, rad or m.
        upper: Upper limit, rad or m.
        velocity: Limit, rad/s or m/s.
        effort: Limit, N m or N; the servo saturates here.
        kp: Stiffness of the position servo, N m/rad or N/m.
        kv: Damping of the position servo, N m s/rad or N s/m.
    """

    name: str
    kind: Literal["revolute", "prismatic"]
    parent: str
    child: str
    origin: Vec3
    axis: Vec3
    lower: float
    upper: float
    velocity: float
    effort: float
    kp: float
    kv: float


@dataclass(frozen=True, slots=True)
class Fixed:
    """One frame that does not move in its parent."""

    name: str
    parent: str
    child: str
    origin: Vec3
    quat: Quat = IDENTITY


@dataclass(frozen=True, slots=True)
class Inertial:
    """Mass in kg, centre in the link's frame in m, principal moments in kg m^2 along the link's axes."""

    mass: float
    centre: Vec3
    moments: Vec3


ARM = (
    Joint("joint_1", "revolute", BASE, "link_1", (0, 0, 0.08), Z, -2.9, 2.9, 3.0, 90.0, 600.0, 40.0),
    Joint("joint_2", "revolute", "link_1", "link_2", (0, 0, 0.08), Y, -0.6, 2.2, 3.0, 90.0, 900.0, 60.0),
    Joint("joint_3", "revolute", "link_2", "link_3", (0, 0, 0.30), Y, -0.2, 2.7, 3.0, 60.0, 600.0, 40.0),
    Joint("joint_4", "revolute", "link_3", "link_4", (0, 0, 0.13), Z, -2.9, 2.9, 4.0, 25.0, 250.0, 15.0),
    Joint("joint_5", "revolute", "link_4", "link_5", (0, 0, 0.13), Y, -0.2, 2.9, 4.0, 25.0, 250.0, 15.0),
    Joint("joint_6", "revolute", "link_5", "link_6", (0, 0, 0.07), Z, -2.9, 2.9, 4.0, 12.0, 120.0, 8.0),
)


def _finger(side: str, axis: Vec3) -> Joint:
    name = f"finger_{side}"
    return Joint(
        f"{name}_joint", "prismatic", GRIPPER, f"{name}_link", (0, 0, 0.03), axis, 0.0, 0.04, 0.4, 15.0, 1500.0, 30.0
    )


FINGERS = (_finger("left", Y), _finger("right", (0.0, -1.0, 0.0)))
JOINTS = ARM + FINGERS
JOINT_NAMES = tuple(joint.name for joint in JOINTS)
FINGER_OPEN_M = 0.04

CAM_FRONT_AT: Vec3 = (1.02, 0.30, 0.62)
CAM_FRONT_SIGHT: Vec3 = (-0.75, -0.33, -0.45)  # towards the middle of the work
CAM_WRIST_TILT_RAD = math.radians(22.0)

FIXED = (
    Fixed("flange_joint", "link_6", GRIPPER, (0, 0, 0.025)),
    Fixed("ft_joint", GRIPPER, FT_FRAME, (0, 0, 0)),
    Fixed("tcp_joint", GRIPPER, TCP, (0, 0, 0.084)),
    # Body x is the line of sight: along the tool (z), leaning towards the fingers.
    Fixed("cam_wrist_joint", GRIPPER, "cam_wrist_link", (0.068, 0, 0.012), about(Y, -math.pi / 2 - CAM_WRIST_TILT_RAD)),
    Fixed("cam_wrist_optical_joint", "cam_wrist_link", "cam_wrist_optical_frame", (0, 0, 0), OPTICAL),
    Fixed("cam_front_joint", BASE, "cam_front_link", CAM_FRONT_AT, looking(CAM_FRONT_SIGHT)),
    Fixed("cam_front_optical_joint", "cam_front_link", "cam_front_optical_frame", (0, 0, 0), OPTICAL),
)

TOOL = tuple((fixed.origin, fixed.quat) for fixed in FIXED if fixed.child in {GRIPPER, TCP})

INERTIALS = {
    BASE: Inertial(4.0, (0, 0, 0.04), (0.012, 0.012, 0.016)),
    "link_1": Inertial(2.0, (0, 0, 0.04), (0.004, 0.004, 0.003)),
    "link_2": Inertial(2.2, (0, 0, 0.15), (0.018, 0.018, 0.002)),
    "link_3": Inertial(1.2, (0, 0, 0.065), (0.003, 0.003, 0.001)),
    "link_4": Inertial(0.9, (0, 0, 0.065), (0.002, 0.002, 0.0006)),
    "link_5": Inertial(0.5, (0, 0, 0.035), (0.0006, 0.0006, 0.0003)),
    "link_6": Inertial(0.2, (0, 0, 0.012), (0.0001, 0.0001, 0.0001)),
    GRIPPER: Inertial(0.45, (0, 0, 0.02), (0.0006, 0.0003, 0.0006)),
    "finger_left_link": Inertial(0.04, (0, 0, 0.03), (2e-5, 2e-5, 5e-6)),
    "finger_right_link": Inertial(0.04, (0, 0, 0.03), (2e-5, 2e-5, 5e-6)),
}

HOME: tuple[float, ...] = (0.0, 0.12, 1.45, 0.0, math.pi - 1.57, 0.0)
LINKS = tuple(dict.fromkeys([BASE, *(joint.child for joint in JOINTS), *(fixed.child for fixed in FIXED)]))


def joint_pose(joint: Joint, position: float) -> tuple[Vec3, Quat]:
    """Pose of the child link in the parent link at a joint position in rad or m."""
    if joint.kind == "revolute":
        return joint.origin, about(joint.axis, position)
    x, y, z = (start + along * position for start, along in zip(joint.origin, joint.axis, strict=True))
    return (x, y, z), IDENTITY


def link_poses(positions: FloatArray) -> dict[str, FloatArray]:
    """Pose of every frame in base_link.

    Args:
        positions: Shape (8,), in the order of JOINT_NAMES, rad and m.

    Returns:
        Frame name -> homogeneous transform (4, 4), m.
    """
    poses = {BASE: transform((0.0, 0.0, 0.0), IDENTITY)}
    for joint, position in zip(ARM, positions[:6], strict=True):
        poses[joint.child] = poses[joint.parent] @ transform(*joint_pose(joint, float(position)))
    for fixed in FIXED:
        poses[fixed.child] = poses[fixed.parent] @ transform(fixed.origin, fixed.quat)
    for joint, position in zip(FINGERS, positions[6:], strict=True):
        poses[joint.child] = poses[joint.parent] @ transform(*joint_pose(joint, float(position)))
    return poses


def tcp_pose(positions: FloatArray) -> tuple[Vec3, Quat]:
    """Pose of the tool centre point in base_link: m, xyzw; continuous in the joints, so its sign never flips.

    Args:
        positions: Arm joints first, rad.
    """
    turn = IDENTITY
    x = y = z = 0.0
    steps = [joint_pose(joint, float(position)) for joint, position in zip(ARM, positions[:6], strict=True)]
    for origin, step in (*steps, *TOOL):
        dx, dy, dz = rotated(turn, origin)
        x, y, z = x + dx, y + dy, z + dz
        turn = product(turn, step)
    return (x, y, z), turn
