"""A process beside the recorder: it starts unharmed by Ctrl-C, is told through a pipe, and ends with it."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.util import Finalize

SIGNALS = {signal.SIGINT: "sigint", signal.SIGTERM: "sigterm"}
if hasattr(signal, "SIGHUP"):
    SIGNALS[signal.SIGHUP] = "sigterm"  # the terminal is gone: the same wish, and a take is not worth less


class Child:
    """A process of ours, and our end of the pipe to it.

    Args:
        main: What it runs, given its end of the pipe and the arguments; it ends where that end reads EOFError, and
            calls `settle` first.
        arguments: Can be pickled for a new process.
        name: Of the process.

    Attributes:
        connection: Our end.
        process: The process.

    Raises:
        OSError: It cannot be started; nothing is left of it.
    """

    def __init__(self, main: Callable[..., None], *arguments: object, name: str) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=main, args=(theirs, *arguments), name=name, daemon=True)
        with theirs:
            try:
                with _signals_held():
                    self.process.start()
            except BaseException:
                self.connection.close()
                raise
        # At exit multiprocessing waits for its children, and this one waits for the end of its pipe.
        Finalize(self, self.connection.close, exitpriority=1)

    def end(self, patience_s: float) -> None:
        """Close the pipe, wait, and kill what has not ended by then."""
        self.connection.close()
        self.process.join(patience_s)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


def settle(nice: int = 0) -> None:
    """In the child: Ctrl-C reaches the whole group, and the recorder decides; `nice` lets it go first."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    if nice and hasattr(os, "nice"):
        os.nice(nice)


@contextmanager
def _signals_held() -> Iterator[None]:
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
