"""MCAP records as the specification lays them out: opcodes, length-checked parsers, and their bytes.

Layouts: MCAP specification (mcap.dev/spec), version 0. Every integer is little-endian.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from embodied_kit.errors import DataError
from embodied_kit.mcap.fields import Buffer, Fields

MAGIC = b"\x89MCAP0\r\n"
HEAD = struct.Struct("<BQ")
"""Opcode and content length before every record."""
MESSAGE_HEAD = struct.Struct("<BQHIQQ")
"""Opcode, content length, channel id, sequence, log time, publish time: all of a message but its payload."""
MESSAGE_FIXED = MESSAGE_HEAD.size - HEAD.size
FOOTER_FIELDS = struct.Struct("<QQI")
PRIVATE_OPCODES = range(0x80, 0x100)


class Opcode(IntEnum):
    """Record kinds of the specification."""

    HEADER = 0x01
    FOOTER = 0x02
    SCHEMA = 0x03
    CHANNEL = 0x04
    MESSAGE = 0x05
    CHUNK = 0x06
    MESSAGE_INDEX = 0x07
    CHUNK_INDEX = 0x08
    ATTACHMENT = 0x09
    ATTACHMENT_INDEX = 0x0A
    STATISTICS = 0x0B
    METADATA = 0x0C
    METADATA_INDEX = 0x0D
    SUMMARY_OFFSET = 0x0E
    DATA_END = 0x0F


@dataclass(frozen=True)
class Schema:
    """Definition of a message type; `encoding` is `ros2msg` or `ros2idl` in the profile ros2."""

    schema_id: int
    name: str
    encoding: str
    data: bytes


@dataclass(frozen=True)
class Channel:
    """One topic of one writer; `schema_id` 0 is no schema."""

    channel_id: int
    schema_id: int
    topic: str
    message_encoding: str
    metadata: Mapping[str, str]


@dataclass(frozen=True)
class Metadata:
    """A named map of strings."""

    name: str
    values: Mapping[str, str]


@dataclass(frozen=True)
class Statistics:
    """What the summary declares; an empty `channel_counts` means it was not written."""

    message_count: int
    schema_count: int
    channel_count: int
    attachment_count: int
    metadata_count: int
    chunk_count: int
    first_log_time: int
    last_log_time: int
    channel_counts: Mapping[int, int]


@dataclass(frozen=True)
class ChunkHead:
    """Fields of a Chunk before its records; `data_at` is where they begin in the record's content."""

    first_log_time: int
    last_log_time: int
    uncompressed_size: int
    crc: int
    compression: str
    compressed_size: int
    data_at: int


@dataclass(frozen=True)
class ChunkIndex:
    """Where a chunk and its message indexes lie; offsets are in the file, `length` counts the 9 bytes before it."""

    first_log_time: int
    last_log_time: int
    offset: int
    length: int
    index_offsets: Mapping[int, int]
    index_length: int
    compression: str
    compressed_size: int
    uncompressed_size: int


@dataclass(frozen=True)
class AttachmentHead:
    """Fields of an Attachment before its data; `data_at` is where that begins in the record's content."""

    log_time: int
    create_time: int
    name: str
    media_type: str
    size: int
    data_at: int


@dataclass(frozen=True)
class AttachmentIndex:
    """Where an attachment lies; `length` counts the 9 bytes before it."""

    offset: int
    length: int
    log_time: int
    create_time: int
    size: int
    name: str
    media_type: str


@dataclass(frozen=True)
class Footer:
    """Last record."""

    summary_start: int
    summary_offset_start: int
    summary_crc: int


def parse_header(data: Buffer) -> tuple[str, str]:
    """Profile and library of a Header."""
    fields = Fields(data)
    return fields.text(), fields.text()


def parse_schema(data: Buffer) -> Schema:
    """A Schema from its content."""
    fields = Fields(data)
    return Schema(fields.integer(2), fields.text(), fields.text(), bytes(fields.take(fields.integer(4))))


def parse_channel(data: Buffer) -> Channel:
    """A Channel from its content."""
    fields = Fields(data)
    return Channel(fields.integer(2), fields.integer(2), fields.text(), fields.text(), fields.text_map())


def parse_metadata(data: Buffer) -> Metadata:
    """A Metadata record from its content."""
    fields = Fields(data)
    return Metadata(fields.text(), fields.text_map())


def parse_statistics(data: Buffer) -> Statistics:
    """Statistics from their content."""
    fields = Fields(data)
    messages, schemas, channels, attachments, metadata, chunks, first, last = (
        fields.integer(size) for size in (8, 2, 4, 4, 4, 4, 8, 8)
    )
    return Statistics(messages, schemas, channels, attachments, metadata, chunks, first, last, fields.number_map())


def parse_chunk_head(data: Buffer) -> ChunkHead:
    """Head of a Chunk; the records themselves need not be in `data`."""
    fields = Fields(data)
    first, last, size, crc = (fields.integer(width) for width in (8, 8, 8, 4))
    compression, compressed_size = fields.text(), fields.integer(8)
    return ChunkHead(first, last, size, crc, compression, compressed_size, fields.at)


def parse_chunk_index(data: Buffer) -> ChunkIndex:
    """A ChunkIndex from its content."""
    fields = Fields(data)
    first, last, offset, length = (fields.integer(8) for _ in range(4))
    offsets, index_length, compression = fields.number_map(), fields.integer(8), fields.text()
    return ChunkIndex(
        first, last, offset, length, offsets, index_length, compression, fields.integer(8), fields.integer(8)
    )


def parse_message_index(data: Buffer) -> tuple[int, memoryview]:
    """Channel id of a MessageIndex and its entries: pairs of u64 log time and offset in the chunk."""
    fields = Fields(data)
    channel_id = fields.integer(2)
    entries = fields.take(fields.integer(4))
    if len(entries) % 16:
        raise DataError(f"expected message index entries of 16 bytes, got {len(entries)} bytes")
    return channel_id, entries


def parse_attachment_head(data: Buffer) -> AttachmentHead:
    """Head of an Attachment; its data need not be in `data`."""
    fields = Fields(data)
    log_time, create_time = fields.integer(8), fields.integer(8)
    name, media_type, size = fields.text(), fields.text(), fields.integer(8)
    return AttachmentHead(log_time, create_time, name, media_type, size, fields.at)


def parse_attachment_index(data: Buffer) -> AttachmentIndex:
    """An AttachmentIndex from its content."""
    fields = Fields(data)
    offset, length, log_time, create_time, size = (fields.integer(8) for _ in range(5))
    return AttachmentIndex(offset, length, log_time, create_time, size, fields.text(), fields.text())


def parse_metadata_index(data: Buffer) -> tuple[int, int, str]:
    """Offset, length and name of a MetadataIndex."""
    fields = Fields(data)
    return fields.integer(8), fields.integer(8), fields.text()


def parse_footer(data: Buffer) -> Footer:
    """A Footer from its content."""
    return Footer(*FOOTER_FIELDS.unpack(Fields(data).take(FOOTER_FIELDS.size)))


def text_bytes(value: str) -> bytes:
    """A string as it is written."""
    raw = value.encode()
    return struct.pack("<I", len(raw)) + raw


def text_map_bytes(values: Mapping[str, str]) -> bytes:
    """A map of strings as it is written."""
    body = b"".join(text_bytes(key) + text_bytes(value) for key, value in values.items())
    return struct.pack("<I", len(body)) + body


def number_map_bytes(values: Mapping[int, int]) -> bytes:
    """A map of u16 to u64 as it is written."""
    body = b"".join(struct.pack("<HQ", key, value) for key, value in values.items())
    return struct.pack("<I", len(body)) + body


def record_bytes(opcode: int, content: bytes) -> bytes:
    """A whole record."""
    return HEAD.pack(opcode, len(content)) + content


def schema_bytes(schema: Schema) -> bytes:
    """A Schema record."""
    body = struct.pack("<H", schema.schema_id) + text_bytes(schema.name) + text_bytes(schema.encoding)
    return record_bytes(Opcode.SCHEMA, body + struct.pack("<I", len(schema.data)) + schema.data)


def channel_bytes(channel: Channel) -> bytes:
    """A Channel record."""
    body = struct.pack("<HH", channel.channel_id, channel.schema_id)
    body += text_bytes(channel.topic) + text_bytes(channel.message_encoding)
    return record_bytes(Opcode.CHANNEL, body + text_map_bytes(channel.metadata))


def metadata_bytes(metadata: Metadata) -> bytes:
    """A Metadata record."""
    return record_bytes(Opcode.METADATA, text_bytes(metadata.name) + text_map_bytes(metadata.values))


def statistics_bytes(statistics: Statistics) -> bytes:
    """A Statistics record."""
    body = struct.pack(
        "<QHIIIIQQ",
        statistics.message_count,
        statistics.schema_count,
        statistics.channel_count,
        statistics.attachment_count,
        statistics.metadata_count,
        statistics.chunk_count,
        statistics.first_log_time,
        statistics.last_log_time,
    )
    return record_bytes(Opcode.STATISTICS, body + number_map_bytes(statistics.channel_counts))


def chunk_head_bytes(head: ChunkHead) -> bytes:
    """Opcode, length and head of a Chunk record; the compressed records follow it."""
    body = struct.pack("<QQQI", head.first_log_time, head.last_log_time, head.uncompressed_size, head.crc)
    body += text_bytes(head.compression) + struct.pack("<Q", head.compressed_size)
    return HEAD.pack(Opcode.CHUNK, len(body) + head.compressed_size) + body


def chunk_index_bytes(index: ChunkIndex) -> bytes:
    """A ChunkIndex record."""
    body = struct.pack("<QQQQ", index.first_log_time, index.last_log_time, index.offset, index.length)
    body += number_map_bytes(index.index_offsets) + struct.pack("<Q", index.index_length)
    body += text_bytes(index.compression) + struct.pack("<QQ", index.compressed_size, index.uncompressed_size)
    return record_bytes(Opcode.CHUNK_INDEX, body)


def attachment_head_bytes(head: AttachmentHead) -> bytes:
    """Opcode, length and head of an Attachment; its data and the CRC follow."""
    body = struct.pack("<QQ", head.log_time, head.create_time) + text_bytes(head.name) + text_bytes(head.media_type)
    body += struct.pack("<Q", head.size)
    return HEAD.pack(Opcode.ATTACHMENT, len(body) + head.size + 4) + body


def attachment_index_bytes(index: AttachmentIndex) -> bytes:
    """An AttachmentIndex record."""
    numbers = (index.offset, index.length, index.log_time, index.create_time, index.size)
    body = struct.pack("<QQQQQ", *numbers) + text_bytes(index.name) + text_bytes(index.media_type)
    return record_bytes(Opcode.ATTACHMENT_INDEX, body)


def metadata_index_bytes(offset: int, length: int, name: str) -> bytes:
    """A MetadataIndex record."""
    return record_bytes(Opcode.METADATA_INDEX, struct.pack("<QQ", offset, length) + text_bytes(name))


def footer_bytes(footer: Footer) -> bytes:
    """A Footer record."""
    numbers = (footer.summary_start, footer.summary_offset_start, footer.summary_crc)
    return record_bytes(Opcode.FOOTER, FOOTER_FIELDS.pack(*numbers))
