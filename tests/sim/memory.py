"""A transport that keeps what is published, and reads it back with an implementation that is not ours."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
from rosbags.typesys import Stores, get_typestore

from embodied_kit.model.stream import Qos
from embodied_recorders.sim import SimOptions, simulate

STORE = get_typestore(Stores.ROS2_JAZZY)
EPOCH_NS = 1_700_000_000_123_456_789


@dataclass
class Kept:
    """One publisher; implements the Publisher Protocol."""

    ros_type: str
    qos: Qos
    type_hash: str | None
    messages: list[tuple[bytes, int]] = field(default_factory=list)

    def publish(self, cdr: bytes, source_ns: int | None = None) -> None:
        assert source_ns is not None
        self.messages.append((cdr, source_ns))

    def matched(self) -> int:
        return 0

    def decoded(self) -> list:
        return [STORE.deserialize_cdr(cdr, self.ros_type) for cdr, _ in self.messages]

    def stamps_ns(self) -> np.ndarray:
        """Header stamps; the header is the first field of every stamped type but TFMessage."""
        skip = 8 if self.ros_type == "tf2_msgs/msg/TFMessage" else 4
        pairs = [np.frombuffer(cdr, "<u4", 2, skip).astype(np.int64) for cdr, _ in self.messages]
        return np.array([sec * 1_000_000_000 + nanosec for sec, nanosec in pairs])


@dataclass
class Memory:
    """The part of a Transport that a robot needs."""

    topics: dict[str, Kept] = field(default_factory=dict)

    def advertise(self, topic: str, ros_type: str, *, qos: Qos, type_hash: str | None) -> Kept:
        assert topic not in self.topics
        self.topics[topic] = Kept(ros_type, qos, type_hash)
        return self.topics[topic]


def published(options: SimOptions, *, cameras: bool) -> dict[str, Kept]:
    memory = Memory()
    simulate(options, memory, epoch_ns=EPOCH_NS, cameras=cameras)
    return memory.topics


def grouped(lines: list[dict]) -> dict[str, list[tuple[int, int, int]]]:
    """Messages of a log by topic: sequence, stamp, source."""
    groups = defaultdict(list)
    for line in lines:
        if "topic" in line:
            groups[line["topic"]].append((line["sequence"], int(line["stamp_ns"]), int(line["source_ns"])))
    return groups
