"""The writer, in a process of its own: it compresses, writes and syncs, and never slows the receiving one."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TypeAlias

from embodied_kit.canonical import sha256_file
from embodied_kit.episode.bag_metadata import qos_text
from embodied_kit.errors import EnvironmentUnfitError
from embodied_kit.mcap.writer import McapWriter
from embodied_kit.model.channel import ChannelInfo

SCHEMA_ENCODING = "ros2msg"
_STOP_TIMEOUT_S = 30.0


@dataclass(frozen=True)
class OpenFile:
    """Begin a data file."""

    path: str


@dataclass(frozen=True)
class AddChannel:
    """Add a channel; `index` is how later messages name it."""

    index: int
    channel: ChannelInfo


@dataclass(frozen=True)
class WriteMessages:
    """Write messages: (channel index, log ns, publish ns, sequence, CDR)."""

    rows: Sequence[tuple[int, int, int, int, bytes]]


@dataclass(frozen=True)
class Attach:
    """Add an attachment; `time_ns` is its log and create time."""

    name: str
    media_type: str
    data: bytes
    time_ns: int


@dataclass(frozen=True)
class AddMetadata:
    """Add a metadata record."""

    name: str
    values: dict[str, str]


@dataclass(frozen=True)
class Flush:
    """Close the chunk and sync it to disk."""


@dataclass(frozen=True)
class CloseFile:
    """Finish the file; answered with a ClosedFile."""


@dataclass(frozen=True)
class AbandonFile:
    """Leave the file unfinished under its `.partial` name."""


@dataclass(frozen=True)
class ClosedFile:
    """A finished data file: size in bytes and sha256 hex."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True)
class WriterFailure:
    """The writer could not go on: what the operating system said."""

    message: str
    path: str


Command: TypeAlias = OpenFile | AddChannel | WriteMessages | Attach | AddMetadata | Flush | CloseFile | AbandonFile


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
    writer = _FileWriter()
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


class _FileWriter:
    """Carries out commands on one file at a time."""

    def __init__(self) -> None:
        self.path = ""
        self._mcap: McapWriter | None = None
        self._channels: dict[int, int] = {}

    def run(self, command: Command) -> ClosedFile | None:
        if isinstance(command, OpenFile):
            self.path = command.path
            self._mcap, self._channels = McapWriter(Path(command.path)), {}
            return None
        if self._mcap is None:
            raise RuntimeError(f"expected an open file before {command!r}")
        return self._on_open_file(self._mcap, command)

    def _on_open_file(self, mcap: McapWriter, command: Command) -> ClosedFile | None:
        match command:
            case WriteMessages(rows):
                for index, log_ns, publish_ns, sequence, cdr in rows:
                    mcap.write(self._channels[index], log_ns, publish_ns, sequence, cdr)
            case AddChannel(index, channel):
                self._channels[index] = _add_channel(mcap, channel)
            case Attach(name, media_type, data, time_ns):
                mcap.attach(name, media_type, data, log_time=time_ns, create_time=time_ns)
            case AddMetadata(name, values):
                mcap.add_metadata(name, values)
            case Flush():
                mcap.flush()
            case CloseFile():
                mcap.close()
                self._mcap = None
                path = Path(self.path)
                return ClosedFile(path.name, path.stat().st_size, sha256_file(path))
            case AbandonFile():
                mcap.abort()
                self._mcap = None
            case OpenFile():
                raise RuntimeError(f"expected {self.path} to be closed before {command!r}")
        return None


def _add_channel(mcap: McapWriter, channel: ChannelInfo) -> int:
    encoding = SCHEMA_ENCODING if channel.definition else ""
    schema = mcap.add_schema(channel.ros_type, encoding, channel.definition.encode())
    return mcap.add_channel(channel.topic, schema, metadata=channel_metadata(channel))


def channel_metadata(channel: ChannelInfo) -> dict[str, str]:
    """Metadata of a channel: rosbag2's keys, then ours."""
    return {
        "offered_qos_profiles": qos_text(channel.qos),
        "topic_type_hash": channel.type_hash,
        "publisher_gid": channel.publisher,
        "sequence_source": channel.sequence_source,
        "stream_id": channel.stream_id,
    }
