"""Rows of kind `lag` of the table `pair`: each commanded joint against its measured position."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from embodied_kit.measure.declared.jsonget import get_text
from embodied_kit.measure.derived.derive import DeriveInput
from embodied_kit.measure.kinematics.body import Body, JointStream
from embodied_kit.measure.kinematics.lag import FOLLOWS_FROM, command_lag
from embodied_kit.measure.kinematics.motion import MOVED_M, MOVED_RAD, Motion, motion_of
from embodied_kit.measure.rows import make_row
from embodied_kit.model.facts import Row
from embodied_kit.model.json import JsonValue

SATURATED_RAD = float(np.deg2rad(7.0))
STUCK_STATE_RANGE = 1e-3
_ABSOLUTE = ("", "joint_absolute")


def lag_rows(
    known: DeriveInput, body: Body, commands: Sequence[JointStream], states: Sequence[JointStream]
) -> Iterator[Row]:
    """A row a joint that is commanded to move and moves; grippers, which close on things, are left out.

    Nothing where no robot's actions are absolute joint values. A joint that does not move at all is rule SR-07's.
    """
    if body.documents and all(get_text(item, "action_representation") not in _ABSOLUTE for item in body.documents):
        return
    done: set[tuple[str, str, str]] = set()
    for command in commands:
        for state in states:
            for name in command.names:
                key = (command.stream, state.stream, name)
                if name in state.names and key not in done and not body.is_gripper(name):
                    done.add(key)
                    yield from _row(known, body, command, state, name)


def _row(known: DeriveInput, body: Body, command: JointStream, state: JointStream, name: str) -> Iterator[Row]:
    commanded = motion_of(command.track, [command.names.index(name)])
    measured = motion_of(state.track, [state.names.index(name)])
    unit = body.unit(name, state.unit)
    least = MOVED_M if unit == "m" else MOVED_RAD
    if not commanded.n or not measured.n or _range(commanded) < least or _range(measured) < STUCK_STATE_RANGE:
        return
    found = command_lag(commanded, measured)
    follows = found is not None and found.correlation >= FOLLOWS_FROM
    values: dict[str, JsonValue] = {
        "kind": "lag",
        "a": command.stream,
        "b": state.stream,
        "name": name,
        "n": commanded.n,
        "unit": unit or None,
        "lag_ms": found.lag_s * 1000 if found and follows else None,
        "correlation": found.correlation if found else None,
        "saturated_ratio": _saturated(commanded, measured) if unit == "rad" else None,
    }
    reasons = {
        "lag_ms": "the state does not follow the command" if found else "too few samples",
        "correlation": "too few samples",
        "saturated_ratio": "the unit is not rad" if unit != "rad" else "no command after the first state",
        "unit": "no unit is declared",
    }
    yield make_row("pair", values, episode=known.episode_id, reasons=reasons)


def _saturated(command: Motion, state: Motion) -> float | None:
    """Share of commands with the state at or before them more than 7 degrees away."""
    offset_s = (command.start_ns - state.start_ns) / 1e9
    row = np.searchsorted(state.time_s, command.time_s + offset_s, side="right") - 1
    told = row >= 0
    gap = np.abs(command.values[told, 0] - state.values[row[told], 0])
    return float((gap > SATURATED_RAD).mean()) if len(gap) else None


def _range(motion: Motion) -> float:
    return float(motion.values.max() - motion.values.min())
