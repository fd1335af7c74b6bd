"""Table `link`: what documents declare of streams against what is there (rules CT-10, CT-12, KN-01, SR-11, TM-05).

A stream that is declared as something else falls out of the rules that speak of what it is, so its message type is
held against its declaration. Types that may carry anything say nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from embodied_kit.measure.declared.jsonget import get_object, get_objects, get_text, get_texts
from embodied_kit.measure.declared.links import link_row
from embodied_kit.measure.derived.track import ARRAYS, joint_tracks
from embodied_kit.measure.images.framelog import IMAGE_FIELDS, FrameLog
from embodied_kit.measure.images.frozen import decoded_blocks
from embodied_kit.measure.kinematics.recorded import POSE_TYPES
from embodied_kit.measure.streams.episode import Episode, StreamView
from embodied_kit.measure.streams.pointcloud import POINT_CLOUD
from embodied_kit.measure.streams.series import CAMERA_INFO, JOINT_STATE, TF, short_type
from embodied_kit.measure.streams.sound import BYTES_FIELD
from embodied_kit.measure.tables.likeness import goes_along
from embodied_kit.model.facts import Row
from embodied_kit.model.json import JsonObject, JsonValue

ROLES = ("state", "action")
_END_EFFECTOR = re.compile(r"(?:^|[/_])(?:eef?|tcp|end_effector)_?(?:pose)?(?:[/_]|$)", re.IGNORECASE)
_HUMAN = "human"
_ROBOT_MODES = ("teleop_leader", "teleop_vr", "kinesthetic", "autonomous", "hil", "script")
_BY_JOINT = ("joint_absolute", "joint_delta")
_STREAM_CLAIMS = ("topic", "ros_type", "role", "modality", "cadence", "nominal_rate_hz", "encoding", "unit", "frame_id")
_EPISODE_CLAIMS = {
    "capture": ("robot_ids", "acquisition_mode", "data_origin", "generated_data_indicator"),
    "closing": ("start_ns", "end_ns"),
}


@dataclass(frozen=True)
class Nature:
    """What a stream can only be, by its message type.

    Attributes:
        roles, modalities: That it may be declared as; empty for any.
    """

    roles: tuple[str, ...]
    modalities: tuple[str, ...]

    def admits(self, declared: JsonObject) -> bool:
        """Whether a declaration agrees; what it leaves out is asked elsewhere."""
        pairs = (("role", self.roles), ("modality", self.modalities))
        return all(not allowed or get_text(declared, name) in ("", *allowed) for name, allowed in pairs)


_ANY = Nature((), ())
_SENSED = ("observation",)
_SEEN = ("vision", "spatial")
_NATURES: Mapping[str, Nature] = {
    **dict.fromkeys(IMAGE_FIELDS, Nature(_SENSED, _SEEN)),
    **dict.fromkeys(BYTES_FIELD, Nature(_SENSED, ("acoustic",))),
    **dict.fromkeys((POINT_CLOUD, "sensor_msgs/LaserScan"), Nature(_SENSED, ("spatial",))),
    **dict.fromkeys(
        ("geometry_msgs/Wrench", "geometry_msgs/WrenchStamped"), Nature(("observation", "state", "action"), ("force",))
    ),
    "sensor_msgs/Imu": Nature(("observation", "state"), ("inertial",)),
    JOINT_STATE: Nature(ROLES, ("proprioception",)),
    TF: Nature(("transform",), ("reference",)),
    CAMERA_INFO: Nature(("camera_info",), ("reference",)),
}


def stream_kinds(episode: Episode, path: str) -> Iterator[Row]:
    """Type, role and modality of each declared stream with messages against its message type (rule CT-10).

    A declared topic or stream_id that stands twice is a row `duplicate`: only its first entry is looked at.
    """
    for name in ("topic", "stream_id"):
        counts = Counter(get_text(stream, name) for stream in episode.declared_streams)
        for text, count in counts.items():
            if text and count > 1:
                yield link_row("stream_topic", path, f"{name} {text}", "duplicate", episode=episode.episode_id)
    for view in episode.streams:
        if view.is_declared and episode.recorded(view):
            nature, found = _nature(view), ", ".join(dict.fromkeys(series.ros_type for series in view.series))
            declared_type = get_text(view.declared, "ros_type")
            same = all(short_type(declared_type) == series.short_type for series in view.series)
            state = "equal" if (same or not declared_type) and nature.admits(view.declared) else "different"
            expected = " ".join(get_text(view.declared, key) for key in ("ros_type", "role", "modality"))
            told = f"{found} {'|'.join(nature.roles)} {'|'.join(nature.modalities)}".strip()
            yield link_row(
                "stream_kind",
                path,
                view.stream,
                state,
                expected=expected.strip() or None,
                found=told,
                episode=episode.episode_id,
            )


def embodiment_links(episode: Episode, path: str) -> Iterator[Row]:
    """A person, of whose body little is asked, commands no robot (rule CT-10); a row a robot of that class."""
    modes = [get_text(document, "acquisition_mode") for document in (episode.capture, episode.document)]
    signs = [mode for mode in modes if mode in _ROBOT_MODES][:1]
    signs += [view.stream for view in episode.by_role("action") if episode.recorded(view)]
    for robot in episode.robots:
        if get_text(robot, "embodiment_class") == _HUMAN:
            name, state = get_text(robot, "robot_id"), "different" if signs else "equal"
            found = ", ".join(signs) or None
            yield link_row("embodiment", path, name, state, expected=_HUMAN, found=found, episode=episode.episode_id)


def role_links(episode: Episode, path: str) -> Iterator[Row]:
    """Whether a stream of numbers is declared as state, and another as action (rule SR-11)."""
    if not episode.declared_streams:
        return
    for role in ROLES:
        found = [view.stream for view in episode.by_role(role) if episode.recorded(view) and _holds_numbers(view)]
        state = "present" if found else "absent"
        yield link_row("role", path, role, state, found=", ".join(found) or None, episode=episode.episode_id)


def command_links(episode: Episode, path: str) -> Iterator[Row]:
    """Joints that are commanded against those that are measured (rule KN-01).

    A command under a name that no state has is held against nothing: it could be a copy, or never be followed. An array
    is one of joints where the robot is commanded by nothing else, or where its values are.
    """
    if not episode.declared_streams:
        return
    measured = {name for view in episode.by_role("state") for name in _joint_names(view)}
    actions = [view for view in episode.by_role("action") if episode.recorded(view)]
    commanded = {view.stream: _joint_names(view) for view in actions if _is(view, (JOINT_STATE,))}
    if not commanded and any(get_text(robot, "action_representation") in _BY_JOINT for robot in episode.robots):
        commanded = {view.stream: _joint_names(view) for view in actions if _is(view, ARRAYS)}
        commanded = commanded or {"role action": frozenset()}
    arrays = [view for view in actions if view.stream not in commanded and _is(view, ARRAYS)]
    tracks = [track for view in episode.by_role("state") for track in joint_tracks(view)] if arrays else []
    commanded |= {view.stream: _joint_names(view) for view in arrays if goes_along(view, tracks)}
    for stream, names in commanded.items():
        state = "missing" if not names else "equal" if names <= measured else "different"
        expected, found = (", ".join(sorted(item)) for item in (measured, names))
        yield link_row(
            "joint_command_names",
            path,
            stream,
            state,
            expected=expected or None,
            found=found or None,
            episode=episode.episode_id,
        )


def _is(view: StreamView, types: Collection[str]) -> bool:
    return any(series.short_type in types for series in view.series)


def _joint_names(view: StreamView) -> frozenset[str]:
    recorded = {name for series in view.series for name in series.all_names}
    declared = get_texts(view.declared, "names") if _is(view, ARRAYS) else ()
    return frozenset(name for name in (*recorded, *declared) if name)


def clock_links(episode: Episode, path: str) -> Iterator[Row]:
    """Each clock that a declared stream names against the clocks that the capture document describes (rule TM-05)."""
    clocks = {get_text(clock, "clock_id") for clock in get_objects(episode.capture, "clocks")}
    named = [get_text(stream, "clock_id") for stream in episode.declared_streams]
    for clock in dict.fromkeys(named) if clocks else ():
        if clock:
            state = "equal" if clock in clocks else "dangling"
            yield link_row("clock", path, clock, state, episode=episode.episode_id)


def embedded_claims(episode: Episode, path: str) -> Iterator[Row]:
    """What episode.json repeats of the documents that its recording carries, and its robots in there (rule CT-12)."""
    if not episode.document or not episode.capture:
        return
    carried = {get_text(robot, "robot_id") for robot in episode.robots}
    for robot_id in get_texts(episode.document, "robot_ids"):
        state = "equal" if robot_id in carried else "missing"
        yield link_row("embedded_robot", path, robot_id, state, episode=episode.episode_id)
    for name, source in (("capture", episode.capture), ("closing", episode.closing)):
        for key in _EPISODE_CLAIMS[name]:
            if key in source:
                same = source[key] == episode.document.get(key)
                yield _claim(episode, path, key, "equal" if same else "different")
    for key, said in _once_said(episode).items():
        if said:
            yield _claim(episode, path, key, "equal" if said == episode.document.get(key) else "different")
    ours = _by_id(get_objects(get_object(episode.capture, "contract"), "streams"))
    theirs = _by_id(get_objects(episode.document, "streams"))
    for stream in dict.fromkeys((*ours, *theirs)):
        if stream not in theirs:
            state = "missing"
        elif stream not in ours:
            state = "unexpected"
        else:
            state = "equal" if ours[stream] == theirs[stream] else "different"
        yield _claim(episode, path, f"streams.{stream}", state)


def _once_said(episode: Episode) -> dict[str, str]:
    """What stands elsewhere in the embedded documents under the name that it has in episode.json."""
    own_clock = next(iter(get_objects(episode.capture, "clocks")), {})
    return {
        "operator_pseudonym": get_text(episode.closing, "operator_pseudonym")
        or get_text(episode.capture, "operator_pseudonym"),
        "clock_source": get_text(own_clock, "source"),
        "sync_method": get_text(own_clock, "sync_method"),
    }


def _claim(episode: Episode, path: str, target: str, state: str) -> Row:
    return link_row("embedded_claim", path, target, state, episode=episode.episode_id)


def _by_id(streams: list[JsonObject]) -> dict[str, dict[str, JsonValue]]:
    return {
        get_text(stream, "stream_id"): {key: stream[key] for key in _STREAM_CLAIMS if key in stream}
        for stream in streams
    }


def _nature(view: StreamView) -> Nature:
    """By type, and by pixels where they were decoded: depth is spatial, colour is vision.

    A pose on a topic that is named after the end effector is the robot's own (rule KN-09 asks of states).
    """
    for series in view.series:
        if series.short_type in POSE_TYPES and _END_EFFECTOR.search(view.topic):
            return Nature(ROLES, ())
        nature = _NATURES.get(series.short_type)
        if nature is not None:
            seen = _shown(series.frames) if series.frames is not None else ""
            return Nature(nature.roles, (seen,)) if seen else nature
    return _ANY


def _shown(log: FrameLog) -> str:
    depth_n = colour_n = 0
    for block in decoded_blocks(log)():
        depth_n += int(np.count_nonzero(block["depth"]))
        colour_n += int(np.count_nonzero(~block["depth"]))
    return "" if depth_n == colour_n else "spatial" if depth_n > colour_n else "vision"


def _holds_numbers(view: StreamView) -> bool:
    """Whether any of it is a number; at depth `index` nobody knows."""
    return any(series.numeric.fields or not series.n for series in view.series)
