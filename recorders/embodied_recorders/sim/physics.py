"""The robot under MuJoCo, one step of 1 ms at a time."""

from __future__ import annotations

import importlib
import math
from typing import Any

import numpy as np

from embodied_kit.errors import MissingExtraError
from embodied_recorders.sim import robot
from embodied_recorders.sim.models import FT_SITE, TCP_SITE, mjcf
from embodied_recorders.sim.rotation import FloatArray
from embodied_recorders.sim.shapes import CUBE_HALF_M

STEP_NS = 1_000_000
JOINT_COUNT = len(robot.JOINTS)
STATE_COUNT = JOINT_COUNT + 7
GRAVITY = 9.81
SERVO_LEAD_S = np.array([joint.kv / joint.kp for joint in robot.JOINTS])


def load_mujoco() -> Any:
    """The mujoco package, imported late: it is an extra.

    Raises:
        MissingExtraError: It is not installed.
    """
    try:
        return importlib.import_module("mujoco")
    except ModuleNotFoundError as error:
        if error.name != "mujoco":
            raise
        raise MissingExtraError("sim", "the simulated robot") from error


class Physics:
    """Arm, gripper, cube and bin; after `step` the arrays describe the moment before it, all of one time.

    Attributes:
        state: Shape (15,): joint positions (rad, m), then the cube's x y z (m) and quaternion w x y z.
        velocity: Shape (8,), rad/s and m/s.
        effort: Shape (8,), servo output in N m and N.
        wrench: Shape (6,), force N and torque N m on the tool in ft_frame, the tool's own weight taken off.
    """

    def __init__(self) -> None:
        mujoco = load_mujoco()
        self._step = mujoco.mj_step
        self._forward = mujoco.mj_forward
        self.model = mujoco.MjModel.from_xml_string(mjcf())
        self.data = mujoco.MjData(self.model)
        self._ft = self.data.site(FT_SITE).xmat.reshape(3, 3)
        self._tcp = self.data.site(TCP_SITE)
        self._payload_kg, self._payload_at = payload()
        self.state = np.zeros(STATE_COUNT)
        self.velocity = np.zeros(JOINT_COUNT)
        self.effort = np.zeros(JOINT_COUNT)
        self.wrench = np.zeros(6)
        self.go_home()

    def go_home(self) -> None:
        """Put the arm at rest in its home position, gripper open."""
        self.data.qpos[:JOINT_COUNT] = [*robot.HOME, robot.FINGER_OPEN_M, robot.FINGER_OPEN_M]
        self.data.qvel[:] = 0.0
        self._forward(self.model, self.data)
        self.state[:] = self.data.qpos

    def place_cube(self, x: float, y: float, yaw: float) -> None:
        """Lay the cube at rest on the table at x, y in m, turned by yaw in rad."""
        self.data.qpos[JOINT_COUNT:] = [x, y, CUBE_HALF_M, math.cos(yaw / 2), 0.0, 0.0, math.sin(yaw / 2)]
        self.data.qvel[JOINT_COUNT:] = 0.0

    def limit_grip(self, newton: float) -> None:
        """Let the finger servos press with at most this force."""
        self.model.actuator_forcerange[6:] = [-newton, newton]

    def step(self, position: FloatArray, velocity: FloatArray) -> None:
        """Go on by 1 ms towards the commanded positions (8,) and velocities (8,)."""
        data = self.data
        self.state[:] = data.qpos
        self.velocity[:] = data.qvel[:JOINT_COUNT]
        # Without the lead a servo that damps absolute velocity lags by 0.13 rad.
        data.ctrl[:] = position + SERVO_LEAD_S * velocity
        self._step(self.model, data)
        self.effort[:] = data.actuator_force
        self._read_wrench()

    def tcp(self) -> FloatArray:
        """Place of the tool centre point as the last step left it, m in base_link."""
        self._forward(self.model, self.data)
        return np.array(self._tcp.xpos)

    def _read_wrench(self) -> None:
        """Turn the sensor's reading (what the arm does to the tool) round and take the tool's weight off."""
        x, y, z = (-self._payload_kg * GRAVITY * self._ft[2]).tolist()
        away = self._payload_at
        np.negative(self.data.sensordata, out=self.wrench)
        self.wrench[:3] -= (x, y, z)
        self.wrench[3] += away * y
        self.wrench[4] -= away * x


def payload() -> tuple[float, float]:
    """Mass of the tool behind the F/T sensor in kg, and how far along z its centre lies in m."""
    parts = [(robot.INERTIALS[robot.GRIPPER], 0.0)]
    parts += [(robot.INERTIALS[finger.child], finger.origin[2]) for finger in robot.FINGERS]
    mass = sum(part.mass for part, _ in parts)
    return mass, sum(part.mass * (part.centre[2] + start) for part, start in parts) / mass
