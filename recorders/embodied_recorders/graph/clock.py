"""What the machine knows of its own clock: is it disciplined, and how far off may it be?"""

from __future__ import annotations

import ctypes
import sys
import time
from dataclasses import dataclass
from typing import Protocol

from embodied_kit.model.json import JsonObject

_TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised
_STA_UNSYNC = 0x0040


@dataclass(frozen=True)
class ClockState:
    """State of the system clock.

    Attributes:
        synchronised: Whether the kernel's clock is disciplined (NTP or PTP); None where the system cannot tell.
        max_error_ns: Kernel's bound on the error in ns; None where the system cannot tell.
    """

    synchronised: bool | None
    max_error_ns: int | None


class _Timex(ctypes.Structure):
    """Head of `struct timex` of adjtimex(2); the rest is padding."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_char * 256),
    )


def clock_state() -> ClockState:
    """Ask the kernel (Linux adjtimex); unknown elsewhere and where a sandbox refuses."""
    if not sys.platform.startswith("linux"):
        return ClockState(None, None)
    record = _Timex()
    result = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(record))
    if result < 0:
        return ClockState(None, None)
    synchronised = result != _TIME_ERROR and not record.status & _STA_UNSYNC
    return ClockState(synchronised, record.maxerror * 1000)


class Clock(Protocol):
    """What takes are cut by, and what it knows of itself."""

    def now_ns(self) -> int:
        """Now, ns since the Unix epoch."""
        ...

    def monotonic_ns(self) -> int:
        """Time that never goes back, ns since any moment."""
        ...

    def pause(self, seconds: float) -> None:
        """Let time go by."""
        ...

    def state(self) -> ClockState:
        """How well it is disciplined."""
        ...

    def sample(self) -> JsonObject:
        """Monotonic and real time read together, ns as decimal strings."""
        ...


class SystemClock:
    """This machine's own clock."""

    def now_ns(self) -> int:
        """Now, ns since the Unix epoch."""
        return time.time_ns()

    def monotonic_ns(self) -> int:
        """Time that never goes back, ns since any moment."""
        return time.monotonic_ns()

    def pause(self, seconds: float) -> None:
        """Sleep."""
        time.sleep(seconds)

    def state(self) -> ClockState:
        """What the kernel says."""
        return clock_state()

    def sample(self) -> JsonObject:
        """Monotonic and real time read together, ns as decimal strings."""
        return {"monotonic_ns": str(self.monotonic_ns()), "realtime_ns": str(self.now_ns())}


def clock_document(clock_id: str, host: str, clock: Clock) -> JsonObject:
    """One entry of `clocks[]`: the recorder's own clock and one pair of readings.

    Args:
        clock_id: Its name in the contract.
        host: Pseudonym of the machine.
        clock: The clock.
    """
    synchronised = clock.state().synchronised
    return {
        "clock_id": clock_id,
        "host": host,
        "kind": "realtime",
        "epoch": "unix",
        "source": "ntp" if synchronised else "system",
        "sync_method": "ntp" if synchronised else "none",
        "samples": [clock.sample()],
    }
