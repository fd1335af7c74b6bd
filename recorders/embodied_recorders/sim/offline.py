"""Recording the simulated robot without waiting: on its own clock, with fixed ids, the same bytes each time."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias, cast

from embodied_kit.episode.datafile import FileWriter
from embodied_kit.episode.dataset import Dataset
from embodied_kit.episode.ids import uuid7
from embodied_kit.errors import UsageError
from embodied_kit.messages.definitions import TypeStore
from embodied_kit.model.contract import Contract, contract_from
from embodied_kit.model.json import JsonObject
from embodied_kit.model.stream import Qos, Sample
from embodied_recorders.graph.clock import ClockState
from embodied_recorders.graph.contract import load_contract
from embodied_recorders.sim.annotate import annotate_take
from embodied_recorders.sim.files import HOST, OPERATOR, TASK_ID, create_sim_dataset, write_description
from embodied_recorders.sim.follow import TakeFollower
from embodied_recorders.sim.frames import FrameState
from embodied_recorders.sim.headless import every_frame, simulate
from embodied_recorders.sim.options import SimOptions
from embodied_recorders.sim.plan import TAKE_MS
from embodied_recorders.take.documents import TakeOptions
from embodied_recorders.take.session import Recorded, Session
from embodied_recorders.transports.memory import MemoryTransport

Window: TypeAlias = tuple[float, float]
_STEP_S = 0.02
_MARGIN_S = 0.1  # simulated around a window, so that its edges are the recorder's


@dataclass
class ReplayClock:
    """Stands at the moment of the last sample that was taken; monotonic time begins at 0."""

    epoch_ns: int
    time_ns: int

    def now_ns(self) -> int:
        """Now, ns since the Unix epoch."""
        return self.time_ns

    def monotonic_ns(self) -> int:
        """Time since the robot's first step, ns."""
        return self.time_ns - self.epoch_ns

    def pause(self, seconds: float) -> None:
        """Nothing: time goes by with the samples."""

    def state(self) -> ClockState:
        """Nothing disciplines it."""
        return ClockState(synchronised=False, max_error_ns=None)

    def sample(self) -> JsonObject:
        """Monotonic and real time read together, ns as decimal strings."""
        return {"monotonic_ns": str(self.monotonic_ns()), "realtime_ns": str(self.time_ns)}


class ReplayedGraph(MemoryTransport):
    """A memory transport in which waiting makes time go on to the next sample, and not waiting shows nothing new."""

    def __init__(self, clock: ReplayClock) -> None:
        super().__init__(clock.now_ns)
        self._clock = clock

    def take(self, timeout_s: float) -> Sequence[Sample]:
        """What comes within `timeout_s` of simulated time, or the next sample where nothing does."""
        if not self._waiting or timeout_s <= 0:
            return []
        until_ns = max(self._clock.time_ns + round(timeout_s * 1e9), self._waiting[0].receive_ns)
        samples = []
        while self._waiting and self._waiting[0].receive_ns <= until_ns:
            samples.append(self._waiting.popleft())
        self._clock.time_ns = max(self._clock.time_ns, samples[-1].receive_ns)
        return samples


def record_dataset(
    folder: Path,
    options: SimOptions,
    *,
    epoch_ns: int,
    window_s: Window | None = None,
    without: Collection[str] = (),
) -> tuple[Dataset, list[Recorded]]:
    """Make a dataset of the robot's takes with all its documents; the same arguments make the same bytes.

    Args:
        folder: New or empty.
        options: Of the robot; `takes` says how many.
        epoch_ns: Time of the robot's first step, ns since the Unix epoch.
        window_s: As of `record_takes`.
        without: Streams that are left out of the contract.
    """
    with TemporaryDirectory() as described:
        robot_json, contract_yaml = write_description(Path(described), options, epoch_ns)
        dataset_id = uuid7(epoch_ns, options.seed)
        dataset = create_sim_dataset(folder, robot_json, dataset_id=dataset_id, now_ns=epoch_ns)
        document = load_contract(contract_yaml).document
    streams = [entry for entry in cast("list[JsonObject]", document["streams"]) if entry["stream_id"] not in without]
    contract = contract_from({**document, "streams": streams})
    take = TakeOptions(
        TASK_ID, operator_pseudonym=OPERATOR, operator_skill_level="not_applicable", acquisition_mode="sim"
    )
    return dataset, record_takes(dataset, contract, options, take, epoch_ns=epoch_ns, window_s=window_s)


def record_takes(
    dataset: Dataset,
    contract: Contract,
    options: SimOptions,
    take: TakeOptions,
    *,
    epoch_ns: int,
    window_s: Window | None = None,
) -> list[Recorded]:
    """Simulate all takes and record each as one episode, with its phases as the annotation layer `skills`.

    Args:
        dataset: Where they go.
        contract: Which streams.
        options: Of the robot; `takes` says how many.
        take: What every take says of itself.
        epoch_ns: Time of the robot's first step, ns since the Unix epoch.
        window_s: Start and end within each take, in s from its reset phase; None records each take whole. A window
            that ends before the take leaves the outcome unknown.

    Raises:
        UsageError: The options do not say how many takes.
    """
    if options.takes is None:
        raise UsageError("expected a number of takes, got none: the robot would never be done")
    clock = ReplayClock(epoch_ns, epoch_ns)
    graph = ReplayedGraph(clock)
    for stream in contract.streams:
        graph.subscribe(stream.topic, stream.ros_type, qos=Qos(), type_hash=None)
    simulate(_until(options, window_s), graph, epoch_ns=epoch_ns, draw=_drawn(options, window_s))
    bits = random.Random(options.seed)  # noqa: S311  # ids that come out the same each time
    session = Session(
        graph, dataset, contract, TypeStore(), HOST, new_sink=FileWriter, clock=clock, random_bits=bits.getrandbits
    )
    follower = TakeFollower()
    takes = islice(follower.takes(session), options.takes)
    recorded = [_record(session, follower, take, clock, window_s) for _ in takes]
    session.close()
    return recorded


def _until(options: SimOptions, window_s: Window | None) -> SimOptions:
    """End the run with the last window: what comes after would not be recorded."""
    if window_s is None or options.takes is None:
        return options
    before_s = options.lead_s + (options.takes - 1) * (options.gap_s + TAKE_MS / 1000)
    return replace(options, duration_s=before_s + window_s[1] + _MARGIN_S)


def _drawn(options: SimOptions, window_s: Window | None) -> Callable[[FrameState], bool]:
    """Whether a frame may lie in the window of its take."""
    if window_s is None:
        return every_frame
    first_s, last_s = window_s[0] - _MARGIN_S, window_s[1] + _MARGIN_S
    return lambda frame: first_s <= frame.t_ms / 1000 + options.gap_s <= last_s


def _record(
    session: Session, follower: TakeFollower, take: TakeOptions, clock: ReplayClock, window_s: Window | None
) -> Recorded:
    """One take, whole or the window of it."""
    start_ns = clock.time_ns
    end_ns: int | None = None
    if window_s is not None:
        begin_ns, end_ns = (start_ns + round(edge_s * 1e9) for edge_s in window_s)
        while clock.time_ns < begin_ns:
            follower.see(session.idle(_STEP_S))

    followed = follower.stop_when()

    def stop_when(samples: Sequence[Sample]) -> str:
        return followed(samples) or ("duration" if end_ns is not None and clock.time_ns >= end_ns else "")

    recorded = session.record(take, stop_when, lambda _progress: follower.result(), lambda _progress: None)
    annotate_take(session.dataset, recorded, follower.phases(), now_ns=clock.time_ns)
    return recorded
