"""Keys of a terminal without X11: single ones where the system has termios, lines of them elsewhere."""

from __future__ import annotations

import codecs
import os
import queue
import re
import select
import signal
import stat
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, Protocol

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
    """Single keys of a terminal, not echoed; Ctrl-C and Ctrl-Z stay signals. Its former state comes back at the end.

    While another job has the terminal, nothing is read of it and it is left as it is: either would stop this one.

    Args:
        descriptor: Of the terminal.
    """

    def __init__(self, descriptor: int) -> None:
        import termios  # noqa: PLC0415  # Windows has none

        self._descriptor = descriptor
        self._former = termios.tcgetattr(descriptor)
        self._in_lines = False
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

        self._in_lines = lines
        state = termios.tcgetattr(self._descriptor)
        flags = termios.ICANON | termios.ECHO
        state[3] = state[3] | flags if lines else state[3] & ~flags
        state[6][termios.VMIN], state[6][termios.VTIME] = 1, 0
        self._set(state)

    def give_back(self) -> None:
        """The terminal is as it was before us."""
        self._set(self._former)

    def take_again(self) -> None:
        """The terminal is as we had it before we gave it back."""
        self.typing(lines=self._in_lines)

    def _set(self, state: list[Any]) -> None:  # as termios has it
        import termios  # noqa: PLC0415  # Windows has none

        if _is_ours(self._descriptor):
            with suppress(termios.error):  # the terminal is gone, which a signal tells
                termios.tcsetattr(self._descriptor, termios.TCSADRAIN, state)

    def _ready(self, timeout_s: float) -> bool:
        if not _is_ours(self._descriptor):
            time.sleep(timeout_s)
            return False
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
    if descriptor is None or not has_keys():
        yield None
    elif not os.isatty(descriptor) or sys.platform == "win32":
        yield Lines(descriptor)
    else:
        terminal = Terminal(descriptor)
        terminal.typing(lines=False)
        try:
            with _given_back_meanwhile(terminal):
                yield terminal
        finally:
            terminal.give_back()


def has_keys() -> bool:
    """Whether somebody can type: at a terminal that is ours, or through a pipe."""
    descriptor = _descriptor()
    return descriptor is not None and (os.isatty(descriptor) or stat.S_ISFIFO(os.fstat(descriptor).st_mode))


def _descriptor() -> int | None:
    """Standard input; None where there is none, or where another job has the terminal."""
    try:
        descriptor = sys.stdin.fileno()
    except (AttributeError, OSError, ValueError):
        return None
    return descriptor if _is_ours(descriptor) else None


def _is_ours(descriptor: int) -> bool:
    """Whether no other job has this terminal."""
    if hasattr(os, "tcgetpgrp"):
        with suppress(OSError):  # no terminal, or one that controls no jobs
            return os.tcgetpgrp(descriptor) == os.getpgrp()
    return True


@contextmanager
def _given_back_meanwhile(terminal: Terminal) -> Iterator[None]:
    """Ctrl-Z gives the terminal back before this process stops; `fg` takes it again, and so does any SIGCONT."""

    def stop(number: int, _frame: FrameType | None) -> None:
        terminal.give_back()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)  # stands here until SIGCONT
        signal.signal(number, stop)
        terminal.take_again()

    def go_on(_number: int, _frame: FrameType | None) -> None:
        terminal.take_again()

    former = {number: signal.getsignal(number) for number in (signal.SIGTSTP, signal.SIGCONT)}
    if former[signal.SIGTSTP] is signal.SIG_DFL:  # else whoever started us wants no Ctrl-Z
        signal.signal(signal.SIGTSTP, stop)
    signal.signal(signal.SIGCONT, go_on)
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
