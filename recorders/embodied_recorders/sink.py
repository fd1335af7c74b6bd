"""The writer, in a process of its own: it compresses, writes and syncs, and never slows the receiving one."""

from __future__ import annotations

import multiprocessing
import pickle
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.util import Finalize

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
from embodied_kit.errors import EmbodiedKitError, EnvironmentUnfitError
from embodied_kit.mcap.writer import CHUNK_BYTES
from embodied_recorders.ring import RING_BYTES, RingReader, RingWriter, block_size
from embodied_recorders.shared_block import SharedBlock
from embodied_recorders.stop import SIGNALS

_STOP_TIMEOUT_S = 30.0
_MOMENT_S = 1.0
_POLL_S = 0.02
_ROOM_S = 0.002
_PART_BYTES = 1 << 20  # of a command: it must find room in one piece
_WAKE = b"\0"


@dataclass(frozen=True)
class WriterReady:
    """The writer has started."""


@dataclass(frozen=True)
class WriterFailure:
    """The writer could not go on: the sentence, and what remedies it."""

    message: str
    remedy: str


class Sink:
    """Handle of the writer process. Messages never wait, commands only while the ring is full.

    Args:
        ring_bytes: Room for what the writer has not taken yet.

    Raises:
        EnvironmentUnfitError: The process does not start.
    """

    def __init__(self, ring_bytes: int = RING_BYTES) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._ring_bytes = ring_bytes
        self._block = _shared(block_size(ring_bytes))
        self._ring = RingWriter(self._block, self._wake)
        self._process = context.Process(
            target=run_writer, args=(theirs, self._block), name="embodied-kit-writer", daemon=True
        )
        with _signals_held():
            self._process.start()
        self._block.let_go()
        theirs.close()
        # At exit multiprocessing waits for its children, and this one waits for the end of its pipe.
        Finalize(self, self._connection.close, exitpriority=1)
        self._receive()

    def send(self, command: Command) -> None:
        """Hand one command over.

        Raises:
            EnvironmentUnfitError: The writer has failed (disk full, folder gone) or died.
        """
        if isinstance(command, AddChannel):
            self._ring.open_channel(command.index, bulk=command.bulk)
        data = pickle.dumps(command)
        step = min(_PART_BYTES, self._ring_bytes // 8)
        for first in range(0, len(data), step):
            part, more = data[first : first + step], first + step < len(data)
            while not self._ring.put_command(part, more=more):
                self.check()
                time.sleep(_ROOM_S)
        self.check()

    def write(self, messages: Sequence[OutMessage]) -> Sequence[OutMessage]:
        """Copy messages into the ring; those that found room. What failed is told by `check`."""
        return self._ring.put(messages)

    def check(self) -> None:
        """See whether the writer goes on.

        Raises:
            EnvironmentUnfitError: It has failed, or died.
        """
        if self._connection.poll():
            self._receive()

    def queue_count(self, channel: int) -> QueueCount:
        """What the ring dropped of a channel, and how much of it ever waited there."""
        return self._ring.count(channel)

    def close_file(self, while_waiting: Callable[[], object] = lambda: None) -> ClosedFile:
        """Finish the file and wait for its size and digest.

        Args:
            while_waiting: Called again and again where it takes longer than a moment: a slow disk takes seconds.

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
        """End the process; an unfinished file stays under its `.partial` name. A second call changes nothing."""
        self._connection.close()
        self._process.join(_STOP_TIMEOUT_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._block.close()

    def _wake(self) -> None:
        with suppress(OSError):  # `check` tells what has become of it
            self._connection.send_bytes(_WAKE)

    def _receive(self) -> ClosedFile | WriterReady:
        try:
            answer: ClosedFile | WriterReady | WriterFailure = self._connection.recv()
        except (EOFError, OSError) as error:
            raise EnvironmentUnfitError("the writer process died", remedy="embodied-kit doctor") from error
        if isinstance(answer, WriterFailure):
            raise EnvironmentUnfitError(answer.message, remedy=answer.remedy)
        return answer


def _shared(size: int) -> SharedBlock:
    try:
        return SharedBlock(size)
    except OSError as error:
        raise EnvironmentUnfitError(
            f"expected {size} bytes of memory to share, got {error.strerror or error}",
            remedy="free memory, and see to the limits of this shell: ulimit -v unlimited; ulimit -f unlimited",
        ) from error


def run_writer(connection: Connection, block: SharedBlock) -> None:
    """Main of the writer process: carry out what is in the ring until the recorder is gone and the ring empty."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the recorder decides
    with suppress(OSError):  # the recorder is gone
        connection.send(WriterReady())
    writer, ring = FileWriter(), RingReader(block, view_bytes=CHUNK_BYTES)
    try:
        while _awaits_more(ring, connection):
            _empty(writer, ring, connection)
        _empty(writer, ring, connection)
    except EmbodiedKitError as error:
        remedy = f"{error.remedy}; what was written so far stays in its .partial file"
        with suppress(OSError):
            connection.send(WriterFailure(error.message, remedy))
        return
    if writer.is_open:
        with suppress(EmbodiedKitError):
            writer.run(Flush())
        writer.shut_down()


def _empty(writer: FileWriter, ring: RingReader, connection: Connection) -> None:
    """Carry out all that is in the ring."""
    while True:
        batch = ring.read()
        if batch.messages:
            writer.write(batch.messages)
        if batch.command:
            closed = writer.run(pickle.loads(batch.command))  # noqa: S301 - our own process wrote it
            if closed is not None:
                with suppress(OSError):  # the recorder is gone
                    connection.send(closed)
        del batch  # views of the ring end with it
        if not ring.release():
            return


def _awaits_more(ring: RingReader, connection: Connection) -> bool:
    """Sleep until the recorder has put something in; False where it is gone."""
    try:
        if ring.awaits():
            connection.poll(None)
        ring.is_awake()
        while connection.poll():
            connection.recv_bytes()
    except (EOFError, OSError):
        return False
    return True


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
