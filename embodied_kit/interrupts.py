"""Ctrl-C before the program stands and after it is done: it ends at once, quietly, and with the exit code of a Ctrl-C.

Imported before anything that takes time, so it imports next to nothing.
"""

import os
import signal
from types import FrameType

EXIT_INTERRUPTED = 130


def end_quietly() -> None:
    """From now on; not where whoever started the program has SIGINT ignored."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end)


def raise_again() -> None:
    """From now on it is a KeyboardInterrupt, which somebody catches."""
    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _end(_number: int, _frame: FrameType | None) -> None:
    os._exit(EXIT_INTERRUPTED)  # nothing has begun, or all is done: an import that is cut off would raise anything
