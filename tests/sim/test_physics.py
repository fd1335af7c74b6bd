"""Takes on the physics alone, faster than real time."""

from __future__ import annotations

import sys
from itertools import pairwise

import numpy as np
import pytest

from embodied_kit.errors import MissingExtraError
from embodied_recorders.sim import FAILURES, FailTake, SimOptions, robot
from embodied_recorders.sim.physics import Physics
from embodied_recorders.sim.plan import PHASES_MS, TAKE_MS, phase_start_ms, plan_take
from embodied_recorders.sim.script import PhaseStart, Script, TakeEnd
from embodied_recorders.sim.shapes import CUBE_MASS_KG


def run(options: SimOptions) -> list[PhaseStart | TakeEnd]:
    script = Script(options)
    events: list[PhaseStart | TakeEnd] = []
    while not script.finished():
        events += script.advance()
    return events


def takes(events: list[PhaseStart | TakeEnd]) -> list[TakeEnd]:
    return [event for event in events if isinstance(event, TakeEnd)]


@pytest.mark.parametrize("seed", [11, 12])
def test_the_cube_ends_in_the_bin_take_after_take(seed: int) -> None:
    ends = takes(run(SimOptions(seed=seed, takes=3, lead_s=0.0, gap_s=0.1)))
    assert [end.outcome for end in ends] == ["success"] * 3
    assert {end.failure_cause for end in ends} == {None}


def test_each_way_to_fail_fails_and_the_next_take_succeeds() -> None:
    causes = dict.fromkeys(FAILURES, "object_dropped") | {"miss": "grasp_missed"}
    takes_to_fail = tuple(FailTake(take, how) for take, how in enumerate(FAILURES, start=1))
    ends = takes(run(SimOptions(seed=5, takes=5, lead_s=0.0, gap_s=0.1, fail_takes=takes_to_fail)))
    assert [end.outcome for end in ends] == ["failure"] * 4 + ["success"]
    assert [end.failure for end in ends] == [*FAILURES, None]
    assert [end.failure_cause for end in ends] == [*causes.values(), None]


def test_phases_follow_each_other_without_gap() -> None:
    events = run(SimOptions(seed=1, takes=1, lead_s=0.2, gap_s=0.3))
    phases = [event for event in events if isinstance(event, PhaseStart)]
    assert [event.phase for event in phases] == ["idle", "reset", *PHASES_MS, "end"]
    for before, after in pairwise(phases):
        assert before.end_step == after.step
    assert phases[2].step == 500
    assert takes(events)[0].end_step == 500 + TAKE_MS == phases[-1].step


def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not() -> None:
    def trace(seed: int) -> bytes:
        script = Script(SimOptions(seed=seed, takes=1, lead_s=0.0, gap_s=0.1))
        rows = []
        for _ in range(3200):  # to the grasp
            script.advance()
            rows.append(np.concatenate([script.physics.state, script.physics.effort, script.physics.wrench]))
        return np.array(rows).tobytes()

    first = trace(3)
    assert first == trace(3)
    assert first != trace(4)


def test_motion_stays_within_the_limits_of_the_urdf_and_half_a_metre_a_second() -> None:
    for seed in range(40):
        plan = plan_take(seed, 1, None)
        for column, joint in enumerate(robot.JOINTS):
            assert plan.position[:, column].min() >= joint.lower
            assert plan.position[:, column].max() <= joint.upper
            assert np.abs(plan.velocity[:, column]).max() < 0.7 * joint.velocity
        path = np.array([robot.tcp_pose(q)[0] for q in plan.position[::50]])
        assert np.linalg.norm(np.diff(path, axis=0), axis=1).max() / 0.05 < 0.5


def test_the_wrench_tells_the_weight_of_the_cube_and_nothing_without_it() -> None:
    physics = Physics()
    plan = plan_take(2, 1, None)
    physics.place_cube(*plan.cube)
    lifted = slice(phase_start_ms("transfer") - 30, phase_start_ms("transfer") + 30)
    force = []
    for position, velocity in zip(plan.position, plan.velocity, strict=True):
        physics.step(position, velocity)
        force.append(physics.wrench[:3].copy())
    assert np.abs(force[50]).max() < 0.1  # the arm is just setting out
    down = np.array(force)[lifted, 2].mean()  # the tool's z points down
    assert down == pytest.approx(9.81 * CUBE_MASS_KG, rel=0.15)


@pytest.mark.parametrize("tilt", [(0.0, 0.5, 1.0, 0.0, 0.6, 0.0), (0.7, 0.3, 1.2, 0.9, 1.1, -0.5)])
def test_the_wrench_is_zero_at_rest_however_the_tool_is_turned(tilt: tuple[float, ...]) -> None:
    physics = Physics()
    rest = np.array([*tilt, 0.04, 0.04])
    physics.data.qpos[:8] = rest
    for _ in range(1500):
        physics.step(rest, np.zeros(8))
    assert np.abs(physics.wrench).max() < 0.02


def test_without_mujoco_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mujoco", None)
    with pytest.raises(MissingExtraError) as caught:
        Physics()
    assert caught.value.extra == "sim"
