"""Each fault of the simulated robot is in the data, and is found by exactly the rules that faults.yaml names."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from chain.conftest import CLEAN_TAKE, OF_A_TAKE, TAKE_OF
from chain.lab import Run, answers, doubles, expected_answers

from embodied_recorders.sim import FAULTS, robot, streams
from embodied_recorders.sim.faults import MOVING_FROM_MS, NAN_EVERY

MS = 1_000_000


def test_every_fault_is_in_the_table() -> None:
    assert set(expected_answers()) == set(FAULTS)


@pytest.mark.parametrize("fault", OF_A_TAKE)
def test_exactly_its_rules_answer(run: Run, fault: str) -> None:
    assert answers(run.report, run.episode(TAKE_OF[fault])) == expected_answers()[fault]


def test_the_clean_take_beside_them_is_untouched(run: Run) -> None:
    assert answers(run.report, run.episode(CLEAN_TAKE)) == {}


def test_exactly_one_rule_finds_the_wrong_unit(misdescribed: Run) -> None:
    assert answers(misdescribed.report, misdescribed.episode(1)) == expected_answers()["wrong_unit"]
    raw = np.frombuffer(misdescribed.payloads(1, streams.DEPTH_IMAGE)[0][-320 * 240 * 2 :], "<u2")
    assert 200 < np.median(raw[raw > 0]) < 4000  # millimetres; in metres the room would be kilometres wide
    assert misdescribed.row(1, "frame", kind="depth")["unit_guess"] == "mm"


def test_dropped_frames_are_the_lost_ones(run: Run) -> None:
    take = TAKE_OF["drop_frames"]
    grabbed = {message.stamp_ns for message in run.sent(take, streams.FRONT_INFO)}
    sent = {message.stamp_ns for message in run.sent(take, streams.FRONT_IMAGE)}
    inside = {stamp for stamp in grabbed if min(sent) < stamp < max(sent)}
    row = run.row(take, "stream", stream="cam_front")
    assert row["lost_n"] == len(inside - sent) > 0.06 * len(grabbed)
    assert run.row(CLEAN_TAKE, "stream", stream="cam_front")["lost_n"] == 0


def test_frozen_camera_repeats_its_picture(run: Run) -> None:
    take = TAKE_OF["frozen_camera"]
    pictures = run.payloads(take, streams.FRONT_IMAGE)
    lengths = [len(list(group)) for same, group in itertools.groupby(map(same_picture, pictures, pictures[1:])) if same]
    row = run.row(take, "frame", stream="cam_front")
    assert [row["frozen_n"]] == lengths
    assert row["longest_frozen_s"] == pytest.approx(FAULTS["frozen_camera"].default, abs=0.1)
    (finding,) = [f for f in run.report.findings if f.rule_id == "VS-04" and f.place.episode == run.episode(take)]
    assert finding.place.start_ns == pytest.approx(moving_ns(run, take), abs=100 * MS)


def positions(payloads: list[bytes]) -> np.ndarray:
    """Joint positions (n, joints): position, velocity and effort end a JointState, each after its length."""
    joints = len(robot.JOINTS)
    return doubles(payloads, 3 * joints + 2)[:, :joints]


def same_picture(first: bytes, second: bytes) -> bool:
    return first[12:] == second[12:]  # encapsulation and stamp come first


def test_clock_goes_back_where_the_robot_set_it_back(run: Run) -> None:
    take = TAKE_OF["clock_jump"]
    stamps = np.array([message.stamp_ns for message in run.sent(take, streams.WRENCH)])
    back = np.flatnonzero(np.diff(stamps) < 0)
    assert len(back) == 1
    (finding,) = [f for f in run.report.findings if f.rule_id == "TM-01"]
    assert (finding.place.start_ns, finding.place.end_ns) == (stamps[back[0] + 1], stamps[back[0]])
    assert finding.place.end_ns - finding.place.start_ns == 199 * MS
    assert finding.place.end_ns + MS == moving_ns(run, take)


def test_joint_is_stuck_while_it_is_commanded(run: Run) -> None:
    take, joint = TAKE_OF["stuck_joint"], int(FAULTS["stuck_joint"].default) - 1
    in_time = sum(m.stamp_ns < run.phase_ns(take + 1, "reset") for m in run.sent(take, streams.JOINT_STATES))
    states = positions(run.payloads(take, streams.JOINT_STATES))[:in_time, joint]
    commands = run.row(take, "dim", stream="joint_commands", field="position", index=joint)
    assert np.ptp(states) == 0
    assert commands["range"] > 0.1
    (finding,) = [f for f in run.report.findings if f.rule_id == "SR-07"]
    assert finding.place.field == robot.JOINT_NAMES[joint]


def test_stream_is_late(run: Run) -> None:
    take = TAKE_OF["late_stream"]
    first = min(m.stamp_ns for m in run.log[streams.EE_POSE] if m.stamp_ns >= run.phase_ns(take, "approach"))
    assert first - run.phase_ns(take, "approach") == round(FAULTS["late_stream"].default * 1e9)
    assert int(run.row(take, "stream", stream="ee_pose")["first_stamp_ns"]) == first


def test_nan_is_counted_message_by_message(run: Run) -> None:
    take = TAKE_OF["nan"]
    sent = sum(message.sequence % NAN_EVERY == 0 for message in run.sent(take, streams.WRENCH))
    forces = doubles(run.payloads(take, streams.WRENCH), 6)[:, :3]
    assert np.isnan(forces).sum(axis=0).tolist() == [sent] * 3
    counted = [row["nan_n"] for row in run.rows(take, "dim", stream="wrench", field="wrench.force")]
    assert counted == [sent] * 3
    assert sent > 50
    found = [f for f in run.report.findings if f.rule_id == "SR-04"]
    assert {f.place.episode for f in found} == {run.episode(take)}
    assert all(f.place.start_ns for f in found)


def moving_ns(run: Run, take: int) -> int:
    return run.phase_ns(take, "approach") + MOVING_FROM_MS * MS
