"""What the robot's own sensors read of the truth: encoders with steps, effort and wrench with noise. Seeded."""

from __future__ import annotations

import math

import numpy as np

from embodied_recorders.sim import robot
from embodied_recorders.sim.physics import JOINT_COUNT, Physics
from embodied_recorders.sim.rotation import FloatArray

ENCODER_STEP = np.array([2 * math.pi / 2**19] * 6 + [5e-6] * 2)  # 19 bit turn, 5 um
ENCODER_NOISE = np.array([1e-5] * 6 + [5e-6] * 2)
VELOCITY_NOISE = np.array([5e-4] * 6 + [1e-4] * 2)  # rad/s, m/s
EFFORT_NOISE = np.array([0.02] * 6 + [0.02] * 2)  # N m, N
WRENCH_NOISE = np.array([0.05, 0.05, 0.05, 0.002, 0.002, 0.002])  # N, N m
BANK_ROWS = 10007  # prime: the noise of no two streams repeats together


class NoiseBank:
    """Normal noise drawn beforehand, row by row."""

    def __init__(self, rng: np.random.Generator, scale: FloatArray) -> None:
        self._rows = rng.standard_normal((BANK_ROWS, len(scale))) * scale
        self._next = 0

    def row(self) -> FloatArray:
        """The next row, shape (len(scale),)."""
        row: FloatArray = self._rows[self._next]
        self._next = (self._next + 1) % BANK_ROWS
        return row


class Sensors:
    """Encoders, effort and wrench.

    Attributes:
        position: Shape (8,), rad and m, as the encoders read it.
        velocity: Shape (8,), rad/s and m/s.
        effort: Shape (8,), N m and N.
        wrench: Shape (6,), N and N m in ft_frame.
    """

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng([seed, 0, 4])
        self._position = NoiseBank(rng, ENCODER_NOISE)
        self._velocity = NoiseBank(rng, VELOCITY_NOISE)
        self._effort = NoiseBank(rng, EFFORT_NOISE)
        self._wrench = NoiseBank(rng, WRENCH_NOISE)
        self.position = np.array([*robot.HOME, robot.FINGER_OPEN_M, robot.FINGER_OPEN_M])
        self.velocity = np.zeros(JOINT_COUNT)
        self.effort = np.zeros(JOINT_COUNT)
        self.wrench = np.zeros(6)

    def read_joints(self, truth: Physics, *, stuck: int | None = None) -> None:
        """Read all joints; a stuck encoder keeps its last position and shows no velocity."""
        held = self.position[stuck] if stuck is not None else 0.0
        reading = truth.state[:JOINT_COUNT] + self._position.row()
        np.round(reading / ENCODER_STEP, out=reading)
        np.multiply(reading, ENCODER_STEP, out=self.position)
        np.add(truth.velocity, self._velocity.row(), out=self.velocity)
        np.add(truth.effort, self._effort.row(), out=self.effort)
        if stuck is not None:
            self.position[stuck] = held
            self.velocity[stuck] = 0.0

    def read_wrench(self, truth: Physics) -> None:
        """Read the F/T sensor."""
        np.add(truth.wrench, self._wrench.row(), out=self.wrench)
