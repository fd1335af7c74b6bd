"""A ROS service on DDS topics, as rmw_cyclonedds lays it out: requests on `rq/`, replies on `rr/`, an id before each.

Other RMWs over DDS send the id beside the message, where this cannot see it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from embodied_kit.model.stream import Qos

from . import names
from .native import Native
from .raw import BATCH, Drain, RawReader, RawWriter

SERVICE_QOS: Final = Qos()  # reliable, volatile, KEEP_LAST 10: rmw's default of services
_ENCAPSULATION = 4
ID_BYTES: Final = 16  # client (8), number of the request (8); multiples of 8, so that nothing behind it moves


@dataclass(frozen=True)
class Request:
    """One request: who asks what, and its CDR as if it stood alone."""

    id: bytes
    cdr: bytes


class ServiceServer:
    """Offers one service; the caller polls. For one thread, that of its transport.

    Args:
        native: The library.
        participant: Owner, which must outlive this.
        service: Full name of the service, e.g. `/episode_recorder/start`.
        ros_type: e.g. `std_srvs/srv/Trigger`.
    """

    def __init__(self, native: Native, participant: int, service: str, ros_type: str) -> None:
        request, reply = topics(service)
        self._reader = RawReader(
            native, participant, request, names.dds_type(f"{ros_type}_Request"), qos=SERVICE_QOS, type_hash=None
        )
        self._writer = RawWriter(
            native, participant, reply, names.dds_type(f"{ros_type}_Response"), qos=SERVICE_QOS, type_hash=None
        )
        self._drain = Drain(native)
        self.guids = (self._reader.guid, self._writer.guid)

    def take(self) -> Sequence[Request]:
        """Requests that have come; never waits. What is too short for one is left out."""
        found: list[Request] = []
        count = BATCH
        while count == BATCH:
            count, messages = self._drain.take(self._reader)
            found += [parted(cdr) for cdr, _, _ in messages if len(cdr) > _ENCAPSULATION + ID_BYTES]
        return found

    def reply(self, request: Request, cdr: bytes) -> None:
        """Answer a request with the CDR of the response.

        Raises:
            EnvironmentUnfitError: The caller has not acknowledged for 10 s.
        """
        self._writer.write(joined(request.id, cdr), time.time_ns())


def topics(service: str) -> tuple[str, str]:
    """DDS topics of a service: requests, replies."""
    return f"rq{service}Request", f"rr{service}Reply"


def parted(cdr: bytes) -> Request:
    """Id and message of what crossed the wire."""
    begin = _ENCAPSULATION + ID_BYTES
    return Request(cdr[_ENCAPSULATION:begin], cdr[:_ENCAPSULATION] + cdr[begin:])


def joined(id_: bytes, cdr: bytes) -> bytes:
    """What crosses the wire."""
    return cdr[:_ENCAPSULATION] + id_ + cdr[_ENCAPSULATION:]
