"""A data file being written, as commands and messages: they go to a writer process, or are carried out here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol, TypeAlias

from embodied_kit.canonical import sha256_file
from embodied_kit.episode.layout import writing
from embodied_kit.mcap.writer import McapWriter
from embodied_kit.model.channel import ChannelInfo


class OutMessage(NamedTuple):
    """One message for a channel; times in ns since the Unix epoch."""

    channel: int
    log_ns: int
    publish_ns: int
    sequence: int
    cdr: bytes | memoryview


@dataclass(frozen=True)
class QueueCount:
    """What became of a channel's messages on their way to the writer.

    Attributes:
        dropped_n: Messages that found no room.
        dropped_bytes: Their size.
        high_water_bytes: Most bytes that ever waited, with 32 to 63 a message of the queue's own.
    """

    dropped_n: int = 0
    dropped_bytes: int = 0
    high_water_bytes: int = 0


@dataclass(frozen=True)
class OpenFile:
    """Begin a data file."""

    path: str


@dataclass(frozen=True)
class AddChannel:
    """Add a channel; `index` is how later messages name it, `bulk` that it gives way where a queue is full."""

    index: int
    channel: ChannelInfo
    bulk: bool = False


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
class ClosedFile:
    """A finished data file: size in bytes and sha256 hex."""

    path: str
    size: int
    sha256: str


Command: TypeAlias = OpenFile | AddChannel | Attach | AddMetadata | Flush | CloseFile


class CommandSink(Protocol):
    """Whatever carries out commands in order."""

    def send(self, command: Command) -> None:
        """Carry one out, or queue it."""
        ...

    def write(self, messages: Sequence[OutMessage]) -> Sequence[OutMessage]:
        """Write messages, or queue them without waiting; those that were not dropped, in order."""
        ...

    def check(self) -> None:
        """Raise where writing has failed since the last call."""
        ...

    def queue_count(self, channel: int) -> QueueCount:
        """What became of a channel's messages before they were written."""
        ...

    def close_file(self, while_waiting: Callable[[], object] = ...) -> ClosedFile:
        """Finish the open file; `while_waiting` is called again and again where that takes time."""
        ...


class FileWriter:
    """Carries out commands on one file at a time; itself a CommandSink for who needs no second process."""

    def __init__(self) -> None:
        self.path = ""
        self._mcap: McapWriter | None = None
        self._channels: dict[int, int] = {}

    def send(self, command: Command) -> None:
        """Carry one command out."""
        self.run(command)

    def write(self, messages: Sequence[OutMessage]) -> Sequence[OutMessage]:
        """Write messages; all of them.

        Raises:
            EnvironmentUnfitError: The system refuses to write.
        """
        mcap = self._open_file("messages")
        with writing(Path(self.path)):
            for index, log_ns, publish_ns, sequence, cdr in messages:
                mcap.write(self._channels[index], log_ns, publish_ns, sequence, cdr)
        return messages

    def check(self) -> None:
        """Nothing: each call has said itself what failed."""

    def queue_count(self, channel: int) -> QueueCount:  # noqa: ARG002  # the Protocol's
        """Nothing waits here."""
        return QueueCount()

    @property
    def is_open(self) -> bool:
        """Whether a file is being written."""
        return self._mcap is not None

    def close_file(self, while_waiting: Callable[[], object] = lambda: None) -> ClosedFile:  # noqa: ARG002  # it waits for nobody
        """Finish the open file."""
        closed = self.run(CloseFile())
        if closed is None:
            raise RuntimeError("expected CloseFile to answer")
        return closed

    def shut_down(self) -> None:
        """Leave an unfinished file under its `.partial` name, with every chunk that was closed."""
        if self._mcap is not None:
            self._mcap.abort()
            self._mcap = None

    def run(self, command: Command) -> ClosedFile | None:
        """Carry one command out; CloseFile answers.

        Raises:
            EnvironmentUnfitError: The system refuses to write.
        """
        if isinstance(command, OpenFile):
            self.shut_down()
            self.path = command.path
            self._mcap, self._channels = McapWriter(Path(command.path)), {}
            return None
        mcap = self._open_file(type(command).__name__)
        with writing(Path(self.path)):
            return self._on_open_file(mcap, command)

    def _open_file(self, what: str) -> McapWriter:
        if self._mcap is None:
            raise RuntimeError(f"expected an open file before {what}")
        return self._mcap

    def _on_open_file(self, mcap: McapWriter, command: Command) -> ClosedFile | None:
        match command:
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
        return None


def _add_channel(mcap: McapWriter, channel: ChannelInfo) -> int:
    schema = mcap.add_schema(channel.ros_type, channel.schema_encoding, channel.definition.encode())
    return mcap.add_channel(channel.topic, schema, metadata=channel_metadata(channel))


def channel_metadata(channel: ChannelInfo) -> dict[str, str]:
    """Metadata of a channel: rosbag2's keys, then ours."""
    return {
        "offered_qos_profiles": channel.qos_text,
        "topic_type_hash": channel.type_hash,
        "publisher_gid": channel.publisher,
        "sequence_source": channel.sequence_source,
        "stream_id": channel.stream_id,
    }
