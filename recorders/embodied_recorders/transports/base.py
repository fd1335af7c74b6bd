"""The Protocol that every transport implements; a recorder knows nothing else of a middleware."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Protocol, TypeVar

from embodied_kit.errors import EnvironmentUnfitError, UsageError
from embodied_kit.model.stream import Endpoint, Qos, Sample

_Subscription = TypeVar("_Subscription")
# A take ends here, so that a flood cannot hold its caller or grow its memory; the next take goes on.
MAX_SAMPLES_PER_TAKE: Final = 8192
MAX_BYTES_PER_TAKE: Final = 64 << 20
# Waits are cut so that a signal (Ctrl-C) is answered.
WAIT_SLICE_S: Final = 0.2
# `Sample.publisher` where a topic has several publishers and nothing tells whose a message is.
UNKNOWN_PUBLISHER: Final = ""


class TypeNotSourcedError(EnvironmentUnfitError):
    """A topic's type is not installed here, and the transport cannot receive it without."""


def matching_qos(offered: Sequence[Qos]) -> Qos:
    """Reader's QoS that matches every one of these publishers, and asks each for as much as they all offer.

    DDS matches a reader that asks for no more than the writer offers; a reader that asks for less than a latched topic
    offers would miss what was latched. No publisher: reliable and volatile.
    """
    return Qos(
        reliability="best_effort" if any(qos.reliability == "best_effort" for qos in offered) else "reliable",
        durability=(
            "transient_local" if offered and all(q.durability == "transient_local" for q in offered) else "volatile"
        ),
        history="keep_all",
        depth=0,
    )


def require_open(is_open: bool) -> None:
    """Refuse to use what was closed.

    Raises:
        UsageError: It was.
    """
    if not is_open:
        raise UsageError("expected an open transport, got a closed one")


def subscription_of(subscriptions: Mapping[str, _Subscription], topic: str) -> _Subscription:
    """That of a topic.

    Raises:
        UsageError: There is none.
    """
    if topic not in subscriptions:
        raise UsageError(f"expected a topic subscribed to, got {topic}")
    return subscriptions[topic]


class Publisher(Protocol):
    """An open publisher of serialised messages."""

    def publish(self, cdr: bytes, source_ns: int | None = None) -> None:
        """Send one serialised message.

        Args:
            cdr: Message with its 4-byte encapsulation header.
            source_ns: Source stamp in ns since the Unix epoch; None takes the present.
        """
        ...

    def matched(self) -> int:
        """Number of subscriptions matched now."""
        ...


class Transport(Protocol):
    """One connection to a ROS 2 graph over one middleware. Not thread-safe unless a transport says so."""

    name: str

    def endpoints(self) -> Sequence[Endpoint]:
        """Publishers in the graph now, our own left out, in order of topic."""
        ...

    def subscribe(self, topic: str, ros_type: str, *, qos: Qos, type_hash: str | None) -> None:
        """Begin to receive a topic's messages raw, from every publisher, with nothing overwritten (KEEP_ALL).

        A second call for the same topic changes nothing.

        Raises:
            TypeNotSourcedError: Only where a transport needs the type.
        """
        ...

    def unsubscribe(self, topic: str) -> None:
        """Stop receiving a topic."""
        ...

    def matched(self, topic: str) -> int:
        """Publishers matched by our subscription to the topic."""
        ...

    def take(self, timeout_s: float) -> Sequence[Sample]:
        """Every sample that has arrived, waiting up to `timeout_s` for the first; order is kept per publisher."""
        ...

    def advertise(self, topic: str, ros_type: str, *, qos: Qos, type_hash: str | None) -> Publisher:
        """Open a publisher."""
        ...

    def loss_counters(self) -> Mapping[str, int]:
        """Counters since opening that this transport can vouch for, unit in the name, e.g. `udp_datagrams_dropped`."""
        ...

    def losses_by_topic(self) -> Mapping[str, int]:
        """Messages lost since opening of each subscribed topic of which this transport can tell; the rest is absent."""
        ...

    def close(self) -> None:
        """Leave the graph and free everything."""
        ...
