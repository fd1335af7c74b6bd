"""An executor that does one thing a spin: an event, or one message of one subscription, in turn."""

import time
from contextlib import ExitStack

from rclpy import native


class SingleThreadedExecutor:
    def __init__(self, *, context=None):
        self._context = context
        self._nodes = []
        self._turn = 0

    def add_node(self, node):
        self._nodes.append(node)
        return True

    def spin_once(self, timeout_sec=None):
        services = [one for node in self._nodes for one in node.services]
        if services:
            self._serve_once(services, time.monotonic() + timeout_sec)
            return
        subscriptions = [one for node in self._nodes for one in node.subscriptions]
        handlers = [handler for one in subscriptions for handler in one.event_handlers]
        if not subscriptions:
            return
        with ExitStack() as held:
            wait_set = native.WaitSet(len(subscriptions), 0, 0, 0, 0, len(handlers), self._context.handle)
            held.enter_context(self._context.handle)
            held.enter_context(wait_set)
            for one in subscriptions:
                held.enter_context(one.handle)
                wait_set.add_subscription(one.handle)
            for handler in handlers:
                held.enter_context(handler)
                handler.add_to_wait_set(wait_set)
            wait_set.wait(int(timeout_sec * 1e9))
            for handler in handlers:
                if handler.is_ready(wait_set):
                    handler.callback(handler.take_data())
                    return
            ready = set(wait_set.get_ready_entities("subscription"))
        self._turn += 1
        turned = subscriptions[self._turn % len(subscriptions) :] + subscriptions[: self._turn % len(subscriptions)]
        for one in turned:
            if one.handle.pointer in ready:
                message, info = one.handle.take_message(one.msg_type, one.raw)
                one.callback(*((message, info) if one.with_info else (message,)))
                return

    def _serve_once(self, services, deadline):
        """Nodes that serve have no subscriptions here."""
        while True:
            for one in services:
                with one.handle:
                    request, header = one.handle.service_take_request(one.srv_type.Request)
                if header is not None:
                    one.send_response(one.callback(request, one.srv_type.Response()), header)
                    return
            if time.monotonic() >= deadline:
                return
            time.sleep(native.SLICE_S / 10)

    def shutdown(self, timeout_sec=None):
        self._nodes.clear()
        return True
