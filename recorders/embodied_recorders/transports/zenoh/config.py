"""Configuration of a zenoh session: that of rmw_zenoh, held to the loopback, then the user's own."""

from __future__ import annotations

import ipaddress
import json
import os
import re
from typing import Final

import zenoh

from embodied_kit.errors import UsageError
from embodied_recorders.transports import LOCAL_ROUTER

_LOOPBACK: Final = "127.0.0.1"
_OVERRIDE: Final = "ZENOH_CONFIG_OVERRIDE"
_SESSION_FILE: Final = "ZENOH_SESSION_CONFIG_URI"
_ROUTER_FILE: Final = "ZENOH_ROUTER_CONFIG_URI"
_PLACE_IN_SOURCE: Final = re.compile(r"\s+at /\S+:\d+\.?")


def session_config(interface: str = _LOOPBACK) -> zenoh.Config:
    """Configuration of a recorder or robot.

    On loopback it is a peer as ROS nodes are, which learns of the others from the router of this machine and then
    talks to them directly. Nodes on another machine listen to their own loopback only, so it is a client of their
    router. ZENOH_SESSION_CONFIG_URI takes the place of all this, ZENOH_CONFIG_OVERRIDE (`key=value;key=value`) of
    single values, as with rmw_zenoh.

    Args:
        interface: Address or name of the network interface to listen on, or the endpoint of a router (`tcp/HOST:7447`).

    Raises:
        UsageError: The user's file or values cannot be used.
    """
    if "/" in interface:
        config = _config(_SESSION_FILE, "client", listen=[], connect=[interface])
    else:
        config = _config(_SESSION_FILE, "peer", listen=[_listening(interface)], connect=[LOCAL_ROUTER])
    return _overridden(config)


def router_config(endpoint: str) -> zenoh.Config:
    """Configuration of a router that listens on an endpoint.

    Raises:
        UsageError: The user's file or values cannot be used.
    """
    return _overridden(_config(_ROUTER_FILE, "router", listen=[endpoint], connect=[]))


def strings(config: zenoh.Config, key: str) -> list[str]:
    """A value that is a text or a list of texts."""
    value = json.loads(config.get_json(key))
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]


def reason(error: zenoh.ZError) -> str:
    """What zenoh says, without the places in its own source."""
    return _PLACE_IN_SOURCE.sub("", " ".join(str(error).split()))


def _config(file_variable: str, mode: str, *, listen: list[str], connect: list[str]) -> zenoh.Config:
    if path := os.environ.get(file_variable, ""):
        try:
            config: zenoh.Config = zenoh.Config.from_file(path)
        except zenoh.ZError as error:
            raise UsageError(f"expected a zenoh configuration in {path}, got {reason(error)}") from error
        return config
    config = zenoh.Config()
    values: dict[str, object] = {
        "mode": mode,
        "connect/endpoints": connect,
        "listen/endpoints": listen,
        "scouting/multicast/enabled": False,
        "scouting/delay": 1,  # ms
        "timestamping/enabled": True,  # the cache of a latched topic needs it
    }
    for key, value in values.items():
        config.insert_json5(key, json.dumps(value))
    return config


def _overridden(config: zenoh.Config) -> zenoh.Config:
    for pair in filter(None, os.environ.get(_OVERRIDE, "").split(";")):
        key, _, value = pair.partition("=")
        try:
            config.insert_json5(key.strip(), value)
        except zenoh.ZError as error:
            raise UsageError(
                f"expected key=value;key=value in {_OVERRIDE}, got {pair!r}: {reason(error)}",
                remedy="for example: export ZENOH_CONFIG_OVERRIDE='connect/endpoints=[\"tcp/192.168.1.5:7447\"]'",
            ) from error
    return config


def _listening(interface: str) -> str:
    """Endpoint on a free port of an interface."""
    if interface in {"lo", "localhost"}:
        interface = _LOOPBACK
    try:
        address = ipaddress.ip_address(interface)
    except ValueError:
        return f"tcp/0.0.0.0:0#iface={interface}"
    return f"tcp/[{address}]:0" if isinstance(address, ipaddress.IPv6Address) else f"tcp/{address}:0"
