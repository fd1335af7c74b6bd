"""Counts what a scan meets, and in the end holds it against what the file says of itself."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from embodied_kit.errors import DataError
from embodied_kit.mcap.container import (
    Agreement,
    Attachment,
    BeyondLimitError,
    ContainerInfo,
    Crc,
    Problem,
    Readable,
    ReadLimits,
)
from embodied_kit.mcap.records import (
    PRIVATE_OPCODES,
    AttachmentIndex,
    Channel,
    ChunkHead,
    ChunkIndex,
    Footer,
    Metadata,
    Schema,
    Statistics,
)

_ROW = 9
_NAME_LETTERS = 40
_MAX_COMPRESSIONS = 64
_MASK = (1 << 64) - 1


def index_digest(offsets: Iterable[tuple[int, int]]) -> int:
    """A number that stands for a set of (channel id, file offset), whatever their order."""
    return sum(crc32(b"%d %d" % pair) for pair in offsets) & _MASK


def chunk_row(head: ChunkHead | ChunkIndex, offset: int, length: int, index_length: int, digest: int) -> array[int]:
    """A chunk as nine u64: a million of them must not be a million objects."""
    name = crc32(head.compression.encode())
    sizes = (head.compressed_size, head.uncompressed_size)
    times = (head.first_log_time, head.last_log_time)
    return array("Q", (offset, length, *times, *sizes, name, index_length, digest))


@dataclass(frozen=True)
class Closing:
    """How the file ended."""

    readable: Readable
    truncated_at: int | None
    magic_ok: bool
    footer_ok: bool
    size: int
    sha256: str
    changed: bool
    data_end_crc: Crc
    summary_crc: Crc


class Ledger:
    """Everything that was met, in bounded memory."""

    def __init__(self, limits: ReadLimits) -> None:
        self.limits = limits
        self.profile = self.library = ""
        self.schemas: dict[int, Schema] = {}
        self.channels: dict[int, Channel] = {}
        self.attachments: list[Attachment] = []
        self.metadata: dict[str, list[Mapping[str, str]]] = {}
        self.problems: list[Problem] = []
        self.problems_n = self.violations_n = self.beyond_n = 0
        self.statistics: Statistics | None = None
        self.footer: Footer | None = None
        self.opcodes: Counter[int] = Counter()
        self.compressions: Counter[str] = Counter()
        self.chunks_seen_n = self.chunks_without_crc_n = self.bad_crc_n = 0
        self.bad_crc_offsets: list[int] = []
        self.loose_messages_n = self.unindexed_n = self.dangling_n = self.indexed_chunks_n = self.chunks_bad_time_n = 0
        self.first_log: int | None = None
        self.last_log: int | None = None
        self._counts = np.zeros(1 << 16, np.int64)
        self._kept_bytes = 0
        self._attachments_n = self._metadata_n = 0
        self._attachment_crcs: Counter[Crc] = Counter()
        self._chunks, self._chunk_indexes = array("Q"), array("Q")
        self._places, self._place_indexes = array("Q"), array("Q")
        self._data_schemas: set[int] = set()
        self._data_channels: set[int] = set()
        self._early_channels: set[int] = set()
        self._repeated_schemas: dict[int, bool] = {}
        self._repeated_channels: dict[int, bool] = {}

    def problem(self, offset: int, message: str, *, told: bool = False) -> None:
        """Note something that should not be so.

        Args:
            offset: Of the record it is about.
            message: Expected and found.
            told: Whether a number or state of its own tells it too, so that it is no further violation.
        """
        self.problems_n += 1
        self.violations_n += not told
        if len(self.problems) < self.limits.problems:
            self.problems.append(Problem(offset, message))

    def failed(self, offset: int, error: DataError, before: str = "") -> None:
        """Note what could not be read: a fault of the file, or more than is held."""
        beyond = isinstance(error, BeyondLimitError)
        self.beyond_n += beyond
        self.problem(offset, before + error.message, told=beyond)

    def keep(self, size: int) -> None:
        """Take from the budget for kept records.

        Raises:
            BeyondLimitError: it is used up.
        """
        self._kept_bytes += size + 64
        if self._kept_bytes > self.limits.kept_bytes:
            raise BeyondLimitError(
                f"expected definitions and metadata of {self.limits.kept_bytes} bytes at most, got more"
            )

    def add_schema(self, schema: Schema, offset: int, *, summary: bool) -> None:
        """A schema; the same id must mean the same everywhere."""
        if summary:
            self._repeated_schemas[schema.schema_id] = self.schemas.get(schema.schema_id) == schema
            if schema.schema_id in self.schemas:
                return
        elif schema.schema_id == 0:
            self.problem(offset, "expected a schema id from 1 on, got 0")
            return
        else:
            self._data_schemas.add(schema.schema_id)
        if self.schemas.setdefault(schema.schema_id, schema) != schema:
            self.problem(offset, f"expected schema {schema.schema_id} to keep its definition, got another")

    def add_channel(self, channel: Channel, offset: int, *, summary: bool) -> None:
        """A channel; the same id must mean the same everywhere."""
        if summary:
            self._repeated_channels[channel.channel_id] = self.channels.get(channel.channel_id) == channel
            if channel.channel_id in self.channels:
                return
        else:
            self._data_channels.add(channel.channel_id)
        if self.channels.setdefault(channel.channel_id, channel) != channel:
            self.problem(offset, f"expected channel {channel.channel_id} to keep its definition, got another")

    def add_metadata(self, metadata: Metadata, offset: int, length: int) -> None:
        """A metadata record of that whole length."""
        self._metadata_n += 1
        self._place(self._places, offset, length, (metadata.name,))
        if self._metadata_n <= self.limits.kept_records:
            self.metadata.setdefault(metadata.name, []).append(metadata.values)
        else:
            message = f"expected at most {self.limits.kept_records} metadata records, got more"
            self.failed(offset, BeyondLimitError(message))

    def add_metadata_index(self, offset: int, length: int, name: str) -> None:
        """An entry of the summary."""
        self._place(self._place_indexes, offset, length, (name,))

    def add_attachment(self, attachment: Attachment, length: int) -> None:
        """An attachment whose record has that whole length."""
        self._attachments_n += 1
        self._attachment_crcs[attachment.crc] += 1
        self._place(self._places, attachment.offset, length, _attachment_key(attachment))
        if attachment.crc == "bad":
            self.problem(attachment.offset, "expected the attachment's CRC, got another", told=True)
        if self._attachments_n <= self.limits.kept_records:
            self.attachments.append(attachment)
        else:
            message = f"expected at most {self.limits.kept_records} attachments, got more"
            self.failed(attachment.offset, BeyondLimitError(message))

    def add_attachment_index(self, index: AttachmentIndex) -> None:
        """An entry of the summary."""
        self._place(self._place_indexes, index.offset, index.length, _attachment_key(index))

    def _place(self, places: array[int], offset: int, length: int, key: tuple[str | int, ...]) -> None:
        places.extend((offset, length, crc32("\0".join(map(str, key)).encode())))

    def add_chunk(
        self, head: ChunkHead, offset: int, length: int, index: list[tuple[int, int]], index_length: int
    ) -> None:
        """A chunk, opened or not, with (channel id, file offset) of its message indexes and their bytes in all."""
        name = head.compression[:_NAME_LETTERS]
        self.compressions[name if len(self.compressions) < _MAX_COMPRESSIONS else "(more)"] += 1
        self.chunks_without_crc_n += head.crc == 0
        self.indexed_chunks_n += bool(index)
        self._chunks.extend(chunk_row(head, offset, length, index_length, index_digest(index)))

    def add_chunk_index(self, index: ChunkIndex) -> None:
        """An entry of the summary."""
        digest = index_digest(index.index_offsets.items())
        self._chunk_indexes.extend(chunk_row(index, index.offset, index.length, index.index_length, digest))

    def bad_crc(self, offset: int) -> None:
        """A chunk whose CRC does not hold."""
        self.bad_crc_n += 1
        if len(self.bad_crc_offsets) < self.limits.problems:
            self.bad_crc_offsets.append(offset)

    def add_messages(self, channel_id: NDArray[np.uint16], log_time: NDArray[np.uint64], offset: int) -> None:
        """Messages that were delivered, and where; their channel must have come before them."""
        if not len(log_time):
            return
        counts = np.bincount(channel_id)
        for channel in np.flatnonzero(counts).tolist():
            if channel not in self.channels and channel not in self._early_channels:
                self._early_channels.add(channel)
                self.problem(offset, f"expected channel {channel} before its messages, got none")
        self._counts[: len(counts)] += counts
        first, last = int(log_time.min()), int(log_time.max())
        self.first_log = first if self.first_log is None else min(first, self.first_log)
        self.last_log = last if self.last_log is None else max(last, self.last_log)

    @property
    def chunks_n(self) -> int:
        """Chunk records met."""
        return len(self._chunks) // _ROW

    def conclude(self, closing: Closing) -> ContainerInfo:
        """Hold everything against everything else."""
        counts = {int(channel): int(self._counts[channel]) for channel in np.flatnonzero(self._counts)}
        declared = self.statistics
        whole = closing.footer_ok
        wrong = self._statistics_wrong(counts) if whole else {}
        return ContainerInfo(
            **vars(closing),
            profile=self.profile,
            library=self.library,
            chunk_crc=self._chunk_crc(),
            attachment_crc=_worst(self._attachment_crcs),
            chunks_n=self.chunks_n,
            chunks_seen_n=self.chunks_seen_n,
            chunks_without_crc_n=self.chunks_without_crc_n,
            bad_crc_n=self.bad_crc_n,
            bad_crc_offsets=tuple(self.bad_crc_offsets),
            compressions=dict(self.compressions),
            messages_n=sum(counts.values()),
            messages_declared_n=declared.message_count if declared else None,
            channel_counts=counts,
            channel_counts_declared=(declared.channel_counts or None) if declared else None,
            statistics=("bad" if wrong else "ok" if declared else "absent") if whole else "unknown",
            statistics_wrong=wrong,
            chunk_index=_same_rows(self._chunks, self._chunk_indexes, _ROW) if whole else "unknown",
            attachment_index=_same_rows(self._places, self._place_indexes, 3) if whole else "unknown",
            summary_repeats=self._repeats_agree(counts) if whole else "unknown",
            chunk_times=("bad" if self.chunks_bad_time_n else "ok") if self.chunks_seen_n else "absent",
            message_index=self._message_index_state(),
            unindexed_messages_n=self.unindexed_n,
            dangling_entries_n=self.dangling_n,
            loose_messages_n=self.loose_messages_n,
            unknown_opcodes=tuple(sorted((op, n) for op, n in self.opcodes.items() if op not in PRIVATE_OPCODES)),
            private_opcodes=tuple(sorted((op, n) for op, n in self.opcodes.items() if op in PRIVATE_OPCODES)),
            schemas_n=len(self.schemas),
            channels_n=len(self.channels),
            channels_without_schema=tuple(
                sorted(ch.channel_id for ch in self.channels.values() if ch.schema_id not in self.schemas)
            ),
            messages_without_channel_n=sum(n for channel, n in counts.items() if channel not in self.channels),
            attachments_n=self._attachments_n,
            metadata_n=self._metadata_n,
            first_log_time=self.first_log,
            last_log_time=self.last_log,
            problems_n=self.problems_n,
            violations_n=None if self.beyond_n else self.violations_n,
            problems=tuple(self.problems),
        )

    def believed(
        self,
        closing: Closing,
        *,
        chunks_n: int,
        attachments_n: int,
        metadata_n: int,
        log_range: tuple[int, int] | None,
    ) -> ContainerInfo:
        """The same record at depth `index`: what only a full pass can tell is None or `unknown`."""
        return replace(
            self.conclude(closing),
            chunk_crc="unknown" if chunks_n else "none",
            attachment_crc="unknown" if attachments_n else "none",
            chunks_n=chunks_n,
            chunks_seen_n=0,
            messages_n=None,
            statistics="unknown" if self.statistics else "absent",
            statistics_wrong={},
            chunk_index="unknown",
            attachment_index="unknown",
            summary_repeats="unknown",
            chunk_times="unknown",
            message_index="unknown",
            unindexed_messages_n=None,
            dangling_entries_n=None,
            loose_messages_n=None,
            messages_without_channel_n=None,
            attachments_n=attachments_n,
            metadata_n=metadata_n,
            first_log_time=log_range[0] if log_range else None,
            last_log_time=log_range[1] if log_range else None,
        )

    def _chunk_crc(self) -> Crc:
        if not self.chunks_n:
            return "none"
        if self.bad_crc_n:
            return "bad"
        if self.chunks_without_crc_n:
            return "absent" if self.chunks_without_crc_n == self.chunks_n else "partial"
        return "ok" if self.chunks_seen_n == self.chunks_n else "unknown"

    def _message_index_state(self) -> Agreement:
        if not self.indexed_chunks_n:
            return "absent"
        return "bad" if self.unindexed_n or self.dangling_n else "ok"

    def _statistics_wrong(self, counts: Mapping[int, int]) -> dict[str, tuple[int, int]]:
        """Fields of Statistics that differ from what was counted."""
        declared = self.statistics
        if declared is None:
            return {}
        counted = {
            "message_count": sum(counts.values()),
            "schema_count": len(self._data_schemas),
            "channel_count": len(self._data_channels),
            "attachment_count": self._attachments_n,
            "metadata_count": self._metadata_n,
            "chunk_count": self.chunks_n,
            "first_log_time": self.first_log or 0,
            "last_log_time": self.last_log or 0,
        }
        told = {name: int(getattr(declared, name)) for name in counted}
        # Writers differ in whether they count what stands in the summary only.
        everything = {"schema_count": len(self.schemas), "channel_count": len(self.channels)}
        wrong = {name: (told[name], n) for name, n in counted.items() if told[name] not in (n, everything.get(name, n))}
        if declared.channel_counts:
            channels = counts.keys() | declared.channel_counts.keys()
            pairs = {channel: (declared.channel_counts.get(channel, 0), counts.get(channel, 0)) for channel in channels}
            wrong |= {f"channel_counts[{ch}]": pair for ch, pair in sorted(pairs.items()) if pair[0] != pair[1]}
        return wrong

    def _repeats_agree(self, counts: Mapping[int, int]) -> Agreement:
        """Each kind is repeated whole or not at all; what the summary adds must be unused."""
        if not self._repeated_schemas and not self._repeated_channels:
            return "absent"
        used_schemas = {self.channels[channel].schema_id for channel in self._data_channels}
        kinds = (
            (self._repeated_schemas, self._data_schemas, used_schemas),
            (self._repeated_channels, self._data_channels, counts.keys()),
        )
        for repeated, data, used in kinds:
            changed = any(not same and (number in data or number in used) for number, same in repeated.items())
            if repeated and (changed or not data <= repeated.keys()):
                return "bad"
        return "ok"


def _attachment_key(item: Attachment | AttachmentIndex) -> tuple[str | int, ...]:
    return (item.log_time, item.create_time, item.size, item.name, item.media_type)


def _worst(crcs: Counter[Crc]) -> Crc:
    if not crcs:
        return "none"
    if crcs["bad"]:
        return "bad"
    if crcs["absent"]:
        return "partial" if crcs["ok"] else "absent"
    return "ok"


def _same_rows(met: array[int], indexed: array[int], width: int) -> Agreement:
    if not indexed:
        return "absent"
    rows = [np.frombuffer(part, np.uint64).reshape(-1, width) for part in (met, indexed)]
    first, second = (part[np.lexsort(part.T[::-1])] for part in rows)
    return "ok" if np.array_equal(first, second) else "bad"
