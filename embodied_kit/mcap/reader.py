"""A whole MCAP file in one pass: batches of messages in file order, and what the file says of itself, proven.

What bad data does: it becomes a problem in `container()`, and what was readable is delivered. What is delivered from a
chunk whose CRC does not hold says so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from embodied_kit.errors import DataError, UsageError
from embodied_kit.mcap.attachment import pass_attachment
from embodied_kit.mcap.batch import Batch
from embodied_kit.mcap.chunk import walk
from embodied_kit.mcap.chunk_reader import ChunkReader
from embodied_kit.mcap.container import (
    DEFAULT_LIMITS,
    MIB,
    Attachment,
    BeyondLimitError,
    ContainerInfo,
    Crc,
    Readable,
    ReadLimits,
    check_size,
)
from embodied_kit.mcap.fields import Fields
from embodied_kit.mcap.ledger import Closing, Ledger
from embodied_kit.mcap.records import (
    FOOTER_FIELDS,
    HEAD,
    MAGIC,
    MESSAGE_FIXED,
    Channel,
    Opcode,
    Schema,
    parse_attachment_index,
    parse_channel,
    parse_chunk_index,
    parse_footer,
    parse_header,
    parse_metadata,
    parse_metadata_index,
    parse_schema,
    parse_statistics,
)
from embodied_kit.mcap.source import Source, open_source
from embodied_kit.mcap.span import SpanReader, StreamDigest

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Batch", "McapScan"]

_IN_SUMMARY = frozenset(
    {
        Opcode.SCHEMA,
        Opcode.CHANNEL,
        Opcode.STATISTICS,
        Opcode.CHUNK_INDEX,
        Opcode.ATTACHMENT_INDEX,
        Opcode.METADATA_INDEX,
        Opcode.SUMMARY_OFFSET,
    }
)
_IN_DATA = frozenset({Opcode.SCHEMA, Opcode.CHANNEL, Opcode.MESSAGE, Opcode.CHUNK, Opcode.ATTACHMENT, Opcode.METADATA})


class McapScan:
    """One pass over one file; a context manager.

    Args:
        file: A regular file (what links and other kinds of file mean is the caller's to decide), or a source.
        limits: Bounds on what is held.

    Raises:
        UsageError: the file cannot be opened.
    """

    def __init__(self, file: Source | Path | str, *, limits: ReadLimits = DEFAULT_LIMITS) -> None:
        self._source = open_source(file)
        self._limits = limits
        self._ledger = Ledger(limits)
        self._digest = StreamDigest()
        self._span = SpanReader(self._source, self._digest)
        self._chunks = ChunkReader(self._span, self._ledger, limits, self._define)
        self._in_summary = False
        self._summary_start = 0
        self._saw_header = False
        self._data_end_crc: Crc = "unknown"
        self._summary_crc: Crc = "unknown"
        self._truncated_at: int | None = None
        self._magic_ok = self._footer_ok = False
        self._started = False
        self._info: ContainerInfo | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the hashing thread and close the file; closing twice is allowed."""
        self._digest.close()
        self._source.close()

    @property
    def schemas(self) -> Mapping[int, Schema]:
        """Schemas met so far, by id."""
        return self._ledger.schemas

    @property
    def channels(self) -> Mapping[int, Channel]:
        """Channels met so far, by id; a batch's channels are among them when it is delivered."""
        return self._ledger.channels

    @property
    def attachments(self) -> Sequence[Attachment]:
        """Attachments met so far, in file order."""
        return self._ledger.attachments

    @property
    def metadata(self) -> Mapping[str, Sequence[Mapping[str, str]]]:
        """Metadata records met so far: name -> maps in file order (rosbag2 writes its own twice, the last counts)."""
        return self._ledger.metadata

    def read_attachment(self, attachment: Attachment, *, max_bytes: int = 16 * MIB) -> bytes:
        """Data of an attachment that was met.

        Raises:
            DataError: it is larger than `max_bytes`, or no longer the bytes that were hashed.
        """
        if attachment.size > max_bytes:
            raise DataError(f"expected an attachment of {max_bytes} bytes at most, got {attachment.size}")
        data = self._source.read_at(attachment.data_offset, attachment.size)
        if hashlib.sha256(data).hexdigest() != attachment.sha256:
            raise DataError(f"expected attachment {attachment.name!r} as it was hashed, got other bytes")
        return data

    def container(self) -> ContainerInfo:
        """What was found around the messages.

        Raises:
            UsageError: `batches()` has not come to its end.
        """
        if self._info is None:
            raise UsageError("expected container() after the last batch, got it before")
        return self._info

    def batches(self) -> Iterator[Batch]:
        """Every message of the file, in file order.

        Raises:
            UsageError: called twice.
        """
        if self._started:
            raise UsageError("expected one pass over the file, got a second", remedy="open another McapScan")
        self._started = True
        return self._scan()

    def _scan(self) -> Iterator[Batch]:
        readable: Readable = "ok"
        try:
            if self._read_magic():
                yield from self._records()
                if not self._footer_ok:
                    readable = "truncated"
            elif self._size < len(MAGIC) and MAGIC.startswith(bytes(self._span.buffer)):
                readable, self._truncated_at = "truncated", 0
            else:
                readable = "bad_magic"
                self._ledger.problem(0, "expected the MCAP magic at the beginning, got other bytes", told=True)
            self._span.skip(self._size)  # whatever is left belongs to the file's sha256
        except OSError as error:
            readable = "unreadable"
            self._ledger.problem(self._span.offset, f"expected readable bytes, got {error.strerror}", told=True)
        changed = self._size_now() != self._size or self._span.size != self._size
        closing = Closing(
            readable,
            self._truncated_at,
            self._magic_ok,
            self._footer_ok,
            self._size,
            self._digest.close(),
            changed,
            self._data_end_crc,
            self._summary_crc,
        )
        self._info = self._ledger.conclude(closing)

    def _size_now(self) -> int:
        try:
            return self._source.size_now()
        except OSError:
            return -1

    @property
    def _size(self) -> int:
        """Bytes of the file; of one that still grows they are known at its end."""
        return self._source.size

    @property
    def position(self) -> int:
        """Bytes of the file that were passed."""
        return self._span.offset

    def _read_magic(self) -> bool:
        span = self._span
        span.start_crc()
        if not span.ensure(len(MAGIC)):
            span.ensure(self._size)
            return False
        self._magic_ok = span.peek(len(MAGIC)) == MAGIC
        span.at += len(MAGIC)
        return self._magic_ok

    def _records(self) -> Iterator[Batch]:
        """All records up to the footer or to the first that is not whole."""
        span = self._span
        while not self._footer_ok:
            offset = span.offset
            if not span.ensure(HEAD.size):
                self._cut(offset, f"expected a record, got {self._size - offset} bytes to the end of the file")
                return
            opcode, length = HEAD.unpack_from(span.buffer, span.at)
            if offset + HEAD.size + length > self._size:
                self._cut(offset, f"expected a record that ends in the file, got opcode {opcode} of {length} bytes")
                return
            self._check_place(opcode, offset)
            if opcode == Opcode.MESSAGE and MESSAGE_FIXED <= length <= self._limits.chunk_bytes:
                yield from self._loose_messages(HEAD.size + length)
            elif opcode == Opcode.CHUNK:
                yield from self._chunks.read(offset, length)
            else:
                self._other(opcode, offset, length)

    def _cut(self, offset: int, message: str) -> None:
        self._truncated_at = offset
        self._ledger.problem(offset, message, told=True)

    def _check_place(self, opcode: int, offset: int) -> None:
        """A header comes first; the sections hold what the specification puts there."""
        if not self._saw_header and opcode != Opcode.HEADER:
            self._ledger.problem(offset, f"expected the header first, got opcode {opcode}")
            self._saw_header = True  # said once
        elif self._in_summary and opcode in _IN_DATA and opcode not in _IN_SUMMARY:
            self._ledger.problem(offset, f"expected no opcode {opcode} after the end of the data section")
        elif not self._in_summary and opcode in _IN_SUMMARY and opcode not in _IN_DATA:
            self._ledger.problem(offset, f"expected no opcode {opcode} in the data section")

    def _loose_messages(self, first: int) -> Iterator[Batch]:
        """A run of messages outside chunks, as far as the span holds them."""
        span = self._span
        span.ensure(first)
        found = walk(span.buffer, span.at, only_messages=True)
        self._ledger.loose_messages_n += len(found.starts)
        buffer = span.buffer
        span.at = found.stop
        yield from self._chunks.deliver(buffer, found.starts, None, "none")

    def _define(self, opcode: int, content: memoryview, offset: int) -> None:
        """A schema or channel, wherever it stands."""
        ledger = self._ledger
        try:
            check_size(len(content), self._limits.definition_bytes)
            if opcode == Opcode.SCHEMA:
                schema = parse_schema(content)
                if schema.schema_id not in ledger.schemas:
                    ledger.keep(len(content))
                ledger.add_schema(schema, offset, summary=self._in_summary)
            else:
                channel = parse_channel(content)
                if channel.channel_id not in ledger.channels:
                    ledger.keep(len(content))
                ledger.add_channel(channel, offset, summary=self._in_summary)
        except DataError as error:
            ledger.failed(offset, error, f"opcode {opcode}: ")

    def _other(self, opcode: int, offset: int, length: int) -> None:
        """Any record but messages and chunks."""
        span = self._span
        if opcode == Opcode.ATTACHMENT:
            pass_attachment(span, self._ledger, offset, length)
        elif opcode not in list(Opcode):
            self._ledger.opcodes[opcode] += 1
            span.skip(HEAD.size + length)
        elif length > self._limits.definition_bytes:
            message = f"expected {self._limits.definition_bytes} bytes at most, got {length}"
            self._ledger.failed(offset, BeyondLimitError(message), f"opcode {opcode}: ")
            span.skip(HEAD.size + length)
        else:
            self._small(opcode, offset, length)

    def _small(self, opcode: int, offset: int, length: int) -> None:
        span = self._span
        span.ensure(HEAD.size + length)
        if opcode == Opcode.DATA_END:
            self._data_end(offset, length)
            return
        if opcode == Opcode.FOOTER:
            self._footer(offset, length)
            return
        content = span.peek(length, HEAD.size)
        span.at += HEAD.size + length
        if opcode in (Opcode.SCHEMA, Opcode.CHANNEL):
            self._define(opcode, content, offset)
            return
        try:
            self._parse_small(opcode, content, offset)
        except DataError as error:
            self._ledger.failed(offset, error, f"opcode {opcode}: ")

    def _parse_small(self, opcode: int, content: memoryview, offset: int) -> None:
        ledger = self._ledger
        if opcode == Opcode.HEADER:
            if self._saw_header:
                raise DataError("expected one header, got another")
            self._saw_header = True
            ledger.profile, ledger.library = parse_header(content)
        elif opcode == Opcode.METADATA:
            ledger.keep(len(content))
            ledger.add_metadata(parse_metadata(content), offset, HEAD.size + len(content))
        elif opcode == Opcode.STATISTICS:
            if ledger.statistics is not None:
                raise DataError("expected one Statistics record, got another")
            ledger.statistics = parse_statistics(content)
        elif opcode == Opcode.CHUNK_INDEX:
            ledger.add_chunk_index(parse_chunk_index(content))
        elif opcode == Opcode.ATTACHMENT_INDEX:
            ledger.add_attachment_index(parse_attachment_index(content))
        elif opcode == Opcode.METADATA_INDEX:
            ledger.add_metadata_index(*parse_metadata_index(content))
        elif opcode != Opcode.SUMMARY_OFFSET:
            raise DataError("expected this record elsewhere (a message index behind a chunk, a message of 22 bytes)")

    def _data_end(self, offset: int, length: int) -> None:
        span, ledger = self._span, self._ledger
        try:
            told = Fields(span.peek(length, HEAD.size)).integer(4)
        except DataError as error:
            ledger.problem(offset, f"end of data: {error.message}")
            told = 0
        if self._in_summary:
            ledger.problem(offset, "expected one end of the data section, got another")
        else:
            self._data_end_crc = "absent" if not told else "ok" if told == span.crc() else "bad"
        if self._data_end_crc == "bad":
            ledger.problem(offset, "expected the data section's CRC, got another", told=True)
        span.at += HEAD.size + length
        if not self._in_summary:
            self._summary_start = span.offset
            span.start_crc()
        self._in_summary = True

    def _footer(self, offset: int, length: int) -> None:
        span, ledger = self._span, self._ledger
        content = span.peek(length, HEAD.size)
        try:
            footer = parse_footer(content)
        except DataError as error:
            ledger.problem(offset, f"footer: {error.message}")
            span.at += HEAD.size + length
            return
        ledger.footer = footer
        span.at += HEAD.size + FOOTER_FIELDS.size - 4
        computed = span.crc()
        span.stop_crc()
        span.skip(length - FOOTER_FIELDS.size + 4)
        if not self._in_summary:
            ledger.problem(offset, "expected the end of the data section before the footer, got none")
        else:
            self._check_footer(footer.summary_start, footer.summary_crc, computed, offset)
        span.ensure(len(MAGIC) + 1)  # a file that grows ends here, or shows that it does not
        rest = self._size - span.offset
        if rest < len(MAGIC) or not span.ensure(len(MAGIC)) or span.peek(len(MAGIC)) != MAGIC:
            self._truncated_at = span.offset
            ledger.problem(span.offset, "expected the magic behind the footer, got other bytes or none")
            return
        self._footer_ok = True
        if rest > len(MAGIC):
            ledger.problem(span.offset, f"expected nothing behind the closing magic, got {rest - len(MAGIC)} bytes")

    def _check_footer(self, summary_start: int, told: int, computed: int, offset: int) -> None:
        ledger = self._ledger
        self._summary_crc = "absent" if not told else "ok" if told == computed else "bad"
        if self._summary_crc == "bad":
            ledger.problem(offset, "expected the summary's CRC, got another", told=True)
        expected = 0 if offset == self._summary_start else self._summary_start
        if summary_start != expected:
            ledger.problem(offset, f"expected the summary to start at {expected}, got {summary_start}")
