"""A caller of ROS services over rclpy in its own process, by JSON lines; it also hears a status and sets parameters."""

from __future__ import annotations

import json
import sys
import time
from importlib import import_module

from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import QoSDurabilityPolicy, QoSProfile

PATIENCE_S = 20.0


def filled(message: object, fields: dict[str, object]) -> object:
    """The message with these fields; mappings fill nested messages."""
    for name, value in fields.items():
        if isinstance(value, dict):
            filled(getattr(message, name), value)
        else:
            setattr(message, name, value)
    return message


def plain(message: object) -> object:
    """Fields of a message as JSON has them."""
    if not hasattr(message, "get_fields_and_field_types"):
        return message
    return {name: plain(getattr(message, name)) for name in message.get_fields_and_field_types()}


class Caller:
    """One node; it waits for what it asks for."""

    def __init__(self, domain_id: int) -> None:
        self._context = Context()
        self._context.init([], domain_id=domain_id)
        self._node = Node("caller", context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self._clients: dict[str, object] = {}
        self._heard: dict[str, list[str]] = {}

    def call(self, service: str, type: str, request: dict[str, object]) -> object:  # noqa: A002  # its name on the wire
        package, folder, name = type.split("/")
        service_type = getattr(import_module(f"{package}.{folder}"), name)
        return plain(self._answer(service, service_type, filled(service_type.Request(), request)))

    def set(self, node: str, name: str, value: object) -> object:
        service_type = import_module("rcl_interfaces.srv").SetParameters
        request = service_type.Request(parameters=[Parameter(name, value=value).to_parameter_msg()])
        (result,) = self._answer(f"{node}/set_parameters", service_type, request).results
        return plain(result)

    def status(self, topic: str) -> object:
        if topic not in self._heard:
            self._heard[topic] = []
            latched = QoSProfile(depth=1, durability=QoSDurabilityPolicy.TRANSIENT_LOCAL)
            string = import_module("std_msgs.msg").String
            self._node.create_subscription(
                string, topic, lambda message: self._heard[topic].append(message.data), latched
            )
        self._heard[topic].clear()
        deadline = time.monotonic() + PATIENCE_S
        while not self._heard[topic]:
            assert time.monotonic() < deadline, f"no message on {topic}"
            self._executor.spin_once(timeout_sec=0.1)
        return json.loads(self._heard[topic][-1])

    def close(self) -> None:
        self._executor.shutdown()
        self._node.destroy_node()
        self._context.try_shutdown()

    def _answer(self, service: str, service_type: type, request: object) -> object:
        if service not in self._clients:
            self._clients[service] = self._node.create_client(service_type, service)
        client = self._clients[service]
        assert client.wait_for_service(PATIENCE_S), f"no service {service}"
        future = client.call_async(request)
        self._executor.spin_until_future_complete(future, PATIENCE_S)
        assert future.done(), f"no answer of {service}"
        return future.result()


def main() -> None:
    caller = Caller(int(sys.argv[1]))
    for line in sys.stdin:
        asked = json.loads(line)
        do = asked.pop("do")
        if do == "call":
            asked.setdefault("request", {})
        print(json.dumps(getattr(caller, do)(**asked)), flush=True)
    caller.close()


if __name__ == "__main__":
    main()
