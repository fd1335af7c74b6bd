"""What a scan says about the file around the messages: one frozen record, every number counted, none believed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from embodied_kit.errors import DataError

MIB = 1024 * 1024
Readable = Literal["ok", "truncated", "bad_magic", "unreadable"]
Crc = Literal["ok", "bad", "absent", "partial", "none", "unknown"]
"""`absent`: all zero; `partial`: some zero, the others ok; `none`: nothing to have one; `unknown`: not computed."""
Agreement = Literal["ok", "bad", "absent", "unknown"]


@dataclass(frozen=True)
class ReadLimits:
    """Bounds that keep a scan within 300 MB of memory, whatever the file says.

    Attributes:
        chunk_bytes: Largest record that is held and largest uncompressed chunk; a larger one is reported, not seen.
        definition_bytes: Largest schema, channel, metadata or summary record that is parsed.
        kept_bytes: Sum of such records that are kept.
        kept_records: Number of attachments, and of metadata records, that are kept.
        batch_messages: Most messages in one batch.
        problems: Problems and offsets that are listed; all are counted.
    """

    chunk_bytes: int = 64 * MIB
    definition_bytes: int = 4 * MIB
    kept_bytes: int = 8 * MIB
    kept_records: int = 10_000
    batch_messages: int = 262_144
    problems: int = 256


DEFAULT_LIMITS = ReadLimits()


class BeyondLimitError(DataError):
    """More than is held: no fault of the file."""


def check_size(size: int, limit: int) -> None:
    """Refuse what is too large to be held.

    Raises:
        BeyondLimitError: `size` is above `limit`.
    """
    if size > limit:
        raise BeyondLimitError(f"expected {limit} bytes at most, got {size}")


@dataclass(frozen=True)
class Problem:
    """Something in the file that should not be so.

    Attributes:
        offset: Byte offset in the file of the record it is about.
        message: Expected and found, in stable English.
    """

    offset: int
    message: str


@dataclass(frozen=True)
class Attachment:
    """An attachment as it was passed by.

    Attributes:
        log_time, create_time: ns.
        size: Bytes of its data.
        sha256: Hex digest of its data; empty at depth `index`.
        crc: Whether its own CRC holds.
        offset: Byte offset of its record in the file.
        data_offset: Byte offset of its data; 0 at depth `index`.
    """

    name: str
    media_type: str
    log_time: int
    create_time: int
    size: int
    sha256: str
    crc: Crc
    offset: int
    data_offset: int


@dataclass(frozen=True)
class ContainerInfo:
    """Everything the `container` facts need about one MCAP file.

    Attributes:
        readable: `ok` up to the closing magic; `truncated` where a record ends beyond the file or records are missing.
        truncated_at: Byte offset of the first record that is not whole; None where all are.
        size, sha256: Of the very bytes that were parsed; sha256 is empty at depth `index`.
        changed: The file had another size after the scan than before.
        chunks_n: Chunk records met; chunks_seen_n of them were opened.
        bad_crc_offsets: The first chunks whose CRC does not hold.
        messages_n: Messages counted in chunks and outside; None at depth `index`.
        messages_declared_n: By Statistics; None without them.
        channel_counts, channel_counts_declared: Channel id -> messages, counted and by Statistics (None: not written).
        statistics: Whether all of Statistics agrees with what was counted.
        statistics_wrong: Field of Statistics -> (declared, counted) where they differ.
        chunk_index: Whether the ChunkIndex records are exactly the chunks and their message indexes.
        attachment_index: Whether the AttachmentIndex and MetadataIndex records are exactly those met.
        summary_repeats: Whether the summary repeats every schema and channel of the data section as it is; it may hold
            more, without messages (the C++ writer keeps unused channels there only).
        chunk_times: Whether each chunk's time range is that of its messages.
        message_index: Whether every chunk's MessageIndex lists its messages and nothing else; absent: none is.
        unindexed_messages_n: Messages in chunks that no MessageIndex lists.
        dangling_entries_n: MessageIndex entries without a message of their own.
        loose_messages_n: Messages outside chunks.
        unknown_opcodes, private_opcodes: (opcode, count); private are 0x80 to 0xFF.
        channels_without_schema: Channel ids whose schema id is 0 or was never defined.
        messages_without_channel_n: Messages on a channel that no record defines.
        first_log_time, last_log_time: Least and greatest, ns; None without messages.
        problems: The first of them, in file order; problems_n counts all.
        violations_n: Those that no other attribute tells; None where a part was beyond the limits, so that it was not
            looked at.
    """

    readable: Readable
    truncated_at: int | None
    magic_ok: bool
    footer_ok: bool
    size: int
    sha256: str
    changed: bool
    profile: str
    library: str
    chunk_crc: Crc
    data_end_crc: Crc
    summary_crc: Crc
    attachment_crc: Crc
    chunks_n: int
    chunks_seen_n: int
    chunks_without_crc_n: int
    bad_crc_n: int
    bad_crc_offsets: tuple[int, ...]
    compressions: Mapping[str, int]
    messages_n: int | None
    messages_declared_n: int | None
    channel_counts: Mapping[int, int]
    channel_counts_declared: Mapping[int, int] | None
    statistics: Agreement
    statistics_wrong: Mapping[str, tuple[int, int]]
    chunk_index: Agreement
    attachment_index: Agreement
    summary_repeats: Agreement
    chunk_times: Agreement
    message_index: Agreement
    unindexed_messages_n: int | None
    dangling_entries_n: int | None
    loose_messages_n: int | None
    unknown_opcodes: tuple[tuple[int, int], ...]
    private_opcodes: tuple[tuple[int, int], ...]
    schemas_n: int
    channels_n: int
    channels_without_schema: tuple[int, ...]
    messages_without_channel_n: int | None
    attachments_n: int
    metadata_n: int
    first_log_time: int | None
    last_log_time: int | None
    problems_n: int
    violations_n: int | None
    problems: tuple[Problem, ...] = field(default=())

    @property
    def sound(self) -> bool:
        """Whether the file is whole and nothing that it says of itself is contradicted; absent checks do not count."""
        crcs = (self.chunk_crc, self.data_end_crc, self.summary_crc, self.attachment_crc)
        agreements = (
            self.statistics,
            self.chunk_index,
            self.attachment_index,
            self.summary_repeats,
            self.chunk_times,
            self.message_index,
        )
        return (
            self.readable == "ok"
            and not self.changed
            and not self.problems_n
            and "bad" not in crcs
            and "bad" not in agreements
            and not self.messages_without_channel_n
        )
