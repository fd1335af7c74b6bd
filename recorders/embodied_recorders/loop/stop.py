"""Signals that ask a recorder to end, remembered until it can."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from embodied_recorders.child import SIGNALS


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
