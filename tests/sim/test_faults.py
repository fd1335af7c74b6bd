"""Each fault changes what is published, in its take and nowhere else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sim.memory import EPOCH_NS, Kept, published

from embodied_kit.errors import UsageError
from embodied_recorders.sim import FAULTS, SimOptions, describe, parse_fault, robot, streams
from embodied_recorders.sim.faults import MOVING_FROM_MS, NAN_EVERY, TakeFaults

START_MS = 100  # the gap; no lead
SEED = 6


def options(*faults: str, duration_s: float) -> SimOptions:
    return SimOptions(
        seed=SEED, lead_s=0.0, gap_s=START_MS / 1000, duration_s=duration_s, faults=tuple(map(parse_fault, faults))
    )


def run(*faults: str, duration_s: float = 2.5, cameras: bool = False) -> dict[str, Kept]:
    return published(options(*faults, duration_s=duration_s), cameras=cameras)


def changed(first: dict[str, Kept], second: dict[str, Kept]) -> set[str]:
    """Topics on which two runs differ."""
    return {name for name in first if first[name].messages != second[name].messages} - {streams.DESCRIPTION}


def until(kept: Kept, ms: int) -> list[tuple[bytes, int]]:
    return [message for message in kept.messages if message[1] < EPOCH_NS + ms * 1_000_000]


@pytest.fixture(scope="module")
def clean() -> dict[str, Kept]:
    return run()


@pytest.fixture(scope="module")
def clean_pictures() -> dict[str, Kept]:
    return run(duration_s=2.5, cameras=True)


def test_clock_jump_sets_header_stamps_back_once(clean: dict[str, Kept]) -> None:
    faulty = run("clock_jump:0.25")
    assert changed(clean, faulty) == {streams.WRENCH}
    steps = np.diff(faulty[streams.WRENCH].stamps_ns())
    assert (steps < 0).sum() == 1
    assert steps.min() == 1_000_000 - 250_000_000
    assert int(np.argmin(steps)) + 1 == START_MS + MOVING_FROM_MS
    sources = [source for _, source in faulty[streams.WRENCH].messages]
    assert min(np.diff(sources)) > 0


def test_stuck_joint_repeats_while_commanded(clean: dict[str, Kept]) -> None:
    faulty = run("stuck_joint:2")
    assert changed(clean, faulty) == {streams.JOINT_STATES, streams.EE_POSE, streams.TF}
    states = np.array([message.position for message in faulty[streams.JOINT_STATES].decoded()])
    commands = np.array([message.position for message in faulty[streams.JOINT_COMMANDS].decoded()])
    assert np.ptp(states[:, 1]) == 0
    assert states[0, 1] == pytest.approx(robot.HOME[1], abs=1e-3)
    assert np.ptp(commands[:, 1]) > 0.1
    assert np.ptp(states[:, 0]) > 0.1


def test_late_stream_starts_late(clean: dict[str, Kept]) -> None:
    faulty = run("late_stream:1.5")
    assert changed(clean, faulty) == {streams.EE_POSE}
    stamps = faulty[streams.EE_POSE].stamps_ns()
    assert stamps[0] == EPOCH_NS + (START_MS + 1500) * 1_000_000
    assert set(np.diff(stamps)) == {10_000_000}


def test_nan_stands_in_every_97th_force(clean: dict[str, Kept]) -> None:
    faulty = run("nan")
    assert changed(clean, faulty) == {streams.WRENCH}
    forces = np.array([message.wrench.force.x for message in faulty[streams.WRENCH].decoded()])
    assert np.flatnonzero(np.isnan(forces)).tolist() == list(range(0, len(forces), NAN_EVERY))


def test_drop_frames_leaves_out_the_share_that_was_asked_for(clean_pictures: dict[str, Kept]) -> None:
    faulty = run("drop_frames:0.2", duration_s=1.0, cameras=True)
    clean = {name: replace(kept, messages=until(kept, 1000)) for name, kept in clean_pictures.items()}
    assert changed(clean, faulty) == {streams.FRONT_IMAGE}
    whole = clean[streams.FRONT_IMAGE].messages
    left = faulty[streams.FRONT_IMAGE].messages
    assert len(whole) - len(left) == len(whole) // 5
    assert set(left) < set(whole)
    drops = TakeFaults([parse_fault("drop_frames")], 1, SEED)
    share = np.mean([drops.dropped(frame) for frame in range(2400)])
    assert share == pytest.approx(0.08, abs=0.005)


def test_frozen_camera_repeats_one_picture_while_the_robot_moves(clean_pictures: dict[str, Kept]) -> None:
    faulty = run("frozen_camera:0.3", cameras=True)
    assert changed(clean_pictures, faulty) == {streams.FRONT_IMAGE}
    pictures = [message.data.tobytes() for message in faulty[streams.FRONT_IMAGE].decoded()]
    stamps = faulty[streams.FRONT_IMAGE].stamps_ns()
    frozen_ms = [
        int(stamps[i] - EPOCH_NS) // 1_000_000 - START_MS
        for i in range(1, len(pictures))
        if pictures[i] == pictures[i - 1]
    ]
    assert 8 <= len(frozen_ms) <= 10
    assert min(frozen_ms) >= MOVING_FROM_MS
    assert max(frozen_ms) < MOVING_FROM_MS + 300
    assert set(np.diff(stamps)) == {33_000_000, 34_000_000}


def test_wrong_unit_changes_the_declaration_and_not_the_pixels() -> None:
    declared = [camera for camera in describe()["robot"]["cameras"] if "depth_unit" in camera]
    assert [camera["depth_unit"] for camera in declared] == ["mm"]
    faulty = describe(options("wrong_unit", duration_s=1.0))
    assert [camera["depth_unit"] for camera in faulty["robot"]["cameras"] if "depth_unit" in camera] == ["m"]
    units = {stream["topic"]: stream.get("unit") for stream in faulty["contract"]["streams"]}
    assert units[streams.DEPTH_IMAGE] == "m"
    clean, wrong = run(duration_s=0.3, cameras=True), run("wrong_unit", duration_s=0.3, cameras=True)
    assert changed(clean, wrong) == set()
    assert clean[streams.DESCRIPTION].messages != wrong[streams.DESCRIPTION].messages


def test_a_fault_of_another_take_changes_nothing(clean: dict[str, Kept]) -> None:
    faulty = run("nan@2", "clock_jump@2", "stuck_joint@2", "late_stream@2")
    assert changed(clean, faulty) == set()


def test_every_fault_has_a_test_here_and_words_in_both_languages() -> None:
    for name, kind in FAULTS.items():
        assert any(name in test for test in globals() if test.startswith("test_")), name
        assert kind.what_en
        assert kind.what_zh


@pytest.mark.parametrize("text", ["drop_frames", "drop_frames:0.1@3", "stuck_joint:2", "nan@7", "wrong_unit"])
def test_a_fault_reads_back_as_it_is_written(text: str) -> None:
    fault = parse_fault(text)
    assert parse_fault(str(fault)) == fault


@pytest.mark.parametrize(
    "text",
    [
        "",
        "smoke",
        "nan:3",
        "wrong_unit@2",
        "drop_frames:2",
        "drop_frames:x",
        "drop_frames:nan",
        "nan@0",
        "nan@",
        "nan@x",
        "stuck_joint:1.5",
        "stuck_joint:0",
    ],
)
def test_what_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"expected|takes no|speaks of"):
        parse_fault(text)
