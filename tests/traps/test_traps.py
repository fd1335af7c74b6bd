"""Traps that real datasets had, set in a recorded episode: each is caught, and by its own rule alone.

Each change says what it imitates; its clean twin goes through the same hands and is not found by the rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simplejpeg
from traps.lab import Change, Spoken, Told, dataset_with, on_topic, spoken, unchanged

from embodied_validators.rulebook import load_rulebook

FRONT, WRIST = "/cam_front/image/compressed", "/cam_wrist/image/compressed"
DEPTH = "/cam_front/depth/image"
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
        sample: What it is set in.
    """

    change: Change
    caught_by: Mapping[str, set[str]]
    clean: Change = unchanged
    sample: str = "good"


TRAPS: dict[str, Trap] = {
    "depth in mm, declared in m": Trap(
        unchanged, {"DG-01": {"cam_front_depth"}}, on_topic(DEPTH, metres), "wrong_depth_unit"
    ),
    "images halved, intrinsics not": Trap(on_topic(FRONT, halved), {"DG-04": {""}}),
    "end effector frozen": Trap(end_effector_frozen, {"KN-09": {"urdf"}}),
    "filled with 999.0": Trap(  # half of all values at the end of the range: KN-15 takes them for a clipped sensor
        on_topic("/wrench", filled), {"SR-05": {"wrench"}, "KN-15": {"wrench"}}
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
    "cameras swapped": Trap(cameras_swapped, {"VS-12": {""}}),
}


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Spoken:
    return spoken(dataset_with(tmp_path_factory.mktemp("clean") / "set", unchanged))


@pytest.mark.parametrize("name", TRAPS)
def test_a_trap_is_caught_by_its_rule_alone(name: str, clean: Spoken, tmp_path: Path) -> None:
    trap = TRAPS[name]
    if missing := set(trap.caught_by) - set(load_rulebook().rules):
        pytest.skip(f"no rule {', '.join(missing)} yet")
    as_it_was = clean
    if trap.clean is not unchanged:
        as_it_was = spoken(dataset_with(tmp_path / "clean", trap.clean, trap.sample))
    caught = spoken(dataset_with(tmp_path / "set", trap.change, trap.sample))
    assert caught - as_it_was == {(rule, "failed", name) for rule, names in trap.caught_by.items() for name in names}
    assert as_it_was <= caught
    assert not {rule for rule, _, _ in as_it_was} & set(trap.caught_by)
