"""The writer, in a process of its own: it compresses, writes and syncs, and never slows the receiving one."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.util import Finalize

from embodied_kit.episode.datafile import ClosedFile, CloseFile, Command, FileWriter, Flush
from embodied_kit.errors import EmbodiedKitError, EnvironmentUnfitError
from embodied_recorders.stop import SIGNALS

_STOP_TIMEOUT_S = 30.0
_MOMENT_S = 1.0
_POLL_S = 0.02


@dataclass(frozen=True)
class WriterReady:
    """The writer has started."""


@dataclass(frozen=True)
class WriterFailure:
    """The writer could not go on: the sentence, and what remedies it."""

    message: str
    remedy: str


class Sink:
    """Handle of the writer process; calls block only while its pipe is full, and raise where it has failed.

    Raises:
        EnvironmentUnfitError: The process does not start.
    """

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=run_writer, args=(theirs,), name="embodied-kit-writer", daemon=True)
        with _signals_held():
            self._process.start()
        theirs.close()
        # At exit multiprocessing waits for its children, and this one waits for the end of its pipe.
        Finalize(self, self._connection.close, exitpriority=1)
        self._receive()

    def send(self, command: Command) -> None:
        """Hand one command over.

        Raises:
            EnvironmentUnfitError: The writer has failed (disk full, folder gone) or died.
        """
        if self._connection.poll():
            self._receive()
        try:
            self._connection.send(command)
        except OSError:
            self._receive()

    def close_file(self, while_waiting: Callable[[], object] = lambda: None) -> ClosedFile:
        """Finish the file and wait for its size and digest.

        Args:
            while_waiting: Called again and again where it takes longer than a moment: a large file takes seconds.

        Raises:
            EnvironmentUnfitError: The writer failed.
        """
        self.send(CloseFile())
        if not self._connection.poll(_MOMENT_S):
            while not self._connection.poll(_POLL_S):
                while_waiting()
        answer = self._receive()
        if not isinstance(answer, ClosedFile):
            raise TypeError(f"expected ClosedFile, got {answer!r}")
        return answer

    def shut_down(self) -> None:
        """End the process; an unfinished file stays under its `.partial` name."""
        self._connection.close()
        self._process.join(_STOP_TIMEOUT_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def _receive(self) -> ClosedFile | WriterReady:
        try:
            answer: ClosedFile | WriterReady | WriterFailure = self._connection.recv()
        except (EOFError, OSError) as error:
            raise EnvironmentUnfitError("the writer process died", remedy="embodied-kit doctor") from error
        if isinstance(answer, WriterFailure):
            raise EnvironmentUnfitError(answer.message, remedy=answer.remedy)
        return answer


def run_writer(connection: Connection) -> None:
    """Main of the writer process: carry out commands until the pipe closes."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the recorder decides
    writer = FileWriter()
    connection.send(WriterReady())
    with suppress(EOFError, OSError):  # the recorder is gone
        while True:
            command = connection.recv()
            try:
                closed = writer.run(command)
            except EmbodiedKitError as error:
                remedy = f"{error.remedy}; what was written so far stays in its .partial file"
                connection.send(WriterFailure(error.message, remedy))
                return
            if closed is not None:
                connection.send(closed)
    if writer.is_open:
        with suppress(EmbodiedKitError):
            writer.run(Flush())
        writer.shut_down()


@contextmanager
def _signals_held() -> Iterator[None]:
    """Hold signals back: the child inherits that and so survives a Ctrl-C while it starts; ours come afterwards."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # it would lift the mask when it starts
    former = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, former)
