"""A gamepad and a pedal in their own process, driven by JSON lines: {"do": "press", "topic": ...}."""

from __future__ import annotations

import json
import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(_ROOT), str(_ROOT / "recorders"), str(_ROOT / "tests")]

from transports.harness import until  # noqa: E402

from embodied_kit.messages.codec import codec  # noqa: E402 - the path comes first
from embodied_kit.model.stream import Qos  # noqa: E402
from embodied_recorders.transports import open_transport  # noqa: E402
from embodied_recorders.transports.base import Publisher  # noqa: E402


def main() -> None:
    transport = open_transport(sys.argv[1], domain_id=int(sys.argv[2]), node_name="gamepad")
    publishers: dict[str, Publisher] = {}
    for topic, ros_type in json.loads(sys.argv[3]).items():
        publishers[topic] = transport.advertise(topic, ros_type, qos=Qos(), type_hash=None)
    for line in sys.stdin:
        asked = json.loads(line)
        topic, ros_type = asked["topic"], asked["type"]
        until(publishers[topic].matched, "a listener")
        for message in asked["messages"]:
            publishers[topic].publish(codec(ros_type).encode(message))
        print("true", flush=True)
    transport.close()


if __name__ == "__main__":
    main()
