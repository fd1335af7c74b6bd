"""One pass over the data files of an episode: every message meets the accumulator of its stream, once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Protocol

from embodied_kit.canonical import sha256_hex
from embodied_kit.episode.layout import ROBOTS
from embodied_kit.errors import DataError
from embodied_kit.mcap.container import Attachment, ContainerInfo
from embodied_kit.mcap.index import read_index
from embodied_kit.mcap.reader import McapScan
from embodied_kit.mcap.records import HEAD, Channel, Schema, parse_attachment_head
from embodied_kit.mcap.source import Source
from embodied_kit.measure.columns.store import ColumnStore
from embodied_kit.measure.declared.documents import document_kind_of_attachment
from embodied_kit.measure.streams.series import Series
from embodied_kit.measure.text.log import TextLog, TextPlace
from embodied_kit.messages.columns import ColumnDecoder
from embodied_kit.messages.schema import MessageSchema, read_schema
from embodied_kit.model.facts import Depth

MAX_EMBEDDED_BYTES = 16 * 2**20
MAX_ATTACHMENTS_READ = 256
MAX_SERIES = 4096
_LEARNING_DECODERS = 64
"""Types whose layouts are kept; each may hold some hundred KB."""
_HEAD_PEEK = 64 * 1024
Progress = Callable[[int], None]


class Opens(Protocol):
    """Something that opens a data file."""

    def open(self) -> Source:
        """Its bytes.

        Raises:
            UsageError: It cannot be opened.
        """
        ...


@dataclass(frozen=True)
class Embedded:
    """An attachment: its bytes where it may be a document or URDF and all of a unit together are small, else None."""

    name: str
    sha256: str
    data: bytes | None


@dataclass
class FileScan:
    """What was found in one data file.

    Attributes:
        path: As facts name it.
        info: Container numbers; None where the file could not be opened.
        embedded: Documents and robot files among the attachments, in file order.
        embedded_left_out_n: So many more of them, which are not looked at.
        channels: Topic -> channels of that topic.
        zero_log_n, zero_publish_n, zero_any_n: Messages whose times are not set.
    """

    path: str
    info: ContainerInfo | None = None
    embedded: list[Embedded] = field(default_factory=list)
    embedded_left_out_n: int = 0
    topics: set[str] = field(default_factory=set)
    zero_log_n: int = 0
    zero_publish_n: int = 0
    zero_any_n: int = 0
    error: str = ""


class EpisodeScan:
    """The data files of one episode, or one bare file; a stream spread over several of them is one stream.

    Args:
        store: Owner of the columns.
        depth: How deep to look.
        progress: Told the bytes read since the last call.
    """

    def __init__(self, store: ColumnStore, depth: Depth, progress: Progress | None = None) -> None:
        self.depth: Depth = depth
        self.files: list[FileScan] = []
        self.series: dict[tuple[str, str], Series] = {}
        self.declared_n: dict[tuple[str, str], int] = {}
        self.overflowed = False
        self.texts = TextLog()
        self._store = store
        self._progress = progress or (lambda _: None)
        self._decoders: dict[tuple[str, str, str, bytes], ColumnDecoder] = {}
        self._embedded_left = MAX_EMBEDDED_BYTES

    def close(self) -> None:
        """Drop its columns."""
        self._store.close()

    def add_file(self, file: Opens, path: str, *, streams: bool = True) -> FileScan:
        """Scan one more file.

        Args:
            file: Opens it.
            path: As facts name it.
            streams: Whether its messages belong to the episode; otherwise only the container is looked at.
        """
        found = FileScan(path)
        self.files.append(found)
        with closing(file.open()) as source:
            if self.depth == "index":
                try:
                    self._add_index(source, found)
                except DataError:  # only a whole pass can tell what is wrong with it
                    self._add_messages(source, found, streams=False)
            else:
                self._add_messages(source, found, streams=streams)
        return found

    def _add_index(self, source: Source, found: FileScan) -> None:
        index = read_index(source, log_times=False)
        found.info = index.info
        for item in _wanted(index.attachments, found):
            found.embedded.append(_read_at(source, item) if self._takes(item) else Embedded(item.name, "", None))
        counts = index.statistics.channel_counts if index.statistics else {}
        for channel_id, channel in index.channels.items():
            found.topics.add(channel.topic)
            series = self._series_of(channel, index.schemas)
            if series is not None:
                key = (series.topic, series.publisher)
                self.declared_n[key] = self.declared_n.get(key, 0) + counts.get(channel_id, 0)
        self._progress(index.info.size)

    def _add_messages(self, source: Source, found: FileScan, *, streams: bool) -> None:
        with McapScan(source) as scan:
            known: dict[int, tuple[Channel, Series | None, ColumnDecoder]] = {}
            for batch in scan.batches():
                log_zero, publish_zero = batch.log_time == 0, batch.publish_time == 0
                found.zero_log_n += int(log_zero.sum())
                found.zero_publish_n += int(publish_zero.sum())
                found.zero_any_n += int((log_zero | publish_zero).sum())
                self._progress(int(batch.length.sum()))
                for channel_id, part in batch.by_channel().items() if streams else ():
                    channel = scan.channels.get(channel_id)
                    if channel is None:
                        continue  # counted by the reader as a message without channel
                    if channel_id not in known:
                        decoder = self._decoder(channel, scan.schemas.get(channel.schema_id))
                        known[channel_id] = (channel, self._series_of(channel, scan.schemas), decoder)
                    _, series, decoder = known[channel_id]
                    if series is not None:
                        series.add(part, decoder)
            found.info = scan.container()
            self._finish_file(scan, found, streams=streams)

    def _finish_file(self, scan: McapScan, found: FileScan, *, streams: bool) -> None:
        counts = scan.container().channel_counts
        for channel_id, channel in scan.channels.items():
            found.topics.add(channel.topic)
            series = self._series_of(channel, scan.schemas) if streams or self.depth == "index" else None
            if series is not None:
                key = (series.topic, series.publisher)
                self.declared_n[key] = self.declared_n.get(key, 0) + counts.get(channel_id, 0)
        self._search(scan, found.path)
        for item in _wanted(scan.attachments, found):
            try:
                data = scan.read_attachment(item, max_bytes=MAX_EMBEDDED_BYTES) if self._takes(item) else None
            except (DataError, OSError):
                data = None
            found.embedded.append(Embedded(item.name, item.sha256, data))

    def _search(self, scan: McapScan, path: str) -> None:
        """Names and metadata of a file as texts; a topic below `/home` is no folder."""
        for name, records in scan.metadata.items():
            for values in records:
                for key, value in {"": name, **values}.items():
                    self.texts.add(TextPlace("metadata", path, field=key), value)
        for item in scan.attachments:
            self.texts.add(TextPlace("attachment", path), item.name)
        for channel in scan.channels.values():
            self.texts.add(TextPlace("topic", path, stream=channel.topic), channel.topic, without=("home_path",))
            for key, value in channel.metadata.items():
                self.texts.add(TextPlace("metadata", path, stream=channel.topic, field=key), value)

    def _takes(self, item: Attachment) -> bool:
        """Whether an attachment is to be kept in memory."""
        if item.size > self._embedded_left:
            return False
        self._embedded_left -= item.size
        return True

    def _series_of(self, channel: Channel, schemas: Mapping[int, Schema]) -> Series | None:
        """The accumulator of a channel; None where a file has more of them than any robot."""
        key = (channel.topic, channel.metadata.get("publisher_gid", ""))
        schema = schemas.get(channel.schema_id)
        if key not in self.series:
            if len(self.series) >= MAX_SERIES:
                self.overflowed = True
                return None
            source = "publisher" if channel.metadata.get("sequence_source") == "publisher" else "none"
            self.series[key] = Series(*key, self._store, self.depth, schema.name if schema else "", source, self.texts)
        series = self.series[key]
        decoder = self._decoder(channel, schema)
        series.definition_ok &= decoder.schema.root is not None and (schema is None or schema.name == series.ros_type)
        series.type_hashes.add(channel.metadata.get("topic_type_hash", ""))
        return series

    def _decoder(self, channel: Channel, schema: Schema | None) -> ColumnDecoder:
        encoding, data = (schema.encoding, schema.data) if schema else ("", b"")
        key = (channel.message_encoding, schema.name if schema else "", encoding, data)
        if key not in self._decoders:
            learn = len(self._decoders) < _LEARNING_DECODERS
            self._decoders[key] = ColumnDecoder(_schema_of(channel, schema), learn=learn)
        return self._decoders[key]


def _wanted(attachments: Sequence[Attachment], found: FileScan) -> Sequence[Attachment]:
    """Attachments that may be documents or robot files, by their names; those beyond the bound are counted."""
    wanted = [
        item for item in attachments if document_kind_of_attachment(item.name) or item.name.startswith(f"{ROBOTS}/")
    ]
    found.embedded_left_out_n = max(0, len(wanted) - MAX_ATTACHMENTS_READ)
    return wanted[:MAX_ATTACHMENTS_READ]


def _schema_of(channel: Channel, schema: Schema | None) -> MessageSchema:
    if schema is None:
        return MessageSchema("", None, "the channel has no definition")
    if channel.message_encoding != "cdr":
        return MessageSchema(schema.name, None, "only messages encoded as cdr are decoded")
    return read_schema(schema.name, schema.encoding, schema.data)


def _read_at(source: Source, item: Attachment) -> Embedded:
    """An attachment from its index entry; at this depth nobody has hashed it."""
    try:
        head = parse_attachment_head(source.read_at(item.offset + HEAD.size, _HEAD_PEEK))
        data = source.read_at(item.offset + HEAD.size + head.data_at, item.size)
    except (DataError, OSError):
        return Embedded(item.name, "", None)
    return Embedded(item.name, sha256_hex(data), data if len(data) == item.size else None)
