"""Keys of a terminal without X11: single ones where the system has termios, lines of them elsewhere."""

from __future__ import annotations

import codecs
import os
import queue
import re
import select
import stat
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Protocol

ENTER = "\n"
END = "\x04"  # Ctrl-D, and the end of input
_MOST_BYTES = 4096
_ESCAPES = re.compile(r"\x1b(\[[0-9;?]*[ -/]*[@-~]|O.|.)?")  # arrows and function keys


class Keyboard(Protocol):
    """Where an operator types; nothing here ever waits longer than it is told."""

    def key(self, timeout_s: float) -> str:
        """The next key; empty where none comes in time."""
        ...

    def line(self, timeout_s: float) -> str | None:
        """The next line without its end; None where none is whole in time."""
        ...

    def typing(self, *, lines: bool) -> None:
        """Whether whole lines are typed from now on, shown as they are."""
        ...


class Terminal:
    """Single keys of a terminal, not echoed; Ctrl-C stays a signal. Its former state comes back by `keyboard`.

    Args:
        descriptor: Of the terminal.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._decoder = codecs.getincrementaldecoder("utf-8")("ignore")
        self._typed: deque[str] = deque()

    def key(self, timeout_s: float) -> str:
        """The next key; empty where none comes in time."""
        if not self._typed and self._ready(timeout_s):
            self._read()
        return self._typed.popleft() if self._typed else ""

    def line(self, timeout_s: float) -> str | None:
        """The next line without its end; None where none is whole in time."""
        if ENTER not in self._typed and self._ready(timeout_s):
            self._read()
        if not {ENTER, END} & {*self._typed}:
            return None
        line = ""
        while (char := self._typed.popleft()) not in {ENTER, END}:
            line += char
        return line

    def typing(self, *, lines: bool) -> None:
        """Whether whole lines are typed from now on, shown and mended as the terminal does it."""
        import termios  # noqa: PLC0415  # Windows has none

        state = termios.tcgetattr(self._descriptor)
        flags = termios.ICANON | termios.ECHO
        state[3] = state[3] | flags if lines else state[3] & ~flags
        state[6][termios.VMIN], state[6][termios.VTIME] = 1, 0
        with suppress(termios.error):  # the terminal is gone, which a signal tells
            termios.tcsetattr(self._descriptor, termios.TCSADRAIN, state)

    def _ready(self, timeout_s: float) -> bool:
        return bool(select.select([self._descriptor], [], [], timeout_s)[0])

    def _read(self) -> None:
        try:
            data = os.read(self._descriptor, _MOST_BYTES)
        except OSError:  # the other side of a pseudo-terminal is gone
            data = b""
        text = self._decoder.decode(data) if data else END
        self._typed += _ESCAPES.sub("", text).replace("\r", ENTER)


class Lines:
    """Whole lines of an input, where single keys cannot be had: its first character is the key, none is Enter.

    Args:
        descriptor: Of the input; it is read by a thread, since not every system can wait for it.
    """

    def __init__(self, descriptor: int) -> None:
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=self._read, args=(descriptor,), name="embodied-kit-lines", daemon=True).start()

    def key(self, timeout_s: float) -> str:
        """The next key; empty where none comes in time. The end of the input is none: nobody is there to press one."""
        line = self.line(timeout_s)
        return "" if line is None else line.strip()[:1] or ENTER

    def line(self, timeout_s: float) -> str | None:
        """The next line without its end; None where none is whole in time."""
        try:
            return self._lines.get(timeout=timeout_s)
        except queue.Empty:
            return None

    def typing(self, *, lines: bool) -> None:
        """Nothing changes."""

    def _read(self, descriptor: int) -> None:
        decoder, begun = codecs.getincrementaldecoder("utf-8")("ignore"), ""
        with suppress(OSError):
            while data := os.read(descriptor, _MOST_BYTES):  # no buffer of Python's: its lock would hold up the exit
                *whole, begun = (begun + decoder.decode(data)).split("\n")
                for line in whole:
                    self._lines.put(line.rstrip("\r"))


@contextmanager
def keyboard() -> Iterator[Keyboard | None]:
    """The operator's keys while the block runs: of a terminal, or of a pipe; None where nobody can type."""
    descriptor = _descriptor()
    if descriptor is None:
        yield None
    elif not os.isatty(descriptor):
        yield Lines(descriptor) if stat.S_ISFIFO(os.fstat(descriptor).st_mode) else None
    elif sys.platform == "win32":
        yield Lines(descriptor)
    else:
        with _as_before(descriptor):
            terminal = Terminal(descriptor)
            terminal.typing(lines=False)
            yield terminal


def _descriptor() -> int | None:
    """Standard input; None where there is none, or where another job has the terminal."""
    try:
        descriptor = sys.stdin.fileno()
    except (AttributeError, OSError, ValueError):
        return None
    if hasattr(os, "tcgetpgrp"):
        with suppress(OSError):  # no terminal, or one that controls no jobs
            if os.tcgetpgrp(descriptor) != os.getpgrp():
                return None
    return descriptor


@contextmanager
def _as_before(descriptor: int) -> Iterator[None]:
    import termios  # noqa: PLC0415  # Windows has none

    former = termios.tcgetattr(descriptor)
    try:
        yield
    finally:
        with suppress(termios.error):
            termios.tcsetattr(descriptor, termios.TCSADRAIN, former)
