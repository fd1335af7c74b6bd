"""Rotations as unit quaternions xyzw and as matrices; the few operations that the simulated robot needs."""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.float64]
Vec3: TypeAlias = tuple[float, float, float]
Quat: TypeAlias = tuple[float, float, float, float]
IDENTITY: Quat = (0.0, 0.0, 0.0, 1.0)


def about(axis: Vec3, angle_rad: float) -> Quat:
    """Quaternion xyzw of a turn about a unit axis; continuous in the angle, so a moving joint never flips its sign."""
    half = 0.5 * angle_rad
    sine = math.sin(half)
    return axis[0] * sine, axis[1] * sine, axis[2] * sine, math.cos(half)


def product(first: Quat, second: Quat) -> Quat:
    """Quaternion of `second` carried out in the frame that `first` made (matrix product first @ second)."""
    ax, ay, az, aw = first
    bx, by, bz, bw = second
    return (
        aw * bx + ax * bw + ay * bz - az * by,
        aw * by - ax * bz + ay * bw + az * bx,
        aw * bz + ax * by - ay * bx + az * bw,
        aw * bw - ax * bx - ay * by - az * bz,
    )


def rotated(quat: Quat, vector: Vec3) -> Vec3:
    """A vector turned by a unit quaternion xyzw."""
    x, y, z, w = quat
    vx, vy, vz = vector
    tx, ty, tz = 2 * (y * vz - z * vy), 2 * (z * vx - x * vz), 2 * (x * vy - y * vx)
    return vx + w * tx + y * tz - z * ty, vy + w * ty + z * tx - x * tz, vz + w * tz + x * ty - y * tx


def matrix(quat: Quat) -> FloatArray:
    """Rotation matrix, shape (3, 3), of a unit quaternion xyzw."""
    x, y, z, w = quat
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def rpy(quat: Quat) -> Vec3:
    """Roll, pitch, yaw in rad of a unit quaternion, as URDF writes them (fixed axes x, y, z)."""
    turn = matrix(quat)
    roll = math.atan2(turn[2, 1], turn[2, 2])
    pitch = math.asin(max(-1.0, min(1.0, -turn[2, 0])))
    return roll, pitch, math.atan2(turn[1, 0], turn[0, 0])


def looking(forward: Vec3) -> Quat:
    """Orientation of a camera body (REP-103: x forward, y left, z up) whose x axis points along `forward`."""
    yaw = math.atan2(forward[1], forward[0])
    pitch = math.atan2(-forward[2], math.hypot(forward[0], forward[1]))
    return product(about((0.0, 0.0, 1.0), yaw), about((0.0, 1.0, 0.0), pitch))


def inverse(pose: FloatArray) -> FloatArray:
    """Inverse of a homogeneous transform (4, 4)."""
    back = np.eye(4)
    back[:3, :3] = pose[:3, :3].T
    back[:3, 3] = -pose[:3, :3].T @ pose[:3, 3]
    return back


def transform(position: Vec3 | FloatArray, quat: Quat) -> FloatArray:
    """Homogeneous transform, shape (4, 4)."""
    pose = np.eye(4)
    pose[:3, :3] = matrix(quat)
    pose[:3, 3] = position
    return pose
