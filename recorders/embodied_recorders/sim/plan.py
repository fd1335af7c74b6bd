"""One take: where the cube lies, how the arm moves, and what goes wrong if the take is to fail. Pure and seeded."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias

import numpy as np

from embodied_recorders.sim import robot
from embodied_recorders.sim.inverse import rotations, solve
from embodied_recorders.sim.rotation import FloatArray, Vec3
from embodied_recorders.sim.shapes import BIN_AT

Failure: TypeAlias = Literal["drop", "early_release", "weak_grip", "miss"]
FAILURES: tuple[Failure, ...] = ("drop", "early_release", "weak_grip", "miss")
CAUSES: Mapping[Failure, str] = MappingProxyType(  # words of the vocabulary failure_cause
    {"drop": "object_dropped", "early_release": "object_dropped", "weak_grip": "object_dropped", "miss": "grasp_missed"}
)

PHASES_MS = {  # in this order
    "approach": 1600,
    "descend": 1000,
    "grasp": 500,
    "lift": 900,
    "transfer": 2000,  # the longest way is 0.5 m: 0.46 m/s at the peak of minimum jerk
    "lower": 800,
    "release": 400,
    "retreat": 700,
    "home": 1600,
}
TAKE_MS = sum(PHASES_MS.values())
CLOSING_MS, OPENING_MS = 350, 300
GRASP_Z_M = 0.025  # at 0.018 the pads press the table: 40 N in the wrench
ABOVE_CUBE_Z_M, LIFT_Z_M, BIN_Z_M, RETREAT_Z_M = 0.125, 0.15, 0.06, 0.17
CARRY_TILT_RAD = 0.1  # a little roll while carrying, so that joint 4 works too
GRIP_N, DROP_GRIP_N, WEAK_GRIP_N = 15.0, 0.2, 0.15  # two pads at friction 1.2 hold 0.59 N from 0.25 N up
DROP_START_MS, DROP_FADE_MS = 300, 700  # into transfer
EARLY_RELEASE_MS = 1000  # into transfer
MISS_M = 0.075


@dataclass(frozen=True)
class TakePlan:
    """Everything about one take, in steps of 1 ms from its first phase.

    Attributes:
        take: Number of the take, from 1.
        cube: x m, y m, yaw rad of the cube at the start.
        failure: What goes wrong; None for a take that should succeed.
        position: Shape (n, 8), commanded joints, rad and m.
        velocity: Shape (n, 8), their derivative.
        grip_n: Shape (n,), most that a finger servo presses, N.
    """

    take: int
    cube: Vec3
    failure: Failure | None
    position: FloatArray
    velocity: FloatArray
    grip_n: FloatArray


@dataclass(frozen=True, slots=True)
class _Waypoint:
    """Tool pose at the end of a phase: place in m, heading of its x axis and roll about the reach, rad."""

    place: Vec3
    heading: float
    tilt: float = 0.0


def plan_take(seed: int, take: int, failure: Failure | None) -> TakePlan:
    """Plan a take from its seed and number alone; the same arguments give the same bits."""
    rng = np.random.default_rng([seed, take])
    cube = (float(rng.uniform(0.36, 0.48)), float(rng.uniform(0.02, 0.20)), float(rng.uniform(-math.pi, math.pi)))
    arm = _arm_path(_waypoints(cube, miss=failure == "miss"))
    fingers = _finger_path(failure)
    position = np.column_stack([arm, fingers, fingers])
    velocity = np.gradient(position, 1e-3, axis=0)
    return TakePlan(take, cube, failure, position, velocity, _grip(failure))


def choose_failure(seed: int, take: int) -> Failure:
    """The way in which a failing take fails, where nobody named one."""
    return FAILURES[int(np.random.default_rng([seed, take, 1]).integers(len(FAILURES)))]


def minimum_jerk(length: int) -> FloatArray:
    """Course from 0 (left out) to 1 (reached), shape (length,), with no speed or acceleration at either end."""
    u = np.arange(1, length + 1) / length
    return u**3 * (10.0 + u * (6.0 * u - 15.0))


def phase_start_ms(phase: str) -> int:
    """Milliseconds from the start of a take to the start of one of its phases."""
    names = list(PHASES_MS)
    return sum(PHASES_MS[name] for name in names[: names.index(phase)])


def _waypoints(cube: Vec3, *, miss: bool) -> list[_Waypoint]:
    x, y, yaw = cube
    reach = math.atan2(y, x)
    # The cube looks the same every quarter turn: take the heading with the least turn of joint 6.
    heading = reach + math.remainder(yaw - reach, math.pi / 2)
    if miss:  # along the pads, towards the base: the fingers close on air and do not touch the cube
        x, y = x - MISS_M * math.cos(heading), y - MISS_M * math.sin(heading)
    bin_x, bin_y = BIN_AT
    to_bin = math.atan2(bin_y, bin_x)
    home, _ = robot.tcp_pose(np.array(robot.HOME))
    above, grasp = _Waypoint((x, y, ABOVE_CUBE_Z_M), heading), _Waypoint((x, y, GRASP_Z_M), heading)
    inside = _Waypoint((bin_x, bin_y, BIN_Z_M), to_bin)
    return [
        _Waypoint(home, 0.0),
        above,
        grasp,
        grasp,
        _Waypoint((x, y, LIFT_Z_M), heading, CARRY_TILT_RAD),
        _Waypoint((bin_x, bin_y, LIFT_Z_M), to_bin, -CARRY_TILT_RAD),
        inside,
        inside,
        _Waypoint((bin_x, bin_y, RETREAT_Z_M), to_bin),
        _Waypoint(home, 0.0),
    ]


def _arm_path(waypoints: list[_Waypoint]) -> FloatArray:
    rows = np.array([(*point.place, point.heading, point.tilt) for point in waypoints])
    legs = [
        start + minimum_jerk(length)[:, None] * (end - start)
        for start, end, length in zip(rows[:-1], rows[1:], PHASES_MS.values(), strict=True)
    ]
    path = np.concatenate(legs)
    reach = np.arctan2(path[:, 1], path[:, 0])
    down = rotations(1, np.full(len(path), math.pi))
    roll = rotations(2, reach) @ rotations(0, path[:, 4]) @ rotations(2, path[:, 3] - reach)
    return solve(path[:, :3], roll @ down)


def _finger_path(failure: Failure | None) -> FloatArray:
    """Commanded opening of each finger in m over the take."""
    opening = np.full(TAKE_MS, robot.FINGER_OPEN_M)
    close = phase_start_ms("grasp")
    opens = phase_start_ms("release")
    if failure == "early_release":
        opens = phase_start_ms("transfer") + EARLY_RELEASE_MS
    opening[close : close + CLOSING_MS] *= 1.0 - minimum_jerk(CLOSING_MS)
    opening[close + CLOSING_MS : opens] = 0.0
    opening[opens : opens + OPENING_MS] *= minimum_jerk(OPENING_MS)
    return opening


def _grip(failure: Failure | None) -> FloatArray:
    grip = np.full(TAKE_MS, GRIP_N)
    if failure == "weak_grip":
        grip[phase_start_ms("grasp") : phase_start_ms("release")] = WEAK_GRIP_N
    if failure == "drop":
        fade = phase_start_ms("transfer") + DROP_START_MS
        grip[fade : fade + DROP_FADE_MS] = np.linspace(GRIP_N, DROP_GRIP_N, DROP_FADE_MS)
        grip[fade + DROP_FADE_MS : phase_start_ms("release")] = DROP_GRIP_N
    return grip
