"""The writer, in a process of its own: it compresses, writes and syncs, and never slows the receiving one."""

from __future__ import annotations

import multiprocessing
import os
import signal
from dataclasses import dataclass
from multiprocessing.connection import Connection

from embodied_kit.episode.datafile import ClosedFile, CloseFile, Command, FileWriter
from embodied_kit.errors import EnvironmentUnfitError

_STOP_TIMEOUT_S = 30.0


@dataclass(frozen=True)
class WriterFailure:
    """The writer could not go on: what the operating system said."""

    message: str
    path: str


class Sink:
    """Handle of the writer process; calls block only while its pipe is full, and raise where it has failed."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=run_writer, args=(theirs,), name="embodied-kit-writer", daemon=True)
        self._process.start()
        theirs.close()

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

    def close_file(self) -> ClosedFile:
        """Finish the file and wait for its size and digest.

        Raises:
            EnvironmentUnfitError: The writer failed.
        """
        self.send(CloseFile())
        return self._receive()

    def shut_down(self) -> None:
        """End the process; an unfinished file stays under its `.partial` name."""
        self._connection.close()
        self._process.join(_STOP_TIMEOUT_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def _receive(self) -> ClosedFile:
        try:
            answer = self._connection.recv()
        except (EOFError, OSError) as error:
            raise EnvironmentUnfitError("the writer process died", remedy="embodied-kit doctor") from error
        if isinstance(answer, WriterFailure):
            raise EnvironmentUnfitError(
                f"cannot write {answer.path}: {answer.message}",
                remedy="free disk space (embodied-kit doctor); what was written so far stays in its .partial file",
            )
        if not isinstance(answer, ClosedFile):
            raise TypeError(f"expected ClosedFile, got {answer!r}")
        return answer


def run_writer(connection: Connection) -> None:
    """Main of the writer process: carry out commands until the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the recorder decides
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    writer = FileWriter()
    while True:
        try:
            command = connection.recv()
        except EOFError:
            return
        try:
            closed = writer.run(command)
        except OSError as error:
            connection.send(WriterFailure(error.strerror or str(error), os.path.basename(writer.path)))  # noqa: PTH119  # of a string
            return
        if closed is not None:
            connection.send(closed)
