"""A recorded episode told again with one change: what a careless conversion leaves, in a dataset that holds."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from judge.fixtures import all_rules
from mcap.reader import make_reader
from rosbags.typesys import Stores, get_typestore

from embodied_kit.canonical import pretty_bytes
from embodied_kit.mcap.writer import McapWriter
from embodied_kit.measure import measure_path
from embodied_kit.model.report import Context
from embodied_validators.judge import judge

SAMPLES = Path(__file__).parents[2] / "sample_episodes"
CONTEXT = Context(as_of_ns=1_790_100_000_000_000_000)
TYPES = get_typestore(Stores.ROS2_HUMBLE)
Spoken = frozenset[tuple[str, str, str]]
"""Rule, state and stream of each finding."""


@dataclass(frozen=True)
class Told:
    """One message, decoded."""

    topic: str
    ros_type: str
    sequence: int
    log_ns: int
    publish_ns: int
    message: Any


Change = Callable[[list[Told]], list[Told]]


def unchanged(messages: list[Told]) -> list[Told]:
    """The clean twin of every trap: decoded, encoded and written as they are."""
    return messages


def dataset_with(root: Path, change: Change, source: Path | str = "good") -> Path:
    """The first episode of a dataset as the one of an open dataset, its messages changed.

    Args:
        root: New folder.
        change: Takes all messages in order of the file.
        source: A dataset folder, or the name of a sample.
    """
    shutil.copytree(source if isinstance(source, Path) else SAMPLES / source / "dataset", root)
    first, *others = sorted((root / "episodes").iterdir())
    for other in others:
        shutil.rmtree(other)
    path = first / "data_000.mcap"
    whole = path.read_bytes()
    path.unlink()
    _write(path, whole, change)
    _edit(root / "dataset.json", lambda value: value.update(state="open") or value.pop("totals", None))
    _edit(first / "episode.json", lambda value: _list_again(value, path))
    return root


def spoken(root: Path) -> Spoken:
    """What all rules say of the dataset."""
    report = judge(measure_path(root), all_rules(), CONTEXT, raise_bugs=True)
    return frozenset((item.rule_id, item.state, item.place.stream) for item in report.findings)


def _write(path: Path, whole: bytes, change: Change) -> None:
    source = path.with_suffix(".whole")
    source.write_bytes(whole)
    with source.open("rb") as file, McapWriter(path) as writer:
        reader = make_reader(file)
        attachments = list(reader.iter_attachments())
        capture, closing = attachments[:-1], attachments[-1:]
        for item in capture:
            writer.attach(item.name, item.media_type, item.data, log_time=item.log_time, create_time=item.create_time)
        channels, messages = _channels(reader, writer)
        for told in change(messages):
            data = bytes(TYPES.serialize_cdr(told.message, told.ros_type))
            writer.write(channels[told.topic], told.log_ns, told.publish_ns, told.sequence, data)
        for item in closing:
            writer.attach(item.name, item.media_type, item.data, log_time=item.log_time, create_time=item.create_time)
        for item in reader.iter_metadata():
            writer.add_metadata(item.name, dict(item.metadata))
    source.unlink()


def _channels(reader: Any, writer: McapWriter) -> tuple[Mapping[str, int], list[Told]]:
    summary = reader.get_summary()
    channels = {}
    for channel in summary.channels.values():
        schema = summary.schemas[channel.schema_id]
        number = writer.add_schema(schema.name, schema.encoding, schema.data)
        channels[channel.topic] = writer.add_channel(channel.topic, number, metadata=dict(channel.metadata))
    messages = [
        Told(
            channel.topic,
            schema.name,
            message.sequence,
            message.log_time,
            message.publish_time,
            TYPES.deserialize_cdr(message.data, schema.name),
        )
        for schema, channel, message in reader.iter_messages(log_time_order=False)
    ]
    return channels, messages


def on_topic(topic: str, change: Callable[[Any, int], Any]) -> Change:
    """A change of the messages of one topic; it is given each and its number, and must change one at least."""

    def changed(messages: list[Told]) -> list[Told]:
        number, found = 0, []
        for told in messages:
            if told.topic == topic:
                told, number = replace(told, message=change(told.message, number)), number + 1  # noqa: PLW2901
            found.append(told)
        assert number, f"no message on {topic}"
        return found

    return changed


def _edit(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    value = json.loads(path.read_bytes())
    change(value)
    path.write_bytes(pretty_bytes(value))


def _list_again(value: dict[str, Any], path: Path) -> None:
    data = path.read_bytes()
    for entry in value["files"]:
        if entry["path"] == path.name:
            entry.update(size=len(data), sha256=hashlib.sha256(data).hexdigest())
