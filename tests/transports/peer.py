"""The other side of the conformance suite: the same Transport API, in its own process, driven by JSON lines."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(_ROOT), str(_ROOT / "recorders"), str(_ROOT / "tests")]

from transports.harness import digest, padded, payload  # noqa: E402

from embodied_kit.model.stream import Qos  # noqa: E402 - the path comes first
from embodied_recorders.transports import open_transport  # noqa: E402
from embodied_recorders.transports.base import Publisher, Transport  # noqa: E402

TYPE = "std_msgs/msg/UInt8MultiArray"


class Peer:
    """Transports and publishers by the caller's own keys."""

    def __init__(self) -> None:
        self._transports: dict[str, Transport] = {}
        self._publishers: dict[str, Publisher] = {}

    def open(
        self, key: str, transport: str, domain_id: int, node_name: str, environment: dict[str, str] | None = None
    ) -> object:
        os.environ.update(environment or {})
        self._transports[key] = open_transport(transport, domain_id=domain_id, node_name=node_name)
        return True

    def advertise(self, key: str, topic: str, qos: dict[str, object], type_hash: str | None = None) -> object:
        self._publishers[key + topic] = self._transports[key].advertise(
            topic, TYPE, qos=Qos(**qos), type_hash=type_hash
        )
        return True

    def matched_subscribers(self, key: str, topic: str) -> object:
        return self._publishers[key + topic].matched()

    def publish(self, key: str, topic: str, first: int, count: int, size: int, source_ns: int | None = None) -> object:
        """Messages `first` .. `first + count - 1`; stamps rise by 1 ns from `source_ns`."""
        publisher = self._publishers[key + topic]
        for index in range(first, first + count):
            publisher.publish(payload(index, size), None if source_ns is None else source_ns + index - first)
        return True

    def subscribe(self, key: str, topic: str, qos: dict[str, object], type_hash: str | None = None) -> object:
        self._transports[key].subscribe(topic, TYPE, qos=Qos(**qos), type_hash=type_hash)
        return True

    def matched_publishers(self, key: str, topic: str) -> object:
        return self._transports[key].matched(topic)

    def take(self, key: str, timeout_s: float) -> object:
        taken = self._transports[key].take(timeout_s)
        return [[one.topic, digest(padded(one.cdr)), one.source_ns, one.publisher] for one in taken]

    def close(self, key: str) -> object:
        self._transports.pop(key).close()
        return True

    def close_all(self) -> object:
        for key in list(self._transports):
            self.close(key)
        self._publishers.clear()
        return True


def main() -> None:
    peer = Peer()
    for line in sys.stdin:
        request = json.loads(line)
        answer = getattr(peer, request.pop("do"))(**request)
        print(json.dumps({"answer": answer}), flush=True)
    peer.close_all()


if __name__ == "__main__":
    main()
