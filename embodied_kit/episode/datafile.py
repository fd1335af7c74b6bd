"""A data file being written, as commands and messages: they go to a writer process, or are carried out here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol, TypeAlias

from embodied_kit.episode.journal import join_journal
from embodied_kit.episode.layout import writing
from embodied_kit.episode.locking import FileLock
from embodied_kit.errors import EnvironmentUnfitError
from embodied_kit.mcap.growing import GONE, LostFileError
from embodied_kit.mcap.records import Channel, Schema
from embodied_kit.mcap.writer import McapWriter
from embodied_kit.model.channel import ChannelInfo

# A power cut takes what is not synced: with the time of a sync itself, less than a second of it.
SYNC_S = 0.5
# Never more at once, so that a sync is short; at 200 MB/s it is one in 80 ms.
SYNC_BYTES = 16 << 20


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
    """Begin a data file; `journal` is its take's, empty where there is none."""

    path: str
    journal: str = ""


@dataclass(frozen=True)
class NextFile:
    """Finish the file and go on in another, with the same channels."""

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
class Note:
    """Add a line to the take's journal, and sync it."""

    line: bytes


@dataclass(frozen=True)
class CloseFile:
    """Finish the file; answered with a ClosedFile."""


@dataclass(frozen=True)
class ClosedFile:
    """A finished data file: size in bytes and sha256 hex, and the files that `NextFile` finished before it."""

    path: str
    size: int
    sha256: str
    earlier: tuple[ClosedFile, ...] = ()


Command: TypeAlias = OpenFile | NextFile | AddChannel | Attach | AddMetadata | Flush | Note | CloseFile


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

    def waiting_bytes(self) -> int:
        """What is queued and not written yet."""
        ...

    def close_file(self) -> ClosedFile:
        """Finish the open file, and wait for it."""
        ...


class FileWriter:
    """Carries out commands on one file at a time; itself a CommandSink for who needs no second process.

    Where the system refuses to write, every message that was handed over stays in the open chunk; what failed may be
    tried again: `settle` after `write`, else the same call.
    """

    def __init__(self) -> None:
        self.path = ""
        self._mcap: McapWriter | None = None
        self._channels: dict[int, int] = {}
        self._infos: dict[int, ChannelInfo] = {}
        self._next: tuple[McapWriter, dict[int, int]] | None = None
        self._earlier: list[ClosedFile] = []
        self._fault: EnvironmentUnfitError | None = None
        self._unsynced_since_s: float | None = None
        self._journal: FileLock | None = None

    def send(self, command: Command) -> None:
        """Carry one command out."""
        self.run(command)

    def write(self, messages: Sequence[OutMessage]) -> Sequence[OutMessage]:
        """Write messages; all of them. What failed is told by `check`."""
        mcap = self._open_file("messages")
        rest = iter(messages)
        while True:
            try:
                with writing(Path(self.path)):
                    for index, log_ns, publish_ns, sequence, cdr in rest:
                        mcap.write(self._channels[index], log_ns, publish_ns, sequence, cdr)
            except EnvironmentUnfitError as error:  # noqa: PERF203 - once a fault: further messages are only kept
                self._fault = error
            else:
                return messages

    def check(self) -> None:
        """Tell once what `write` could not write.

        Raises:
            WriteFaultError: The system refuses; `settle` tries again.
            EnvironmentUnfitError: The file is lost.
        """
        fault, self._fault = self._fault, None
        if fault is not None:
            raise fault

    def settle(self) -> None:
        """Write what a fault has left, if there was one.

        Raises:
            WriteFaultError: The system refuses still.
        """
        self.check()
        if self._mcap is not None and self._mcap.is_stuck:
            with writing(Path(self.path)):
                self._mcap.close_chunk()

    def keep_synced(self, now_s: float) -> float | None:
        """Close the chunk and sync the file where messages have waited for `SYNC_S`, or there is much of them.

        Args:
            now_s: Of a clock that never goes back.

        Returns:
            Seconds until the next call is due; None where nothing waits.

        Raises:
            WriteFaultError: The system refuses; the next call tries again.
        """
        unsynced = 0 if self._mcap is None else self._mcap.bytes_unsynced
        if self._mcap is None or not unsynced:
            self._unsynced_since_s = None
            return None
        since_s = now_s if self._unsynced_since_s is None else self._unsynced_since_s
        if now_s - since_s < SYNC_S and unsynced < SYNC_BYTES:
            self._unsynced_since_s = since_s
            return since_s + SYNC_S - now_s
        with writing(Path(self.path)):
            self._mcap.flush()
        self._unsynced_since_s = None
        return None

    def queue_count(self, channel: int) -> QueueCount:  # noqa: ARG002  # the Protocol's
        """Nothing waits here."""
        return QueueCount()

    @property
    def is_open(self) -> bool:
        """Whether a file is being written."""
        return self._mcap is not None

    def waiting_bytes(self) -> int:
        """Nothing is queued here."""
        return 0

    def close_file(self) -> ClosedFile:
        """Finish the open file."""
        closed = self.run(CloseFile())
        if closed is None:
            raise RuntimeError("expected CloseFile to answer")
        return closed

    def shut_down(self) -> None:
        """Leave an unfinished file under its `.partial` name, with every chunk that was closed."""
        if self._next is not None:
            self._next[0].abort()
            self._next = None
        if self._mcap is not None:
            self._mcap.abort()
            self._mcap = None
        if self._journal is not None:
            self._journal.release()
            self._journal = None

    def run(self, command: Command) -> ClosedFile | None:
        """Carry one command out; CloseFile answers.

        Raises:
            WriteFaultError: The system refuses to write; the same may be tried again.
            EnvironmentUnfitError: The disk fails, or is gone.
        """
        with writing(Path(command.path if isinstance(command, OpenFile) else self.path)):
            if isinstance(command, OpenFile):
                self.shut_down()
                self.path, self._fault = command.path, None
                self._channels, self._infos, self._earlier = {}, {}, []
                self._journal = join_journal(Path(command.journal)) if command.journal else None
                self._mcap = McapWriter(Path(command.path), hashed=True)
                return None
            if isinstance(command, Note):
                self._note(command.line)
                return None
            return self._on_open_file(self._open_file(type(command).__name__), command)

    def _note(self, line: bytes) -> None:
        if self._journal is None:
            return
        try:
            self._journal.append(line)
        except OSError as error:
            if error.errno in GONE:
                raise LostFileError(error.errno, error.strerror) from error
            raise

    def _open_file(self, what: str) -> McapWriter:
        if self._mcap is None:
            raise RuntimeError(f"expected an open file before {what}")
        return self._mcap

    def _on_open_file(self, mcap: McapWriter, command: Command) -> ClosedFile | None:
        match command:
            case NextFile(path):
                self._go_on_in(mcap, path)
            case AddChannel(index, channel):
                self._channels[index] = _add_channel(mcap, channel)
                self._infos[index] = channel
            case Attach(name, media_type, data, time_ns):
                mcap.attach(name, media_type, data, log_time=time_ns, create_time=time_ns)
            case AddMetadata(name, values):
                mcap.add_metadata(name, values)
            case Flush():
                mcap.flush()
            case CloseFile():
                mcap.close()
                self._mcap = None
                return ClosedFile(mcap.path.name, mcap.bytes_written, mcap.sha256, tuple(self._earlier))
        return None

    def _go_on_in(self, mcap: McapWriter, path: str) -> None:
        """The next file is begun before this one is closed, so that each step may be tried again."""
        if self._next is None:
            self._next = McapWriter(Path(path), hashed=True), {}
        following, channels = self._next
        for index, channel in self._infos.items():
            if index not in channels:
                channels[index] = _add_channel(following, channel)
        mcap.close()
        self._earlier.append(ClosedFile(mcap.path.name, mcap.bytes_written, mcap.sha256))
        self.path, self._mcap, self._channels, self._next = path, following, channels, None


def _add_channel(mcap: McapWriter, channel: ChannelInfo) -> int:
    schema = mcap.add_schema(channel.ros_type, channel.schema_encoding, channel.definition.encode())
    return mcap.add_channel(channel.topic, schema, metadata=channel_metadata(channel))


def channel_info(channel: Channel, schema: Schema | None) -> ChannelInfo:
    """What a data file says of a channel that `_add_channel` wrote."""
    said = channel.metadata
    return ChannelInfo(
        topic=channel.topic,
        ros_type=schema.name if schema else "",
        schema_encoding=schema.encoding if schema else "",
        definition=schema.data.decode(errors="replace") if schema else "",
        type_hash=said.get("topic_type_hash", ""),
        qos_text=said.get("offered_qos_profiles", ""),
        publisher=said.get("publisher_gid", ""),
        sequence_source=said.get("sequence_source", ""),
        stream_id=said.get("stream_id", ""),
    )


def channel_metadata(channel: ChannelInfo) -> dict[str, str]:
    """Metadata of a channel: rosbag2's keys, then ours."""
    return {
        "offered_qos_profiles": channel.qos_text,
        "topic_type_hash": channel.type_hash,
        "publisher_gid": channel.publisher,
        "sequence_source": channel.sequence_source,
        "stream_id": channel.stream_id,
    }
