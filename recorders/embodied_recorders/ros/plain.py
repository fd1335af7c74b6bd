"""The same services without ROS installed, over the transport `dds`, for callers on rmw_cyclonedds."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from embodied_kit.errors import DataError
from embodied_kit.messages.codec import Codec, codec
from embodied_kit.model.stream import LATCHED
from embodied_recorders.transports.base import Publisher
from embodied_recorders.transports.dds.service import ServiceServer
from embodied_recorders.transports.dds.transport import DdsTransport

from .desk import SET_BOOL, STATUS, STATUS_PERIOD_S, STATUS_TYPE, SWITCH, TRIGGER, TRIGGERS, Desk

_POLL_S = 0.05
# On the wire a request or response is a message; SetBool's response is Trigger's.
_ANSWER: Final = Codec("std_srvs/msg/Response", "bool success\nstring message\n")
_ASKED: Final = Codec("std_srvs/msg/Request", "bool data\n")


@contextmanager
def serving(desk: Desk, transport: DdsTransport, node_name: str = "/episode_recorder") -> Iterator[None]:
    """Answer `<node_name>/start` and the others, and publish `<node_name>/status`, until the block ends.

    Args:
        desk: What answers.
        transport: Open, called like the node, used by nobody else; it is closed at the end.
        node_name: Full name of the node.

    Raises:
        EnvironmentUnfitError: The services cannot be offered.
    """
    over = threading.Event()
    try:
        servers = {word: transport.serve(f"{node_name}/{word}", TRIGGER) for word in TRIGGERS}
        servers[SWITCH] = transport.serve(f"{node_name}/{SWITCH}", SET_BOOL)
        status = transport.advertise(f"{node_name}/{STATUS}", STATUS_TYPE, qos=LATCHED, type_hash=None)
    except BaseException:
        transport.close()
        raise
    thread = threading.Thread(target=_serve, args=(desk, servers, status, over), name="embodied-kit-services")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        transport.close()


def _serve(desk: Desk, servers: dict[str, ServiceServer], status: Publisher, over: threading.Event) -> None:
    next_s = 0.0
    while not over.wait(_POLL_S):
        for word, server in servers.items():
            for request in server.take():
                done, message = _answer(desk, word, request.cdr)
                server.reply(request, _ANSWER.encode({"success": done, "message": message}))
                next_s = 0.0
        if time.monotonic() >= next_s:
            next_s = time.monotonic() + STATUS_PERIOD_S
            status.publish(codec(STATUS_TYPE).encode({"data": desk.status()}))


def _answer(desk: Desk, word: str, request: bytes) -> tuple[bool, str]:
    if word != SWITCH:
        return desk.press(word)
    try:
        return desk.switch(on=bool(_ASKED.decode(request)["data"]))
    except DataError as error:
        return desk.refuse(error)
