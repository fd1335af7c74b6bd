"""The loss ledger: what arrived, and what is known to be lost, per stream; the unknown says so."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from embodied_kit.episode.datafile import QueueCount
from embodied_kit.model.json import JsonObject, JsonValue
from embodied_kit.model.stream import Sample, Stream
from embodied_recorders.graph.stamps import HEADER_END, STAMP, HeaderStamps

NOT_OBSERVABLE = "not_observable"
_FOLD_EVERY = 8192  # messages; their heads are 64 KiB
MOST_ENTRIES = 64  # a topic; a node that dies every other second would fill the closing document
_MOST_LATE = 16  # numbers in a row below the highest one
_NO_LOSSES: Mapping[str, int] = {}


@dataclass(frozen=True)
class Evidence:
    """What the messages of one publisher can tell.

    Attributes:
        is_stamped: They begin with a header that can be read.
        period_ns: Declared period in ns; None where there is none.
        is_picture: The same content under another stamp is a duplicate.
    """

    is_stamped: bool = False
    period_ns: float | None = None
    is_picture: bool = False


@dataclass(slots=True)
class StreamCount:
    """Running counts of one publisher on one topic; stamps are ns since the Unix epoch.

    Attributes:
        stamps: Its header stamps; None where messages have none, or several publishers' are mixed.
        body_at: Duplicates are told from this byte on.
    """

    first_source_ns: int
    first_receive_ns: int
    stamps: HeaderStamps | None = None
    body_at: int = 0
    received_n: int = 0
    last_source_ns: int = 0
    last_sequence: int | None = None
    sequence_lost_n: int = 0
    has_sequence: bool = False
    late_n: int = 0
    began_anew_at: int = 0
    duplicate_n: int = 0
    newest: bytes = b""

    @property
    def missing_n(self) -> int | None:
        """Periods missing by the stamps; None where those tell nothing."""
        stamps = self.stamps
        return None if stamps is None or stamps.period_ns is None or not stamps.advances else stamps.missing_n

    def number(self, sequence: int) -> None:
        """Take in the publisher's number of a message that is not the one after the last."""
        last = self.last_sequence
        self.has_sequence = True
        if last is None:
            self.last_sequence = sequence
        elif sequence > last:
            self.late_n = 0
            if last < self.began_anew_at < sequence:  # it goes on where it was before what seemed another beginning
                last = self.began_anew_at
            self.sequence_lost_n += sequence - last - 1
            self.last_sequence = sequence
        else:  # a number again, or late, tells of no loss; many in a row are of a publisher that began anew
            self.late_n += 1
            if self.late_n >= _MOST_LATE:
                self.began_anew_at = max(last, self.began_anew_at)
                self.last_sequence, self.late_n = sequence, 0


@dataclass(frozen=True)
class StreamTotals:
    """What is known of one stream; None where it cannot be."""

    received_n: int = 0
    lost_n: int | None = None
    missing_n: int | None = None
    stale_n: int = 0
    duplicate_n: int = 0


def no_evidence(_sample: Sample) -> Evidence:
    """Nothing is known of the messages."""
    return Evidence()


@dataclass
class Ledger:
    """Counts of one take.

    Attributes:
        evidence_of: What a publisher's messages can tell, asked at its first one.
        monotonic_ns: A clock that never goes back.
    """

    counts: dict[tuple[str, str], StreamCount] = field(default_factory=dict)
    evidence_of: Callable[[Sample], Evidence] = no_evidence
    monotonic_ns: Callable[[], int] = time.monotonic_ns
    _unfolded_n: int = 0

    def add(self, samples: Iterable[Sample]) -> None:
        """Count samples in the order in which they arrived."""
        counts = self.counts
        for sample in samples:
            count = counts.get((sample.topic, sample.publisher)) or self._opened(sample)
            count.received_n += 1
            count.last_source_ns = sample.source_ns
            cdr, newest = sample.cdr, count.newest
            if count.stamps is not None and len(cdr) >= HEADER_END:
                count.stamps.heads += cdr[STAMP]
            if len(cdr) == len(newest) and (
                cdr == newest or (count.body_at and cdr.endswith(memoryview(newest)[count.body_at :]))
            ):
                count.duplicate_n += 1
            count.newest = cdr
            sequence = sample.sequence
            if sequence is not None:
                if count.last_sequence is not None and sequence == count.last_sequence + 1:
                    count.last_sequence, count.late_n = sequence, 0
                else:
                    count.number(sequence)
            self._unfolded_n += 1
        if self._unfolded_n >= _FOLD_EVERY:
            self.fold()

    def fold(self) -> None:
        """Look at the header stamps that have come since the last call."""
        self._unfolded_n, now_ns = 0, self.monotonic_ns()
        for count in self.counts.values():
            if count.stamps is not None:
                count.stamps.fold(now_ns)

    def totals(self) -> dict[str, StreamTotals]:
        """What is known so far, by topic."""
        self.fold()
        groups: dict[str, list[StreamCount]] = {}
        for (topic, _), count in self.counts.items():
            groups.setdefault(topic, []).append(count)
        return {topic: _totals(group) for topic, group in groups.items()}

    def entries(
        self,
        streams: Iterable[Stream],
        queues: Mapping[tuple[str, str], QueueCount],
        transport_losses: Mapping[str, int] = _NO_LOSSES,
    ) -> list[JsonObject]:
        """`streams[]` of closing.json, one entry a publisher; a stream that stayed silent has one with zero.

        Of more than MOST_ENTRIES publishers of a topic, those that sent least have one entry together.

        Args:
            streams: Of the contract.
            queues: What the queue to the writer did to each topic and publisher.
            transport_losses: Messages that the transport reports as lost, for each topic of which it can tell. Where a
                topic has several publishers, nobody knows whose they were: an entry without publisher has them.
        """
        self.fold()
        return [
            entry
            for stream in streams
            for entry in self._entries_of(stream, queues, transport_losses.get(stream.topic))
        ]

    def _opened(self, sample: Sample) -> StreamCount:
        evidence = self.evidence_of(sample)
        for (topic, _), other in self.counts.items():
            if topic == sample.topic:
                other.newest = b""  # its publisher may have gone, and a picture is big
        count = StreamCount(sample.source_ns, sample.receive_ns)
        if evidence.is_stamped and sample.publisher:
            count.stamps = HeaderStamps(evidence.period_ns)
            count.body_at = HEADER_END if evidence.is_picture else 0
        self.counts[sample.topic, sample.publisher] = count
        return count

    def _entries_of(
        self, stream: Stream, queues: Mapping[tuple[str, str], QueueCount], transport_lost_n: int | None
    ) -> Sequence[JsonObject]:
        mine: dict[str, StreamCount | None] = {
            publisher: count for (topic, publisher), count in self.counts.items() if topic == stream.topic
        }
        if not mine or (transport_lost_n and len(mine) > 1):
            mine.setdefault("", None)
        entries = [
            _entry(
                stream,
                publisher,
                count,
                queues.get((stream.topic, publisher), QueueCount()),
                _share(transport_lost_n, len(mine), publisher),
            )
            for publisher, count in mine.items()
        ]
        return entries if len(entries) <= MOST_ENTRIES else _bounded(entries)


def counter_difference(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, int]:
    """Growth of a transport's loss counters over a take."""
    return {name: after[name] - before.get(name, 0) for name in sorted(after)}


def _share(lost_n: int | None, entries_n: int, publisher: str) -> int | None:
    """What one entry says of a topic's loss: all of it, or nothing where it may be another publisher's."""
    return lost_n if not lost_n or entries_n == 1 or not publisher else None


def _totals(counts: Iterable[StreamCount]) -> StreamTotals:
    counts = list(counts)
    lost = [count.sequence_lost_n for count in counts if count.has_sequence]
    missing = [count.missing_n for count in counts if count.missing_n is not None]
    return StreamTotals(
        received_n=sum(count.received_n for count in counts),
        lost_n=sum(lost) if lost else None,
        missing_n=sum(missing) if missing else None,
        stale_n=sum(count.stamps.stale_n for count in counts if count.stamps is not None),
        duplicate_n=sum(count.duplicate_n for count in counts),
    )


def _entry(
    stream: Stream, publisher: str, count: StreamCount | None, queue: QueueCount, transport_lost_n: int | None
) -> dict[str, JsonValue]:
    entry: dict[str, JsonValue] = {"stream_id": stream.stream_id, "topic": stream.topic}
    if publisher:
        entry["publisher"] = publisher
    entry["received_n"] = count.received_n - queue.dropped_n if count else 0
    if count:
        entry["first_source_ns"] = str(count.first_source_ns)
        entry["last_source_ns"] = str(count.last_source_ns)
        entry["first_receive_ns"] = str(count.first_receive_ns)
    entry["loss"] = {
        "publisher_sequence": _told(count.sequence_lost_n if count and count.has_sequence else None),
        "header_stamp": _told(count.missing_n if count else None),
        "transport": _told(transport_lost_n),
        "queue": queue.dropped_n,
    }
    entry["queue_high_water_bytes"] = queue.high_water_bytes
    return entry


def _bounded(entries: Sequence[dict[str, JsonValue]]) -> list[JsonObject]:
    """The entries of the publishers that sent most, and one without publisher that sums up the rest."""

    def size(entry: Mapping[str, JsonValue]) -> int:
        return _number(entry["received_n"]) if "publisher" in entry else -1

    kept = {str(entry["publisher"]) for entry in heapq.nlargest(MOST_ENTRIES - 1, entries, key=size)}
    rest = [entry for entry in entries if str(entry.get("publisher", "")) not in kept]
    losses = [loss for loss in (entry["loss"] for entry in rest) if isinstance(loss, Mapping)]
    told = {name: [n for n in (loss[name] for loss in losses) if isinstance(n, int)] for name in losses[0]}
    summed: JsonObject = {
        "stream_id": rest[0]["stream_id"],
        "topic": rest[0]["topic"],
        "received_n": sum(_number(entry["received_n"]) for entry in rest),
        "loss": {name: sum(counts) if counts else NOT_OBSERVABLE for name, counts in told.items()},
        "queue_high_water_bytes": max(_number(entry["queue_high_water_bytes"]) for entry in rest),
    }
    return [*(entry for entry in entries if str(entry.get("publisher", "")) in kept), summed]


def _number(value: JsonValue) -> int:
    return value if isinstance(value, int) else 0


def _told(count_n: int | None) -> JsonValue:
    return NOT_OBSERVABLE if count_n is None else count_n
