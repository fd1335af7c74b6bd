"""Table `link` of one episode: its documents against its data files (CT-10, CT-12, SR-01, KN-01, DG-04, DG-09)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from embodied_kit.canonical import canonical_bytes, sha256_hex
from embodied_kit.episode.layout import CAPTURE_JSON, CLOSING_JSON
from embodied_kit.episode.urdf import read_urdf
from embodied_kit.errors import DataError
from embodied_kit.measure.declared.jsonget import (
    get_bool,
    get_list,
    get_number,
    get_object,
    get_objects,
    get_text,
    get_texts,
)
from embodied_kit.measure.declared.links import compared, link_row
from embodied_kit.measure.declared.urdfs import embedded_urdf_path
from embodied_kit.measure.derived.tree import tree_problem
from embodied_kit.measure.images.framelog import IMAGE_FIELDS
from embodied_kit.measure.images.frozen import first_size
from embodied_kit.measure.streams.episode import Episode, StreamView
from embodied_kit.measure.streams.scan import FileScan
from embodied_kit.measure.streams.series import JOINT_STATE, TF
from embodied_kit.measure.streams.sound import BYTES_FIELD
from embodied_kit.measure.tables.declared import (
    clock_links,
    command_links,
    embedded_claims,
    embodiment_links,
    role_links,
    stream_kinds,
)
from embodied_kit.measure.tables.operator import operator_links
from embodied_kit.model.facts import Row
from embodied_kit.model.json import JsonObject
from embodied_kit.spec import standard

_SENSED_BY = {"vision": tuple(IMAGE_FIELDS), "acoustic": tuple(BYTES_FIELD)}
_PIXEL_STEP = 1e-6
"""Relative difference up to which two intrinsics are equal: what rounding to 9 digits leaves."""


def content_links(episode: Episode) -> list[Row]:
    """Every link of the contents; the source of a claim is episode.json, or the data file where there is none."""
    path = episode.source
    rows = [*_digests(episode, path), *embedded_claims(episode, path), *_topics(episode, path)]
    rows += [*stream_kinds(episode, path), *_modalities(episode, path), *role_links(episode, path)]
    rows += [*clock_links(episode, path), *operator_links(episode, path), *embodiment_links(episode, path)]
    if episode.depth == "index":
        return rows
    rows += [*_message_totals(episode, path), *_frame_tree(episode, path), *_joint_names(episode, path)]
    rows += command_links(episode, path)
    return [*rows, *_embedded_urdfs(episode), *_camera_sizes(episode, path), *_camera_infos(episode, path)]


def urdf_links(robot: JsonObject, path: str, urdf: bytes | None, found_sha256: str, episode: str | None) -> list[Row]:
    """A robot's URDF against its digest and its joint names (rule KN-01).

    Args:
        robot: robot.json.
        path: Of robot.json, or of the data file that embeds it.
        urdf: Content; None where it is not there or cannot be read.
        found_sha256: Digest of the content.
        episode: Episode that the row belongs to; None for the dataset.
    """
    uri = get_text(robot, "urdf_uri")
    rows = []
    target = f"{get_text(robot, 'robot_id')}: {uri}" if uri else get_text(robot, "robot_id")
    if uri and get_text(robot, "urdf_sha256"):
        declared = get_text(robot, "urdf_sha256")
        rows.append(compared("urdf_digest", path, target, declared, found_sha256, episode=episode))
    return [*rows, _urdf_joints(robot, path, target, urdf, episode)]


def _urdf_joints(robot: JsonObject, path: str, target: str, urdf: bytes | None, episode: str | None) -> Row:
    if urdf is None:
        return link_row("urdf_joints", path, target, "missing", episode=episode)
    try:
        found = read_urdf(urdf)
    except DataError as error:
        return link_row("urdf_joints", path, target, "malformed", found=error.message, episode=episode)
    declared = set(get_texts(robot, "joint_names"))
    same = set(found.joints) <= declared <= set(found.joints) | set(found.mimics) and bool(declared)
    state = "equal" if same else "different"
    return link_row(
        "urdf_joints", path, target, state, expected=_names(declared), found=_names(found.joints), episode=episode
    )


def _names(names: set[str] | tuple[str, ...]) -> str:
    return ", ".join(sorted(names))


def _digests(episode: Episode, path: str) -> Iterator[Row]:
    """Embedded capture and closing documents against the digests in episode.json (rule CT-12).

    A foreign recording that carries none was never to be held against one.
    """
    imported = get_text(episode.document, "origin") == "imported" and not episode.embedded
    if not episode.document or imported or not episode.scan.files:
        return
    yield _digest(episode, path, "embedded_capture", episode.scan.files[0], CAPTURE_JSON)
    yield from _later_captures(episode, path)
    yield _digest(episode, path, "embedded_closing", episode.scan.files[-1], CLOSING_JSON)


def _digest(episode: Episode, path: str, kind: str, file: FileScan, name: str) -> Row:
    found = next((item.sha256 for item in file.embedded if item.name == name), "")
    declared = get_text(episode.document, kind.removeprefix("embedded_") + "_sha256")
    return compared(kind, path, file.path, declared, found, episode=episode.episode_id)


def _later_captures(episode: Episode, path: str) -> Iterator[Row]:
    """capture.json of the second data file and on: that of the first, but for `file_index`; canonical digests."""
    captures = {item.embedded_in: item.value for item in episode.embedded if item.path == CAPTURE_JSON and item.ok}
    first = captures.get(episode.scan.files[0].path, {})
    for index, file in enumerate(episode.scan.files[1:], start=1):
        expected = sha256_hex(canonical_bytes({**first, "file_index": index}))
        found = sha256_hex(canonical_bytes(captures[file.path])) if file.path in captures else ""
        yield compared("embedded_capture", path, file.path, expected, found, episode=episode.episode_id)


def _topics(episode: Episode, path: str) -> Iterator[Row]:
    """Declared streams and recorded topics, one to one (rule CT-10).

    An optional stream may be absent, and one of events is silent where nothing happened: no row.
    """
    if not episode.declared_streams:
        return
    for view in episode.streams:
        present = episode.recorded(view)
        if not view.is_declared:
            state = "unexpected"
        elif present:
            state = "equal"
        elif get_bool(view.declared, "required") is False or get_text(view.declared, "cadence") == "event":
            continue
        else:
            state = "missing"
        expected = view.stream if view.is_declared else None
        yield link_row("stream_topic", path, view.topic, state, expected=expected, episode=episode.episode_id)


def _modalities(episode: Episode, path: str) -> Iterator[Row]:
    """Which modalities the recorded streams have (rule SR-01, report DS-10)."""
    if not episode.declared_streams:
        return
    present = {get_text(view.declared, "modality") for view in episode.streams if _senses(episode, view)}
    for code in standard().vocabulary("modality").codes:
        state = "present" if code in present else "absent"
        yield link_row("modality", path, str(code), state, episode=episode.episode_id)


def _senses(episode: Episode, view: StreamView) -> bool:
    """Whether anything of the declared modality was recorded: seen or heard only by types whose content is read."""
    types = _SENSED_BY.get(get_text(view.declared, "modality"))
    return episode.recorded(view) and (types is None or any(series.short_type in types for series in view.series))


def _message_totals(episode: Episode, path: str) -> Iterator[Row]:
    """`messages_n` of each stream in episode.json against what was counted (rule ST-12)."""
    counted = {view.topic: sum(series.n for series in view.series) for view in episode.streams}
    for entry in get_objects(episode.document, "streams"):
        declared = get_number(entry, "messages_n")
        if declared is not None:
            found = counted.get(get_text(entry, "topic"), 0)
            state = "equal" if declared == found else "different"
            target = f"streams.{get_text(entry, 'stream_id')}.messages_n"
            yield link_row(
                "totals", path, target, state, expected=str(declared), found=str(found), episode=episode.episode_id
            )


def _frame_tree(episode: Episode, path: str) -> Iterator[Row]:
    """Recorded transforms, else the declared frames, are one tree (rule DG-09)."""
    edges = {edge for series in episode.scan.series.values() if series.short_type == TF for edge in series.edges}
    source = "recorded transforms"
    if not edges:
        source = "robot.json frame_tree"
        trees = [item for robot in episode.robots for item in get_objects(robot, "frame_tree")]
        edges = {(get_text(item, "parent"), get_text(item, "child")) for item in trees}
    if not edges and not episode.robots:
        return
    problem = tree_problem(sorted(edges))
    state = "equal" if not problem else "missing" if problem == "empty" else "different"
    yield link_row(
        "frame_tree", path, source, state, expected="one tree", found=problem or None, episode=episode.episode_id
    )


def _joint_names(episode: Episode, path: str) -> Iterator[Row]:
    """Names on the state streams against the joints of the robots; without such a stream they are missing (KN-01)."""
    declared = {name for robot in episode.robots for name in get_texts(robot, "joint_names")}
    states = [view for view in episode.by_role("state") if any(s.short_type == JOINT_STATE for s in view.series)]
    if not declared or not episode.declared_streams:
        return
    found = {name for view in states for series in view.series for name in series.all_names}
    state = "equal" if found == declared else "different" if found else "missing"
    target = ", ".join(view.stream for view in states) or "role state"
    yield link_row(
        "joint_state_names",
        path,
        target,
        state,
        expected=_names(declared),
        found=_names(found) or None,
        episode=episode.episode_id,
    )


def _embedded_urdfs(episode: Episode) -> Iterator[Row]:
    """Each embedded robot against the URDF beside it."""
    for file in episode.scan.files[:1]:
        attachments = {item.name: item for item in file.embedded}
        for robot in episode.robots:
            item = attachments.get(embedded_urdf_path(robot))
            urdf, sha256 = (item.data, item.sha256) if item else (None, "")
            yield from urdf_links(robot, file.path, urdf, sha256, episode.episode_id)


def _calibrated(episode: Episode) -> Iterator[tuple[str, JsonObject]]:
    """(calibration id, camera entry) of every embedded calibration."""
    for document in episode.calibrations:
        for camera in get_objects(document, "cameras"):
            yield get_text(document, "calibration_id"), camera


def _camera_sizes(episode: Episode, path: str) -> Iterator[Row]:
    """Resolution of each calibration against the decoded images (rule DG-04); nothing below depth `full`."""
    logs = {view.stream: series.frames for view in episode.streams for series in view.series if series.frames}
    sizes = {stream: size for stream, log in logs.items() if (size := first_size(log)) is not None}
    for name, camera in _calibrated(episode):
        stream = get_text(camera, "stream_id")
        if stream in sizes:
            expected = "x".join(str(item) for item in get_list(camera, "resolution"))
            found = f"{sizes[stream][0]}x{sizes[stream][1]}"
            target = f"{name}: {stream}"
            yield compared("camera_resolution", path, target, expected, found, episode=episode.episode_id)


def _camera_infos(episode: Episode, path: str) -> Iterator[Row]:
    """CameraInfo beside a camera's topic against its calibration; equal to 1e-6 of each number (rule DG-04)."""
    topics = {view.stream: view.topic for view in episode.streams}
    for name, camera in _calibrated(episode):
        stream = get_text(camera, "stream_id")
        info = _info_beside(episode, topics.get(stream, ""))
        if info is not None:
            state = "equal" if _same_camera(camera, info) else "different"
            yield link_row("camera_info", path, f"{name}: {stream}", state, episode=episode.episode_id)


def _info_beside(episode: Episode, topic: str) -> JsonObject | None:
    """CameraInfo whose namespace holds the image topic; the nearest one, none that changed while recording."""
    found: list[tuple[int, JsonObject]] = []
    for series in episode.scan.series.values():
        namespace = series.topic.rpartition("/")[0]
        if series.camera_info is not None and namespace and topic.startswith(f"{namespace}/"):
            changed: JsonObject = {"changed": True} if series.camera_info_changes_n else {}
            found.append((len(namespace), {**series.camera_info, **changed}))
    return max(found, key=lambda item: item[0])[1] if found else None


def _same_camera(camera: JsonObject, info: JsonObject) -> bool:
    intrinsics = get_object(camera, "intrinsics")
    matrix = [get_number(intrinsics, name) for name in ("fx", "cx", "fy", "cy")]
    k = _numbers(get_list(info, "k"))
    if len(k) != 9 or "changed" in info:
        return False
    return (
        list(get_list(camera, "resolution")) == [info["width"], info["height"]]
        and _close([value if value is not None else np.nan for value in matrix], [k[0], k[2], k[4], k[5]])
        and _close(_numbers(get_list(camera, "distortion")), _numbers(get_list(info, "d")))
        and get_text(camera, "distortion_model") == get_text(info, "distortion_model")
    )


def _numbers(values: object) -> list[float]:
    return [float(item) for item in values if isinstance(item, int | float)] if isinstance(values, list | tuple) else []


def _close(first: list[float], second: list[float]) -> bool:
    return len(first) == len(second) and bool(np.allclose(first, second, rtol=_PIXEL_STEP, atol=1e-9))
