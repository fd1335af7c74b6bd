"""Closed inverse kinematics of the arm, for whole trajectories at once.

The last three axes meet in one point, so position and orientation part: a planar two-link triangle, then Euler zyz.
"""

from __future__ import annotations

import numpy as np

from embodied_kit.errors import UsageError
from embodied_recorders.sim.robot import ARM, TOOL
from embodied_recorders.sim.rotation import FloatArray

SHOULDER_M = ARM[0].origin[2] + ARM[1].origin[2]
UPPER_M = ARM[2].origin[2]
FOREARM_M = ARM[3].origin[2] + ARM[4].origin[2]
TOOL_M = ARM[5].origin[2] + sum(origin[2] for origin, _ in TOOL)


def rotations(axis: int, angles: FloatArray) -> FloatArray:
    """Rotation matrices, shape (n, 3, 3), about one coordinate axis (0 x, 1 y, 2 z) by angles (n,) in rad."""
    turns = np.zeros((len(angles), 3, 3))
    i, j = (axis + 1) % 3, (axis + 2) % 3
    turns[:, axis, axis] = 1.0
    turns[:, i, i] = turns[:, j, j] = np.cos(angles)
    turns[:, j, i] = np.sin(angles)
    turns[:, i, j] = -turns[:, j, i]
    return turns


def solve(positions: FloatArray, orientations: FloatArray) -> FloatArray:
    """Arm joints that bring the tcp to the given poses, elbow up, joint 5 positive.

    Args:
        positions: Shape (n, 3), m in base_link.
        orientations: Shape (n, 3, 3), tcp in base_link.

    Returns:
        Shape (n, 6), rad.

    Raises:
        UsageError: A pose is out of reach.
    """
    wrist = positions - TOOL_M * orientations[:, :, 2]
    radius = np.hypot(wrist[:, 0], wrist[:, 1])
    height = wrist[:, 2] - SHOULDER_M
    cosine = (radius**2 + height**2 - UPPER_M**2 - FOREARM_M**2) / (2 * UPPER_M * FOREARM_M)
    if np.any(np.abs(cosine) > 1.0):
        raise UsageError(f"expected poses within {UPPER_M + FOREARM_M:.2f} m of the shoulder, got one beyond")
    q1 = np.arctan2(wrist[:, 1], wrist[:, 0])
    q3 = np.arccos(cosine)
    q2 = np.arctan2(radius, height) - np.arctan2(FOREARM_M * np.sin(q3), UPPER_M + FOREARM_M * np.cos(q3))
    forearm = rotations(2, q1) @ rotations(1, q2 + q3)
    turn = np.transpose(forearm, (0, 2, 1)) @ orientations
    q4 = np.arctan2(turn[:, 1, 2], turn[:, 0, 2])
    q5 = np.arctan2(np.hypot(turn[:, 0, 2], turn[:, 1, 2]), turn[:, 2, 2])
    q6 = np.arctan2(turn[:, 2, 1], -turn[:, 2, 0])
    return np.column_stack([q1, q2, q3, q4, q5, q6])
