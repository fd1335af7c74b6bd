"""The graph around takes: how every stream does, who publishes, what came between takes."""

from __future__ import annotations

from collections.abc import Sequence

from embodied_kit.language import Texts
from embodied_kit.model.stream import Sample
from embodied_recorders.graph.watch import GraphChange, GraphWatch
from embodied_recorders.loop.control import StreamState
from embodied_recorders.loop.live import LiveStreams
from embodied_recorders.take.preroll import PreRoll
from embodied_recorders.take.running import Running
from embodied_recorders.take.session import Session


class Surroundings:
    """What a controller knows of the streams of its session.

    Args:
        session: Subscribed to the contract's streams.
    """

    def __init__(self, session: Session) -> None:
        self._session, self._clock = session, session.clock
        self._live = LiveStreams(session.contract)
        self._watch = GraphWatch(session.contract, session.transport)
        self._preroll = PreRoll(session.contract.pre_roll_s)
        self._ledger = session.new_ledger()  # of what comes between takes; a take has its own

    def idle(self, timeout_s: float) -> Sequence[Sample]:
        """Keep up with the graph while no take runs."""
        samples = self._session.idle(timeout_s)
        self._preroll.add(samples, self._clock.now_ns())
        self._ledger.add(samples)
        self.hear(samples)
        return samples

    def hear(self, samples: Sequence[Sample]) -> None:
        """Samples have just arrived."""
        self._live.add(samples, self.now_s())

    def begin(self) -> None:
        """A take begins: counts are of it."""
        self._live.begin()
        self._ledger = self._session.new_ledger()

    def preroll(self) -> Sequence[Sample]:
        """What came before now, for the take that begins."""
        return self._preroll.take()

    def look(self, *, recording: bool) -> Sequence[GraphChange]:
        """See who publishes, and what has changed since the last look; between takes their types are looked up."""
        seen = self._watch.look(recording=recording)
        if not recording:
            self._session.channels.learn()
        self._live.see(seen)
        return seen.changes

    @property
    def is_ready(self) -> bool:
        """Whether a take can begin."""
        return not self._live.blocking(self.now_s())

    def problems(self) -> Sequence[Texts]:
        """What keeps a take from beginning, and what else is wrong with publishers."""
        now_s = self.now_s()
        return [*self._live.blocking(now_s), *self._live.unfit(now_s)]

    def streams(self, running: Running | None) -> Sequence[StreamState]:
        """Every stream; counts are of the take that runs."""
        ledger, now_s = running.ledger if running else self._ledger, self.now_s()
        self._live.count(ledger.totals(), running.file.queue_counts() if running else {}, now_s)
        return self._live.states(now_s)

    def image(self, stream_id: str) -> bytes | None:
        """Newest message (CDR) of an image stream; None where none came."""
        return self._live.image(stream_id)

    def now_s(self) -> float:
        """Of the session's monotonic clock."""
        return self._clock.monotonic_ns() / 1e9
