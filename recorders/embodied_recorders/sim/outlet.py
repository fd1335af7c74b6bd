"""Publishers of one process by topic, each message numbered and logged."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Protocol

from embodied_kit.errors import UsageError
from embodied_kit.messages.definitions import TypeStore
from embodied_kit.model.stream import Qos
from embodied_recorders.sim.log import LogWriter
from embodied_recorders.sim.streams import TOPICS, Process
from embodied_recorders.transports.base import Publisher

DISTRO = "jazzy"
Clock = Callable[[], int]


class Advertiser(Protocol):
    """The part of a Transport that a robot needs."""

    def advertise(self, topic: str, ros_type: str, *, qos: Qos, type_hash: str | None) -> Publisher:
        """Open a publisher."""
        ...


class Outlet:
    """Publishes on the topics of one process.

    Args:
        transport: Where to publish.
        process: Whose topics to advertise.
        log: The robot's log; None for none.
        clock: Wall clock in ns since the Unix epoch, for source stamps.
    """

    def __init__(
        self, transport: Advertiser, process: Process, log: LogWriter | None = None, clock: Clock = time.time_ns
    ) -> None:
        self._clock = clock
        self.log = log
        self.sent: dict[str, int] = {}
        self._publishers: dict[str, Publisher] = {}
        for topic in TOPICS:
            if topic.process == process:
                self.sent[topic.name] = 0
                self._publishers[topic.name] = transport.advertise(
                    topic.name, topic.ros_type, qos=topic.qos, type_hash=type_hash(topic.ros_type)
                )

    def send(self, topic: str, cdr: bytes, stamp_ns: int = 0) -> None:
        """Publish one message; `stamp_ns` is its header's stamp, 0 where it has none."""
        source_ns = self._clock()
        self._publishers[topic].publish(cdr, source_ns)
        sequence = self.sent[topic]
        self.sent[topic] = sequence + 1
        if self.log is not None:
            self.log.message(topic, sequence, stamp_ns, source_ns)


@functools.cache
def type_hash(ros_type: str) -> str:
    """RIHS01 hash of a type of the distribution that the robot speaks.

    Raises:
        UsageError: The distribution has no such type.
    """
    definition = TypeStore().definition(ros_type, None, DISTRO)
    if definition is None:
        raise UsageError(f"expected a type of {DISTRO}, got {ros_type}")
    return definition.type_hash
