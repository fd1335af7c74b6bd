"""When a take ends: a signal, a key, a duration, whichever comes first."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import resource_tracker
from types import FrameType

from embodied_kit.model.stream import Sample

SIGNALS = {signal.SIGINT: "sigint", signal.SIGTERM: "sigterm"}
if hasattr(signal, "SIGHUP"):
    SIGNALS[signal.SIGHUP] = "sigterm"  # the terminal is gone: the same wish, and a take is not worth less


@dataclass
class StopSwitch:
    """Remembers the first signal that asked to stop."""

    reason: str = ""

    def ask(self, number: int, _frame: FrameType | None) -> None:
        """Signal handler."""
        self.reason = self.reason or SIGNALS[signal.Signals(number)]


@contextmanager
def stop_on_signals(*, then_exit: bool = False) -> Iterator[StopSwitch]:
    """Turn SIGINT and SIGTERM into a request to end the take; the former handlers come back afterwards.

    Args:
        then_exit: The program ends afterwards: once a signal was heard, further ones are ignored for good.
    """
    switch = StopSwitch()
    former = {number: signal.signal(number, switch.ask) for number in SIGNALS}
    try:
        yield switch
    finally:
        for number, handler in former.items():
            signal.signal(number, signal.SIG_IGN if then_exit and switch.reason else handler)


@contextmanager
def signals_held() -> Iterator[None]:
    """Hold signals back: a child that starts meanwhile inherits that and so survives a Ctrl-C; ours come afterwards."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # it would lift the mask when it starts
    former = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, former)


@dataclass
class StopWhen:
    """Says why a take ends; callable as a Session wants it.

    Attributes:
        switch: Signals.
        duration_s: Longest take in s, from the first time it is asked; None for no limit.
        key_pressed: Whether the operator asked to stop.
    """

    switch: StopSwitch
    duration_s: float | None
    key_pressed: Callable[[], bool]
    _started_s: float | None = None

    def __call__(self, _samples: Sequence[Sample]) -> str:
        """Reason to stop, empty for none."""
        now_s = time.monotonic()
        self._started_s = now_s if self._started_s is None else self._started_s
        if self.switch.reason:
            return self.switch.reason
        if self.key_pressed():
            return "operator"
        if self.duration_s is not None and now_s - self._started_s >= self.duration_s:
            return "duration"
        return ""
