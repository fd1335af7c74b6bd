"""Writes MCAP of the profile `ros2`: to `.partial`, chunk by chunk, and renamed only after a clean close.

Small messages cost one join and one CRC a chunk; large uncompressed ones are never copied (one CRC each, then writev).

Where the system refuses to write (OSError), nothing is lost or written twice: what is on the disk is a whole prefix,
followed by a torn record at most, what was handed over waits in memory, and the same call may be made again. Only after
a failed sync every call fails, because the system may have let go of what it could not put on the disk.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np

import embodied_kit
from embodied_kit.errors import UsageError
from embodied_kit.mcap.compress import Compression, Compressor
from embodied_kit.mcap.crc import combine, crc32
from embodied_kit.mcap.growing import GrowingFile
from embodied_kit.mcap.records import (
    FOOTER_FIELDS,
    HEAD,
    MAGIC,
    MESSAGE_FIXED,
    MESSAGE_HEAD,
    AttachmentHead,
    AttachmentIndex,
    Channel,
    ChunkHead,
    ChunkIndex,
    Metadata,
    Opcode,
    Schema,
    Statistics,
    attachment_head_bytes,
    attachment_index_bytes,
    channel_bytes,
    chunk_head_bytes,
    chunk_index_bytes,
    metadata_bytes,
    metadata_index_bytes,
    record_bytes,
    schema_bytes,
    statistics_bytes,
    text_bytes,
)

if TYPE_CHECKING:
    from typing_extensions import Self

CHUNK_BYTES = 1024 * 1024
LARGE_BYTES = 64 * 1024


class McapWriter:
    """Writes one file; a context manager that closes on success and leaves `.partial` on an exception.

    Not safe for threads: one writer, one thread.

    Args:
        path: Where the file appears when it is whole; until then `<path>.partial` grows.
        compression: Of chunks that become smaller by it.
        chunk_bytes: A chunk is closed when its records reach this many bytes.
        hashed: Whether to compute `sha256` while writing.

    Raises:
        UsageError: the file or its `.partial` exists.
        OSError: From any call, the system refuses to write.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        compression: Compression = "zstd",
        chunk_bytes: int = CHUNK_BYTES,
        hashed: bool = False,
    ) -> None:
        self.path = Path(path)
        self.partial_path = self.path.with_name(self.path.name + ".partial")
        if self.path.exists():
            raise UsageError(f"expected a new file, got {self.path}, which exists")
        self._file = GrowingFile(self.partial_path, hashed=hashed)
        self._compressor = Compressor(compression)
        self._chunk_bytes = chunk_bytes
        self._crc = 0
        self._stuck = self._ended = False
        self._schemas: list[Schema] = []
        self._schema_ids: dict[tuple[str, str, bytes], int] = {}
        self._channels: list[Channel] = []
        self._counts: list[int] = []
        self._chunk_indexes: list[bytes] = []
        self._attachment_indexes: list[bytes] = []
        self._metadata_indexes: list[bytes] = []
        self._log_range: tuple[int, int] | None = None
        self._parts: list[bytes | memoryview] = []
        self._size = 0
        self._large = 0
        self._entries: list[array[int]] = []
        library = f"embodied-kit {embodied_kit.__version__}"
        try:
            self._put([MAGIC, record_bytes(Opcode.HEADER, text_bytes("ros2") + text_bytes(library))])
        except BaseException:
            self.abort()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self.close()
        finally:
            self.abort()

    @property
    def bytes_written(self) -> int:
        """Bytes handed to the operating system so far."""
        return self._file.size

    @property
    def bytes_unsynced(self) -> int:
        """Bytes that a power cut would take: of the open chunk, and written but not synced."""
        return self._size + self._file.size - self._file.synced

    @property
    def is_stuck(self) -> bool:
        """Whether a full chunk could not be written; `write` goes on adding to it until `close_chunk` has succeeded."""
        return self._stuck

    @property
    def sha256(self) -> str:
        """Of the bytes written so far, in lower-case hex; empty where it was not asked for."""
        return self._file.sha256

    def add_schema(self, name: str, encoding: str, data: bytes) -> int:
        """Write a schema at once, in front of the open chunk; the same schema twice is one.

        Args:
            name: `sensor_msgs/msg/JointState`.
            encoding: `ros2msg` or `ros2idl`.
            data: The whole definition.

        Returns:
            Its id, from 1.
        """
        key = (name, encoding, data)
        known = self._schema_ids.get(key)
        if known is not None:
            return known
        schema = Schema(len(self._schemas) + 1, name, encoding, data)
        self._put([schema_bytes(schema)])
        self._schemas.append(schema)
        self._schema_ids[key] = schema.schema_id
        return schema.schema_id

    def add_channel(
        self, topic: str, schema_id: int, *, message_encoding: str = "cdr", metadata: Mapping[str, str] | None = None
    ) -> int:
        """Write a channel at once, in front of the open chunk.

        Args:
            topic: ROS topic name.
            schema_id: From `add_schema`; 0 for none.
            message_encoding: Of the payloads.
            metadata: The profile ros2 wants `offered_qos_profiles`.

        Returns:
            Its id, from 1.

        Raises:
            UsageError: the schema id is unknown (0 is none).
        """
        if not 0 <= schema_id <= len(self._schemas):
            raise UsageError(f"expected a schema id from add_schema, got {schema_id}")
        channel = Channel(len(self._channels) + 1, schema_id, topic, message_encoding, dict(metadata or {}))
        self._put([channel_bytes(channel)])
        self._channels.append(channel)
        self._counts.append(0)
        self._entries.append(array("Q"))
        return channel.channel_id

    def write(self, channel_id: int, log_time: int, publish_time: int, sequence: int, data: bytes | memoryview) -> None:
        """Add a message to the open chunk.

        Args:
            channel_id: From `add_channel`.
            log_time: When it was received, ns since the Unix epoch.
            publish_time: When it was published, ns since the Unix epoch.
            sequence: Publisher's number modulo 2^32; 0 where there is none.
            data: Kept until its chunk is written, so it must not change.

        Raises:
            UsageError: unknown channel, or a number that its field cannot hold.
            OSError: The chunk is full and cannot be written; this message is in it.
        """
        size = len(data)
        try:
            head = MESSAGE_HEAD.pack(Opcode.MESSAGE, MESSAGE_FIXED + size, channel_id, sequence, log_time, publish_time)
            if channel_id < 1:
                raise IndexError  # noqa: TRY301 - the same answer as for one too high
            self._entries[channel_id - 1].extend((log_time, self._size))
        except (struct.error, IndexError) as error:
            raise UsageError(
                f"expected a channel of add_channel, u64 times and a u32 sequence, got {channel_id}, {log_time}, "
                f"{publish_time}, {sequence}"
            ) from error
        self._parts.append(head)
        self._parts.append(data)
        self._size += MESSAGE_HEAD.size + size
        if size >= LARGE_BYTES:
            self._large += 1
        if self._size >= self._chunk_bytes and not self._stuck:
            self.close_chunk()

    def close_chunk(self) -> None:
        """Write the open chunk and its message indexes, if it holds anything."""
        if not self._size:
            return
        parts: Sequence[bytes | memoryview] = [b"".join(self._parts)] if not self._large else _joined_small(self._parts)
        crc = 0
        for part in parts:
            crc = crc32(part, crc)
        compression, stored = self._compressor.stored(parts)
        stored_size = sum(map(len, stored))
        counts, first, last = self._times()
        head = ChunkHead(first, last, self._size, crc, compression, stored_size, 0)
        head_bytes, offset = chunk_head_bytes(head), self._file.size
        places, indexes = self._indexes(offset + len(head_bytes) + stored_size)
        known = crc if stored is parts else crc32(stored[0])
        before = combine(crc32(head_bytes, self._crc), known, stored_size)
        self._stuck = True
        self._append([head_bytes, *stored, *indexes], crc32(b"".join(indexes), before))
        index = ChunkIndex(
            first,
            last,
            offset,
            len(head_bytes) + stored_size,
            places,
            sum(map(len, indexes)),
            compression,
            stored_size,
            self._size,
        )
        self._chunk_indexes.append(chunk_index_bytes(index))
        self._start_chunk(counts, first, last)

    def _start_chunk(self, counts: Mapping[int, int], first: int, last: int) -> None:
        """Count what the chunk held that was just written, and begin another."""
        for number, count in counts.items():
            self._counts[number] += count
            self._entries[number] = array("Q")
        known = self._log_range or (first, last)
        self._log_range = (min(first, known[0]), max(last, known[1]))
        self._parts, self._size, self._large, self._stuck = [], 0, 0, False

    def flush(self) -> None:
        """Close the chunk and wait until everything written is on the disk."""
        self.close_chunk()
        self._file.sync()

    def attach(self, name: str, media_type: str, data: bytes, *, log_time: int = 0, create_time: int = 0) -> None:
        """Write an attachment at once, in front of the open chunk; times in ns since the epoch, 0 where not known."""
        head = AttachmentHead(log_time, create_time, name, media_type, len(data), 0)
        head_bytes = attachment_head_bytes(head)
        crc = crc32(data, crc32(head_bytes[HEAD.size :]))
        offset = self._file.size
        self._put([head_bytes, data, struct.pack("<I", crc)])
        index = AttachmentIndex(offset, self._file.size - offset, log_time, create_time, len(data), name, media_type)
        self._attachment_indexes.append(attachment_index_bytes(index))

    def add_metadata(self, name: str, values: Mapping[str, str]) -> None:
        """Write a metadata record at once, in front of the open chunk."""
        record, offset = metadata_bytes(Metadata(name, values)), self._file.size
        self._put([record])
        self._metadata_indexes.append(metadata_index_bytes(offset, len(record), name))

    def close(self) -> None:
        """Write the summary, wait for the disk, and give the file its name; closing twice is allowed."""
        if not self._file.is_open:
            return
        self.close_chunk()
        if not self._ended:
            data_end = record_bytes(Opcode.DATA_END, struct.pack("<I", self._crc))
            self._put([data_end, *self._summary(self._file.size + len(data_end)), MAGIC])
            self._ended = True
        self._file.sync()
        self._file.rename(self.path)
        self._file.close()

    def abort(self) -> None:
        """Give up: the `.partial` stays as it is, with every chunk that was closed."""
        self._file.close()

    def _put(self, parts: Sequence[bytes | memoryview]) -> None:
        """Append to the file and to the data section's CRC."""
        crc = self._crc
        for part in parts:
            crc = crc32(part, crc)
        self._append(parts, crc)

    def _append(self, parts: Sequence[bytes | memoryview], crc: int) -> None:
        """Append to the file; `crc` is the data section's with these parts."""
        if self._ended or not self._file.is_open:
            raise UsageError("expected an open writer, got one that was closed")
        self._file.append(parts)
        self._crc = crc

    def _times(self) -> tuple[dict[int, int], int, int]:
        """Messages of the open chunk by place of their channel, and its least and greatest log time."""
        counts: dict[int, int] = {}
        lows, highs = [], []
        for number, entries in enumerate(self._entries):
            if entries:
                times = np.frombuffer(entries, np.uint64)[::2]
                lows.append(int(times.min()))
                highs.append(int(times.max()))
                counts[number] = len(times)
        return counts, min(lows), max(highs)

    def _indexes(self, offset: int) -> tuple[dict[int, int], list[bytes]]:
        """MessageIndex records that will begin at that offset, and where each lies."""
        places: dict[int, int] = {}
        records: list[bytes] = []
        for number, entries in enumerate(self._entries):
            if entries:
                body = entries.tobytes()
                record = record_bytes(Opcode.MESSAGE_INDEX, struct.pack("<HI", number + 1, len(body)) + body)
                places[number + 1] = offset
                offset += len(record)
                records.append(record)
        return places, records

    def _statistics(self) -> Statistics:
        counts = {number + 1: count for number, count in enumerate(self._counts)}
        first, last = self._log_range or (0, 0)
        return Statistics(
            sum(self._counts),
            len(self._schemas),
            len(self._channels),
            len(self._attachment_indexes),
            len(self._metadata_indexes),
            len(self._chunk_indexes),
            first,
            last,
            counts,
        )

    def _summary(self, start: int) -> tuple[bytes, bytes]:
        """Summary, summary offsets and the footer up to its CRC, and that CRC, as they stand at that offset."""
        groups = {
            Opcode.SCHEMA: [schema_bytes(schema) for schema in self._schemas],
            Opcode.CHANNEL: [channel_bytes(channel) for channel in self._channels],
            Opcode.STATISTICS: [statistics_bytes(self._statistics())],
            Opcode.CHUNK_INDEX: self._chunk_indexes,
            Opcode.ATTACHMENT_INDEX: self._attachment_indexes,
            Opcode.METADATA_INDEX: self._metadata_indexes,
        }
        at = start
        offsets: list[bytes] = []
        for opcode, records in groups.items():
            size = sum(map(len, records))
            if size:
                offsets.append(record_bytes(Opcode.SUMMARY_OFFSET, struct.pack("<BQQ", opcode, at, size)))
            at += size
        footer = HEAD.pack(Opcode.FOOTER, FOOTER_FIELDS.size) + struct.pack("<QQ", start, at)
        summary = b"".join([*(record for records in groups.values() for record in records), *offsets, footer])
        return summary, struct.pack("<I", crc32(summary))


def _joined_small(parts: Iterable[bytes | memoryview]) -> list[bytes | memoryview]:
    """Runs of small parts joined; large ones left as they are."""
    found: list[bytes | memoryview] = []
    run: list[bytes | memoryview] = []
    for part in parts:
        if len(part) < LARGE_BYTES:
            run.append(part)
            continue
        found += [b"".join(run), part]
        run = []
    return [*found, b"".join(run)] if run else found
