"""The transport over zenoh, for robots whose ROS 2 runs on rmw_zenoh."""

from __future__ import annotations

import functools
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import zenoh
import zenoh.ext
from zenoh.handlers import Callback as Handler

from embodied_kit.errors import EnvironmentUnfitError, UsageError
from embodied_kit.model.stream import Endpoint, Qos, Sample
from embodied_recorders.transports.base import require_open, subscription_of
from embodied_recorders.transports.domain import ros_domain

from .attachment import attachment_bytes, attachment_of
from .config import reason
from .graph import Graph
from .inbox import LIMIT_BYTES, Inbox
from .session import open_session
from .tokens import EntityKind, Node, data_key, data_keys, gid_of

_LOOPBACK: Final = "127.0.0.1"
_HEARTBEAT_S: Final = 0.5
# A latched topic that keeps all has to stop somewhere.
_KEEP_ALL_CACHE: Final = 1024
_TOPIC: Final = re.compile(r"/?[A-Za-z0-9_~{}]+(/[A-Za-z0-9_~{}]+)*")
_RawPublisher: TypeAlias = "zenoh.Publisher | zenoh.ext.AdvancedPublisher"
_RawSubscriber: TypeAlias = "zenoh.Subscriber[None] | zenoh.ext.AdvancedSubscriber[None]"


@dataclass(frozen=True)
class _Subscription:
    topic: str
    ros_type: str
    number: int
    token: zenoh.LivelinessToken
    end: Callable[[], object]


class ZenohTransport:
    """One zenoh session that shows up in the graph as one ROS node. For one thread.

    `Sample.receive_ns` is `time.time_ns()` at the moment its batch was taken. `Sample.sequence` is the publisher's own
    count of its messages, so every gap is a loss, wherever it happened. A message without rmw_zenoh's attachment, which
    ROS nodes refuse too, is dropped and counted.

    Args:
        domain_id: ROS domain, 0 to 232; None takes ROS_DOMAIN_ID, else 0.
        interface: Network interface to listen on, or the endpoint of a router on another machine.
        node_name: Name shown to other nodes, with or without a namespace.
        queue_bytes: Payload bytes that may wait to be taken.

    Raises:
        EnvironmentUnfitError: No router answers, or zenoh does not open.
        UsageError: No such domain, or the user's zenoh configuration cannot be used.
    """

    name = "zenoh"

    def __init__(
        self,
        domain_id: int | None = None,
        *,
        interface: str = _LOOPBACK,
        node_name: str = "embodied_recorder",
        queue_bytes: int = LIMIT_BYTES,
    ) -> None:
        self._domain_id = ros_domain(domain_id)
        self._session = open_session(interface)
        self._open = True
        self._node = Node(self._domain_id, str(self._session.zid()), f"/{node_name.lstrip('/')}")
        self._entities_n = 0
        self._inbox = Inbox(queue_bytes)
        self._graph = Graph(self._session, self._domain_id)
        self._node_token = self._session.liveliness().declare_token(self._node.token())
        self._subscriptions: dict[str, _Subscription] = {}
        self._topics: dict[int, str] = {}
        self._publishers: list[ZenohPublisher] = []
        self._without_attachment_n = 0

    def endpoints(self) -> Sequence[Endpoint]:
        """Publishers of topics in the graph now, our own left out, in order of topic; services are left out too."""
        self._check_open()
        found = [
            Endpoint(one.topic, one.ros_type, one.type_hash, one.gid, one.node, one.qos)
            for one in self._graph.entities("MP")
            if one.zid != self._node.zid
        ]
        return sorted(found, key=lambda endpoint: (endpoint.topic, endpoint.publisher))

    def subscribe(self, topic: str, ros_type: str, *, qos: Qos, type_hash: str | None) -> None:
        """Begin to receive a topic's messages of one type raw, from every publisher.

        Args:
            topic: ROS topic name.
            ros_type: Full type name.
            qos: Transient local asks for what is latched; zenoh matches whatever else it says.
            type_hash: Told to the others; messages of every hash are received.

        Raises:
            UsageError: No name of a topic.
        """
        if topic in self._subscriptions:
            return
        self._check_open()
        _check_topic(topic)
        number = self._next_entity()
        subscriber = self._subscriber(data_keys(self._domain_id, topic, ros_type), number, qos)
        # After the subscriber, so that who sees the token is heard. Publishers of "buffer-aware" releases of rmw_zenoh
        # send to each subscription apart, unless one shows this older token.
        token, _ = self._declare("MS", number, topic, ros_type, type_hash=type_hash, qos=qos)
        self._subscriptions[topic] = _Subscription(topic, ros_type, number, token, subscriber.undeclare)
        self._topics[number] = topic

    def unsubscribe(self, topic: str) -> None:
        """Stop receiving a topic; what was not taken is lost.

        Raises:
            UsageError: Not subscribed.
        """
        subscription = self._subscribed(topic)
        del self._subscriptions[topic], self._topics[subscription.number]
        subscription.token.undeclare()
        subscription.end()

    def matched(self, topic: str) -> int:
        """Publishers of the topic and type that we subscribed to.

        Raises:
            UsageError: Not subscribed.
        """
        subscription = self._subscribed(topic)
        return self._graph.matching("MP", topic, subscription.ros_type)

    def take(self, timeout_s: float) -> Sequence[Sample]:
        """Every sample that has arrived, waiting up to `timeout_s` for the first; order is kept per publisher.

        One call returns about 8192 samples or 64 MiB at most; the rest stays for the next.
        """
        self._check_open()
        deadline = time.monotonic() + timeout_s
        while True:
            arrivals = self._inbox.take(deadline - time.monotonic())
            receive_ns = time.time_ns()
            samples: list[Sample] = []
            for number, cdr, attached in arrivals:
                topic = self._topics.get(number)
                if topic is None:  # unsubscribed meanwhile
                    continue
                attachment = attachment_of(attached)
                if attachment is None:
                    self._without_attachment_n += 1
                    continue
                sequence, source_ns, gid = attachment
                samples.append(Sample(topic, cdr, source_ns, receive_ns, gid, sequence))
            if samples or time.monotonic() >= deadline:
                return samples

    def advertise(self, topic: str, ros_type: str, *, qos: Qos, type_hash: str | None) -> ZenohPublisher:
        """Open a publisher; it stays open until the transport closes.

        A reliable publisher that keeps all waits for slow subscribers, every other one drops, as rmw_zenoh's do.

        Raises:
            UsageError: No name of a topic.
        """
        self._check_open()
        _check_topic(topic)
        raw = self._publisher(data_key(self._domain_id, topic, ros_type, type_hash), qos)
        token, gid = self._declare("MP", self._next_entity(), topic, ros_type, type_hash=type_hash, qos=qos)
        matched = functools.partial(self._graph.matching, "MS", topic, ros_type)
        publisher = ZenohPublisher(topic, raw, token, gid, matched)
        self._publishers.append(publisher)  # zenoh ends whatever nobody holds
        return publisher

    def loss_counters(self) -> Mapping[str, int]:
        """`queue_messages_dropped`: they found the queue full. `unattached_messages_dropped`: not from a ROS node."""
        return {
            "queue_messages_dropped": self._inbox.dropped.total(),
            "unattached_messages_dropped": self._without_attachment_n,
        }

    def losses_by_topic(self) -> Mapping[str, int]:
        """Messages that found our queue full; those lost before it are missing in `Sample.sequence`."""
        return {topic: self._inbox.dropped[number] for number, topic in list(self._topics.items())}

    def close(self) -> None:
        """Leave the graph and free everything; closing twice is harmless."""
        if self._open:
            self._open = False
            self._session.close()

    def _subscriber(self, keys: str, number: int, qos: Qos) -> _RawSubscriber:
        # On zenoh's own thread: its alternative is a thread and a queue of 256 messages for each subscription.
        handler = Handler(functools.partial(self._inbox.put, number), indirect=False)
        if qos.durability == "volatile":
            return self._session.declare_subscriber(keys, handler)
        reliable = qos.reliability == "reliable"
        return zenoh.ext.declare_advanced_subscriber(
            self._session,
            keys,
            handler,
            history=zenoh.ext.HistoryConfig(detect_late_publishers=True),
            recovery=zenoh.ext.RecoveryConfig(periodic_queries=None, heartbeat=True) if reliable else None,
            subscriber_detection=True,
        )

    def _publisher(self, key: str, qos: Qos) -> _RawPublisher:
        reliable = qos.reliability == "reliable"
        wait = reliable and qos.history == "keep_all"
        congestion = zenoh.CongestionControl.BLOCK if wait else zenoh.CongestionControl.DROP
        reliability = zenoh.Reliability.RELIABLE if reliable else zenoh.Reliability.BEST_EFFORT
        if qos.durability == "volatile":
            return self._session.declare_publisher(key, congestion_control=congestion, reliability=reliability)
        beat = zenoh.ext.MissDetectionConfig(heartbeat=None, sporadic_heartbeat=_HEARTBEAT_S) if reliable else None
        return zenoh.ext.declare_advanced_publisher(
            self._session,
            key,
            congestion_control=congestion,
            reliability=reliability,
            cache=zenoh.ext.CacheConfig(qos.depth or _KEEP_ALL_CACHE),
            sample_miss_detection=beat,
            publisher_detection=True,
        )

    def _declare(
        self, kind: EntityKind, number: int, topic: str, ros_type: str, *, type_hash: str | None, qos: Qos
    ) -> tuple[zenoh.LivelinessToken, str]:
        """Show an endpoint to the graph; its token and gid."""
        text = self._node.endpoint_token(kind, number, topic, ros_type, type_hash=type_hash, qos=qos)
        return self._session.liveliness().declare_token(text), gid_of(text)

    def _next_entity(self) -> int:
        self._entities_n += 1
        return self._entities_n

    def _subscribed(self, topic: str) -> _Subscription:
        self._check_open()
        return subscription_of(self._subscriptions, topic)

    def _check_open(self) -> None:
        require_open(self._open)


class ZenohPublisher:
    """An open publisher of serialised messages; lives as long as its transport.

    Args:
        topic: ROS topic name.
        raw: Zenoh's publisher.
        token: Its liveliness token, which ends with this object.
        gid: Global id, 32 hex digits.
        matched: Counts the subscriptions in the graph.
    """

    def __init__(
        self, topic: str, raw: _RawPublisher, token: zenoh.LivelinessToken, gid: str, matched: Callable[[], int]
    ) -> None:
        self._topic = topic
        self._raw = raw
        self._token = token
        self._matched = matched
        self._gid_bytes = bytes.fromhex(gid)
        self._sequence = 0
        self.guid = gid

    def publish(self, cdr: bytes, source_ns: int | None = None) -> None:
        """Send one serialised message.

        Args:
            cdr: Message with its 4-byte encapsulation header.
            source_ns: Source stamp in ns since the Unix epoch, kept to the nanosecond; None takes the present.

        Raises:
            UsageError: The transport is closed.
            EnvironmentUnfitError: Zenoh refuses the message.
        """
        self._sequence += 1
        stamp_ns = time.time_ns() if source_ns is None else source_ns
        try:
            self._raw.put(cdr, attachment=attachment_bytes(self._sequence, stamp_ns, self._gid_bytes))
        except zenoh.ZError as error:
            if "closed" in str(error):
                raise UsageError(f"expected an open publisher of {self._topic}, got a closed one") from error
            raise EnvironmentUnfitError(f"publishing on {self._topic} failed: {reason(error)}") from error

    def matched(self) -> int:
        """Number of subscriptions matched now."""
        return self._matched()


def _check_topic(topic: str) -> None:
    if not _TOPIC.fullmatch(topic):
        raise UsageError(f"expected the name of a topic, got {topic!r}")
