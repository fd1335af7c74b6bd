"""What we use of rclpy, typed: it has no type information in Humble and Jazzy, and is not installed everywhere.

Names and signatures were read in rclpy's sources (branches humble, jazzy, rolling of December 2024) and in the
documentation of Kilted and rolling; they differ where a comment says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Final, Literal, Protocol, TypedDict

MessageClass = type[object]
CYCLONE: Final = "rmw_cyclonedds_cpp"


class PublisherGid(TypedDict):
    """Id of a publisher as the RMW gives it with a message; Cyclone DDS gives a number of its own, no global id."""

    data: bytes
    implementation_identifier: str


class Stamps(TypedDict):
    """What every version tells of a message, in ns since the Unix epoch."""

    source_timestamp: int
    received_timestamp: int


class MessageInfo(Stamps, total=False):
    """What is told of a message: a sequence number from Iron on, the publisher from Kilted on."""

    publication_sequence_number: int | None
    publisher_gid: PublisherGid | None


class InUse(Protocol):
    """What rcl must not destroy while it is waited on."""

    def __enter__(self) -> object: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> bool | None: ...


class SubscriptionHandle(InUse, Protocol):
    """Private: the entity below a subscription."""

    @property
    def pointer(self) -> int:
        """Its address."""
        ...

    def take_message(self, message_class: MessageClass, raw: bool, /) -> tuple[bytes, MessageInfo] | None:
        """The next message that waits, None where none does."""
        ...


class WaitSet(InUse, Protocol):
    """Private: what `rcl_wait` waits on."""

    def clear_entities(self) -> None:
        """Forget what was added; a wait leaves only what is ready."""
        ...

    def add_subscription(self, subscription: SubscriptionHandle, /) -> int:
        """Wait for its messages too."""
        ...

    def wait(self, timeout_ns: int, /) -> None:
        """Until one is ready or the time is over; an empty set is an error."""
        ...

    def get_ready_entities(self, kind: Literal["subscription"], /) -> list[int]:
        """Addresses of those that are ready."""
        ...


class LostStatus(Protocol):
    """Messages lost on one subscription."""

    total_count: int
    total_count_change: int


class EventHandler(InUse, Protocol):
    """One kind of event of one subscription (`QoSEventHandler` in Humble)."""

    def add_to_wait_set(self, wait_set: WaitSet, /) -> None:
        """Wait for it too."""
        ...

    def is_ready(self, wait_set: WaitSet, /) -> bool:
        """Whether it happened."""
        ...

    def take_data(self) -> LostStatus | None:
        """What happened, once."""
        ...


class Subscription(Protocol):
    """Of one topic. From Iron on it has `get_publisher_count`."""

    msg_type: MessageClass
    event_handlers: Sequence[EventHandler]

    @property
    def handle(self) -> SubscriptionHandle:
        """The entity below it."""
        ...


class Publisher(Protocol):
    """On one topic."""

    def publish(self, message: bytes, /) -> None:
        """Send a serialised message."""
        ...

    def get_subscription_count(self) -> int:
        """Subscriptions matched now."""
        ...


class Duration(Protocol):
    """A time span."""

    @property
    def nanoseconds(self) -> int:
        """Its length in ns."""
        ...


class Policy(Protocol):
    """A value of a QoS policy."""

    name: str


class PolicyEnum(Protocol):
    """The values of a QoS policy by name."""

    def __getitem__(self, name: str, /) -> Policy: ...


class QosProfile(Protocol):
    """QoS of one endpoint."""

    history: Policy
    depth: int
    reliability: Policy
    durability: Policy
    deadline: Duration
    lifespan: Duration


class QosModule(Protocol):
    """`rclpy.qos`."""

    QoSHistoryPolicy: PolicyEnum
    QoSReliabilityPolicy: PolicyEnum
    QoSDurabilityPolicy: PolicyEnum

    def QoSProfile(  # noqa: N802  # a class there
        self,
        *,
        history: Policy,
        depth: int,
        reliability: Policy,
        durability: Policy,
        deadline: Duration,
        lifespan: Duration,
    ) -> QosProfile:
        """A profile; a duration of 0 leaves the policy to the RMW, which takes it as endless."""
        ...

    def qos_check_compatible(self, publisher: QosProfile, subscription: QosProfile, /) -> tuple[Policy, str]:
        """OK, WARNING or ERROR, and why."""
        ...


class DurationModule(Protocol):
    """`rclpy.duration`."""

    def Duration(self, *, nanoseconds: int) -> Duration:  # noqa: N802  # a class there
        """A time span."""
        ...


class EndpointInfo(Protocol):
    """A publisher in the graph. From Iron on it has `topic_type_hash`, whose text is RIHS01_... or INVALID."""

    node_name: str
    node_namespace: str
    topic_type: str
    endpoint_gid: Sequence[int]
    qos_profile: QosProfile


class EventCallbacks(Protocol):
    """What is called on the events of a subscription."""


class EventModule(Protocol):
    """`rclpy.event_handler`, in Humble `rclpy.qos_event`."""

    UnsupportedEventTypeError: type[Exception]

    def SubscriptionEventCallbacks(  # noqa: N802  # a class there
        self, *, message_lost: Callable[[LostStatus], None] | None = None, use_default_callbacks: bool
    ) -> EventCallbacks:
        """Callbacks; a default one prints a warning where a QoS does not match."""
        ...


class Parameter(Protocol):
    """A parameter of a node."""


class ParameterModule(Protocol):
    """`rclpy.parameter`."""

    def Parameter(self, name: str, *, value: bool) -> Parameter:  # noqa: N802  # a class there
        """A parameter with its value."""
        ...


class Node(Protocol):
    """A node of the graph."""

    def create_subscription(
        self,
        message_class: MessageClass,
        topic: str,
        callback: Callable[[bytes, MessageInfo], None],
        *,
        qos_profile: QosProfile,
        event_callbacks: EventCallbacks,
        raw: Literal[True],
    ) -> Subscription:
        """A subscription whose messages stay as they crossed the wire."""
        ...

    def create_publisher(
        self, message_class: MessageClass, topic: str, *, qos_profile: QosProfile, event_callbacks: None = None
    ) -> Publisher:
        """A publisher."""
        ...

    def destroy_subscription(self, subscription: Subscription, /) -> bool:
        """End a subscription."""
        ...

    def get_topic_names_and_types(self) -> Sequence[tuple[str, Sequence[str]]]:
        """Every topic in the graph, those of this node too."""
        ...

    def get_publishers_info_by_topic(self, topic: str, /) -> Sequence[EndpointInfo]:
        """Its publishers, those of this node too."""
        ...

    def count_publishers(self, topic: str, /) -> int:
        """How many there are."""
        ...

    def get_name(self) -> str:
        """Name without namespace."""
        ...

    def get_namespace(self) -> str:
        """Namespace, beginning with a slash."""
        ...

    def destroy_node(self) -> object:
        """Leave the graph."""
        ...


class Context(Protocol):
    """What nodes share."""

    @property
    def handle(self) -> InUse:
        """The entity below it."""
        ...

    def init(self, args: list[str], *, domain_id: int) -> None:
        """Join a domain."""
        ...

    def try_shutdown(self) -> None:
        """Leave it, where that has not been done."""
        ...


class ContextModule(Protocol):
    """`rclpy.context`."""

    def Context(self) -> Context:  # noqa: N802  # a class there
        """A context of its own: no signal handlers, nothing shared with other users of rclpy in this process."""
        ...


class NodeModule(Protocol):
    """`rclpy.node`."""

    def Node(  # noqa: N802  # a class there
        self,
        name: str,
        *,
        context: Context,
        namespace: str,
        use_global_arguments: bool,
        enable_rosout: bool,
        start_parameter_services: bool,
        parameter_overrides: list[Parameter],
    ) -> Node:
        """A node."""
        ...


class Executor(Protocol):
    """Calls the callbacks of its nodes."""

    def add_node(self, node: Node, /) -> bool:
        """Serve a node."""
        ...

    def spin_once(self, timeout_sec: float) -> None:
        """Wait for one thing to do, and do it."""
        ...

    def shutdown(self) -> object:
        """Serve no more."""
        ...


class ExecutorModule(Protocol):
    """`rclpy.executors`."""

    def SingleThreadedExecutor(self, *, context: Context) -> Executor:  # noqa: N802  # a class there
        """An executor."""
        ...


class Native(Protocol):
    """Private: `rclpy.impl.implementation_singleton.rclpy_implementation`, the compiled half."""

    def WaitSet(  # noqa: N802  # a class there
        self, subscriptions: int, guards: int, timers: int, clients: int, services: int, events: int, context: InUse, /
    ) -> WaitSet:
        """A wait set with room for so many."""
        ...


class UtilityModule(Protocol):
    """`rclpy.utilities`."""

    def get_rmw_implementation_identifier(self) -> str:
        """e.g. rmw_fastrtps_cpp."""
        ...
