"""A recording session: one transport, one contract, one dataset, any number of takes in one process."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeAlias

from embodied_kit import __version__
from embodied_kit.canonical import pretty_bytes
from embodied_kit.episode.datafile import CommandSink
from embodied_kit.episode.dataset import Dataset
from embodied_kit.episode.ids import uuid7
from embodied_kit.episode.layout import ROBOT_JSON, ROBOTS, writing
from embodied_kit.episode.robots import RobotFolder, read_robot
from embodied_kit.episode.span import Span
from embodied_kit.episode.take import TakeFile
from embodied_kit.errors import EnvironmentUnfitError, WriteFaultError
from embodied_kit.messages.definitions import TypeStore
from embodied_kit.model.contract import Contract
from embodied_kit.model.json import JsonObject
from embodied_kit.model.stream import Sample
from embodied_recorders.graph.clock import Clock, SystemClock, clock_document
from embodied_recorders.take.channels import Channels
from embodied_recorders.take.documents import (
    TakeOptions,
    TakeResult,
    capture_document,
    closing_document,
    recorder_document,
)
from embodied_recorders.take.latched import LatchedMemory
from embodied_recorders.take.ledger import Ledger, counter_difference
from embodied_recorders.take.references import require_references
from embodied_recorders.take.running import Opening, Progress, Running
from embodied_recorders.transports.base import Transport
from embodied_recorders.writing.patience import patiently
from embodied_recorders.writing.room import Room, RoomWatch
from embodied_recorders.writing.sink import Sink


class EndableSink(CommandSink, Protocol):
    """A sink that may hold a process."""

    def shut_down(self) -> None:
        """Free it."""
        ...


StopWhen: TypeAlias = Callable[[Sequence[Sample]], str]
Outcome: TypeAlias = Callable[[Progress], TakeResult]
_TAKE_S = 0.02
_PAUSE_S = 0.008  # messages taken in batches cost a quarter of messages taken one by one (measured)
_CHECK_PERIOD_NS = 1_000_000_000
_LONGEST_DRAIN_S = 1.0
RECORDER_CLOCK = "host_realtime"


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
        robots: Those of the contract, as the dataset describes them.
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
    _sink: EndableSink | None = None
    _file: TakeFile | None = None
    _next_check_ns: int = 0

    def __post_init__(self) -> None:
        self.dataset.require_open()
        self.channels = Channels(self.transport, self.contract.streams, self.definitions, self.distro)
        self._watch = RoomWatch(self.dataset.root)
        self._latched = LatchedMemory(s.topic for s in self.contract.streams if s.cadence == "latched")
        self.robots: Sequence[RobotFolder] = [self._robot(robot_id) for robot_id in self.contract.robots]

    def _robot(self, robot_id: str) -> RobotFolder:
        self.dataset.robot(robot_id)  # refuses in plain words where it is not there
        return read_robot(self.dataset.root / ROBOTS / robot_id / ROBOT_JSON)

    def prepare(self) -> EndableSink:
        """Do what takes a moment, so that no first message waits for it: start the writer, look up definitions.

        Raises:
            EnvironmentUnfitError: It does not start.
        """
        if self._sink is None:
            self._sink = self.new_sink()
        self.channels.learn()
        return self._sink

    def idle(self, timeout_s: float) -> Sequence[Sample]:
        """Keep up with the graph between takes: latched messages are remembered, the rest is let go."""
        self.clock.pause(min(timeout_s, _PAUSE_S))
        samples = self.transport.take(timeout_s)
        self._latched.see(samples)
        return samples

    def record(
        self, take: TakeOptions, stop_when: StopWhen, outcome: Outcome, watch: Callable[[Progress], None]
    ) -> Recorded:
        """Record one take from now until something says stop.

        Args:
            take: What is known before it starts.
            stop_when: Asked after each batch of samples; a non-empty reason ends the take.
            outcome: Asked at the end for outcome and stop reason.
            watch: Told the progress after each batch.

        Raises:
            UsageError: See `require`.
            EnvironmentUnfitError: The disk is full or the writer failed; what was written stays in the staging folder.
        """
        self._require_space()
        self.require(take)
        self.prepare()
        self.let_go_of_the_past()
        running = self.begin(take)
        try:
            while not running.stop_reason:
                samples = self.turn(running)
                running.stop(stop_when(samples))
                watch(running.progress(running.stop_reason))
            return self.finish(running, outcome(running.progress(running.stop_reason)))
        except BaseException:
            self.close()
            raise

    def begin(self, take: TakeOptions, before: Sequence[Sample] = ()) -> Running:
        """Open a take whose span starts now.

        Args:
            take: What is known before it starts.
            before: A pre-roll in order of receipt: written first, before the span.

        Raises:
            UsageError: See `require`.
            EnvironmentUnfitError: Too little disk is free, or the writer failed.
        """
        self._require_space()
        self.require(take)
        sink = self.prepare()
        start_ns = self.clock.now_ns()
        file_ns = min([start_ns, *(sample.receive_ns for sample in before[:1])])
        file = self._file = TakeFile(self.dataset.root, uuid7(start_ns, self.random_bits(74)), sink)
        clock = clock_document(RECORDER_CLOCK, self.host, self.clock)
        capture = self._capture(file.episode_id, take, clock)
        counters, losses = self.transport.loss_counters(), self.transport.losses_by_topic()
        opening = Opening(capture, pretty_bytes(capture), clock, counters, losses)
        running = Running(
            file, opening, self.channels.channel, self.channels.is_bulk, self.clock, start_ns, ledger=self.new_ledger()
        )
        with self._ending_the_writer(may_be_tried_again=False):
            file.open(opening.capture_bytes, self._attachments(), file_ns, start_ns)
            already = {id(sample) for sample in before}
            running.replay(
                [s for s in self._latched.standing(self.transport.endpoints()) if id(s) not in already], file_ns
            )
            running.add(before)
        self._next_check_ns = self.clock.monotonic_ns() + _CHECK_PERIOD_NS
        return running

    def turn(self, running: Running) -> Sequence[Sample]:
        """Receive and write what has come; a limit that is reached, or a disk that refuses, ends the span.

        Raises:
            EnvironmentUnfitError: The writer failed; the take stays in the staging folder.
        """
        running.watch_standstill()
        self.clock.pause(_PAUSE_S)
        samples = self.transport.take(_TAKE_S)
        self._latched.see(samples)
        with self._ending_the_writer():
            running.add(samples)
            running.stop("write_error" if running.fault else "")
            if self.clock.monotonic_ns() >= self._next_check_ns:
                running.watch_clock()
                running.stop(self._limit_reached(running))
                if running.is_file_full(self.contract.max_file_bytes, self.contract.max_file_s):
                    running.go_on(self._attachments(), self._latched.standing(self.transport.endpoints()))
                self._next_check_ns = self.clock.monotonic_ns() + _CHECK_PERIOD_NS
        return samples

    def finish(
        self, running: Running, result: TakeResult, while_waiting: Callable[[], object] | None = None
    ) -> Recorded:
        """Close a take whose span has ended, and move it among the episodes.

        Args:
            running: The take.
            result: What is said of it; its own stop reason counts where it has one.
            while_waiting: Called again and again while the disk is waited for; None keeps up with the graph.

        Raises:
            WriteFaultError: The disk refuses; the same call may be made again.
            EnvironmentUnfitError: Something else fails; the take stays in the staging folder.
        """
        opening, file = running.opening, running.file
        closing = running.closing = running.closing or self._closing(running, result)
        meanwhile = while_waiting or (lambda: self.idle(0.0))

        def end() -> Path:
            return file.finish(
                capture=opening.capture,
                capture_bytes=opening.capture_bytes,
                closing=closing,
                time_ns=int(str(closing["end_ns"])),
                origin="recorded",
            )

        with self._ending_the_writer():
            folder = patiently(end, meanwhile)
        now_ns = self.clock.now_ns()
        with writing(self.dataset.root):
            patiently(lambda: self.dataset.refresh(now_ns), meanwhile)
        return Recorded(file.episode_id, folder, closing, sum(file.counts), running.fault)

    def _closing(self, running: Running, result: TakeResult) -> JsonObject:
        end_ns = max(result.end_ns or running.end_ns or self.clock.now_ns(), running.start_ns)
        running.watch_clock()
        opening, file = running.opening, running.file
        return closing_document(
            episode_id=file.episode_id,
            span=Span(running.start_ns, end_ns, file.first_log_ns, file.last_log_ns),
            result=result,
            streams=running.ledger.entries(
                self.contract.streams,
                file.queue_counts(),
                counter_difference(opening.losses, self.transport.losses_by_topic()),
            ),
            transport_counters=counter_difference(opening.counters, self.transport.loss_counters()),
            clocks=[{**opening.clock, "samples": [self.clock.sample()]}],
            events=running.events,
            interventions=running.interventions(end_ns),
            files_n=file.file_index + 1,
        )

    def new_ledger(self) -> Ledger:
        """An empty ledger that knows what each publisher's messages can tell."""
        return Ledger(evidence_of=self.channels.evidence, monotonic_ns=self.clock.monotonic_ns)

    def close(self) -> None:
        """End the writer process, and leave an unfinished take to be recovered; the transport is the caller's."""
        if self._sink is not None:
            self._sink.shut_down()
            self._sink = None
        if self._file is not None:
            self._file.let_go()
            self._file = None

    @contextmanager
    def _ending_the_writer(self, *, may_be_tried_again: bool = True) -> Iterator[None]:
        """Whatever goes wrong, no writer is left with half a take, unless the same may be tried again."""
        try:
            yield
        except BaseException as error:
            if not (may_be_tried_again and isinstance(error, WriteFaultError)):
                self.close()
            raise

    def _limit_reached(self, running: Running) -> str:
        longest_s = self.contract.max_episode_s
        if longest_s is not None and running.progress().elapsed_s >= longest_s:
            return "limit"
        room = self.room()
        if room.fault is not None:
            running.fault = running.fault or room.fault
            return "write_error"
        return "disk_floor" if room.free_bytes < self.contract.min_free_bytes else ""

    def room(self) -> Room:
        """The dataset's disk as it is now; never waits for it."""
        return self._watch.look()

    def _require_space(self) -> None:
        room = self.room()
        if room.fault is not None:
            raise room.fault
        if room.silent_s:
            raise EnvironmentUnfitError(
                f"expected the disk of {self.dataset.root} to answer, got nothing for {room.silent_s:.0f} s",
                remedy="see to its cable or network, or record to another",
            )
        if room.free_bytes < self.contract.min_free_bytes:
            raise EnvironmentUnfitError(
                f"expected {self.contract.min_free_bytes} bytes free for {self.dataset.root}, got {room.free_bytes}",
                remedy="free disk space, or lower limits.min_free_bytes in the contract",
            )

    def let_go_of_the_past(self) -> None:
        """What was sent before the take starts does not belong to it."""
        deadline = time.monotonic() + _LONGEST_DRAIN_S
        while self.idle(0.0) and time.monotonic() < deadline:
            pass

    def _capture(self, episode_id: str, take: TakeOptions, clock: JsonObject) -> JsonObject:
        return capture_document(
            dataset=self.dataset.document(),
            episode_id=episode_id,
            contract=self.contract,
            robots=self.robots,
            clocks=[clock],
            recorder=recorder_document(__version__, self.contract, self.transport.name),
            take=take,
        )

    def _attachments(self) -> dict[str, bytes]:
        return {name: data for robot in self.robots for name, data in robot.attachments().items()}

    def require(self, take: TakeOptions) -> None:
        """Refuse a take that would refer to nothing, as `require_references` tells."""
        require_references(self.dataset, take)
