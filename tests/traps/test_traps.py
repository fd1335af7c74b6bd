"""Traps that real datasets had, set in a recorded episode: each is caught, and by its own rule alone.

Each change says what it imitates; its clean twin goes through the same hands and is not found by the rule.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simplejpeg
from chain.lab import record
from traps.lab import Change, Spoken, Told, dataset_with, on_topic, spoken, unchanged

from embodied_recorders.sim import SimOptions

FRONT, WRIST = "/cam_front/image/compressed", "/cam_wrist/image/compressed"
DEPTH = "/cam_front/depth/image"
MOVING = "moving"
SESSION_NS = 2000 * 10**9
"""How long the session has lasted when the episode begins: 32-bit seconds step by 0.12 ms then."""


def metres(message: Any, _number: int) -> Any:
    """Depth as the contract of that sample declares it: in m, as 32-bit floats."""
    values = message.data.view("<u2").astype("<f4") / 1000
    message.encoding, message.step, message.data = "32FC1", message.width * 4, values.view(np.uint8)
    return message


def halved(message: Any, _number: int) -> Any:
    """RH20T: images of half the size, intrinsics of the whole."""
    pixels = np.ascontiguousarray(simplejpeg.decode_jpeg(bytes(message.data))[::2, ::2])
    message.data = np.frombuffer(simplejpeg.encode_jpeg(pixels, quality=90), np.uint8)
    return message


def end_effector_frozen(messages: list[Told]) -> list[Told]:
    """RoboMIND: the pose of the end effector stands still while the joints move."""
    poses = [told.message for told in messages if told.topic == "/ee_pose"]
    for message in poses:
        message.pose = poses[0].pose
    return messages


def filled(message: Any, number: int) -> Any:
    """Leju's converter: a stream that stops is filled up with 999.0."""
    if number >= 350:
        for vector in (message.wrench.force, message.wrench.torque):
            vector.x = vector.y = vector.z = 999.0
    return message


def float32_seconds(messages: list[Told]) -> list[Told]:
    """LeRobot: stamps kept as 32-bit seconds since the start of the session."""
    start_ns = min(told.publish_ns for told in messages) - SESSION_NS
    for told in messages:
        parts = getattr(told.message, "transforms", [told.message])
        for stamp in (part.header.stamp for part in parts if hasattr(part, "header")):
            seconds = np.float32((stamp.sec * 10**9 + stamp.nanosec - start_ns) / 1e9)
            stamp.sec, stamp.nanosec = divmod(start_ns + round(float(seconds) * 1e9), 10**9)
    return messages


def cameras_swapped(messages: list[Told]) -> list[Told]:
    """The two cameras on each other's topics."""
    front, wrist = ([told.message for told in messages if told.topic == topic] for topic in (FRONT, WRIST))
    for one, other in zip(front, wrist, strict=True):
        one.data, other.data = other.data, one.data
    return messages


@dataclass(frozen=True)
class Trap:
    """A careless conversion and its clean twin.

    Attributes:
        caught_by: Rule -> streams that it names, empty text for a finding about documents.
        clean: The twin; most are the recording as it is.
        follows: What else is then rightly said, each with its reason beside it.
        sample: What it is set in: a sample, or MOVING, three seconds in which the robot moves.
    """

    change: Change
    caught_by: Mapping[str, set[str]]
    clean: Change = unchanged
    sample: str = "good"
    follows: frozenset[tuple[str, str, str]] = frozenset()


TRAPS: dict[str, Trap] = {
    "depth in mm, declared in m": Trap(
        unchanged, {"DG-01": {"cam_front_depth"}}, on_topic(DEPTH, metres), "wrong_depth_unit"
    ),
    "images halved, intrinsics not": Trap(on_topic(FRONT, halved), {"DG-04": {"", "cam_front"}}),
    "end effector frozen": Trap(end_effector_frozen, {"KN-09": {"urdf"}}),
    "filled with 999.0": Trap(
        on_topic("/wrench", filled),
        {"SR-05": {"wrench"}},
        # half of all values at the end of the range read as a clipped sensor
        follows=frozenset({("KN-15", "failed", "wrench")}),
    ),
    "stamps through 32-bit seconds": Trap(
        float32_seconds,
        {
            "TM-03": {
                *("cam_front", "cam_front_info", "cam_wrist", "cam_wrist_info", "ee_pose"),
                *("joint_commands", "joint_states", "tf", "wrench"),
            }
        },
    ),
    "cameras swapped": Trap(
        cameras_swapped,
        {"VS-12": {"cam_front"}},
        sample=MOVING,
        # the wrist camera's picture has no edge in common with the depth of the front camera
        follows=frozenset({("DG-03", "undetermined", "cam_front")}),
    ),
}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path | str]:
    """A sample by its name; MOVING is recorded when it is first asked for."""

    @functools.cache
    def of(sample: str) -> Path | str:
        if sample != MOVING:
            return sample
        options = SimOptions(seed=3, takes=1, lead_s=0.0, gap_s=0.5)
        record(tmp_path_factory.mktemp("moving"), options, window_s=(3.0, 6.0))
        return tmp_path_factory.getbasetemp() / "moving0" / "ds"

    return of


@pytest.fixture(scope="module")
def clean(
    source: Callable[[str], Path | str], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Change, str], Spoken]:
    """What is said of a clean twin, found out once."""

    @functools.cache
    def of(change: Change, sample: str) -> Spoken:
        return spoken(dataset_with(tmp_path_factory.mktemp("clean") / "set", change, source(sample)))

    return of


@pytest.mark.parametrize("name", TRAPS)
def test_a_trap_is_caught_by_its_rule_alone(
    name: str, source: Callable[[str], Path | str], clean: Callable[[Change, str], Spoken], tmp_path: Path
) -> None:
    trap = TRAPS[name]
    before = clean(trap.clean, trap.sample)
    caught = spoken(dataset_with(tmp_path / "set", trap.change, source(trap.sample)))
    found = {(rule, "failed", name) for rule, names in trap.caught_by.items() for name in names}
    assert caught - before == found | trap.follows
    assert {item for item in before if item[1] == "failed"} <= caught
    assert not {rule for rule, _, _ in before} & set(trap.caught_by)
