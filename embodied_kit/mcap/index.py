"""Depth `index`: summary and message indexes only; nothing is decompressed, so CRC, sha256 and counts stay unknown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embodied_kit.errors import DataError
from embodied_kit.mcap.chunk import INDEX_DTYPE, walk
from embodied_kit.mcap.container import DEFAULT_LIMITS, MIB, Attachment, ContainerInfo
from embodied_kit.mcap.ledger import Closing, Ledger
from embodied_kit.mcap.records import (
    FOOTER_FIELDS,
    HEAD,
    MAGIC,
    Channel,
    ChunkIndex,
    Opcode,
    Schema,
    Statistics,
    parse_attachment_index,
    parse_channel,
    parse_chunk_index,
    parse_footer,
    parse_header,
    parse_message_index,
    parse_schema,
    parse_statistics,
)
from embodied_kit.mcap.source import Source, open_source, read_whole

MAX_SUMMARY_BYTES = 64 * MIB
MAX_INDEX_BYTES = 128 * MIB
_TAIL = HEAD.size + FOOTER_FIELDS.size + len(MAGIC)


@dataclass(frozen=True, eq=False)
class McapIndex:
    """What a file says of itself, believed.

    Attributes:
        statistics: None where the summary has none.
        log_times: Channel id -> uint64 ns in file order of the chunks, from the message indexes; empty where they
            are not there or were not read.
        info: Counts that nobody verified: None or `unknown` stands for what only a full pass can tell.
    """

    schemas: Mapping[int, Schema]
    channels: Mapping[int, Channel]
    statistics: Statistics | None
    attachments: tuple[Attachment, ...]
    log_times: Mapping[int, NDArray[np.uint64]]
    info: ContainerInfo


def read_index(file: Source | Path | str, *, log_times: bool = True) -> McapIndex:
    """Read the summary and, where they are asked for, the message indexes.

    Args:
        file: A regular file or a source; a source is left open.
        log_times: Whether to read the message indexes, which lie behind every chunk: a request each in an object store.

    Raises:
        UsageError: the file cannot be opened.
        DataError: it has no readable footer and summary; a full pass tells more.
    """
    source = open_source(file)
    try:
        return _Index(source).read(log_times=log_times)
    except OSError as error:
        raise DataError(f"expected a readable file, got {error.strerror or error}") from error
    finally:
        if source is not file:
            source.close()


class _Index:
    def __init__(self, source: Source) -> None:
        self._source = source
        self._size = source.size
        self._ledger = Ledger(DEFAULT_LIMITS)
        self._chunks: list[ChunkIndex] = []
        self._attachments: list[Attachment] = []

    def read(self, *, log_times: bool) -> McapIndex:
        self._header()
        start = self._footer()
        if not start:
            raise DataError("expected a summary, got none", remedy="scan at depth full")
        summary = self._at(start, self._size - _TAIL - start, MAX_SUMMARY_BYTES)
        found = walk(memoryview(summary))
        if found.error or len(found.starts):
            raise DataError(f"expected a summary of whole records, got {found.error or 'messages in it'}")
        for opcode, first, last in found.others:
            self._summary_record(opcode, memoryview(summary)[first:last], start + first - HEAD.size)
        times = self._log_times() if log_times else {}
        return McapIndex(
            self._ledger.schemas,
            self._ledger.channels,
            self._ledger.statistics,
            tuple(self._attachments),
            times,
            self._info(times),
        )

    def _at(self, offset: int, length: int, most: int) -> bytes:
        if not 0 <= length <= most or not 0 <= offset <= self._size - length:
            raise DataError(f"expected a part of the file of {most} bytes at most, got {length} at {offset}")
        return read_whole(self._source, offset, length)

    def _header(self) -> None:
        least = len(MAGIC) + HEAD.size
        head = self._at(0, min(self._size, 64 * 1024), 64 * 1024)
        if len(head) < least + _TAIL or not head.startswith(MAGIC):
            raise DataError("expected an MCAP file with header and footer, got something else or less")
        opcode, length = HEAD.unpack_from(head, len(MAGIC))
        if opcode != Opcode.HEADER:
            raise DataError(f"expected the header first, got opcode {opcode}")
        self._ledger.profile, self._ledger.library = parse_header(head[least : least + length])

    def _footer(self) -> int:
        """Where the summary begins; 0 is none."""
        tail = self._at(self._size - _TAIL, _TAIL, _TAIL)
        if HEAD.unpack_from(tail) != (Opcode.FOOTER, FOOTER_FIELDS.size) or not tail.endswith(MAGIC):
            raise DataError("expected footer and magic at the end, got other bytes", remedy="scan at depth full")
        return parse_footer(tail[HEAD.size : -len(MAGIC)]).summary_start

    def _summary_record(self, opcode: int, content: memoryview, offset: int) -> None:
        ledger = self._ledger
        ledger.keep(len(content))
        if opcode == Opcode.SCHEMA:
            ledger.add_schema(parse_schema(content), offset, summary=False)
        elif opcode == Opcode.CHANNEL:
            ledger.add_channel(parse_channel(content), offset, summary=False)
        elif opcode == Opcode.STATISTICS:
            ledger.statistics = parse_statistics(content)
        elif opcode == Opcode.CHUNK_INDEX:
            self._chunks.append(parse_chunk_index(content))
        elif opcode == Opcode.ATTACHMENT_INDEX:
            item = parse_attachment_index(content)
            self._attachments.append(
                Attachment(
                    item.name,
                    item.media_type,
                    item.log_time,
                    item.create_time,
                    item.size,
                    "",
                    "unknown",
                    item.offset,
                    0,
                )
            )

    def _log_times(self) -> dict[int, NDArray[np.uint64]]:
        """Log times by channel from the records behind every chunk."""
        parts: dict[int, list[NDArray[np.uint64]]] = {}
        end, total = 0, 0
        for chunk in sorted(self._chunks, key=lambda item: item.offset):
            begin = chunk.offset + chunk.length
            if chunk.offset < end:
                raise DataError(f"expected chunks that do not overlap, got one at {chunk.offset}")
            end, total = begin + chunk.index_length, total + chunk.index_length
            data = memoryview(self._at(begin, chunk.index_length, MAX_INDEX_BYTES - (total - chunk.index_length)))
            for opcode, first, last in walk(data).others:
                if opcode == Opcode.MESSAGE_INDEX:
                    channel_id, entries = parse_message_index(data[first:last])
                    parts.setdefault(channel_id, []).append(np.frombuffer(entries, INDEX_DTYPE)["log"].copy())
        return {channel: np.concatenate(found) for channel, found in parts.items()}

    def _info(self, times: Mapping[int, NDArray[np.uint64]]) -> ContainerInfo:
        statistics = self._ledger.statistics
        for chunk in self._chunks:
            self._ledger.compressions[chunk.compression[:40]] += 1
        told = [(int(found.min()), int(found.max())) for found in times.values() if len(found)]
        closing = Closing("ok", None, True, True, self._size, "", False, "unknown", "unknown")
        return self._ledger.believed(
            closing,
            chunks_n=len(self._chunks),
            attachments_n=len(self._attachments),
            metadata_n=statistics.metadata_count if statistics else 0,
            log_range=(min(low for low, _ in told), max(high for _, high in told)) if told else None,
        )
