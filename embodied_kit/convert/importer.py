"""A foreign recording becomes one episode: messages byte for byte, documents that invent nothing."""

from __future__ import annotations

import secrets
import shutil
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from embodied_kit.canonical import pretty_bytes
from embodied_kit.convert.base import ForeignRecording
from embodied_kit.episode.datafile import FileWriter
from embodied_kit.episode.dataset import DEFAULT_GROUP, Dataset
from embodied_kit.episode.document import SCHEMA_VERSION, UNKNOWN_LOSS
from embodied_kit.episode.ids import unique_slugs, uuid7
from embodied_kit.episode.layout import ROBOTS
from embodied_kit.episode.robots import RobotFolder, add_robot
from embodied_kit.episode.span import Span
from embodied_kit.episode.take import TakeFile
from embodied_kit.errors import DataError
from embodied_kit.model.channel import ChannelInfo
from embodied_kit.model.json import JsonObject

_LATEST_NS = 2**63 - 1


def import_recording(
    recording: ForeignRecording, dataset: Dataset, robot: RobotFolder, contract: JsonObject | None, task_id: str
) -> Path:
    """Write a recording into a dataset as one episode.

    Args:
        recording: What to import.
        dataset: An open dataset; the robot is added to it.
        robot: The robot that was recorded.
        contract: Declares roles, cadences and rates; None declares topics and types only, the rest stays unknown.
        task_id: What was done; empty where nobody knows.

    Returns:
        The episode folder.

    Raises:
        DataError: The recording cannot be carried; nothing of it stays in the dataset.
        UsageError: The dataset is sealed, or has another robot under this id.
    """
    dataset.require_open()
    found = recording.channels()
    declared = contract or _contract(robot, found)
    stream_ids = _stream_ids(declared)
    channels = [replace(channel, stream_id=stream_ids.get(channel.topic, "")) for channel in found]
    writer = FileWriter()
    file = TakeFile(dataset.root, uuid7(time.time_ns(), secrets.randbits(74)), writer)
    capture = _capture(recording.name, dataset, file.episode_id, robot, declared, task_id)
    known = (dataset.root / ROBOTS / robot.robot_id).exists()
    try:
        add_robot(dataset.root, robot)
        folder = _write(file, recording, channels, capture, robot)
    except BaseException:
        writer.shut_down()
        shutil.rmtree(file.staging, ignore_errors=True)
        file.forget()
        if not known:
            shutil.rmtree(dataset.root / ROBOTS / robot.robot_id, ignore_errors=True)
        raise
    dataset.refresh(time.time_ns())
    return folder


def _write(
    file: TakeFile,
    recording: ForeignRecording,
    channels: Sequence[ChannelInfo],
    capture: JsonObject,
    robot: RobotFolder,
) -> Path:
    capture_bytes = pretty_bytes(capture)
    file.open(capture_bytes, robot.attachments(), 0)
    for channel in channels:
        file.add_channel(channel)
    for group in recording.messages():
        file.write(group)
    if not sum(file.counts):
        raise DataError(f"expected a recording with messages, got an empty one: {recording.name}")
    if file.last_log_ns > _LATEST_NS:
        raise DataError(f"expected times before the year 2262, got {file.last_log_ns} ns")
    closing = _closing(file)
    return file.finish(
        capture=capture, capture_bytes=capture_bytes, closing=closing, time_ns=file.last_log_ns, origin="imported"
    )


def _capture(
    name: str, dataset: Dataset, episode_id: str, robot: RobotFolder, contract: JsonObject, task_id: str
) -> JsonObject:
    document = dataset.document()
    known = {key: document[key] for key in ("data_origin", "generated_data_indicator") if key in document}
    return {
        "schema_version": SCHEMA_VERSION,
        "dataset_id": document.get("dataset_id"),
        "episode_id": episode_id,
        "collection_id": DEFAULT_GROUP,
        "series_id": DEFAULT_GROUP,
        **({"task_id": task_id} if task_id else {}),
        "robot_ids": [robot.robot_id],
        **known,
        "imported_from": name,
        "contract": contract,
        "robots": [robot.robot],
        "calibrations": list(robot.calibrations),
        "urdfs": robot.urdfs(),
        "file_index": 0,
    }


def _contract(robot: RobotFolder, channels: Sequence[ChannelInfo]) -> JsonObject:
    """Topics and types, which the file knows; nothing else."""
    types = {channel.topic: channel.ros_type for channel in channels}
    streams: list[JsonObject] = [
        {"stream_id": stream_id, "topic": topic, "ros_type": types[topic]}
        for topic, stream_id in unique_slugs(types).items()
    ]
    return {
        "schema_version": SCHEMA_VERSION,
        "contract_id": "imported",
        "robots": [robot.robot_id],
        "streams": streams,
    }


def _stream_ids(contract: JsonObject) -> dict[str, str]:
    """Topic -> stream_id of a contract."""
    streams = contract.get("streams")
    items = streams if isinstance(streams, Sequence) and not isinstance(streams, str) else ()
    return {str(item["topic"]): str(item["stream_id"]) for item in items if isinstance(item, Mapping)}


def _closing(file: TakeFile) -> JsonObject:
    start_ns, end_ns = file.first_log_ns or 0, file.last_log_ns
    counts: Counter[tuple[str, str]] = Counter()
    for channel, count in zip(file.channels, file.counts, strict=True):
        if channel.stream_id:
            counts[channel.stream_id, channel.topic] += count
    loss: JsonObject = {str(kind): known for kind, known in UNKNOWN_LOSS.items()}
    streams: list[JsonObject] = [
        {"stream_id": stream_id, "topic": topic, "received_n": count, "loss": loss}
        for (stream_id, topic), count in counts.items()
    ]
    return {
        "schema_version": SCHEMA_VERSION,
        "episode_id": file.episode_id,
        **Span(start_ns, end_ns).document(),
        "outcome": "unknown",
        "streams": streams,
        "transport_counters": {},
        "intervention_segments": [],
        "events": [],
        "files_n": 1,
    }
