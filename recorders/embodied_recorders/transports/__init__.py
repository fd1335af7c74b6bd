"""Transports: one module each behind one Protocol, one row each in TRANSPORTS."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Final

from embodied_kit.errors import MissingExtraError, UsageError

from .base import Transport

LOCAL_ROUTER: Final = "tcp/127.0.0.1:7447"
"""Where nodes of rmw_zenoh look for their router."""


def _dds(domain_id: int | None, node_name: str, interface: str) -> Transport:
    from .dds.transport import DdsTransport  # noqa: PLC0415 - importing the rows must not load a middleware

    return DdsTransport(domain_id, node_name=node_name, interface=interface)


def _ros2(domain_id: int | None, node_name: str, interface: str) -> Transport:
    from .ros2.transport import Ros2Transport  # noqa: PLC0415 - importing the rows must not load a middleware

    return Ros2Transport(domain_id, node_name=node_name, interface=interface)


@contextmanager
def _zenoh_installed() -> Iterator[None]:
    """Tell of a missing package by the extra that brings it."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name not in {"zenoh", "zenoh.ext", "xxhash"}:
            raise
        raise MissingExtraError("zenoh", "the transport zenoh") from error


def _zenoh(domain_id: int | None, node_name: str, interface: str) -> Transport:
    with _zenoh_installed():
        from .zenoh.transport import ZenohTransport  # noqa: PLC0415 - as above
    return ZenohTransport(domain_id, node_name=node_name, interface=interface)


TRANSPORTS: Final[Mapping[str, Callable[[int | None, str, str], Transport]]] = MappingProxyType(
    {"dds": _dds, "ros2": _ros2, "zenoh": _zenoh}
)


def open_transport(
    name: str, *, domain_id: int | None = None, node_name: str = "embodied_recorder", interface: str = "127.0.0.1"
) -> Transport:
    """Join a ROS 2 graph.

    Args:
        name: A key of TRANSPORTS.
        domain_id: ROS domain; None takes ROS_DOMAIN_ID, else 0.
        node_name: Our name in the graph.
        interface: Address or name of the network interface; loopback unless told otherwise. With zenoh also the
            endpoint of a router, e.g. `tcp/192.168.1.5:7447`.

    Raises:
        UsageError: No such transport or domain.
        EnvironmentUnfitError: The transport cannot work here; the remedy says what is missing.
    """
    if name not in TRANSPORTS:
        raise UsageError(f"expected a transport of {', '.join(TRANSPORTS)}, got {name!r}")
    return TRANSPORTS[name](domain_id, node_name, interface)


@contextmanager
def zenoh_router(endpoint: str) -> Iterator[None]:
    """Be a zenoh router at an endpoint, e.g. `tcp/127.0.0.1:7447`, as long as the context lasts.

    Raises:
        UsageError: The user's own zenoh configuration cannot be used.
        EnvironmentUnfitError: zenoh is not installed, or the port is taken.
    """
    with _zenoh_installed():
        from .zenoh.session import open_router  # noqa: PLC0415 - as above
    session = open_router(endpoint)
    try:
        yield
    finally:
        session.close()
