"""The loss ledger: what arrived, and what is known to be lost, per stream; the unknown says so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from embodied_kit.episode.datafile import QueueCount
from embodied_kit.model.json import JsonObject, JsonValue
from embodied_kit.model.stream import Sample, Stream

NOT_OBSERVABLE = "not_observable"


@dataclass
class StreamCount:
    """Running counts of one publisher on one topic; stamps are ns since the Unix epoch."""

    received_n: int = 0
    first_source_ns: int = 0
    last_source_ns: int = 0
    last_sequence: int | None = None
    sequence_lost_n: int = 0
    has_sequence: bool = False


@dataclass
class Ledger:
    """Counts of one take."""

    counts: dict[tuple[str, str], StreamCount] = field(default_factory=dict)

    def add(self, samples: Iterable[Sample]) -> None:
        """Count samples in the order in which they arrived."""
        for sample in samples:
            key = (sample.topic, sample.publisher)
            count = self.counts.get(key)
            if count is None:
                count = self.counts[key] = StreamCount()
            if count.received_n == 0:
                count.first_source_ns = sample.source_ns
            count.received_n += 1
            count.last_source_ns = sample.source_ns
            if sample.sequence is not None:
                count.has_sequence = True
                if count.last_sequence is None:
                    count.last_sequence = sample.sequence
                elif sample.sequence > count.last_sequence:  # a number again, or late, tells of no loss
                    count.sequence_lost_n += sample.sequence - count.last_sequence - 1
                    count.last_sequence = sample.sequence

    def entries(self, streams: Iterable[Stream], queues: Mapping[tuple[str, str], QueueCount]) -> list[JsonObject]:
        """`streams[]` of closing.json, one entry a publisher; a stream that stayed silent has one with zero.

        Args:
            streams: Of the contract.
            queues: What the queue to the writer did to each topic and publisher.
        """
        return [entry for stream in streams for entry in self._entries_of(stream, queues)]

    def _entries_of(self, stream: Stream, queues: Mapping[tuple[str, str], QueueCount]) -> list[JsonObject]:
        mine = {publisher: count for (topic, publisher), count in self.counts.items() if topic == stream.topic}
        return [
            _entry(stream, publisher, count, queues.get((stream.topic, publisher), QueueCount()))
            for publisher, count in (mine or {"": StreamCount()}).items()
        ]


def counter_difference(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, int]:
    """Growth of a transport's loss counters over a take."""
    return {name: after[name] - before.get(name, 0) for name in sorted(after)}


def _entry(stream: Stream, publisher: str, count: StreamCount, queue: QueueCount) -> JsonObject:
    entry: dict[str, JsonValue] = {"stream_id": stream.stream_id, "topic": stream.topic}
    if publisher:
        entry["publisher"] = publisher
    entry["received_n"] = count.received_n - queue.dropped_n
    if count.received_n:
        entry["first_source_ns"] = str(count.first_source_ns)
        entry["last_source_ns"] = str(count.last_source_ns)
    entry["loss"] = {
        "publisher_sequence": count.sequence_lost_n if count.has_sequence else NOT_OBSERVABLE,
        "transport": NOT_OBSERVABLE,
        "queue": queue.dropped_n,
    }
    entry["queue_high_water_bytes"] = queue.high_water_bytes
    return entry
