"""Taking messages: by a wait set of our own, each subscription until it is empty, or by rclpy's executor.

The stock executor builds a wait set for every round and takes one message a subscription in it: 56 to 300 us a message
where the drain takes 6 to 40 (measured with rclpy 7.1.3 before this project, one machine).
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Final, NamedTuple, Protocol

from embodied_recorders.transports.base import MAX_BYTES_PER_TAKE, MAX_SAMPLES_PER_TAKE

from .api import Context, Executor, MessageInfo, Native, Node, Subscription, WaitSet
from .losses import MessagesLost

_BATCH: Final = 256


class Taken(NamedTuple):
    """One message, when it was taken (ns since the Unix epoch), and what the RMW tells of it."""

    topic: str
    cdr: bytes
    receive_ns: int
    info: MessageInfo


class Drain(Protocol):
    """How messages are taken."""

    def changed(self, subscriptions: Mapping[str, Subscription]) -> None:
        """These are the subscriptions from now on, by topic."""
        ...

    def heard(self, topic: str, cdr: bytes, info: MessageInfo) -> None:
        """What a subscription's callback calls."""
        ...

    def take(self, wait_s: float) -> list[Taken]:
        """What has arrived, waiting for the first; about 8192 messages or 64 MiB at most, the rest stays."""
        ...

    def close(self) -> None:
        """Let go of everything."""
        ...


class WaitSetDrain:
    """By rclpy's compiled half, which is private: `Rclpy.native` is None where it is not as we know it."""

    def __init__(self, native: Native, context: Context, lost: MessagesLost) -> None:
        self._native = native
        self._context = context
        self._lost = lost
        self._subscriptions: dict[str, Subscription] = {}
        self._wait_set: WaitSet | None = None

    def changed(self, subscriptions: Mapping[str, Subscription]) -> None:
        """Make a wait set with room for them at the next take."""
        self._subscriptions = dict(subscriptions)
        self._wait_set = None

    def heard(self, topic: str, cdr: bytes, info: MessageInfo) -> None:
        """Never called: no executor serves our node."""

    def take(self, wait_s: float) -> list[Taken]:
        """Wait, then take what is ready."""
        if not self._subscriptions:  # rcl refuses to wait for nothing
            time.sleep(wait_s)
            return []
        with ExitStack() as held:
            wait_set = self._armed(held)
            wait_set.wait(int(wait_s * 1e9))
            ready = set(wait_set.get_ready_entities("subscription"))
            for topic, subscription in self._subscriptions.items():
                for handler in subscription.event_handlers:
                    if handler.is_ready(wait_set):
                        self._lost.add(topic, handler.take_data())
            return _emptied({t: one for t, one in self._subscriptions.items() if one.handle.pointer in ready})

    def close(self) -> None:
        """Let go of the wait set, before its context goes."""
        self._subscriptions = {}
        self._wait_set = None

    def _armed(self, held: ExitStack) -> WaitSet:
        """The wait set with everything in it, which nobody destroys while `held` lasts."""
        subscriptions = self._subscriptions.values()
        held.enter_context(self._context.handle)
        if self._wait_set is None:
            events_n = sum(len(subscription.event_handlers) for subscription in subscriptions)
            self._wait_set = self._native.WaitSet(len(subscriptions), 0, 0, 0, 0, events_n, self._context.handle)
        held.enter_context(self._wait_set)
        self._wait_set.clear_entities()
        for subscription in subscriptions:
            held.enter_context(subscription.handle)
            self._wait_set.add_subscription(subscription.handle)
            for handler in subscription.event_handlers:
                held.enter_context(handler)
                handler.add_to_wait_set(self._wait_set)
        return self._wait_set


class ExecutorDrain:
    """By rclpy's public executor, in versions that hide what the wait set needs. Slower, and the same messages."""

    def __init__(self, executor: Executor, node: Node) -> None:
        self._executor = executor
        self._waiting: deque[Taken] = deque()
        executor.add_node(node)

    def changed(self, subscriptions: Mapping[str, Subscription]) -> None:
        """Drop what came from topics that are no longer subscribed to."""
        self._waiting = deque(one for one in self._waiting if one.topic in subscriptions)

    def heard(self, topic: str, cdr: bytes, info: MessageInfo) -> None:
        """Keep a message until it is taken."""
        self._waiting.append(Taken(topic, cdr, time.time_ns(), info))

    def take(self, wait_s: float) -> list[Taken]:
        """Spin until nothing more comes at once."""
        self._executor.spin_once(timeout_sec=wait_s)
        seen, n_bytes = 0, 0
        while seen < len(self._waiting) < MAX_SAMPLES_PER_TAKE and n_bytes < MAX_BYTES_PER_TAKE:
            n_bytes += sum(len(self._waiting[index].cdr) for index in range(seen, len(self._waiting)))
            seen = len(self._waiting)
            self._executor.spin_once(timeout_sec=0.0)
        taken = list(self._waiting)
        self._waiting.clear()
        return taken

    def close(self) -> None:
        """Serve the node no more."""
        self._executor.shutdown()


def _emptied(waiting: dict[str, Subscription]) -> list[Taken]:
    """Messages of these subscriptions, batch by batch in turn, until all are empty or a limit is reached."""
    taken: list[Taken] = []
    n_bytes = 0
    while waiting and len(taken) < MAX_SAMPLES_PER_TAKE and n_bytes < MAX_BYTES_PER_TAKE:
        for topic, subscription in list(waiting.items()):
            take, message_class = subscription.handle.take_message, subscription.msg_type
            for _ in range(_BATCH):
                message = take(message_class, True)  # positions only, as pybind11 has it
                if message is None:
                    del waiting[topic]
                    break
                taken.append(Taken(topic, message[0], time.time_ns(), message[1]))
                n_bytes += len(message[0])
    return taken
