"""Recording the simulated robot without waiting: on its own clock, with fixed ids, the same bytes each time."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from embodied_kit.episode.datafile import FileWriter
from embodied_kit.episode.dataset import Dataset
from embodied_kit.messages.definitions import TypeStore
from embodied_kit.model.contract import Contract
from embodied_kit.model.json import JsonObject
from embodied_kit.model.stream import Qos, Sample
from embodied_recorders.clock import ClockState
from embodied_recorders.documents import TakeOptions
from embodied_recorders.session import Recorded, Session
from embodied_recorders.sim.files import HOST
from embodied_recorders.sim.follow import TakeFollower
from embodied_recorders.sim.headless import simulate
from embodied_recorders.sim.options import SimOptions
from embodied_recorders.transports.memory import MemoryTransport

Window: TypeAlias = tuple[float, float]
_STEP_S = 0.02


@dataclass
class ReplayClock:
    """Stands at the moment of the last sample that was taken; monotonic time begins at 0."""

    epoch_ns: int
    time_ns: int

    def now_ns(self) -> int:
        """Now, ns since the Unix epoch."""
        return self.time_ns

    def state(self) -> ClockState:
        """Nothing disciplines it."""
        return ClockState(synchronised=False, max_error_ns=None)

    def sample(self) -> JsonObject:
        """Monotonic and real time read together, ns as decimal strings."""
        return {"monotonic_ns": str(self.time_ns - self.epoch_ns), "realtime_ns": str(self.time_ns)}


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


def record_takes(
    dataset: Dataset,
    contract: Contract,
    options: SimOptions,
    take: TakeOptions,
    *,
    epoch_ns: int,
    window_s: Window | None = None,
) -> list[Recorded]:
    """Simulate all takes and record each as one episode.

    Args:
        dataset: Where they go.
        contract: Which streams.
        options: Of the robot; `takes` says how many.
        take: What every take says of itself.
        epoch_ns: Time of the robot's first step, ns since the Unix epoch.
        window_s: Start and end within each take, in s; None records each take whole.
    """
    clock = ReplayClock(epoch_ns, epoch_ns)
    graph = ReplayedGraph(clock)
    for stream in contract.streams:
        graph.subscribe(stream.topic, stream.ros_type, qos=Qos(), type_hash=None)
    simulate(options, graph, epoch_ns=epoch_ns)
    bits = random.Random(options.seed)  # noqa: S311  # ids that come out the same each time
    session = Session(
        graph, dataset, contract, TypeStore(), HOST, new_sink=FileWriter, clock=clock, random_bits=bits.getrandbits
    )
    follower = TakeFollower()
    recorded = [_record(session, follower, take, clock, window_s) for _ in follower.takes(session)]
    session.close()
    return recorded


def _record(
    session: Session, follower: TakeFollower, take: TakeOptions, clock: ReplayClock, window_s: Window | None
) -> Recorded:
    """One take, whole or the window of it."""
    start_ns = clock.time_ns
    end_ns: int | None = None
    if window_s is not None:
        begin_ns, end_ns = (start_ns + round(edge_s * 1e9) for edge_s in window_s)
        while clock.time_ns < begin_ns:
            session.idle(_STEP_S)

    followed = follower.stop_when()

    def stop_when(samples: Sequence[Sample]) -> str:
        return followed(samples) or ("duration" if end_ns is not None and clock.time_ns >= end_ns else "")

    return session.record(take, stop_when, lambda _progress: follower.result(), lambda _progress: None)
