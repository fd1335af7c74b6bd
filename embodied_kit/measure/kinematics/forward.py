"""Poses of links from joint positions, elementwise over time: no matrix product, so every machine gives the same bits.

Product of the transforms along the chain (Siciliano et al., Robotics, section 2.8), rotations as quaternions xyzw.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embodied_kit.measure.kinematics.model import REVOLUTE, Joint, Model

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Poses:
    """Poses over time.

    Attributes:
        xyz_m: (n, 3).
        quaternion: (n, 4), x, y, z, w.
    """

    xyz_m: Values
    quaternion: Values


def needed_joints(model: Model, chain: Sequence[Joint]) -> set[str]:
    """Joints whose positions a chain needs: those that move by themselves, and those that others follow."""
    return {_leader(model, joint)[0] for joint in chain if joint.kind != "fixed"}


def forward(model: Model, chain: Sequence[Joint], positions: Mapping[str, Values], n: int) -> Poses:
    """Poses of the last link of a chain in the frame of its first parent.

    Args:
        model: That the chain is of.
        chain: Joints from the base down, each with one axis or fixed.
        positions: Joint -> (n,) positions in rad or m, of all `needed_joints`.
        n: Number of moments.
    """
    place, turn = np.zeros((n, 3)), np.tile(np.array([0.0, 0.0, 0.0, 1.0]), (n, 1))
    for joint in chain:
        place = place + rotated(turn, np.array(joint.xyz_m))
        turn = product(turn, np.array(joint.quaternion))
        if joint.kind == "fixed":
            continue
        position = _position(model, joint, positions)
        if joint.kind in REVOLUTE:
            turn = product(turn, about(np.array(joint.axis), position))
        else:
            place = place + rotated(turn, np.array(joint.axis) * position[:, None])
    return Poses(place, turn)


def relative(frame: Poses, poses: Poses) -> Poses:
    """Poses as seen from a frame that may move."""
    back = conjugate(frame.quaternion)
    return Poses(rotated(back, poses.xyz_m - frame.xyz_m), product(back, poses.quaternion))


def about(axis: Values, angle: Values) -> Values:
    """Quaternions (n, 4) of turns by (n,) angles in rad about a unit vector (3,)."""
    half = angle / 2
    return np.concatenate([np.sin(half)[:, None] * axis, np.cos(half)[:, None]], axis=1)


def product(first: Values, second: Values) -> Values:
    """Quaternion product, (n, 4) or (4,) each."""
    ax, ay, az, aw = (first[..., index] for index in range(4))
    bx, by, bz, bw = (second[..., index] for index in range(4))
    return np.stack(
        [
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
            aw * bw - ax * bx - ay * by - az * bz,
        ],
        axis=-1,
    )


def conjugate(quaternion: Values) -> Values:
    """Inverse of unit quaternions (n, 4)."""
    return np.asarray(quaternion * np.array([-1.0, -1.0, -1.0, 1.0]), np.float64)


def rotated(quaternion: Values, vector: Values) -> Values:
    """Vectors (3,) or (n, 3) turned by unit quaternions (n, 4): v + 2 q x (q x v + w v)."""
    turn, w = quaternion[:, :3], quaternion[:, 3:]
    vectors = np.broadcast_to(vector, turn.shape)
    return np.asarray(vectors + 2 * _cross(turn, _cross(turn, vectors) + w * vectors))


def angle_between(first: Values, second: Values) -> Values:
    """Angle in rad (n,) between rotations, whatever the signs and lengths of their quaternions (n, 4)."""
    turn = product(conjugate(first), second)
    return np.asarray(2 * np.arctan2(np.sqrt(np.sum(turn[:, :3] ** 2, axis=1)), np.abs(turn[:, 3])))


def _cross(first: Values, second: Values) -> Values:
    ax, ay, az = (first[:, index] for index in range(3))
    bx, by, bz = (second[:, index] for index in range(3))
    return np.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], axis=1)


def _position(model: Model, joint: Joint, positions: Mapping[str, Values]) -> Values:
    name, multiplier, offset = _leader(model, joint)
    return multiplier * positions[name] + offset


def _leader(model: Model, joint: Joint) -> tuple[str, float, float]:
    """(name, multiplier, offset) of the joint that a joint follows in the end; of itself where it follows none."""
    multiplier, offset = 1.0, 0.0
    for _ in model.joints:  # who follows himself is let go
        if not joint.follows:
            break
        offset += multiplier * joint.offset
        multiplier *= joint.multiplier
        joint = model.joints[joint.follows]
    return joint.name, multiplier, offset
