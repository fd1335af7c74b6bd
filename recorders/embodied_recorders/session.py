"""A recording session: one transport, one contract, one dataset, any number of takes in one process."""

from __future__ import annotations

import secrets
import shutil
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeAlias

from embodied_kit import __version__
from embodied_kit.canonical import pretty_bytes, sha256_hex
from embodied_kit.episode.bag_metadata import qos_text
from embodied_kit.episode.datafile import CommandSink, OutMessage
from embodied_kit.episode.dataset import Dataset
from embodied_kit.episode.ids import uuid7
from embodied_kit.episode.layout import DATASET_JSON, ROBOT_JSON, ROBOTS, TASKS_JSON
from embodied_kit.episode.robots import RobotFolder, read_robot
from embodied_kit.episode.take import TakeFile
from embodied_kit.errors import EnvironmentUnfitError, UsageError, WriteFaultError
from embodied_kit.messages.definitions import TypeStore
from embodied_kit.model.channel import ChannelInfo
from embodied_kit.model.contract import Contract
from embodied_kit.model.json import JsonObject
from embodied_kit.model.stream import Endpoint, Sample, Stream
from embodied_recorders.clock import Clock, SystemClock, clock_document
from embodied_recorders.documents import (
    Span,
    TakeOptions,
    TakeResult,
    capture_document,
    closing_document,
    recorder_document,
)
from embodied_recorders.ledger import Ledger, counter_difference
from embodied_recorders.sink import Sink
from embodied_recorders.survey import by_topic
from embodied_recorders.transports.base import UNKNOWN_PUBLISHER, Transport


class EndableSink(CommandSink, Protocol):
    """A sink that may hold a process."""

    def shut_down(self) -> None:
        """Free it."""
        ...


StopWhen: TypeAlias = Callable[[Sequence[Sample]], str]
Judge: TypeAlias = Callable[["Progress"], TakeResult]
_TAKE_S = 0.02
_PAUSE_S = 0.008  # messages taken in batches cost a quarter of messages taken one by one (measured)
_LOOK_PERIOD_NS = 1_000_000_000  # at limits: disk space, length
_LONGEST_DRAIN_S = 1.0
_MOST_UNTOLD = 64  # latched messages of one topic whose publishers cannot be told apart
RECORDER_CLOCK = "host_realtime"
BULK_MODALITIES = frozenset({"vision", "spatial", "acoustic"})  # they give way where the queue to the writer is full


@dataclass(frozen=True)
class Progress:
    """A take so far: seconds, messages, bytes, and why it stopped (empty while it runs)."""

    elapsed_s: float
    messages_n: int
    bytes_n: int
    stop_reason: str = ""


@dataclass(frozen=True)
class Recorded:
    """A take on disk: its id, folder, closing document and the messages in it; what the disk refused, if it did."""

    episode_id: str
    folder: Path
    closing: JsonObject
    messages_n: int
    fault: WriteFaultError | None = None


@dataclass
class Session:
    """Records takes; not thread-safe.

    Attributes:
        transport: Open, with the contract's streams subscribed (preflight does it).
        dataset: An open, unsealed dataset that has the contract's robots.
        definitions: Where definitions of types come from.
        host: Pseudonym of this machine.
        distro: ROS distribution of the robot, asked first for definitions; None where its types tell their hashes.
        new_sink: Starts what writes the files; the default is a process of its own.
        clock: What takes are cut by.
        random_bits: Randomness of episode ids.
    """

    transport: Transport
    dataset: Dataset
    contract: Contract
    definitions: TypeStore
    host: str
    distro: str | None = None
    new_sink: Callable[[], EndableSink] = Sink
    clock: Clock = field(default_factory=SystemClock)
    random_bits: Callable[[int], int] = secrets.randbits
    _latched: dict[tuple[str, str], Sample] = field(default_factory=dict)
    _endpoints: dict[str, Endpoint] = field(default_factory=dict)
    _sink: EndableSink | None = None

    def __post_init__(self) -> None:
        self.dataset.require_open()
        self._streams: Mapping[str, Stream] = {stream.topic: stream for stream in self.contract.streams}
        self._robots: Sequence[RobotFolder] = [self._robot(robot_id) for robot_id in self.contract.robots]

    def _robot(self, robot_id: str) -> RobotFolder:
        self.dataset.robot(robot_id)  # refuses in plain words where it is not there
        return read_robot(self.dataset.root / ROBOTS / robot_id / ROBOT_JSON)

    def prepare(self) -> EndableSink:
        """Start the writer, which takes a moment, where none runs.

        Raises:
            EnvironmentUnfitError: It does not start.
        """
        if self._sink is None:
            self._sink = self.new_sink()
        return self._sink

    def idle(self, timeout_s: float) -> Sequence[Sample]:
        """Keep up with the graph between takes: latched messages are remembered, the rest is let go."""
        self.clock.pause(min(timeout_s, _PAUSE_S))
        samples = self.transport.take(timeout_s)
        self._remember_latched(samples)
        return samples

    def record(
        self, take: TakeOptions, stop_when: StopWhen, judge: Judge, watch: Callable[[Progress], None]
    ) -> Recorded:
        """Record one take.

        Args:
            take: What is known before it starts.
            stop_when: Asked after each batch of samples; a non-empty reason ends the take.
            judge: Asked at the end for outcome and stop reason.
            watch: Told the progress after each batch.

        Raises:
            UsageError: See `require`.
            EnvironmentUnfitError: The disk is full or the writer failed; what was written stays in the staging folder.
        """
        self.require(take)
        self._require_space()
        sink = self.prepare()
        self._let_go_of_the_past()
        start_ns = self.clock.now_ns()
        file = TakeFile(self.dataset.root, uuid7(start_ns, self.random_bits(74)), sink)
        running = _Running(file, self._channel_for, self._is_bulk, Ledger(), self.clock.now_ns, start_ns)
        counters = self.transport.loss_counters()
        clock = clock_document(RECORDER_CLOCK, self.host, self.clock)
        capture = self._capture(file.episode_id, take, clock)
        capture_bytes = pretty_bytes(capture)
        try:
            file.open(capture_bytes, self._attachments(), start_ns)
            running.replay(self._still_latched())
            reason = self._receive(running, stop_when, watch)
            stopped_ns = self.clock.now_ns()
            result = judge(running.progress(reason))
            end_ns = max(result.end_ns or stopped_ns, start_ns)  # a clock may be set back meanwhile
            closing = closing_document(
                episode_id=file.episode_id,
                span=Span(start_ns, end_ns),
                result=result,
                streams=running.ledger.entries(self.contract.streams, file.queue_counts()),
                transport_counters=counter_difference(counters, self.transport.loss_counters()),
                clocks=[{**clock, "samples": [self.clock.sample()]}],
            )
            folder = file.finish(
                capture=capture,
                capture_bytes=capture_bytes,
                closing=closing,
                time_ns=end_ns,
                origin="recorded",
                while_waiting=lambda: self.idle(0.0),
            )
        except BaseException:
            self.close()
            raise
        self.dataset.refresh(end_ns)
        return Recorded(file.episode_id, folder, closing, sum(file.counts), running.fault)

    def close(self) -> None:
        """End the writer process; the transport stays open, it is the caller's."""
        if self._sink is not None:
            self._sink.shut_down()
            self._sink = None

    def _receive(self, running: _Running, stop_when: StopWhen, watch: Callable[[Progress], None]) -> str:
        next_look_ns = self.clock.monotonic_ns() + _LOOK_PERIOD_NS
        while True:
            self.clock.pause(_PAUSE_S)
            samples = self.transport.take(_TAKE_S)
            self._remember_latched(samples)
            running.add(samples)
            reason = stop_when(samples) or ("write_error" if running.fault else "")
            if self.clock.monotonic_ns() >= next_look_ns:
                next_look_ns = self.clock.monotonic_ns() + _LOOK_PERIOD_NS
                reason = reason or self._limit_reached(running)
            watch(running.progress(reason))
            if reason:
                return reason

    def _limit_reached(self, running: _Running) -> str:
        longest_s = self.contract.max_episode_s
        if longest_s is not None and running.progress().elapsed_s >= longest_s:
            return "limit"
        return "disk_floor" if self._free_bytes() < self.contract.min_free_bytes else ""

    def _free_bytes(self) -> int:
        return shutil.disk_usage(self.dataset.root).free

    def _require_space(self) -> None:
        free = self._free_bytes()
        if free < self.contract.min_free_bytes:
            raise EnvironmentUnfitError(
                f"expected {self.contract.min_free_bytes} bytes free for {self.dataset.root}, got {free}",
                remedy="free disk space, or lower limits.min_free_bytes in the contract",
            )

    def _let_go_of_the_past(self) -> None:
        """What was sent before the take starts does not belong to it."""
        deadline = time.monotonic() + _LONGEST_DRAIN_S
        while self.idle(0.0) and time.monotonic() < deadline:
            pass

    def _remember_latched(self, samples: Iterable[Sample]) -> None:
        for sample in samples:
            stream = self._streams.get(sample.topic)
            if stream is not None and stream.cadence == "latched":
                if sample.publisher == UNKNOWN_PUBLISHER:
                    self._remember_untold(sample)
                else:
                    self._latched[sample.topic, sample.publisher] = sample

    def _remember_untold(self, sample: Sample) -> None:
        """Of a topic's publishers that cannot be told apart (/tf_static over rclpy), none may replace another's."""
        key = (sample.topic, sha256_hex(sample.cdr))
        self._latched.pop(key, None)
        self._latched[key] = sample
        untold = [at for at, one in self._latched.items() if at[0] == sample.topic and not one.publisher]
        for at in untold[:-_MOST_UNTOLD]:
            del self._latched[at]

    def _still_latched(self) -> list[Sample]:
        """Remembered latched messages, without those of a publisher that another has replaced."""
        live = {endpoint.publisher: endpoint.topic for endpoint in self.transport.endpoints()}
        served = set(live.values())
        return [s for s in self._latched.values() if not s.publisher or s.publisher in live or s.topic not in served]

    def _channel_for(self, sample: Sample) -> ChannelInfo:
        offered = self._offered(sample)
        stream = self._streams[sample.topic]
        hashes = {endpoint.type_hash for endpoint in offered}
        wire_hash = hashes.pop() if len(hashes) == 1 else None
        found = self.definitions.definition(stream.ros_type, wire_hash, self.distro)
        return ChannelInfo(
            topic=sample.topic,
            ros_type=stream.ros_type,
            schema_encoding="ros2msg" if found else "",
            definition=found.text if found else "",
            type_hash=wire_hash or (found.type_hash if found else ""),
            qos_text=qos_text([endpoint.qos for endpoint in offered]) if offered else "",
            publisher=sample.publisher,
            sequence_source="none" if sample.sequence is None else "publisher",
            stream_id=stream.stream_id,
        )

    def _offered(self, sample: Sample) -> Sequence[Endpoint]:
        """The publisher of a sample, as the graph shows it; every one of its topic where nothing tells which."""
        if sample.publisher == UNKNOWN_PUBLISHER:
            return by_topic(self.transport.endpoints()).get(sample.topic, [])
        if sample.publisher not in self._endpoints:
            self._endpoints.update({endpoint.publisher: endpoint for endpoint in self.transport.endpoints()})
        found = self._endpoints.get(sample.publisher)
        return [found] if found else []

    def _is_bulk(self, sample: Sample) -> bool:
        return self._streams[sample.topic].modality in BULK_MODALITIES

    def _capture(self, episode_id: str, take: TakeOptions, clock: JsonObject) -> JsonObject:
        return capture_document(
            dataset=self.dataset.document(),
            episode_id=episode_id,
            contract=self.contract,
            robots=self._robots,
            clocks=[clock],
            recorder=recorder_document(__version__, self.contract, self.transport.name),
            take=take,
        )

    def _attachments(self) -> dict[str, bytes]:
        return {name: data for robot in self._robots for name, data in robot.attachments().items()}

    def require(self, take: TakeOptions) -> None:
        """Refuse a take that would refer to nothing.

        Raises:
            UsageError: Its task is not in tasks.json, or its collection or series not in dataset.json.
        """
        _require_known("task", take.task_id, self.dataset.task_ids(), TASKS_JSON)
        _require_known("collection", take.collection_id, self.dataset.collection_ids(), DATASET_JSON)
        _require_known("series", take.series_id, self.dataset.series_ids(), DATASET_JSON)


def _require_known(kind: str, wanted: str, known: Sequence[str], place: str) -> None:
    if wanted not in known:
        raise UsageError(
            f"expected a {kind} of {place} ({', '.join(known) or 'it has none'}), got {wanted!r}",
            remedy=f"add it to {place}",
        )


@dataclass
class _Running:
    """A take while it runs: maps samples to channels and counts them."""

    file: TakeFile
    channel_for: Callable[[Sample], ChannelInfo]
    is_bulk: Callable[[Sample], bool]
    ledger: Ledger
    now_ns: Callable[[], int]
    start_ns: int
    bytes_n: int = 0
    fault: WriteFaultError | None = None
    _channels: dict[tuple[str, str], int] = field(default_factory=dict)

    def replay(self, samples: Iterable[Sample]) -> None:
        """Write remembered latched messages first; they are received anew at the start of the take."""
        again = [Sample(s.topic, s.cdr, s.source_ns, self.start_ns, s.publisher, s.sequence) for s in samples]
        self.add(again)

    def add(self, samples: Sequence[Sample]) -> None:
        """Count samples and hand them to the writer; a refusal of the disk is remembered, and ends the take."""
        try:
            rows = [
                OutMessage(self._channel(s), s.receive_ns, max(s.source_ns, 0), (s.sequence or 0) % 2**32, s.cdr)
                for s in samples
            ]
            self.ledger.add(samples)
            self.bytes_n += sum(len(sample.cdr) for sample in samples)
            self.file.write(rows)
        except WriteFaultError as error:
            self.fault = error

    def progress(self, reason: str = "") -> Progress:
        elapsed_s = (self.now_ns() - self.start_ns) / 1e9
        return Progress(elapsed_s, sum(self.file.counts), self.bytes_n, reason)

    def _channel(self, sample: Sample) -> int:
        key = (sample.topic, sample.publisher)
        if key not in self._channels:
            self._channels[key] = self.file.add_channel(self.channel_for(sample), bulk=self.is_bulk(sample))
        return self._channels[key]
