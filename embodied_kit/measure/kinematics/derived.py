"""The deriver of kinematics: table `kin`, the kinds `fk` and `lag` of the table `pair`, and their spans."""

from __future__ import annotations

from collections.abc import Sequence

from embodied_kit.measure.columns.spots import TOP_SPANS, Spots
from embodied_kit.measure.declared.jsonget import get_text
from embodied_kit.measure.derived.derive import DeriveInput, Deriver
from embodied_kit.measure.kinematics.body import joint_streams, read_body
from embodied_kit.measure.kinematics.commanded import lag_rows
from embodied_kit.measure.kinematics.poses import positions_of
from embodied_kit.measure.kinematics.recorded import compared_poses
from embodied_kit.measure.kinematics.rows import (
    Found,
    action_rows,
    chain_rows,
    gripper_rows,
    idle_rows,
    joint_rows,
    tool_rows,
    wrench_rows,
)
from embodied_kit.measure.measured import Tables
from embodied_kit.measure.rows import error_row, make_row
from embodied_kit.model.facts import Row
from embodied_kit.model.json import JsonValue

TOO_LONG = "a stream is too long to be compared with another"


def derive_kinematics(known: DeriveInput) -> Tables:
    """Rows of one episode."""
    body = read_body(known)
    states, actions = joint_streams(known, "state"), joint_streams(known, "action")
    positions = positions_of(states, body)
    recorded = list(compared_poses(known, body, positions))
    tools = {str(row["name"]) for row, _ in recorded}
    kin: list[Found] = []
    for stream in states:
        kin += [*joint_rows(known, body, stream), *gripper_rows(known, body, stream), *chain_rows(known, body, stream)]
    kin += [*tool_rows(known, body, positions, states, tools), *idle_rows(known, body, states)]
    kin += [found for stream in actions for found in action_rows(known, body, stream)]
    kin += wrench_rows(known, body)
    error = []
    compared = [entry for role in ("state", "action", "observation") for entry in known.by_role(role)]
    if any(get_text(entry, "stream_id") in known.tracks.left_out for entry in compared):
        error = [error_row("", KINEMATICS.name, ["kin", "pair"], TOO_LONG, episode=known.episode_id)]
    return {
        "kin": [row for row, _ in kin],
        "pair": [*(row for row, _ in recorded), *lag_rows(known, body, actions, states)],
        "span": _span_rows(known, kin, recorded),
        "error": error,
    }


def _span_rows(known: DeriveInput, kin: Sequence[Found], recorded: Sequence[tuple[Row, Spots]]) -> list[Row]:
    """Places of each kind on each stream, the largest first."""
    places: dict[tuple[str, str], list[Spots]] = {}
    for row, by_kind in (*kin, *((row, {"apart": spots}) for row, spots in recorded)):
        stream = str(row.get("stream", row.get("b")) or "")
        for kind, spots in by_kind.items():
            places.setdefault((stream, kind), []).append(spots)
    rows = []
    for (stream, kind), found in places.items():
        total_n = sum(spots.total_n for spots in found)
        top = sorted((spot for spots in found for spot in spots.top), key=lambda spot: (-spot.value, spot.start_ns))
        for spot in top[:TOP_SPANS]:
            values: dict[str, JsonValue] = {"stream": stream, "publisher": "", "child_frame": "", "kind": kind}
            values |= {"start_ns": spot.start_ns, "end_ns": spot.end_ns, "value": spot.value, "total_n": total_n}
            rows.append(make_row("span", values, episode=known.episode_id))
    return rows


KINEMATICS = Deriver("kinematics", 5, "signal", ("kin", "pair", "span"), derive_kinematics)
