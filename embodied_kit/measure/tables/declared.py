"""Rows of the table `link`: what documents declare of streams against what is there (CT-10, CT-12, SR-11, TM-05).

A stream that is declared as something else falls out of the rules that speak of what it is, so its message type is
held against its declaration. Types that may carry anything say nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from embodied_kit.measure.declared.jsonget import get_object, get_objects, get_text, get_texts
from embodied_kit.measure.declared.links import link_row
from embodied_kit.measure.images.framelog import IMAGE_FIELDS, FrameLog
from embodied_kit.measure.images.frozen import decoded_blocks
from embodied_kit.measure.streams.episode import Episode, StreamView
from embodied_kit.measure.streams.pointcloud import POINT_CLOUD
from embodied_kit.measure.streams.series import CAMERA_INFO, JOINT_STATE, TF, short_type
from embodied_kit.measure.streams.sound import BYTES_FIELD
from embodied_kit.model.facts import Row
from embodied_kit.model.json import JsonObject, JsonValue

ROLES = ("state", "action")
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


def role_links(episode: Episode, path: str) -> Iterator[Row]:
    """Whether a stream of numbers is declared as state, and another as action (rule SR-11)."""
    if not episode.declared_streams:
        return
    for role in ROLES:
        found = [view.stream for view in episode.by_role(role) if episode.recorded(view) and _holds_numbers(view)]
        state = "present" if found else "absent"
        yield link_row("role", path, role, state, found=", ".join(found) or None, episode=episode.episode_id)


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


def _claim(episode: Episode, path: str, target: str, state: str) -> Row:
    return link_row("embedded_claim", path, target, state, episode=episode.episode_id)


def _by_id(streams: list[JsonObject]) -> dict[str, dict[str, JsonValue]]:
    return {
        get_text(stream, "stream_id"): {key: stream[key] for key in _STREAM_CLAIMS if key in stream}
        for stream in streams
    }


def _nature(view: StreamView) -> Nature:
    """By type, and by pixels where they were decoded: depth is spatial, colour is vision."""
    for series in view.series:
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
