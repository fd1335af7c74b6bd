"""The deriver of kinematics: table `kin`, and the kinds `fk` and `lag` of the table `pair`."""

from __future__ import annotations

from embodied_kit.measure.derive import DeriveInput, Deriver
from embodied_kit.measure.jsonget import get_text
from embodied_kit.measure.kinematics.body import joint_streams, read_body
from embodied_kit.measure.kinematics.commanded import lag_rows
from embodied_kit.measure.kinematics.poses import positions_of
from embodied_kit.measure.kinematics.recorded import fk_rows
from embodied_kit.measure.kinematics.rows import (
    action_rows,
    chain_rows,
    gripper_rows,
    idle_rows,
    joint_rows,
    tool_rows,
    wrench_rows,
)
from embodied_kit.measure.measured import Tables
from embodied_kit.measure.rows import error_row
from embodied_kit.model.facts import Row

TOO_LONG = "a stream is too long to be compared with another"


def derive_kinematics(known: DeriveInput) -> Tables:
    """Rows of one episode."""
    body = read_body(known)
    states, actions = joint_streams(known, "state"), joint_streams(known, "action")
    positions = positions_of(states, body)
    kin: list[Row] = []
    for stream in states:
        kin += [*joint_rows(known, body, stream), *gripper_rows(known, body, stream), *chain_rows(known, body, stream)]
    recorded = list(fk_rows(known, body, positions))
    tools = {str(row["name"]) for row in recorded}
    kin += [*tool_rows(known, body, positions, states, tools), *idle_rows(known, body, states)]
    kin += [row for stream in actions for row in action_rows(known, body, stream)]
    kin += wrench_rows(known, body)
    pair = [*recorded, *lag_rows(known, body, actions, states)]
    error = []
    compared = [entry for role in ("state", "action", "observation") for entry in known.by_role(role)]
    if any(get_text(entry, "stream_id") in known.tracks.left_out for entry in compared):
        error = [error_row("", KINEMATICS.name, list(KINEMATICS.tables), TOO_LONG, episode=known.episode_id)]
    return {"kin": kin, "pair": pair, "error": error}


KINEMATICS = Deriver("kinematics", 1, "signal", ("kin", "pair"), derive_kinematics)
