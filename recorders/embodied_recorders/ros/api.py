"""What the node uses of rclpy beyond the transport, typed; read in its sources (humble, jazzy, rolling of 2024)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from embodied_recorders.transports.ros2.api import Context, QosProfile

Value = str | bool | int | float | list[str]


class StringMessage(Protocol):
    """`std_msgs.msg.String`."""

    data: str


class TriggerRequest(Protocol):
    """Of Trigger: empty."""


class SetBoolRequest(Protocol):
    """Of SetBool."""

    data: bool


class Response(Protocol):
    """Of Trigger and of SetBool."""

    success: bool
    message: str


class ServiceType(Protocol):
    """A service's class, with `Request` and `Response`."""


class StringPublisher(Protocol):
    """On a topic of strings."""

    def publish(self, message: StringMessage, /) -> None:
        """Send one."""
        ...


class DeclaredParameter(Protocol):
    """A parameter of a node."""

    @property
    def value(self) -> Value:
        """As it is now."""
        ...


class MaybeParameter(Protocol):
    """A parameter of a node, perhaps without a value."""

    @property
    def value(self) -> Value | None:
        """As it is now."""
        ...


class Logger(Protocol):
    """Of a node."""

    def info(self, message: str, /) -> bool:
        """Log."""
        ...

    def error(self, message: str, /) -> bool:
        """Log."""
        ...


class ServingNode(Protocol):
    """A node with services, parameters and a publisher."""

    def create_service(
        self, service_type: ServiceType, name: str, callback: Callable[[object, Response], Response], /
    ) -> object:
        """Offer a service; `~/x` is below the node's name. The callback fills the response that it is given."""
        ...

    def create_publisher(
        self, message_class: type[StringMessage], topic: str, qos_profile: QosProfile, /
    ) -> StringPublisher:
        """A publisher."""
        ...

    def declare_parameter(self, name: str, value: Value, /) -> DeclaredParameter:
        """Declare; a value given on the command line, by launch or in a file wins, where it is of the same type."""
        ...

    def get_parameter(self, name: str, /) -> DeclaredParameter:
        """As it is now."""
        ...

    def get_parameter_or(self, name: str, /) -> MaybeParameter:
        """Likewise; its value is None where it has none."""
        ...

    def get_logger(self) -> Logger:
        """Its logger."""
        ...

    def destroy_node(self) -> object:
        """Leave the graph."""
        ...


class LifecycleNode(ServingNode, Protocol):
    """`rclpy.lifecycle.LifecycleNode`: managed by others through its services, or by itself."""

    def trigger_configure(self) -> object:
        """Do the transition as if it was asked for; `TransitionCallbackReturn`."""
        ...

    def trigger_activate(self) -> object:
        """Likewise."""
        ...


class TransitionReturns(Protocol):
    """`rclpy.lifecycle.TransitionCallbackReturn`."""

    SUCCESS: object
    FAILURE: object
    ERROR: object


class LifecycleModule(Protocol):
    """`rclpy.lifecycle`."""

    LifecycleNode: type
    TransitionCallbackReturn: TransitionReturns


class NodeModule(Protocol):
    """`rclpy.node`."""

    def Node(self, name: str, *, context: Context) -> ServingNode:  # noqa: N802  # a class there
        """A node of the process's own ROS arguments."""
        ...


class Executors(Protocol):
    """`rclpy.executors`."""

    def SingleThreadedExecutor(self, *, context: Context) -> NodeExecutor:  # noqa: N802  # a class there
        """An executor."""
        ...


class NodeExecutor(Protocol):
    """Calls the callbacks of its nodes."""

    def add_node(self, node: ServingNode, /) -> bool:
        """Serve a node."""
        ...

    def spin_once(self, timeout_sec: float) -> None:
        """Wait for one thing to do, and do it."""
        ...

    def shutdown(self) -> object:
        """Serve no more."""
        ...


Parameters = Mapping[str, Value]
