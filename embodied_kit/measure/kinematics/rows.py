"""Table `kin`: joints, chains, tools, grippers, commands and forces of an episode (rules KN-02 to KN-15)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from embodied_kit.measure.columns.spots import Spots
from embodied_kit.measure.declared.jsonget import get_list, get_text
from embodied_kit.measure.derived.derive import DeriveInput
from embodied_kit.measure.derived.track import Track
from embodied_kit.measure.kinematics.body import Body, JointStream
from embodied_kit.measure.kinematics.gripper import closed_and_open, range_excess, reversals
from embodied_kit.measure.kinematics.model import Joint, Model
from embodied_kit.measure.kinematics.motion import (
    IDLE_M_S,
    IDLE_RAD_S,
    MOVED_M,
    MOVED_RAD,
    Motion,
    acceleration_spikes,
    idle_time,
    jump_z,
    lasting,
    log_dimensionless_jerk,
    motion_of,
    peak,
)
from embodied_kit.measure.kinematics.poses import Positions, chain_poses, chain_problem
from embodied_kit.measure.kinematics.recorded import ends_of
from embodied_kit.measure.kinematics.wrench import clipped_ratio
from embodied_kit.measure.rows import make_row
from embodied_kit.model.facts import Row
from embodied_kit.model.json import JsonValue

FEW = "too few samples"
STILL = "it does not move"
NO_LIMIT = "no limit is declared"
BEYOND, FAST, TOOL_FAST_M_S, TOOL_BLOW_M_S2 = 0.01, 1.05, 0.5, 12.0
"""What is marked: the smallest limits of the rules KN-02, KN-03, KN-04 and KN-05; less is a fault for nobody."""
_WRENCH = "geometry_msgs/Wrench"
Values = NDArray[np.float64]
Found = tuple[Row, Mapping[str, Spots]]
"""A row, and kind of span -> where on its stream."""


def joint_rows(known: DeriveInput, body: Body, stream: JointStream) -> Iterator[Found]:
    """A row a joint of a state stream: its range and speed against its limits, samples that repeat."""
    for index, name in enumerate(stream.names):
        motion = motion_of(stream.track, [index])
        limits, unit = body.limits(name), body.unit(name, stream.unit)
        spots: dict[str, Spots] = {}
        values: dict[str, JsonValue] = {
            "unit": unit or None,
            "gripper": body.is_gripper(name),
            "n": motion.n,
            "position_excess_ratio": None,
            "velocity_ratio": None,
            "unchanged_ratio": _unchanged(stream.track.values[:, index]),
        }
        reasons = {
            "unit": "no unit is declared",
            "unchanged_ratio": FEW,
            "position_excess_ratio": NO_LIMIT if motion.n else FEW,
            "velocity_ratio": NO_LIMIT if limits.velocity is None else FEW,
        }
        if motion.n and limits.endless:
            values["position_excess_ratio"] = 0.0
        elif motion.n and limits.lower is not None and limits.upper is not None and limits.upper > limits.lower:
            values["position_excess_ratio"] = range_excess(motion.values, limits.lower, limits.upper)
            column = motion.values[:, 0]
            margin = BEYOND * (limits.upper - limits.lower)
            outside = (column < limits.lower - margin) | (column > limits.upper + margin)
            spots["limit"] = lasting(outside, motion.stamps())
        velocity = motion.derivative()
        if velocity is not None and limits.velocity:
            ratio = np.abs(velocity.values[:, 0]) / limits.velocity
            values["velocity_ratio"] = float(ratio.max())
            spots["joint_speed"] = peak(ratio, velocity.stamps(), FAST)
        yield _row(known, "joint", stream.stream, name, values, reasons), spots


def gripper_rows(known: DeriveInput, body: Body, stream: JointStream) -> Iterator[Found]:
    """A row a gripper's joint: how often it turns back, and whether its values mean what robot.json says."""
    said = [text for document in body.documents if (text := get_text(document, "gripper_semantics"))]
    meaning = next((found for text in said if (found := closed_and_open(text)) is not None), None)
    for index, name in enumerate(stream.names):
        motion = motion_of(stream.track, [index])
        if body.is_gripper(name) and motion.n > 1:
            values: dict[str, JsonValue] = {
                "unit": body.unit(name, stream.unit) or None,
                "n": motion.n,
                "reversal_rate_hz": reversals(motion.values[:, 0]) / float(motion.time_s[-1]),
                "semantics_excess_ratio": range_excess(motion.values, *meaning) if meaning else None,
            }
            reasons = {
                "semantics_excess_ratio": "gripper_semantics names no closed and open value",
                "unit": "no unit is declared",
            }
            yield _row(known, "gripper", stream.stream, name, values, reasons), {}


def chain_rows(known: DeriveInput, body: Body, stream: JointStream) -> Iterator[Found]:
    """A row a chain of a state stream: smoothness and spikes of its joints, all rad or, without one, all m."""
    for name, joints in _chains(body, stream):
        units = [body.unit(joint, stream.unit) for joint in joints]
        wanted = "rad" if "rad" in units else units[0]
        columns = [stream.names.index(joint) for joint, unit in zip(joints, units, strict=True) if unit == wanted]
        motion = motion_of(stream.track, columns)
        moves = bool(motion.n) and bool((np.ptp(motion.values, axis=0) >= _moved(wanted)).any())
        spikes = acceleration_spikes(motion, np.full(len(columns), _still(wanted))) if moves else None
        values: dict[str, JsonValue] = {
            "unit": wanted or None,
            "n": motion.n,
            "moves": moves,
            "ldlj": log_dimensionless_jerk(motion) if moves else None,
            "spike_ratio": spikes.ratio if spikes else None,
        }
        reason = FEW if moves else STILL
        row = _row(known, "chain", stream.stream, name, values, {"ldlj": reason, "spike_ratio": reason})
        yield row, {"spike": spikes.spots} if spikes else {}


def tool_rows(
    known: DeriveInput, body: Body, positions: Positions, streams: Sequence[JointStream], tools: set[str]
) -> Iterator[Found]:
    """A row the end of a chain: speed and acceleration by the joints; one without numbers where there is no URDF.

    Args:
        known: The episode.
        body: Its robots.
        positions: Of their joints.
        streams: State streams.
        tools: Links whose pose is recorded; of a chain to which none is fixed, its last link.
    """
    reasons: dict[str, str] = dict.fromkeys(("speed_max_m_s", "acceleration_max_m_s2"), body.problem or FEW)
    if not body.models and streams:
        yield _row(known, "tool", streams[0].stream, "", {"n": None}, reasons), {}
    for model, arm in body.tips():
        ends = (end for end in ends_of(model, arm) if all(joint.kind == "fixed" for joint in end[len(arm) :]))
        chain = next((end for end in ends if end[-1].child in tools), arm)
        stream = _stream_of(chain, streams)
        if stream is None:
            continue
        values: dict[str, JsonValue] = {"n": len(stream.track.stamps)}
        spots: dict[str, Spots] = {}
        problem = chain_problem(model, chain, positions)
        if not problem:
            velocity, acceleration = _tool_motion(model, chain, positions, stream.track.stamps)
            values |= {"speed_max_m_s": _largest(velocity), "acceleration_max_m_s2": _largest(acceleration)}
            spots["tool_speed"] = _peak(velocity, TOOL_FAST_M_S)
            spots["tool_acceleration"] = _peak(acceleration, TOOL_BLOW_M_S2)
        reasons = dict.fromkeys(("speed_max_m_s", "acceleration_max_m_s2"), problem or FEW)
        yield _row(known, "tool", stream.stream, chain[-1].child, values, reasons), spots


def idle_rows(known: DeriveInput, body: Body, streams: Sequence[JointStream]) -> Iterator[Found]:
    """One row an episode: when no joint of any state stream moves."""
    motions = []
    for stream in streams:
        still = [_still(body.unit(name, stream.unit)) for name in stream.names]
        motions.append((motion_of(stream.track, list(range(len(stream.names)))), np.array(still)))
    if motions:
        idle = idle_time(motions)
        values: dict[str, JsonValue] = {
            "idle_ratio": idle.ratio if idle else None,
            "idle_end_s": max(idle.head_s, idle.tail_s) if idle else None,
        }
        yield (
            _row(known, "idle", streams[0].stream, "", values, dict.fromkeys(values, FEW)),
            {"idle": idle.spots} if idle else {},
        )


def action_rows(known: DeriveInput, body: Body, stream: JointStream) -> Iterator[Found]:
    """A row a stream of joint commands: how far its largest step stands out; grippers, which may snap, left out."""
    columns = [index for index, name in enumerate(stream.names) if not body.is_gripper(name)]
    if columns:
        motion = motion_of(stream.track, columns)
        found = jump_z(motion)
        values: dict[str, JsonValue] = {
            "n": motion.n,
            "moves": found is not None,
            "jump_z": found[0] if found else None,
        }
        yield _row(known, "action", stream.stream, "", values, {"jump_z": STILL}), {"jump": found[1]} if found else {}


def wrench_rows(known: DeriveInput, body: Body) -> Iterator[Found]:
    """A row a force-torque stream: whether its zero is declared, and how long it stands at an end of its range."""
    declared = any(len(get_list(document, "ft_zero_offset")) == 6 for document in body.documents)
    for entry in (*known.by_role("observation"), *known.by_role("state")):
        stream = get_text(entry, "stream_id") or get_text(entry, "topic")
        tracks = [item.load() for item in known.tracks.of(stream) if item.ros_type.startswith(_WRENCH)]
        if tracks:
            values: dict[str, JsonValue] = {
                "n": max(len(track.stamps) for track in tracks),
                "offset_declared": declared,
                "clipped_ratio": max(map(_clipped, tracks)),
            }
            yield _row(known, "wrench", stream, "", values, {}), {}


def _row(
    known: DeriveInput, kind: str, stream: str, name: str, values: dict[str, JsonValue], reasons: dict[str, str]
) -> Row:
    key: dict[str, JsonValue] = {"kind": kind, "stream": stream, "name": name}
    return make_row("kin", key | values, episode=known.episode_id, reasons=reasons)


def _chains(body: Body, stream: JointStream) -> Iterator[tuple[str, list[str]]]:
    """(last link, joints on the stream) of each chain; without a URDF all joints but grippers' as one."""
    if not body.models:
        joints = [name for name in stream.names if not body.is_gripper(name)]
        if joints:
            yield "", joints
    for _, chain in body.tips():
        joints = [joint.name for joint in chain if joint.name in stream.names and not body.is_gripper(joint.name)]
        if joints:
            yield chain[-1].child, joints


def _stream_of(chain: Sequence[Joint], streams: Sequence[JointStream]) -> JointStream | None:
    """The stream that has the last joint of a chain that any has."""
    for joint in reversed(chain):
        for stream in streams:
            if joint.name in stream.names:
                return stream
    return None


def _tool_motion(
    model: Model, chain: Sequence[Joint], positions: Positions, stamps: NDArray[np.int64]
) -> tuple[Motion | None, Motion | None]:
    """Velocity and acceleration of the last link of a chain."""
    poses, inside = chain_poses(model, chain, positions, stamps)
    path = motion_of(Track(("x", "y", "z"), stamps[inside], poses.xyz_m[inside]), [0, 1, 2])
    velocity = path.derivative()
    return velocity, velocity.derivative() if velocity else None


def _largest(motion: Motion | None) -> float | None:
    return float(motion.length().max()) if motion else None


def _peak(motion: Motion | None, above: float) -> Spots:
    return peak(motion.length(), motion.stamps(), above) if motion else Spots()


def _clipped(track: Track) -> float:
    return max(clipped_ratio(track.stamps, track.values[:, index]) for index in range(track.values.shape[1]))


def _unchanged(values: Values) -> float | None:
    return float((values[1:] == values[:-1]).mean()) if len(values) > 1 else None


def _still(unit: str) -> float:
    return IDLE_M_S if unit == "m" else IDLE_RAD_S


def _moved(unit: str) -> float:
    return MOVED_M if unit == "m" else MOVED_RAD
