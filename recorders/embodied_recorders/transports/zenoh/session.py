"""Joining a zenoh network, and being its router."""

from __future__ import annotations

import os
import time
from importlib import metadata
from typing import Final

import zenoh

from embodied_kit.errors import EnvironmentUnfitError, UsageError

from .config import reason, router_config, session_config, strings

_CHECK_ATTEMPTS: Final = "ZENOH_ROUTER_CHECK_ATTEMPTS"
_ATTEMPTS: Final = 3
_FIRST_VERSION: Final = (1, 10)
_FIRST_UNKNOWN_VERSION: Final = (2,)
_POLL_S: Final = 0.005
NO_ROUTER_REMEDY: Final = "start one: ros2 run rmw_zenoh_cpp rmw_zenohd, or without ROS: embodied-kit robot router"


def open_session(interface: str) -> zenoh.Session:
    """Join as a peer or client; see `session_config`.

    A peer would wait for its router in silence and see nobody, so a router or another peer has to answer within
    ZENOH_ROUTER_CHECK_ATTEMPTS seconds (3 where that is unset or 0); with a negative number, or as a router, none has.

    Raises:
        UsageError: The user's own configuration cannot be used.
        EnvironmentUnfitError: No router answers, or zenoh does not open.
    """
    _require_version()
    config = session_config(interface)
    mode, routers = strings(config, "mode")[0], ", ".join(strings(config, "connect/endpoints"))
    attempts = _attempts()
    try:
        session = zenoh.open(config)
    except zenoh.ZError as error:
        if mode == "client":
            raise _no_router(routers) from error
        raise _not_opened(error) from error
    if mode == "router" or attempts < 0 or _found_others(session, attempts):
        return session
    session.close()
    raise _no_router(routers)


def open_router(endpoint: str) -> zenoh.Session:
    """Be the router that rmw_zenoh's nodes ask who is there.

    Args:
        endpoint: Where to listen, e.g. `tcp/127.0.0.1:7447`.

    Raises:
        UsageError: The user's own configuration cannot be used.
        EnvironmentUnfitError: Zenoh does not open, e.g. because the port is taken.
    """
    _require_version()
    try:
        return zenoh.open(router_config(endpoint))
    except zenoh.ZError as error:
        raise _not_opened(error) from error


def _require_version() -> None:
    """Refuse a release whose API is not the one that this was written against."""
    found = metadata.version("eclipse-zenoh")
    numbers = tuple(int(number) for number in found.split(".")[:2] if number.isdecimal())
    if not _FIRST_VERSION <= numbers < _FIRST_UNKNOWN_VERSION:
        raise EnvironmentUnfitError(
            f"expected eclipse-zenoh>=1.10,<2, got {found}", remedy="pip install 'embodied_kit[zenoh]'"
        )


def _attempts() -> int:
    text = os.environ.get(_CHECK_ATTEMPTS, "")
    try:
        return int(text or "0") or _ATTEMPTS
    except ValueError as error:
        raise UsageError(f"expected a whole number in {_CHECK_ATTEMPTS}, got {text!r}") from error


def _found_others(session: zenoh.Session, patience_s: float) -> bool:
    deadline = time.monotonic() + patience_s
    while not (session.info.routers_zid() or session.info.peers_zid()):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_S)
    return True


def _no_router(routers: str) -> EnvironmentUnfitError:
    return EnvironmentUnfitError(f"expected a zenoh router at {routers}, got no answer", remedy=NO_ROUTER_REMEDY)


def _not_opened(error: zenoh.ZError) -> EnvironmentUnfitError:
    return EnvironmentUnfitError(
        f"expected zenoh to open, got {reason(error)}",
        remedy="look at the interface or endpoint, ZENOH_CONFIG_OVERRIDE and the ports in use (`ss -ltn`)",
    )
