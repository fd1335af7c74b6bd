"""Messages between zenoh's threads and the one that takes them: bounded in bytes, with every drop counted."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Sequence
from typing import Final, NamedTuple

import zenoh

from embodied_recorders.transports.base import MAX_BYTES_PER_TAKE, MAX_SAMPLES_PER_TAKE

LIMIT_BYTES: Final = 256 << 20


class Arrival(NamedTuple):
    """A message as it came: number of its subscription, payload, attachment."""

    subscription: int
    cdr: bytes
    attachment: bytes


class Inbox:
    """A queue of arrivals.

    Attributes:
        dropped: Messages that found it full, by number of their subscription.

    Args:
        limit_bytes: Payload bytes that may wait.
    """

    def __init__(self, limit_bytes: int = LIMIT_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._arrived = threading.Condition(threading.Lock())
        self._waiting: deque[Arrival] = deque()
        self._n_bytes = 0
        self.dropped: Counter[int] = Counter()

    def put(self, subscription: int, sample: zenoh.Sample) -> None:
        """Queue a message, or drop it where too much waits; called on zenoh's threads."""
        if sample.kind != zenoh.SampleKind.PUT:
            return
        size = len(sample.payload)
        with self._arrived:
            if self._n_bytes + size > self._limit_bytes:
                self.dropped[subscription] += 1
                return
            self._n_bytes += size
        attachment = sample.attachment
        arrival = Arrival(subscription, sample.payload.to_bytes(), attachment.to_bytes() if attachment else b"")
        with self._arrived:
            self._waiting.append(arrival)
            self._arrived.notify()

    def take(self, timeout_s: float) -> Sequence[Arrival]:
        """What waits, in order of arrival, waiting up to `timeout_s` for the first."""
        taken: list[Arrival] = []
        n_bytes = 0
        with self._arrived:
            self._arrived.wait_for(lambda: self._waiting, max(timeout_s, 0.0))
            while self._waiting and len(taken) < MAX_SAMPLES_PER_TAKE and n_bytes < MAX_BYTES_PER_TAKE:
                arrival = self._waiting.popleft()
                n_bytes += len(arrival.cdr)
                taken.append(arrival)
            self._n_bytes -= n_bytes
        return taken
