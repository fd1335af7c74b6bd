"""A transport inside one process, on whatever clock it is given: for the simulated robot faster than real time."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from embodied_kit.model.stream import Endpoint, Qos, Sample
from embodied_recorders.transports.base import Publisher

_TAKE_AT_MOST = 4096


@dataclass
class MemoryTransport:
    """Its publishers feed its own subscriptions; a sample is received the moment it is sent.

    Attributes:
        now_ns: The clock, ns since the Unix epoch.
        node: Name of the node that its publishers seem to belong to.
    """

    now_ns: Callable[[], int]
    node: str = "/sim"
    name: str = "memory"
    _endpoints: dict[str, Endpoint] = field(default_factory=dict)
    _wanted: set[str] = field(default_factory=set)
    _latched: dict[str, Sample] = field(default_factory=dict)
    _waiting: deque[Sample] = field(default_factory=deque)

    def endpoints(self) -> Sequence[Endpoint]:
        """Every advertised topic."""
        return [self._endpoints[topic] for topic in sorted(self._endpoints)]

    def subscribe(self, topic: str, ros_type: str, *, qos: Qos, type_hash: str | None) -> None:  # noqa: ARG002  # the Protocol's
        """Begin to receive a topic, its latched message first."""
        if topic not in self._wanted and topic in self._latched:
            self._waiting.append(self._latched[topic])
        self._wanted.add(topic)

    def unsubscribe(self, topic: str) -> None:
        """Stop receiving a topic."""
        self._wanted.discard(topic)

    def matched(self, topic: str) -> int:
        """1 where the topic is advertised and subscribed to."""
        return int(topic in self._wanted and topic in self._endpoints)

    def take(self, timeout_s: float) -> Sequence[Sample]:  # noqa: ARG002  # the Protocol's
        """What is waiting, at most some thousand at a time; never waits."""
        count = min(len(self._waiting), _TAKE_AT_MOST)
        return [self._waiting.popleft() for _ in range(count)]

    def advertise(self, topic: str, ros_type: str, *, qos: Qos, type_hash: str | None) -> Publisher:
        """Open a publisher; its id is a digest of the topic."""
        publisher = hashlib.sha256(topic.encode()).hexdigest()[:32]
        self._endpoints[topic] = Endpoint(topic, ros_type, type_hash, publisher, self.node, qos)
        return _MemoryPublisher(self, self._endpoints[topic])

    def loss_counters(self) -> Mapping[str, int]:
        """Nothing can be lost."""
        return {}

    def losses_by_topic(self) -> Mapping[str, int]:
        """Nothing is told: a simulated robot's recordings say what those of a real one over DDS would."""
        return {}

    def close(self) -> None:
        """Forget everything that waits."""
        self._waiting.clear()

    def deliver(self, endpoint: Endpoint, cdr: bytes, source_ns: int | None) -> None:
        """Queue one message for whoever subscribed."""
        now_ns = self.now_ns()
        stamp_ns = now_ns if source_ns is None else source_ns
        sample = Sample(endpoint.topic, cdr, stamp_ns, max(now_ns, stamp_ns), endpoint.publisher, None)
        if endpoint.qos.durability == "transient_local":
            self._latched[endpoint.topic] = sample
        if endpoint.topic in self._wanted:
            self._waiting.append(sample)


@dataclass
class _MemoryPublisher:
    transport: MemoryTransport
    endpoint: Endpoint

    def publish(self, cdr: bytes, source_ns: int | None = None) -> None:
        self.transport.deliver(self.endpoint, cdr, source_ns)

    def matched(self) -> int:
        return self.transport.matched(self.endpoint.topic)
