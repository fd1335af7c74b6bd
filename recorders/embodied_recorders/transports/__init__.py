"""Transports: one module each behind one Protocol, one row each in TRANSPORTS."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from embodied_kit.errors import UsageError

from .base import Transport


def _dds(domain_id: int | None, node_name: str, interface: str) -> Transport:
    from .dds.transport import DdsTransport  # noqa: PLC0415 - importing the rows must not load a middleware

    return DdsTransport(domain_id, node_name=node_name, interface=interface)


def _ros2(domain_id: int | None, node_name: str, interface: str) -> Transport:
    from .ros2.transport import Ros2Transport  # noqa: PLC0415 - importing the rows must not load a middleware

    return Ros2Transport(domain_id, node_name=node_name, interface=interface)


TRANSPORTS: Final[Mapping[str, Callable[[int | None, str, str], Transport]]] = MappingProxyType(
    {"dds": _dds, "ros2": _ros2}
)


def open_transport(
    name: str, *, domain_id: int | None = None, node_name: str = "embodied_recorder", interface: str = "127.0.0.1"
) -> Transport:
    """Join a ROS 2 graph.

    Args:
        name: A key of TRANSPORTS.
        domain_id: ROS domain; None takes ROS_DOMAIN_ID, else 0.
        node_name: Our name in the graph.
        interface: Address or name of the network interface; loopback unless told otherwise.

    Raises:
        UsageError: No such transport or domain.
        EnvironmentUnfitError: The transport cannot work here; the remedy says what is missing.
    """
    if name not in TRANSPORTS:
        raise UsageError(f"expected a transport of {', '.join(TRANSPORTS)}, got {name!r}")
    return TRANSPORTS[name](domain_id, node_name, interface)
