"""Loads rclpy, and message classes, where ROS 2 is sourced."""

from __future__ import annotations

from importlib import import_module, metadata
from typing import cast

from embodied_kit.errors import EnvironmentUnfitError
from embodied_recorders.transports.base import TypeNotSourcedError

from .api import (
    ContextModule,
    DurationModule,
    EventModule,
    ExecutorModule,
    MessageClass,
    Native,
    NodeModule,
    ParameterModule,
    QosModule,
    UtilityModule,
)


class Rclpy:
    """The modules of rclpy, each as what we use of it.

    Attributes:
        rmw: Name of the RMW, e.g. rmw_fastrtps_cpp.
        native: The compiled half, where this version lets us wait and take by ourselves; None leaves it to an executor.

    Raises:
        EnvironmentUnfitError: rclpy cannot be imported.
    """

    def __init__(self) -> None:
        try:
            self.context = cast("ContextModule", import_module("rclpy.context"))
            self.node = cast("NodeModule", import_module("rclpy.node"))
            self.qos = cast("QosModule", import_module("rclpy.qos"))
            self.duration = cast("DurationModule", import_module("rclpy.duration"))
            self.parameter = cast("ParameterModule", import_module("rclpy.parameter"))
            self.executors = cast("ExecutorModule", import_module("rclpy.executors"))
            self.events = _events()
            utilities = cast("UtilityModule", import_module("rclpy.utilities"))
            self.rmw = utilities.get_rmw_implementation_identifier()
        except ImportError as error:
            raise EnvironmentUnfitError(
                f"expected a sourced ROS 2 with rclpy, got: {error}",
                remedy="source ROS 2 in this shell, with the Python it was built for; or use --transport dds",
            ) from error
        self.native = _native()

    def version(self) -> str:
        """Version of the package rclpy; empty where it is not told."""
        try:
            return metadata.version("rclpy")
        except metadata.PackageNotFoundError:
            return ""


def message_class(ros_type: str) -> MessageClass:
    """The Python class of a message type, e.g. of `sensor_msgs/msg/JointState`.

    Raises:
        TypeNotSourcedError: It cannot be imported; the remedy names the package.
    """
    package, _, rest = ros_type.partition("/")
    folder, _, name = rest.rpartition("/")
    try:
        found: object = getattr(import_module(f"{package}.{folder}"), name) if package and folder else None
    except (ImportError, AttributeError):
        found = None
    if not isinstance(found, type):
        raise TypeNotSourcedError(
            f"expected the Python class of the message type {ros_type}, got none",
            remedy=f"source the workspace that holds the package {package}, or record over --transport dds",
        )
    return found


def _events() -> EventModule:
    try:
        return cast("EventModule", import_module("rclpy.event_handler"))
    except ImportError:  # Humble
        return cast("EventModule", import_module("rclpy.qos_event"))


def _native() -> Native | None:
    """The compiled half, where it has all that a drain calls."""
    try:
        module: object = getattr(import_module("rclpy.impl.implementation_singleton"), "rclpy_implementation", None)
    except ImportError:
        return None
    wait_set: object = getattr(module, "WaitSet", None)
    subscription: object = getattr(module, "Subscription", None)
    wanted = (
        (wait_set, ("clear_entities", "add_subscription", "wait", "get_ready_entities")),
        (subscription, ("take_message", "pointer")),
    )
    if all(hasattr(owner, name) for owner, names in wanted for name in names):
        return cast("Native", module)
    return None
