"""One take on its way to disk: a staging folder, one data file, and a rename once everything is whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from embodied_kit.canonical import pretty_bytes, sha256_hex
from embodied_kit.episode.bag_metadata import BagFile, episode_metadata
from embodied_kit.episode.datafile import (
    AddChannel,
    AddMetadata,
    Attach,
    ClosedFile,
    Command,
    CommandSink,
    Flush,
    NextFile,
    Note,
    OpenFile,
    OutMessage,
    QueueCount,
)
from embodied_kit.episode.document import EpisodeFile, Origin, episode_document
from embodied_kit.episode.journal import Journal, journal_line, journal_path
from embodied_kit.episode.layout import (
    BAG_METADATA,
    CAPTURE_JSON,
    CLOSING_JSON,
    EPISODE_JSON,
    EPISODES,
    RECORDING,
    data_file,
    make_folders,
    sync_folder,
    write_whole,
    writing,
)
from embodied_kit.model.channel import ChannelInfo
from embodied_kit.model.json import JsonObject

MCAP_TYPE = "application/x-mcap"
YAML_TYPE = "application/yaml"
JSON_TYPE = "application/json"
REPEATED = "embodied_kit.repeated"


@dataclass
class TakeFile:
    """The data file of one take, being written through a CommandSink.

    Attributes:
        root: Dataset folder.
        episode_id: Names the staging folder and later the episode folder.
        counts: Messages by channel that the sink has taken; what its queue dropped is not among them.
        first_log_ns, last_log_ns: Receipt of the first and last message; None and 0 before there is one.
        finished: Data files that another has followed.
    """

    root: Path
    episode_id: str
    sink: CommandSink
    channels: list[ChannelInfo] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    first_log_ns: int | None = None
    last_log_ns: int = 0
    finished: list[BagFile] = field(default_factory=list)
    _part_first_ns: int | None = None
    _part_last_ns: int = 0
    _pending: list[Command] = field(default_factory=list)
    _is_ending: bool = False
    _closed: ClosedFile | None = None

    def __post_init__(self) -> None:
        self._journal = Journal(journal_path(self.root, self.episode_id))

    @property
    def staging(self) -> Path:
        """Where the take lies until it is whole."""
        return self.root / RECORDING / self.episode_id

    def open(self, capture: bytes, attachments: Mapping[str, bytes], time_ns: int, start_ns: int | None = None) -> None:
        """Begin the file with capture.json, then URDFs and calibrations.

        Args:
            capture: The capture document.
            attachments: The others, by name.
            time_ns: When the file begins, ns since the Unix epoch.
            start_ns: When the span begins, where that is later.

        Raises:
            EnvironmentUnfitError: The dataset cannot be written to.
        """
        self._journal.open({"start_ns": str(time_ns if start_ns is None else start_ns)})
        with writing(self.staging):
            make_folders(self.staging)
        self.sink.send(OpenFile(str(self.staging / data_file(0)), str(self._journal.path)))
        self._pending += _attachments(capture, attachments, time_ns)
        self._send_pending()

    @property
    def file_index(self) -> int:
        """Number of the data file that is being written."""
        return len(self.finished)

    def next_file(
        self, capture: bytes, attachments: Mapping[str, bytes], repeated: Mapping[str, str], time_ns: int
    ) -> None:
        """Finish the data file and go on in the next.

        Args:
            capture: capture.json of the next file.
            attachments: URDFs and calibrations.
            repeated: What the next file repeats: topic -> number of latched messages, as the metadata record REPEATED.
            time_ns: Of the attachments, ns since the Unix epoch.

        Raises:
            WriteFaultError: The disk refuses; what is left is handed over by `finish`.
            EnvironmentUnfitError: The writer died.
        """
        self.finished.append(self._part())
        self._part_first_ns, self._part_last_ns = None, 0
        self._pending += [
            NextFile(str(self.staging / data_file(self.file_index))),
            *_attachments(capture, attachments, time_ns),
            AddMetadata(REPEATED, dict(repeated)),
        ]
        self._send_pending()

    def _send_pending(self) -> None:
        """Each command once, even where a refusing disk comes in between: what is left stays first in the queue."""
        while self._pending:
            self.sink.send(self._pending[0])
            del self._pending[0]

    def _part(self) -> BagFile:
        """The data file that is being written, as metadata.yaml lists it."""
        before = sum(part.messages_n for part in self.finished)
        name = data_file(self.file_index)
        return BagFile(name, self._part_first_ns or 0, self._part_last_ns, sum(self.counts) - before)

    def add_channel(self, channel: ChannelInfo, *, bulk: bool = False) -> int:
        """Index of a new channel; `bulk` streams (images, point clouds, sound) give way where a queue is full."""
        index = len(self.channels)
        self.sink.send(AddChannel(index, channel, bulk))
        self.channels.append(channel)
        self.counts.append(0)
        return index

    def write(self, messages: Sequence[OutMessage]) -> None:
        """Hand messages to the writer; it may drop some, and counts them.

        Raises:
            WriteFaultError: The disk refuses; these messages were handed over all the same, and `finish` tries again.
            EnvironmentUnfitError: The writer died.
        """
        taken = self.sink.write(messages)
        if taken:
            for message in taken:
                self.counts[message.channel] += 1
            stamps = [message.log_ns for message in taken]
            first_ns, last_ns = min(stamps), max(stamps)
            self.first_log_ns = first_ns if self.first_log_ns is None else min(self.first_log_ns, first_ns)
            self.last_log_ns = max(self.last_log_ns, last_ns)
            self._part_first_ns = first_ns if self._part_first_ns is None else min(self._part_first_ns, first_ns)
            self._part_last_ns = max(self._part_last_ns, last_ns)
        self.sink.check()

    def queue_counts(self) -> dict[tuple[str, str], QueueCount]:
        """What the queue to the writer dropped and held at most, by topic and publisher."""
        return {(c.topic, c.publisher): self.sink.queue_count(index) for index, c in enumerate(self.channels)}

    def note(self, kind: str, fields: JsonObject) -> None:
        """Have a line written to the journal: should the recorder be killed, what it says is not lost.

        Raises:
            WriteFaultError: The disk refuses.
            EnvironmentUnfitError: The writer died.
        """
        self.sink.send(Note(journal_line(kind, fields)))

    def forget(self) -> None:
        """Take the journal away: the take is among the episodes, or was given up with its folder.

        Raises:
            WriteFaultError: It cannot be removed.
        """
        self._journal.remove()

    def let_go(self) -> None:
        """Leave an unfinished take to whoever recovers it."""
        self._journal.release()

    def flush(self) -> None:
        """Close the chunk and have it synced."""
        self.sink.send(Flush())

    def waiting_bytes(self) -> int:
        """What the sink has not written yet."""
        return self.sink.waiting_bytes()

    @property
    def is_closed(self) -> bool:
        """Whether the data file is whole on the disk."""
        return self._closed is not None

    def finish(
        self,
        *,
        capture: JsonObject,
        capture_bytes: bytes,
        closing: JsonObject,
        time_ns: int,
        origin: Origin,
    ) -> Path:
        """Close the file, write metadata.yaml and episode.json, and move the folder into `episodes/`.

        After a WriteFaultError the same call may be made again, once the disk can be written: it goes on where it
        stopped, and nothing is lost meanwhile.

        Returns:
            The episode folder.

        Raises:
            WriteFaultError: Something cannot be written; the take stays in its staging folder.
            EnvironmentUnfitError: The writer died; likewise.
        """
        closing_bytes = pretty_bytes(closing)
        metadata = self._bag_metadata()
        if not self._is_ending:
            self._is_ending = True
            self._pending += [
                Note(journal_line("closing", {"closing": closing})),
                Flush(),  # attachments stand before an open chunk, and this one ends the file
                Attach(CLOSING_JSON, JSON_TYPE, closing_bytes, time_ns),
                AddMetadata("rosbag2", {"serialized_metadata": metadata}),
            ]
        self._send_pending()
        closed = self._closed = self._closed or self.sink.close_file()
        document = episode_document(
            capture,
            closing,
            capture_bytes=capture_bytes,
            closing_bytes=closing_bytes,
            messages=self._messages_by_topic(),
            files=_files(closed, metadata.encode()),
            origin=origin,
        )
        return self._moved(metadata.encode(), pretty_bytes(document))

    def _moved(self, metadata: bytes, document: bytes) -> Path:
        """The episode folder, with the documents beside the data file."""
        target = self.root / EPISODES / self.episode_id
        if not target.exists():  # it does where a former call came as far as this
            write_whole(self.staging / BAG_METADATA, metadata)
            write_whole(self.staging / EPISODE_JSON, document)
            with writing(target):
                target.parent.mkdir(exist_ok=True)
                self.staging.rename(target)
        with writing(target):
            for folder in (target.parent, target.parent.parent, self.staging.parent):
                sync_folder(folder)
        self.forget()
        return target

    def _messages_by_topic(self) -> dict[str, int]:
        result: dict[str, int] = {}
        for channel, count in zip(self.channels, self.counts, strict=True):
            result[channel.topic] = result.get(channel.topic, 0) + count
        return result

    def _bag_metadata(self) -> str:
        files = [*self.finished, self._part()]
        return episode_metadata(self.episode_id, files, list(zip(self.channels, self.counts, strict=True)))


def _files(closed: ClosedFile, metadata: bytes) -> list[EpisodeFile]:
    return [
        *(EpisodeFile(file.path, file.size, file.sha256, MCAP_TYPE) for file in (*closed.earlier, closed)),
        EpisodeFile(BAG_METADATA, len(metadata), sha256_hex(metadata), YAML_TYPE),
    ]


def _attachments(capture: bytes, others: Mapping[str, bytes], time_ns: int) -> list[Command]:
    """capture.json, then URDFs and calibrations."""
    types = {name: JSON_TYPE if name.endswith(".json") else "application/xml" for name in others}
    return [
        Attach(CAPTURE_JSON, JSON_TYPE, capture, time_ns),
        *(Attach(name, types[name], data, time_ns) for name, data in others.items()),
    ]
