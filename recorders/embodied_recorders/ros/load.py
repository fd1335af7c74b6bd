"""Loads what the node needs of a sourced ROS 2."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from embodied_kit.errors import EnvironmentUnfitError
from embodied_recorders.transports.ros2.load import Rclpy, message_class

from .api import Executors, LifecycleModule, NodeModule, ServiceType, StringMessage
from .desk import STATUS_TYPE


class RosModules(Rclpy):
    """rclpy, the classes of the services, and `rclpy.lifecycle` where lifecycle_msgs is installed too, else None.

    Raises:
        EnvironmentUnfitError: rclpy or std_srvs cannot be imported.
    """

    def __init__(self) -> None:
        super().__init__()
        self.nodes = cast("NodeModule", self.node)
        self.spinning = cast("Executors", self.executors)
        try:
            services = import_module("std_srvs.srv")
        except ImportError as error:
            raise EnvironmentUnfitError(
                f"expected the ROS 2 package std_srvs, got: {error}", remedy="sudo apt install ros-$ROS_DISTRO-std-srvs"
            ) from error
        self.trigger = cast("ServiceType", services.Trigger)
        self.set_bool = cast("ServiceType", services.SetBool)
        self.string = cast("type[StringMessage]", message_class(STATUS_TYPE))
        self.parameter_error = cast("type[Exception]", import_module("rclpy.exceptions").ParameterException)
        self.lifecycle = lifecycle()


def lifecycle() -> LifecycleModule | None:
    """`rclpy.lifecycle`; None where it, or lifecycle_msgs below it, is not installed."""
    try:
        return cast("LifecycleModule", import_module("rclpy.lifecycle"))
    except ImportError:
        return None
