"""rosbag2's MCAP storage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from embodied_kit.convert.qos import integer_form
from embodied_kit.episode.datafile import OutMessage
from embodied_kit.errors import DataError
from embodied_kit.mcap.container import ContainerInfo
from embodied_kit.mcap.reader import Batch, McapScan
from embodied_kit.mcap.records import Channel
from embodied_kit.model.channel import ChannelInfo

_GROUP_BYTES = 4 * 2**20


@dataclass
class McapBag:
    """MCAP files of one bag; a channel of one file and the same one of the next are one channel."""

    name: str
    files: Sequence[Path]
    distro: str
    _index: dict[ChannelInfo, int] = field(default_factory=dict)

    def channels(self) -> Sequence[ChannelInfo]:
        """Every channel that has a message, in order of first appearance."""
        for path in self.files:
            with McapScan(path) as scan:
                for batch in scan.batches():
                    for channel_id in batch.by_channel():
                        self._place(scan, channel_id)
                _require_whole(scan.container(), path)
        return list(self._index)

    def messages(self) -> Iterator[Sequence[OutMessage]]:
        """Messages in file order."""
        for path in self.files:
            with McapScan(path) as scan:
                for batch in scan.batches():
                    used = set(batch.channel_id.tolist())
                    yield from _groups(batch, {channel_id: self._place(scan, channel_id) for channel_id in used})

    def _place(self, scan: McapScan, channel_id: int) -> int:
        if channel_id not in scan.channels:
            raise DataError(f"expected a channel record for every message, got none for channel {channel_id}")
        info = _channel_info(scan, scan.channels[channel_id])
        return self._index.setdefault(info, len(self._index))


def _require_whole(info: ContainerInfo, path: Path) -> None:
    """Refuse a file whose bytes cannot be trusted: a copy would carry fresh checksums over the damage."""
    found = ""
    if info.readable != "ok":
        found = info.readable
    elif "bad" in {info.chunk_crc, info.data_end_crc}:
        found = "bytes that their checksum denies"
    elif info.problems:
        found = f"trouble at byte {info.problems[0].offset} ({info.problems[0].message})"
    if found:
        raise DataError(
            f"expected a whole MCAP file, got {found} in {path.name}",
            remedy=f"repair it first: embodied-kit recover {path.name}",
        )


def _channel_info(scan: McapScan, channel: Channel) -> ChannelInfo:
    if channel.message_encoding != "cdr":
        raise DataError(f"expected cdr messages, got {channel.message_encoding!r} on {channel.topic}")
    schema = scan.schemas.get(channel.schema_id)
    return ChannelInfo(
        topic=channel.topic,
        ros_type=schema.name if schema else "",
        schema_encoding=schema.encoding if schema else "",
        definition=schema.data.decode("utf-8", "replace") if schema else "",
        type_hash=channel.metadata.get("topic_type_hash", ""),
        qos_text=integer_form(channel.metadata.get("offered_qos_profiles", "")),
        publisher=channel.metadata.get("publisher_gid", ""),
        sequence_source="none",
        stream_id="",
    )


def _groups(batch: Batch, places: dict[int, int]) -> Iterator[list[OutMessage]]:
    """Messages of a batch, some MB at a time."""
    group: list[OutMessage] = []
    size = 0
    columns = (batch.channel_id, batch.log_time, batch.publish_time, batch.sequence, batch.offset, batch.length)
    for channel, log_ns, publish_ns, sequence, offset, length in zip(*(c.tolist() for c in columns), strict=True):
        group.append(
            OutMessage(places[channel], log_ns, publish_ns, sequence, bytes(batch.buffer[offset : offset + length]))
        )
        size += length
        if size >= _GROUP_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group
