"""The robot at work: take after take on the physics, 1 ms at a time, with its phases and outcomes. No clock, no IO."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from embodied_recorders.sim import robot
from embodied_recorders.sim.options import SimOptions
from embodied_recorders.sim.physics import Physics
from embodied_recorders.sim.plan import CAUSES, GRIP_N, PHASES_MS, TAKE_MS, Failure, TakePlan, plan_take
from embodied_recorders.sim.rotation import FloatArray
from embodied_recorders.sim.shapes import BIN_AT, BIN_HEIGHT_M, BIN_INNER_HALF_M

Outcome: TypeAlias = Literal["success", "failure"]
REST: FloatArray = np.array([*robot.HOME, robot.FINGER_OPEN_M, robot.FINGER_OPEN_M])
STILL: FloatArray = np.zeros(len(REST))


@dataclass(frozen=True, slots=True)
class PhaseStart:
    """A phase begins.

    Attributes:
        take: Number of the take; 0 before the first.
        phase: idle, reset, a phase of PHASES_MS, or end.
        step: First step (1 ms) of it.
        end_step: First step after it; None where it has no end of its own.
    """

    take: int
    phase: str
    step: int
    end_step: int | None


@dataclass(frozen=True, slots=True)
class TakeEnd:
    """A take is over.

    Attributes:
        start_step: First step of its first phase.
        end_step: First step after its last phase.
        outcome: As the physics judge: the cube lies in the bin, or not.
        failure: The way in which it was made to fail; None where it was not.
        failure_cause: Word of the vocabulary failure_cause; None for a success.
        cube_at: Where the cube ended, m.
    """

    take: int
    start_step: int
    end_step: int
    outcome: Outcome
    failure: Failure | None
    failure_cause: str | None
    cube_at: tuple[float, float, float]


Event: TypeAlias = PhaseStart | TakeEnd


class Script:
    """Runs the takes.

    After `advance` the attributes describe step `step`.

    Attributes:
        step: Step that was simulated last, ms since the start.
        take: Take of that step; 0 before the first.
        t_ms: Milliseconds since the first phase of the take; negative while it is being laid out.
        command: Commanded positions, shape (8,); `command_velocity` their derivative.
    """

    def __init__(self, options: SimOptions) -> None:
        self._options = options
        self.physics = Physics()
        self.step = -1
        self.take = 0
        self.t_ms = -round(options.lead_s * 1000)
        self.command = REST
        self.command_velocity = STILL
        self._take_starts: int | None = None  # step at which the present take's first phase begins
        self._plan: TakePlan | None = None
        self._starts = _phase_starts()

    def advance(self) -> tuple[Event, ...]:
        """Simulate one step; what began or ended with it."""
        self.step += 1
        events = self._events()
        plan = self._plan
        self.t_ms = self.step - (self._take_starts or self._lead_steps())
        if plan is not None and 0 <= self.t_ms < TAKE_MS:
            self.command, self.command_velocity = plan.position[self.t_ms], plan.velocity[self.t_ms]
            self.physics.limit_grip(float(plan.grip_n[self.t_ms]))
        else:
            self.command, self.command_velocity = REST, STILL
        self.physics.step(self.command, self.command_velocity)
        return events

    def finished(self) -> bool:
        """Whether all takes that were asked for are over, and the rest after them."""
        over = self._take_starts is not None and self.take == self._options.takes
        return over and self.t_ms >= TAKE_MS + self._gap_steps()

    def _lead_steps(self) -> int:
        return round(self._options.lead_s * 1000)

    def _gap_steps(self) -> int:
        return round(self._options.gap_s * 1000)

    def _events(self) -> tuple[Event, ...]:
        started = self._take_starts
        if started is None:
            if self.step == self._lead_steps():
                return (self._lay_out(1),)
            return (PhaseStart(0, "idle", 0, self._lead_steps()),) if self.step == 0 else ()
        t_ms = self.step - started
        if t_ms == TAKE_MS:
            return self._end_take(started)
        phase = self._starts.get(t_ms)
        return (PhaseStart(self.take, phase, self.step, self.step + PHASES_MS[phase]),) if phase else ()

    def _lay_out(self, take: int) -> PhaseStart:
        """Lay the cube out anew; the arm is at rest in its home position."""
        self.take = take
        self._take_starts = self.step + self._gap_steps()
        self._plan = plan_take(self._options.seed, take, self._options.failure(take))
        self.physics.limit_grip(GRIP_N)
        self.physics.place_cube(*self._plan.cube)
        return PhaseStart(take, "reset", self.step, self._take_starts)

    def _end_take(self, started: int) -> tuple[Event, ...]:
        x, y, z = self.physics.data.qpos[8:11].tolist()
        success = in_bin(x, y, z)
        planned = self._plan.failure if self._plan else None
        cause = None if success else CAUSES[planned] if planned else "other"
        outcome: Outcome = "success" if success else "failure"
        end = TakeEnd(self.take, started, self.step, outcome, planned, cause, (x, y, z))
        if self.take == self._options.takes:
            return end, PhaseStart(self.take, "end", self.step, None)
        return end, self._lay_out(self.take + 1)


def in_bin(x: float, y: float, z: float) -> bool:
    """Whether the cube's centre, m, lies inside the bin."""
    inside = max(abs(x - BIN_AT[0]), abs(y - BIN_AT[1])) < BIN_INNER_HALF_M
    return inside and z < BIN_HEIGHT_M


def _phase_starts() -> dict[int, str]:
    starts, at = {}, 0
    for phase, length in PHASES_MS.items():
        starts[at] = phase
        at += length
    return starts
