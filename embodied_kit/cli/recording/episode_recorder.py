"""`ros2 run embodied_kit episode_recorder`: the verb `record` over rclpy, as a program of the ROS 2 package."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from embodied_kit.cli.entry import main as program
from embodied_kit.cli.texts import Texts
from embodied_kit.errors import UsageError
from embodied_kit.language import language

_BEGIN, _END = "--ros-args", "--"


def main(arguments: Sequence[str] | None = None) -> int:
    """Record.

    Args:
        arguments: Those of `embodied-kit record`; None takes the process's own. `--ros-args`, which launch always
            adds, may hold nothing: a remapping would record a topic under another's name.

    Returns:
        Exit code, as of `embodied-kit`.
    """
    own, ros = split(list(sys.argv[1:] if arguments is None else arguments))
    if ros:
        from embodied_kit.cli.app import failed  # noqa: PLC0415  # heavy, and seldom needed

        refused = UsageError(
            f"expected no ROS arguments, got {' '.join(ros)}",
            remedy="leave them out; topics and their names are those of the contract",
        )
        return failed(refused, Texts(language(None)))
    return program(["record", "--transport", "ros2", *own])


def split(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Our own words, and those between `--ros-args` and `--` (or the end), which are for rcl."""
    own: list[str] = []
    ros: list[str] = []
    into = own
    for word in words:
        if word == _BEGIN:
            into = ros
        elif word == _END and into is ros:
            into = own
        else:
            into.append(word)
    return own, ros
