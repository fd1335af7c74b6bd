"""The writer, in a process of its own: it compresses, writes and syncs, and never slows the receiving one."""

from __future__ import annotations

import errno
import pickle
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import TypeVar

from embodied_kit.episode.datafile import (
    AddChannel,
    ClosedFile,
    CloseFile,
    Command,
    FileWriter,
    Flush,
    OutMessage,
    QueueCount,
)
from embodied_kit.errors import EmbodiedKitError, EnvironmentUnfitError, WriteFaultError
from embodied_kit.mcap.writer import CHUNK_BYTES
from embodied_recorders.child import Child, settle
from embodied_recorders.writing.memory import memory_room_bytes
from embodied_recorders.writing.ring import RING_BYTES, RingReader, RingWriter, block_size
from embodied_recorders.writing.shared_block import SharedBlock

_STOP_TIMEOUT_S = 30.0
_ROOM_S = 0.002
_LOOK_S = 0.1  # between looks whether the writer lives; each costs a system call
# While messages flow the writer looks this often, or once so much is there: waking it costs both sides more than
# writing a small message. Where none came in that time, it sleeps until the next one.
_GATHER_S, _GATHER_BYTES = 0.05, 1 << 20
_PART_BYTES = 1 << 20  # of a command: it must find room in one piece
_TOO_MANY = frozenset({errno.EMFILE, errno.ENFILE})
_WAKE, _AGAIN = b"\0", b"again"
_T = TypeVar("_T")


@dataclass(frozen=True)
class WriterReady:
    """The writer has started."""


@dataclass(frozen=True)
class WriterFailure:
    """The writer could not go on: the sentence, what remedies it, and whether to try again may help."""

    message: str
    remedy: str
    may_pass: bool


class Sink:
    """Handle of the writer process. Messages never wait, commands only while the ring is full.

    Args:
        ring_bytes: Room for what the writer has not taken yet.

    Raises:
        EnvironmentUnfitError: The process does not start.
    """

    def __init__(self, ring_bytes: int = RING_BYTES) -> None:
        self._ring_bytes = ring_bytes
        self._is_refused = self._is_closing = False
        self._answers_n, self._next_look_s = 0, 0.0
        with ExitStack() as undo:
            self._block = _shared(block_size(ring_bytes))
            undo.callback(self._block.close)
            self._ring = RingWriter(self._block, self._wake)
            with _starting():
                self._child = Child(run_writer, self._block, name="embodied-kit-writer")
            self._block.let_go()
            undo.pop_all()
        self._receive()

    def send(self, command: Command) -> None:
        """Hand one command over; it was not handed over where this raises.

        Raises:
            WriteFaultError: The writer told since the last call that the disk refuses.
            EnvironmentUnfitError: The writer has failed or died.
        """
        self.check()
        if isinstance(command, AddChannel):
            self._ring.open_channel(command.index, bulk=command.bulk)
        data = pickle.dumps(command)
        step = min(_PART_BYTES, self._ring_bytes // 8)
        for first in range(0, len(data), step):
            part, more = data[first : first + step], first + step < len(data)
            while not self._ring.put_command(part, more=more):
                self._try_again()
                self.check()
                time.sleep(_ROOM_S)

    def write(self, messages: Sequence[OutMessage]) -> Sequence[OutMessage]:
        """Copy messages into the ring; those that found room. What failed is told by `check`."""
        return self._ring.put(messages)

    def check(self) -> None:
        """See whether the writer goes on.

        Raises:
            WriteFaultError: The disk refuses, told once. The writer keeps everything, and waits for `close_file`.
            EnvironmentUnfitError: The writer has failed or died.
        """
        now_s = time.monotonic()
        if now_s < self._next_look_s and self._ring.answers_n == self._answers_n:
            return
        self._next_look_s = now_s + _LOOK_S
        if self._child.connection.poll():
            self._receive()

    def queue_count(self, channel: int) -> QueueCount:
        """What the ring dropped of a channel, and how much of it ever waited there."""
        return self._ring.count(channel)

    def waiting_bytes(self) -> int:
        """What lies in the ring, with 32 to 63 bytes a message of its own."""
        return self._ring.waiting_bytes

    def close_file(self) -> ClosedFile:
        """Finish the file and wait, maybe for seconds, for its size and digest; after a WriteFaultError, try again.

        Raises:
            WriteFaultError: The disk refuses.
            EnvironmentUnfitError: The writer failed.
        """
        if not self._is_closing:
            self.send(CloseFile())
            self._is_closing = True
        self._try_again()
        answer = self._receive()
        if not isinstance(answer, ClosedFile):
            raise TypeError(f"expected ClosedFile, got {answer!r}")
        self._is_closing = False
        return answer

    def shut_down(self) -> None:
        """End the process; an unfinished file stays under its `.partial` name. A second call changes nothing."""
        self._child.end(_STOP_TIMEOUT_S)
        self._block.close()

    def _wake(self) -> None:
        self._tell(_WAKE)

    def _try_again(self) -> None:
        """Have the writer try once more, if it has told of a fault."""
        if self._is_refused:
            self._is_refused = False
            self._tell(_AGAIN)

    def _tell(self, word: bytes) -> None:
        with suppress(OSError):  # `check` tells what has become of it
            self._child.connection.send_bytes(word)

    def _receive(self) -> ClosedFile | WriterReady:
        try:
            answer: ClosedFile | WriterReady | WriterFailure = self._child.connection.recv()
        except (EOFError, OSError) as error:
            raise EnvironmentUnfitError("the writer process died", remedy="embodied-kit doctor") from error
        self._answers_n += 1
        if not isinstance(answer, WriterFailure):
            return answer
        if not answer.may_pass:
            raise EnvironmentUnfitError(answer.message, remedy=answer.remedy)
        self._is_refused = True
        raise WriteFaultError(answer.message, remedy=answer.remedy)


def _shared(size: int) -> SharedBlock:
    room = memory_room_bytes()
    if room is not None and room < size:  # else the kernel ends some process in the middle of a take
        raise EnvironmentUnfitError(
            f"expected {size} bytes of memory to share, got {max(room, 0)} free",
            remedy="free memory; of a container, raise the limit: docker run --memory 2g",
        )
    try:
        return SharedBlock(size)
    except OSError as error:
        if error.errno in _TOO_MANY:
            raise _too_many_files(error) from error
        raise EnvironmentUnfitError(
            f"expected {size} bytes of memory to share, got {error.strerror or error}",
            remedy="free memory, and see to the limits of this shell and container: ulimit -v unlimited;"
            " ulimit -f unlimited; docker run --shm-size 512m",
        ) from error


@contextmanager
def _starting() -> Iterator[None]:
    """Say in one line what keeps a process from starting.

    Raises:
        EnvironmentUnfitError: Too many files are open, or there are too many processes.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _TOO_MANY:
            raise _too_many_files(error) from error
        raise EnvironmentUnfitError(
            f"expected a process for the writer, got {error.strerror or error}",
            remedy="let this user start more processes: ulimit -u unlimited",
        ) from error


def _too_many_files(error: OSError) -> EnvironmentUnfitError:
    return EnvironmentUnfitError(
        f"expected a process for the writer, got {error.strerror}",
        remedy="let the shell open more files (ulimit -n 4096), then start again",
    )


def run_writer(connection: Connection, block: SharedBlock) -> None:
    """Main of the writer process: carry out what is in the ring until the recorder is gone and the ring empty."""
    settle()
    work = _Work(connection, RingReader(block, view_bytes=CHUNK_BYTES), FileWriter())
    with suppress(OSError):  # the recorder is gone
        work.answer(WriterReady())
    with suppress(_RecorderGoneError):
        work.run()
    if work.writer.is_open:
        with suppress(EmbodiedKitError):
            work.writer.run(Flush())
        work.writer.shut_down()


class _RecorderGoneError(Exception):
    """Nobody is left to say what to do about a fault."""


@dataclass
class _Work:
    """What the writer process does."""

    connection: Connection
    ring: RingReader
    writer: FileWriter
    due_s: float | None = None

    def run(self) -> None:
        """Until the recorder is gone and the ring empty.

        Raises:
            _RecorderGoneError: The disk refuses, and the recorder is gone.
        """
        flows = False
        while self._await_more(flows=flows):
            flows = self._empty()
            self._keep_synced()
        self._empty()

    def answer(self, answer: WriterReady | WriterFailure | ClosedFile) -> None:
        """Tell the recorder.

        Raises:
            OSError: It is gone.
        """
        self.connection.send(answer)
        self.ring.answer()

    def _await_more(self, *, flows: bool) -> bool:
        """Sleep until there is something to write or a sync is due; False where the recorder is gone."""
        least_bytes, longest_s = (_GATHER_BYTES, _GATHER_S) if flows else (1, self.due_s)
        try:
            woken = self.ring.awaits(least_bytes) and self.connection.poll(longest_s)
            self.ring.is_awake()
            while woken:
                self.connection.recv_bytes()
                woken = self.connection.poll()
        except (EOFError, OSError):
            return False
        return True

    def _empty(self) -> bool:
        """Carry out all that is in the ring; whether there was anything."""
        found = False
        while True:
            batch = self.ring.read()
            if batch.messages:
                self.writer.write(batch.messages)
                self._insist(self.writer.settle)
            if batch.command:
                self._command(pickle.loads(batch.command))  # noqa: S301 - our own process wrote it
            del batch  # views of the ring end with it
            if not self.ring.release():
                return found
            found = True
            self._keep_synced()

    def _command(self, command: Command) -> None:
        closed = self._insist(lambda: self.writer.run(command))
        if closed is not None:
            with suppress(OSError):  # the recorder is gone
                self.answer(closed)

    def _keep_synced(self) -> None:
        self.due_s = self._insist(lambda: self.writer.keep_synced(time.monotonic()))

    def _insist(self, do: Callable[[], _T]) -> _T:
        """Do it; where that fails say so, and do it again each time that the recorder asks for it."""
        while True:
            try:
                return do()
            except EmbodiedKitError as error:  # noqa: PERF203 - once a fault
                self._tell_failure(error)

    def _tell_failure(self, error: EmbodiedKitError) -> None:
        """Tell the recorder, and wait until it asks to try again."""
        remedy = f"{error.remedy}; what was written so far stays in its .partial file"
        try:
            self.answer(WriterFailure(error.message, remedy, isinstance(error, WriteFaultError)))
            while self.connection.recv_bytes() != _AGAIN:
                pass
        except (EOFError, OSError):
            raise _RecorderGoneError from error
