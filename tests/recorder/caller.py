"""A caller of ROS services on rmw_cyclonedds's wire in its own process, by JSON lines; it also hears a status."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(_ROOT), str(_ROOT / "recorders"), str(_ROOT / "tests")]

from transports.harness import until  # noqa: E402

from embodied_kit.messages.codec import Codec, codec  # noqa: E402 - the path comes first
from embodied_kit.model.stream import LATCHED  # noqa: E402
from embodied_recorders.transports.dds import names  # noqa: E402
from embodied_recorders.transports.dds.raw import Drain, RawReader, RawWriter  # noqa: E402
from embodied_recorders.transports.dds.service import SERVICE_QOS, joined, parted, topics  # noqa: E402
from embodied_recorders.transports.dds.transport import DdsTransport  # noqa: E402

STATE = "uint8 id\nstring label\n"
NESTED = f"{'=' * 80}\nMSG: lifecycle_msgs/State\n{STATE}"
TYPES = {
    "std_srvs/srv/Trigger": ("uint8 structure_needs_at_least_one_member\n", "bool success\nstring message\n"),
    "std_srvs/srv/SetBool": ("bool data\n", "bool success\nstring message\n"),
    "lifecycle_msgs/srv/ChangeState": (f"State transition\n{NESTED}", "bool success\n"),
    "lifecycle_msgs/srv/GetState": (
        "uint8 structure_needs_at_least_one_member\n",
        f"State current_state\n{NESTED}",
    ),
}


class Client:
    """Of one service."""

    def __init__(self, transport: DdsTransport, service: str, ros_type: str) -> None:
        request, reply = topics(service)
        wire = (transport._native, transport._participant)
        asked, answered = (names.dds_type(f"{ros_type}_{half}") for half in ("Request", "Response"))
        self._writer = RawWriter(*wire, request, asked, qos=SERVICE_QOS, type_hash=None)
        self._reader = RawReader(*wire, reply, answered, qos=SERVICE_QOS, type_hash=None)
        self._drain = Drain(transport._native)
        package = ros_type.partition("/")[0]
        self._request, self._response = (Codec(f"{package}/msg/Half", text) for text in TYPES[ros_type])
        self._number = 0

    def call(self, message: dict[str, object]) -> dict[str, object]:
        until(lambda: self._writer.matched() and self._reader.matched(), "the service")
        self._number += 1
        id_ = bytes(range(8)) + self._number.to_bytes(8, "little")
        self._writer.write(joined(id_, self._request.encode(message)), time.time_ns())
        return self._response.decode(until(lambda: self._mine(id_), "the answer"))

    def _mine(self, id_: bytes) -> bytes | None:
        _, messages = self._drain.take(self._reader)
        return next((one.cdr for one in map(parted, (cdr for cdr, _, _ in messages)) if one.id == id_), None)


def main() -> None:
    transport = DdsTransport(int(sys.argv[1]), node_name="caller")
    clients: dict[str, Client] = {}
    for line in sys.stdin:
        asked = json.loads(line)
        if asked["do"] == "call":
            service = asked["service"]
            if service not in clients:
                clients[service] = Client(transport, service, asked["type"])
            print(json.dumps(clients[service].call(asked.get("request", {}))), flush=True)
        else:
            transport.subscribe(asked["topic"], "std_msgs/msg/String", qos=LATCHED, type_hash=None)
            samples = until(lambda: transport.take(0.1), "the status")
            print(codec("std_msgs/msg/String").decode(samples[-1].cdr)["data"], flush=True)
    transport.close()


if __name__ == "__main__":
    main()
