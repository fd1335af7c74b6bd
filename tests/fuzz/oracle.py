"""What a reader that is not ours finds in the bytes, and what our rules say of them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from mcap.records import Attachment, Channel, Message, Metadata, Schema
from mcap.stream_reader import StreamReader

from embodied_kit.mcap.reader import McapScan
from embodied_kit.measure import measure_path
from embodied_kit.measure.columns.store import ColumnStore
from embodied_kit.measure.streams.episode import Episode
from embodied_kit.measure.streams.scan import EpisodeScan, FileScan
from embodied_kit.measure.tables.container import container_row
from embodied_kit.model.facts import Facts
from embodied_kit.model.report import Context, Report
from embodied_kit.model.rule import Profile
from embodied_validators.judge import judge
from embodied_validators.profiles import build_profile
from embodied_validators.rulebook import load_rulebook

CONTEXT = Context(as_of_ns=1_800_000_000_000_000_000)
_TITLE = {"en": "Containers", "zh": "容器"}


@dataclass(frozen=True)
class Content:
    """Messages with their definitions in order of log time, as readers deliver them; attachments and metadata in file
    order. Equal means the same recording."""

    messages: tuple[tuple[object, ...], ...]
    attachments: tuple[tuple[object, ...], ...]
    metadata: tuple[tuple[object, ...], ...]


def content_of(data: bytes) -> Content | None:
    """What the package `mcap` reads, checking no CRC; None where it gives up."""
    schemas: dict[int, Schema] = {}
    channels: dict[int, Channel] = {}
    messages: list[tuple[object, ...]] = []
    attachments: list[tuple[object, ...]] = []
    metadata: list[tuple[object, ...]] = []
    try:
        for record in StreamReader(BytesIO(data), record_size_limit=1 << 24).records:
            if isinstance(record, Message):
                channel = channels[record.channel_id]
                schema = schemas.get(channel.schema_id)
                kind = (channel.topic, channel.message_encoding, tuple(sorted(channel.metadata.items())))
                told = (schema.name, schema.encoding, schema.data) if schema else ()
                stamps = (record.sequence, record.log_time, record.publish_time)
                messages.append((*kind, *told, *stamps, record.data))
            elif isinstance(record, Schema):
                schemas[record.id] = record
            elif isinstance(record, Channel):
                channels[record.id] = record
            elif isinstance(record, Attachment):
                attachments.append(
                    (record.name, record.media_type, record.log_time, record.create_time, bytes(record.data))
                )
            elif isinstance(record, Metadata):
                metadata.append((record.name, tuple(sorted(record.metadata.items()))))
    except Exception:  # noqa: BLE001  # whatever it raises, it cannot read the file
        return None
    return Content(tuple(sorted(messages, key=_log_time)), tuple(attachments), tuple(metadata))


def _log_time(message: tuple[object, ...]) -> int:
    return int(str(message[-3]))


def container_profile() -> Profile:
    """The rules that a container answers for by itself."""
    data = {
        "profile_id": "container-preview",
        "version": "0",
        "title": _TITLE,
        "description": _TITLE,
        "status": "preview",
        "rules": [f"CT-{number:02}" for number in range(1, 8)],
        "parameters": {},
    }
    return build_profile(data, load_rulebook(), "container profile")


def judged_whole(path: Path, profile: Profile) -> Report:
    """As `validate FILE --depth signal` judges it."""
    return judge(measure_path(path, depth="signal"), profile, CONTEXT, raise_bugs=True)


def judged_container(path: Path, profile: Profile) -> Report:
    """By its container row alone: the cheap half of the above."""
    with McapScan(path) as scan:
        for _ in scan.batches():
            pass
        info = scan.container()
    with ColumnStore() as store:
        episode = Episode(None, "signal", EpisodeScan(store, "signal"))
        row = container_row(FileScan(path.name, info), episode)
    return judge([Facts("bare", "signal", "bare", {"container": [row]}, "")], profile, CONTEXT, raise_bugs=True)


def speaking(report: Report) -> frozenset[str]:
    """Rules that say something: failed or undetermined."""
    return frozenset(finding.rule_id for finding in report.findings)


def digest(content: Content | None) -> str:
    """A name for a content."""
    return hashlib.sha256(repr(content).encode()).hexdigest()[:16]
