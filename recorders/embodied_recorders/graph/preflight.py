"""Preflight: is every stream of the contract there, of the right type, at the right rate? No take starts otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from embodied_kit.language import Texts
from embodied_kit.messages.definitions import TypeStore
from embodied_kit.model.contract import Contract
from embodied_kit.model.stream import Endpoint, Stream
from embodied_recorders.graph.fitness import (
    ABSENT,
    MIXED_RELIABILITY,
    NO_DEFINITION,
    NOT_SOURCED,
    OFF_RATE,
    SILENT,
    STAMP_FAR,
    STAMP_ZERO,
    UNMATCHED,
    Problem,
    declared_hashes,
    endpoints_fault,
    filled,
    policies,
)
from embodied_recorders.graph.stamps import is_stamped, stamp_ns
from embodied_recorders.graph.survey import Arrivals, Take, observe, rate_hz, wait_for_topics
from embodied_recorders.transports.base import Transport, TypeNotSourcedError, matching_qos

_OPTIONAL_S = 1.0
FAR_S = 1.0  # a stamp of the recorder's own clock is never so old on arrival, nor of the future


@dataclass(frozen=True)
class PreflightRow:
    """What preflight saw of one stream.

    Attributes:
        publishers: Global ids of its publishers.
        rate_hz: Measured rate in Hz; None where fewer than two messages arrived.
        problem: Language -> what is wrong; None where nothing is.
        remedy: Language -> what to do.
        blocks: Whether recording must not start.
        off_rate: Whether the rate alone is wrong.
    """

    stream: Stream
    publishers: tuple[str, ...]
    rate_hz: float | None
    problem: Texts | None = None
    remedy: Texts | None = None
    blocks: bool = False
    off_rate: bool = False


@dataclass
class Preflight:
    """Looks at a graph with a contract in hand, once or until it is fit; the subscriptions stay open.

    Attributes:
        contract: What is wanted.
        transport: An open transport.
        take: How samples are taken from it (a session remembers the latched ones).
        discovery_s: Longest wait for missing publishers, s; those of streams that may be absent get 1 s at most.
        definitions: Where definitions of types come from; None looks at neither definitions nor header stamps.
        distro: ROS distribution of the robot, asked first for definitions.
        seen: What arrived in the last look, by topic and publisher.
        window_s: How long it was, s.
    """

    contract: Contract
    transport: Transport
    take: Take
    discovery_s: float = 5.0
    definitions: TypeStore | None = None
    distro: str | None = None
    seen: Mapping[str, Mapping[str, Arrivals]] = field(default_factory=dict)
    window_s: float = 0.0
    _latched: dict[str, dict[str, Arrivals]] = field(default_factory=dict)
    _refused: dict[str, str] = field(default_factory=dict)

    def look(self, window_s: float = 1.5) -> tuple[PreflightRow, ...]:
        """Subscribe to every stream of the contract that is there and judge what arrives.

        Args:
            window_s: How long messages are counted, s; at least three periods of the slowest stream.
        """
        streams = self.contract.streams
        wait_for_topics(self.transport, {s.topic for s in streams if s.required}, self.discovery_s)
        optional_s = min(self.discovery_s, _OPTIONAL_S)
        found = wait_for_topics(self.transport, {s.topic for s in streams}, optional_s)
        for stream in streams:
            if stream.topic in found:
                self._subscribe(stream, found[stream.topic])
        periods_s = [3 / s.nominal_rate_hz for s in streams if s.cadence == "periodic" and s.nominal_rate_hz]
        self.window_s = max([window_s, *periods_s])
        seen = observe(self.take, self.window_s)
        self._latched |= {s.topic: seen[s.topic] for s in streams if s.cadence == "latched" and s.topic in seen}
        self.seen = {**self._latched, **seen}  # what is latched comes once, maybe in an earlier look
        return tuple(self._row(stream, found.get(stream.topic, ())) for stream in streams)

    def _subscribe(self, stream: Stream, endpoints: Sequence[Endpoint]) -> None:
        """With what all its publishers can offer."""
        qos = matching_qos([one.qos for one in endpoints])
        try:
            self.transport.subscribe(stream.topic, stream.ros_type, qos=qos, type_hash=endpoints[0].type_hash)
        except TypeNotSourcedError as error:
            self._refused[stream.topic] = error.message

    def _row(self, stream: Stream, endpoints: Sequence[Endpoint]) -> PreflightRow:
        arrivals = self.seen.get(stream.topic, {})
        measured = _worst_rate_hz(stream, arrivals)
        row = PreflightRow(stream, tuple(endpoint.publisher for endpoint in endpoints), measured)
        blocking = self._unfit(stream, endpoints, arrivals) or _off_rate(stream, measured)
        if blocking is not None:
            return _failed(row, *blocking, blocks=stream.required)
        warning = self._doubtful(stream, endpoints, arrivals)
        return row if warning is None else _failed(row, *warning, blocks=False)

    def _unfit(
        self, stream: Stream, endpoints: Sequence[Endpoint], arrivals: Mapping[str, Arrivals]
    ) -> tuple[Problem, dict[str, str | float]] | None:
        """Why a stream cannot be recorded as declared."""
        if not endpoints:
            return ABSENT, {}
        fault = endpoints_fault(stream, endpoints, declared_hashes(self.contract).get(stream.topic))
        if fault is not None:
            return fault
        if stream.topic in self._refused:
            return NOT_SOURCED, {"found": self._refused[stream.topic]}
        if self.definitions is not None and not self._definition(stream, endpoints):
            return NO_DEFINITION, {"found": stream.ros_type}
        matched_n = self.transport.matched(stream.topic)
        if matched_n < len(endpoints):
            asked = matching_qos([one.qos for one in endpoints])
            return UNMATCHED, {"policy": policies(asked, endpoints), "found": matched_n, "n": len(endpoints)}
        if stream.cadence in {"periodic", "latched"} and not arrivals:
            return SILENT, {}
        stamps = self._header_stamps(stream, endpoints, arrivals)
        return (STAMP_ZERO, {}) if 0 in stamps else None

    def _doubtful(
        self, stream: Stream, endpoints: Sequence[Endpoint], arrivals: Mapping[str, Arrivals]
    ) -> tuple[Problem, dict[str, str | float]] | None:
        """What an operator should know of a stream that can be recorded."""
        unreliable_n = sum(one.qos.reliability == "best_effort" for one in endpoints)
        if 0 < unreliable_n < len(endpoints):
            return MIXED_RELIABILITY, {"found": unreliable_n, "n": len(endpoints)}
        offsets_s = [off / 1e9 for off in self._header_stamps(stream, endpoints, arrivals).values()]
        farthest_s = max(offsets_s, key=abs, default=0.0)
        if stream.cadence == "periodic" and abs(farthest_s) > FAR_S:
            return STAMP_FAR, {"found": farthest_s}
        return None

    def _header_stamps(
        self, stream: Stream, endpoints: Sequence[Endpoint], arrivals: Mapping[str, Arrivals]
    ) -> dict[int, int]:
        """Header stamp of each publisher's newest message -> how far it lay from its receipt, ns."""
        text = self._definition(stream, endpoints)
        newest = [
            one.newest for one in arrivals.values() if one.newest is not None and is_stamped(text, one.newest.cdr)
        ]
        return {stamp_ns(one.cdr): stamp_ns(one.cdr) - one.receive_ns for one in newest}

    def _definition(self, stream: Stream, endpoints: Sequence[Endpoint]) -> str:
        """ros2msg text of the type as its publishers announce it; empty where none is known."""
        hashes = {one.type_hash for one in endpoints}
        wire_hash = hashes.pop() if len(hashes) == 1 else None
        found = self.definitions.definition(stream.ros_type, wire_hash, self.distro) if self.definitions else None
        return found.text if found else ""


def _off_rate(stream: Stream, measured: float | None) -> tuple[Problem, dict[str, str | float]] | None:
    wanted = stream.nominal_rate_hz
    if stream.cadence != "periodic" or not wanted:
        return None
    if measured is not None and abs(measured / wanted - 1) <= stream.rate_tolerance:
        return None
    return OFF_RATE, {"found": measured or 0.0, "wanted": wanted}


def _worst_rate_hz(stream: Stream, arrivals: Mapping[str, Arrivals]) -> float | None:
    """Rate of the publisher that is farthest from the contract; None where none can be told."""
    rates = [rate for rate in (rate_hz(one.stamps_ns) for one in arrivals.values()) if rate is not None]
    wanted = stream.nominal_rate_hz
    if stream.cadence != "periodic" or wanted is None or not rates:
        return None
    return max(rates, key=lambda rate: abs(rate / wanted - 1))


def _failed(row: PreflightRow, problem: Problem, values: Mapping[str, str | float], *, blocks: bool) -> PreflightRow:
    return replace(
        row,
        problem=filled(problem, **values),
        remedy=problem.remedy,
        blocks=blocks,
        off_rate=problem is OFF_RATE,
    )
