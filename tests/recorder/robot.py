"""A small robot in a process of its own: publishes over a real middleware and logs each message that it sent.

Arguments: domain, log file, JSON list of topics `{topic, kind, rate_hz, latched, best_effort}`, transport; ends when
its input closes. Kind `played` sends the messages of a file instead: `{topic, kind, rate_hz, latched, file}`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import select
import struct
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TextIO

_ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(_ROOT), str(_ROOT / "recorders")]

import numpy as np  # noqa: E402 - the path comes first
from rosbags.typesys import Stores, get_typestore  # noqa: E402

from embodied_kit.messages.definitions import TypeStore  # noqa: E402
from embodied_kit.model.stream import LATCHED, Qos  # noqa: E402
from embodied_recorders.transports import open_transport  # noqa: E402
from embodied_recorders.transports.base import Publisher, Transport  # noqa: E402

TYPES = {
    "joint": "sensor_msgs/msg/JointState",
    "image": "sensor_msgs/msg/Image",
    "text": "std_msgs/msg/String",
    "clock": "rosgraph_msgs/msg/Clock",
}
_STORE = get_typestore(Stores.ROS2_JAZZY)


def message(kind: str, count: int, stamp_ns: int) -> bytes:
    """CDR of the count-th message of a kind."""
    types = _STORE.types
    stamp = types["builtin_interfaces/msg/Time"](sec=stamp_ns // 10**9, nanosec=stamp_ns % 10**9)
    header = types["std_msgs/msg/Header"](stamp=stamp, frame_id="base")
    if kind == "joint":
        value = types[TYPES[kind]](header, ["j1"], np.array([float(count)]), np.zeros(1), np.zeros(1))
    elif kind == "image":
        pixels = np.full(144, count % 256, np.uint8)
        value = types[TYPES[kind]](header, 6, 8, "rgb8", 0, 24, pixels)
    elif kind == "clock":
        value = types[TYPES[kind]](types["builtin_interfaces/msg/Time"](sec=count // 10, nanosec=count % 10 * 10**8))
    else:
        value = types[TYPES[kind]](f"text {count}")
    return bytes(_STORE.serialize_cdr(value, TYPES[kind]))


@dataclass(frozen=True)
class Played:
    """Messages made elsewhere, sent over and over, each with its own stamp where it has one.

    Attributes:
        stamp_at: Place of a message's sec and nanosec, bytes; None for none.
    """

    ros_type: str
    type_hash: str | None
    stamp_at: int | None
    messages: tuple[bytes, ...]

    @classmethod
    def read(cls, path: Path) -> Played:
        said = json.loads(path.read_text(encoding="utf-8"))
        return cls(**said | {"messages": tuple(map(base64.b64decode, said["messages"]))})

    def write(self, path: Path) -> None:
        said = {"ros_type": self.ros_type, "type_hash": self.type_hash, "stamp_at": self.stamp_at}
        messages = [base64.b64encode(one).decode() for one in self.messages]
        path.write_text(json.dumps(said | {"messages": messages}), encoding="utf-8")

    def message(self, count: int, stamp_ns: int) -> bytes:
        cdr = bytearray(self.messages[count % len(self.messages)])
        if self.stamp_at is not None:
            struct.pack_into("<iI", cdr, self.stamp_at, *divmod(stamp_ns, 10**9))
        return bytes(cdr)


@dataclass
class Topic:
    """One publisher: what it sends next and when."""

    topic: str
    message: Callable[[int, int], bytes]  # of a count and a stamp in ns
    publisher: Publisher
    period_s: float  # 0 for once
    next_s: float
    count: int = 0

    def send(self, log: TextIO) -> None:
        stamp_ns = time.time_ns()
        cdr = self.message(self.count, stamp_ns)
        self.publisher.publish(cdr, stamp_ns)
        padded = cdr + bytes(-len(cdr) % 4)
        digest = hashlib.sha256(padded).hexdigest()
        guid = getattr(self.publisher, "guid", "")
        line = {"topic": self.topic, "publisher": guid, "source_ns": stamp_ns, "sha256": digest}
        log.write(json.dumps(line) + "\n")
        log.flush()
        self.count += 1
        self.next_s = self.next_s + self.period_s if self.period_s else float("inf")


def advertised(graph: Transport, entry: dict[str, object], now_s: float) -> Topic:
    topic, kind, rate_hz, latched = (
        str(entry["topic"]),
        str(entry["kind"]),
        float(str(entry["rate_hz"])),
        bool(entry.get("latched")),
    )
    if kind == "played":
        played = Played.read(Path(str(entry["file"])))
        ros_type, type_hash, say = played.ros_type, played.type_hash, played.message
    else:
        ros_type, say = TYPES[kind], partial(message, kind)
        definition = TypeStore().definition(ros_type, None)
        type_hash = definition.type_hash if definition else None
    reliability = "best_effort" if entry.get("best_effort") else "reliable"
    qos = LATCHED if latched else Qos(reliability=reliability, depth=100)
    publisher = graph.advertise(topic, ros_type, qos=qos, type_hash=type_hash)
    silent = rate_hz == 0 and not latched
    return Topic(topic, say, publisher, 1 / rate_hz if rate_hz else 0.0, float("inf") if silent else now_s)


def main() -> None:
    graph = open_transport(sys.argv[4], domain_id=int(sys.argv[1]), node_name="small_robot")
    topics = [advertised(graph, entry, time.monotonic()) for entry in json.loads(sys.argv[3])]
    print("ready", flush=True)
    with Path(sys.argv[2]).open("a", encoding="utf-8") as log:
        while True:
            due = min(topics, key=lambda topic: topic.next_s)
            wait_s = min(max(due.next_s - time.monotonic(), 0.0), 0.5)
            if select.select([sys.stdin], [], [], wait_s)[0]:
                break
            if due.next_s <= time.monotonic():
                due.send(log)
    graph.close()


if __name__ == "__main__":
    main()
