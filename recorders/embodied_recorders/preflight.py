"""Preflight: is every stream of the contract there, of the right type, at the right rate? No take starts otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from embodied_kit.model.contract import Contract
from embodied_kit.model.stream import Endpoint, Stream
from embodied_recorders.fitness import (
    ABSENT,
    OFF_RATE,
    SILENT,
    WRONG_HASH,
    WRONG_TYPE,
    Problem,
    Texts,
    declared_hashes,
)
from embodied_recorders.survey import Take, observe, rate_hz, wait_for_topics
from embodied_recorders.transports.base import Transport, matching_qos

_OPTIONAL_S = 1.0


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


class Preflight:
    """Looks at a graph with a contract in hand, once or until it is fit; the subscriptions stay open.

    Args:
        contract: What is wanted.
        transport: An open transport.
        take: How samples are taken from it (a session remembers the latched ones).
        discovery_s: Longest wait for missing publishers, s; those of streams that may be absent get 1 s at most.
    """

    def __init__(self, contract: Contract, transport: Transport, take: Take, *, discovery_s: float = 5.0) -> None:
        self._contract = contract
        self._transport = transport
        self._take = take
        self._discovery_s = discovery_s
        self._latched: dict[str, dict[str, list[int]]] = {}

    def look(self, window_s: float = 1.5) -> tuple[PreflightRow, ...]:
        """Subscribe to every stream of the contract that is there and judge what arrives.

        Args:
            window_s: How long messages are counted, s; at least three periods of the slowest stream.
        """
        streams = self._contract.streams
        wait_for_topics(self._transport, {s.topic for s in streams if s.required}, self._discovery_s)
        optional_s = min(self._discovery_s, _OPTIONAL_S)
        found = wait_for_topics(self._transport, {s.topic for s in streams}, optional_s)
        for stream in streams:
            if stream.topic in found:
                subscribe(self._transport, stream, found[stream.topic])
        periods_s = [3 / s.nominal_rate_hz for s in streams if s.cadence == "periodic" and s.nominal_rate_hz]
        stamps = observe(self._take, max([window_s, *periods_s]))
        self._latched |= {s.topic: stamps[s.topic] for s in streams if s.cadence == "latched" and s.topic in stamps}
        stamps = {**self._latched, **stamps}  # what is latched comes once, maybe in an earlier look
        hashes = declared_hashes(self._contract)
        return tuple(_row(s, found.get(s.topic, ()), stamps.get(s.topic, {}), hashes.get(s.topic)) for s in streams)


def subscribe(transport: Transport, stream: Stream, endpoints: Sequence[Endpoint]) -> None:
    """Subscribe to one stream with what all its publishers can offer."""
    transport.subscribe(
        stream.topic,
        stream.ros_type,
        qos=matching_qos([endpoint.qos for endpoint in endpoints]),
        type_hash=endpoints[0].type_hash if endpoints else None,
    )


def _row(
    stream: Stream, endpoints: Sequence[Endpoint], stamps_ns: Mapping[str, Sequence[int]], declared_hash: str | None
) -> PreflightRow:
    measured = _worst_rate_hz(stream, stamps_ns)
    publishers = tuple(endpoint.publisher for endpoint in endpoints)
    row = PreflightRow(stream, publishers, measured)
    types = {endpoint.ros_type for endpoint in endpoints}
    hashes = {endpoint.type_hash for endpoint in endpoints if endpoint.type_hash}
    if not endpoints:
        return _failed(row, ABSENT)
    if types != {stream.ros_type}:
        return _failed(row, WRONG_TYPE, found=", ".join(sorted(types)))
    if declared_hash and hashes - {declared_hash}:
        return _failed(row, WRONG_HASH, found=", ".join(sorted(hashes)))
    if stream.cadence in {"periodic", "latched"} and not stamps_ns:
        return _failed(row, SILENT)
    wanted = stream.nominal_rate_hz
    if (
        stream.cadence == "periodic"
        and wanted
        and (measured is None or abs(measured / wanted - 1) > stream.rate_tolerance)
    ):
        return _failed(row, OFF_RATE, found=measured or 0.0, wanted=wanted)
    return row


def _worst_rate_hz(stream: Stream, stamps_ns: Mapping[str, Sequence[int]]) -> float | None:
    """Rate of the publisher that is farthest from the contract; None where none can be told."""
    rates = [rate for rate in map(rate_hz, stamps_ns.values()) if rate is not None]
    wanted = stream.nominal_rate_hz
    if stream.cadence != "periodic" or wanted is None or not rates:
        return None
    return max(rates, key=lambda rate: abs(rate / wanted - 1))


def _failed(row: PreflightRow, problem: Problem, **values: str | float) -> PreflightRow:
    text = {language: template.format(**values) for language, template in problem.text.items()}
    return replace(row, problem=text, remedy=problem.remedy, blocks=row.stream.required, off_rate=problem is OFF_RATE)
