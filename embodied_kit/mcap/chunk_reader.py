"""Chunks and the message indexes behind them: decompressed, CRC and index proven, delivered as batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from embodied_kit.errors import DataError
from embodied_kit.mcap.batch import Batch, make_batch
from embodied_kit.mcap.chunk import INDEX_DTYPE, Walked, compare_index, prove, walk
from embodied_kit.mcap.container import Crc, ReadLimits, check_size
from embodied_kit.mcap.crc import crc32
from embodied_kit.mcap.decompress import Decompressor
from embodied_kit.mcap.fields import Fields
from embodied_kit.mcap.ledger import Ledger
from embodied_kit.mcap.records import HEAD, MESSAGE_HEAD, ChunkHead, Opcode, parse_chunk_head, parse_message_index
from embodied_kit.mcap.span import HEAD_PEEK, SpanReader

MAX_CHANNELS = 1 << 16
Define: TypeAlias = Callable[[int, memoryview, int], None]


class ChunkReader:
    """Reads the chunks that a span comes to.

    Args:
        span: Where the file is read.
        ledger: What is found is entered here.
        limits: Bounds on what is held.
        define: Takes a schema or channel: its opcode, content, and the chunk's offset.
    """

    def __init__(self, span: SpanReader, ledger: Ledger, limits: ReadLimits, define: Define) -> None:
        self._span = span
        self._ledger = ledger
        self._limits = limits
        self._define = define
        self._decompress = Decompressor()

    def read(self, offset: int, length: int) -> Iterator[Batch]:
        """A chunk and the message indexes behind it."""
        span, ledger = self._span, self._ledger
        whole = length <= self._limits.chunk_bytes
        span.ensure(HEAD.size + (length if whole else HEAD_PEEK))
        content = span.peek(length if whole else HEAD_PEEK, HEAD.size)
        data = memoryview(b"")
        crc: Crc = "unknown"
        head: ChunkHead | None = None
        try:
            head = parse_chunk_head(content)
            data, crc = self._open_chunk(head, content, offset, length)
        except DataError as error:
            ledger.failed(offset, error, "chunk not seen: ")
        del content
        span.skip(HEAD.size + length)
        indexes, places, index_length = self._message_indexes(len(data))
        if head is None:
            return
        ledger.add_chunk(head, offset, HEAD.size + length, places, index_length)
        if crc != "unknown":
            ledger.chunks_seen_n += 1
            yield from self._chunk_messages(data, head, indexes, offset, crc)

    def _open_chunk(self, head: ChunkHead, content: memoryview, offset: int, length: int) -> tuple[memoryview, Crc]:
        check_size(max(length, head.uncompressed_size), self._limits.chunk_bytes)
        fields = Fields(content)
        fields.at = head.data_at
        data = self._decompress(head.compression, fields.take(head.compressed_size), head.uncompressed_size)
        if not head.crc:
            return data, "absent"
        if crc32(data) == head.crc:
            return data, "ok"
        self._ledger.bad_crc(offset)
        self._ledger.problem(offset, "expected the chunk's CRC, got another", told=True)
        return data, "bad"

    def _message_indexes(
        self, chunk_size: int
    ) -> tuple[list[tuple[int, NDArray[np.void]]], list[tuple[int, int]], int]:
        """MessageIndex records behind a chunk: entries, (channel id, file offset), bytes in all."""
        span = self._span
        indexes: list[tuple[int, NDArray[np.void]]] = []
        places: list[tuple[int, int]] = []
        begin, room = span.offset, chunk_size // MESSAGE_HEAD.size
        while span.ensure(HEAD.size):
            offset = span.offset
            opcode, length = HEAD.unpack_from(span.buffer, span.at)
            if opcode != Opcode.MESSAGE_INDEX or offset + HEAD.size + length > span.size:
                break
            try:
                check_size(length, self._limits.chunk_bytes)
                span.ensure(HEAD.size + length)
                channel_id, raw = parse_message_index(span.peek(length, HEAD.size))
                check_size(len(places), MAX_CHANNELS)
                places.append((channel_id, offset))
                room -= len(raw) // INDEX_DTYPE.itemsize
                if room >= 0:
                    indexes.append((channel_id, np.frombuffer(bytes(raw), INDEX_DTYPE)))
                elif chunk_size:
                    self._ledger.problem(offset, "expected as many index entries as messages in the chunk, got more")
            except DataError as error:
                self._ledger.failed(offset, error)
            span.skip(HEAD.size + length)
        return indexes, places, span.offset - begin

    def _chunk_messages(
        self, data: memoryview, head: ChunkHead, indexes: list[tuple[int, NDArray[np.void]]], offset: int, crc: Crc
    ) -> Iterator[Batch]:
        ledger = self._ledger
        found = prove(data, indexes)
        if found is None:
            found = walk(data)
            if found.error:
                ledger.problem(offset, f"in the chunk at {found.stop}: {found.error}")
            if indexes:
                unlisted, dangling = compare_index(data, found.starts, indexes)
                ledger.unindexed_n += unlisted
                ledger.dangling_n += dangling
                if unlisted or dangling:
                    wrong = f"{unlisted} not listed and {dangling} wrong entries"
                    ledger.problem(offset, f"expected an index of every message in the chunk, got {wrong}", told=True)
            else:
                ledger.unindexed_n += len(found.starts)
        self._chunk_others(found, data, offset)
        lows: list[int] = []
        for batch in self.deliver(data, found.starts, offset, crc):
            lows += [int(batch.log_time.min()), int(batch.log_time.max())]
            yield batch
        times = (min(lows), max(lows)) if lows else (0, 0)
        if times != (head.first_log_time, head.last_log_time):
            ledger.chunks_bad_time_n += 1
            ledger.problem(offset, "expected the chunk's time range to be that of its messages, got another", told=True)

    def _chunk_others(self, found: Walked, data: memoryview, offset: int) -> None:
        """Schemas and channels inside a chunk; nothing else belongs there."""
        for opcode, first, last in found.others:
            if opcode in (Opcode.SCHEMA, Opcode.CHANNEL):
                self._define(opcode, data[first:last], offset)
            elif opcode in list(Opcode):
                self._ledger.problem(offset, f"expected no opcode {opcode} of {last - first} bytes in a chunk")
            else:
                self._ledger.opcodes[opcode] += 1

    def deliver(
        self, buffer: memoryview, starts: NDArray[np.int64], chunk_offset: int | None, crc: Crc
    ) -> Iterator[Batch]:
        """Messages that begin at `starts`, in batches, entered in the ledger."""
        for first in range(0, len(starts), self._limits.batch_messages):
            batch = make_batch(buffer, starts[first : first + self._limits.batch_messages], chunk_offset, crc)
            offset = self._span.offset if chunk_offset is None else chunk_offset
            self._ledger.add_messages(batch.channel_id, batch.log_time, offset)
            yield batch
