"""The transport over rclpy."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from embodied_kit.errors import EnvironmentUnfitError, UsageError
from embodied_kit.model.stream import Endpoint, Qos, Sample
from embodied_recorders.transports.base import UNKNOWN_PUBLISHER, WAIT_SLICE_S, require_open, subscription_of
from embodied_recorders.transports.dds.loss import UdpDrops
from embodied_recorders.transports.domain import ros_domain

from .api import CYCLONE, Context, EventCallbacks, MessageInfo, Node, Publisher, Subscription
from .drain import Drain, ExecutorDrain, Taken, WaitSetDrain
from .load import Rclpy, message_class
from .losses import MessagesLost
from .publishers import Publishers, endpoints
from .qos import profile_of

_LOOPBACK = ("127.0.0.1", "lo", "localhost")


class Ros2Transport:
    """One rclpy node in a context of its own. For one thread.

    What the RMW is told by its own environment (RMW_IMPLEMENTATION, ROS_AUTOMATIC_DISCOVERY_RANGE, CYCLONEDDS_URI, ...)
    holds: it alone decides on the network. `Sample.receive_ns` is `time.time_ns()` when a message was taken;
    `Sample.publisher` is told as `Publishers` says; `Sample.sequence` is the publisher's where the RMW gives one (Fast
    DDS, Zenoh) and the publisher is known. Fast DDS holds at most 5000 messages a subscription unless its XML profile
    says otherwise, whatever the history.

    Args:
        domain_id: ROS domain, 0 to 232; None takes ROS_DOMAIN_ID, else 0.
        interface: Loopback leaves the network to the RMW; another is refused, rclpy cannot choose.
        node_name: Name shown to other nodes, with or without a namespace.

    Raises:
        EnvironmentUnfitError: No ROS 2 is sourced, or it cannot join.
        UsageError: No such domain, name, or an interface.
    """

    name = "ros2"

    def __init__(
        self, domain_id: int | None = None, *, interface: str = _LOOPBACK[0], node_name: str = "embodied_recorder"
    ) -> None:
        if interface not in _LOOPBACK:
            raise UsageError(
                f"expected the network that the RMW is configured for, got interface {interface}",
                remedy="leave out --interface and configure the RMW: CYCLONEDDS_URI or FASTRTPS_DEFAULT_PROFILES_FILE",
            )
        domain = ros_domain(domain_id)
        self._rclpy = rclpy = Rclpy()
        self._context = rclpy.context.Context()
        with refusals(f"join ROS domain {domain} over {rclpy.rmw}"):
            self._context.init([], domain_id=domain)
            self._node = _node(rclpy, self._context, node_name)
        self._open = True
        self._lost = MessagesLost(rclpy.rmw)
        self._datagrams = UdpDrops()
        self._drain = _drain(rclpy, self._context, self._node, self._lost)
        self._publishers = Publishers(self._node, ids_are_global=rclpy.rmw != CYCLONE)
        self._subscriptions: dict[str, tuple[Subscription, Qos]] = {}

    def endpoints(self) -> Sequence[Endpoint]:
        """Publishers in the graph now, in order of topic; those of our own node, and of its namesakes, are left out."""
        self._check_open()
        return endpoints(self._node)

    def subscribe(self, topic: str, ros_type: str, *, qos: Qos, type_hash: str | None) -> None:  # noqa: ARG002  # the Protocol's
        """Begin to receive a topic's messages raw, from every publisher, with nothing overwritten (KEEP_ALL).

        Args:
            topic: ROS topic name.
            ros_type: Full type name.
            qos: Its reliability and durability are asked for; a publisher that offers less does not match.
            type_hash: Not asked for: rclpy matches by the type that is sourced here.

        Raises:
            TypeNotSourcedError: The type's Python class is not there; the remedy names the package to source.
            UsageError: No topic can have this name.
        """
        self._check_open()
        if topic in self._subscriptions:
            return
        wanted = Qos(reliability=qos.reliability, durability=qos.durability, history="keep_all", depth=0)
        with refusals(f"subscribe to {topic} as {ros_type}"):
            self._subscriptions[topic] = (self._subscription(topic, ros_type, wanted), wanted)
        self._changed()

    def unsubscribe(self, topic: str) -> None:
        """Stop receiving a topic; what was not taken is lost.

        Raises:
            UsageError: Not subscribed.
        """
        subscription, _ = self._subscribed(topic)
        del self._subscriptions[topic]
        self._changed()
        self._publishers.forget(topic)
        self._node.destroy_subscription(subscription)

    def matched(self, topic: str) -> int:
        """Publishers matched by our subscription to the topic; in Humble, those whose QoS fits.

        Raises:
            UsageError: Not subscribed.
        """
        subscription, qos = self._subscribed(topic)
        count: Callable[[], int] | None = getattr(subscription, "get_publisher_count", None)
        if count is not None:
            return count()
        wanted, check = profile_of(self._rclpy, qos), self._rclpy.qos.qos_check_compatible
        offered = [info.qos_profile for info in self._node.get_publishers_info_by_topic(topic)]
        return sum(check(profile, wanted)[0].name != "ERROR" for profile in offered)

    def take(self, timeout_s: float) -> Sequence[Sample]:
        """Every sample that has arrived, waiting up to `timeout_s` for the first; order is kept per publisher.

        One call returns about 8192 samples or 64 MiB at most; the rest stays for the next.
        """
        self._check_open()
        deadline = time.monotonic() + timeout_s
        while True:
            taken = self._drain.take(min(max(deadline - time.monotonic(), 0.0), WAIT_SLICE_S))
            if taken or time.monotonic() >= deadline:
                return self._samples(taken)

    def advertise(self, topic: str, ros_type: str, *, qos: Qos, type_hash: str | None) -> Ros2Publisher:  # noqa: ARG002  # the Protocol's
        """Open a publisher; it stays open until the transport closes. rclpy announces the hash of the sourced type."""
        self._check_open()
        with refusals(f"publish {topic} as {ros_type}"):
            publisher = self._node.create_publisher(
                message_class(ros_type), topic, qos_profile=profile_of(self._rclpy, qos)
            )
        return Ros2Publisher(publisher, self)

    def loss_counters(self) -> Mapping[str, int]:
        """`messages_lost` where the RMW vouches for it; on Linux `udp_datagrams_dropped` at this process's sockets."""
        return {**self._lost.counters(), **self._datagrams.counters()}

    def losses_by_topic(self) -> Mapping[str, int]:
        """`message_lost` events of each topic of which the RMW vouches for it."""
        return self._lost.by_topic()

    def close(self) -> None:
        """Leave the graph and free everything; closing twice is harmless."""
        if self._open:
            self._open = False
            self._subscriptions.clear()
            self._drain.close()
            self._node.destroy_node()
            self._context.try_shutdown()

    def check_open(self) -> None:
        """Raises UsageError where the transport is closed."""
        self._check_open()

    def _subscription(self, topic: str, ros_type: str, qos: Qos) -> Subscription:
        """With the event of lost messages, where this RMW has it."""
        events = self._rclpy.events
        lost = functools.partial(self._lost.add, topic)
        with_losses = events.SubscriptionEventCallbacks(message_lost=lost, use_default_callbacks=False)
        try:
            subscription = self._created(topic, ros_type, qos, with_losses)
        except events.UnsupportedEventTypeError:
            without = events.SubscriptionEventCallbacks(use_default_callbacks=False)
            return self._created(topic, ros_type, qos, without)
        self._lost.observe(topic)
        return subscription

    def _created(self, topic: str, ros_type: str, qos: Qos, callbacks: EventCallbacks) -> Subscription:
        def heard(cdr: bytes, info: MessageInfo) -> None:
            self._drain.heard(topic, cdr, info)

        return self._node.create_subscription(
            message_class(ros_type),
            topic,
            heard,
            qos_profile=profile_of(self._rclpy, qos),
            event_callbacks=callbacks,
            raw=True,
        )

    def _changed(self) -> None:
        self._drain.changed({topic: subscription for topic, (subscription, _) in self._subscriptions.items()})

    def _samples(self, taken: Sequence[Taken]) -> list[Sample]:
        for topic in {one.topic for one in taken}:
            self._publishers.look(topic)
        return [self._sample(one) for one in taken]

    def _sample(self, one: Taken) -> Sample:
        publisher = self._publishers.publisher_of(one.topic, one.info)
        # The numbers of two publishers, mixed, would look like loss.
        sequence = None if publisher == UNKNOWN_PUBLISHER else one.info.get("publication_sequence_number")
        return Sample(one.topic, one.cdr, one.info["source_timestamp"], one.receive_ns, publisher, sequence)

    def _subscribed(self, topic: str) -> tuple[Subscription, Qos]:
        self._check_open()
        return subscription_of(self._subscriptions, topic)

    def _check_open(self) -> None:
        require_open(self._open)


class Ros2Publisher:
    """An open publisher of serialised messages; lives as long as its transport."""

    def __init__(self, publisher: Publisher, transport: Ros2Transport) -> None:
        self._publisher = publisher
        self._transport = transport

    def publish(self, cdr: bytes, source_ns: int | None = None) -> None:
        """Send one serialised message.

        Args:
            cdr: Message with its 4-byte encapsulation header.
            source_ns: None; rclpy stamps messages itself.

        Raises:
            UsageError: A stamp, no message, or the transport is closed.
            EnvironmentUnfitError: The RMW refused.
        """
        self._transport.check_open()
        if source_ns is not None:
            raise UsageError(
                f"expected no source stamp over rclpy, which gives its own, got {source_ns}",
                remedy="leave the stamp out, or publish over the transport dds",
            )
        if len(cdr) <= 4 or cdr[0] != 0:
            raise UsageError(f"expected a CDR message, got {len(cdr)} bytes that begin {cdr[:4].hex()}")
        with refusals("publish a message"):
            self._publisher.publish(cdr)

    def matched(self) -> int:
        """Number of subscriptions matched now."""
        self._transport.check_open()
        return self._publisher.get_subscription_count()


def _node(rclpy: Rclpy, context: Context, name: str) -> Node:
    """A node that serves nothing, since nothing would answer."""
    namespace, _, last = name.rpartition("/")
    return rclpy.node.Node(
        last,
        context=context,
        namespace=namespace or "/",
        use_global_arguments=False,
        enable_rosout=False,
        start_parameter_services=False,
        parameter_overrides=[rclpy.parameter.Parameter("start_type_description_service", value=False)],
    )


def _drain(rclpy: Rclpy, context: Context, node: Node, lost: MessagesLost) -> Drain:
    if rclpy.native is not None:
        return WaitSetDrain(rclpy.native, context, lost)
    return ExecutorDrain(rclpy.executors.SingleThreadedExecutor(context=context), node)


@contextmanager
def refusals(what: str) -> Iterator[None]:
    """Errors of rclpy as ours: bad names are ValueErrors there, what the RMW refuses is a RuntimeError."""
    try:
        yield
    except ValueError as error:
        raise UsageError(f"expected to {what}, got: {error}") from error
    except RuntimeError as error:
        raise EnvironmentUnfitError(
            f"expected to {what}, got: {error}", remedy="see what `ros2 doctor --report` says of this machine"
        ) from error
