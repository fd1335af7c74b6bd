"""A whole file from one that was cut: every message that can still be read, once, in file order."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from embodied_kit.errors import DataError
from embodied_kit.mcap.compress import Compression
from embodied_kit.mcap.container import ContainerInfo
from embodied_kit.mcap.reader import Batch, McapScan
from embodied_kit.mcap.records import MAGIC
from embodied_kit.mcap.writer import McapWriter

MAX_ATTACHMENT_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class Recovered:
    """What became of a damaged file.

    Attributes:
        messages_n: Messages in the new file.
        damaged_messages_n: Messages left out: their chunk's CRC does not hold, or nothing defines their channel.
        attachments_lost: Names of attachments that could not be taken over.
        source: What a scan says of the damaged file.
    """

    messages_n: int
    damaged_messages_n: int
    attachments_lost: tuple[str, ...]
    source: ContainerInfo


def recover(
    damaged: Path,
    target: Path,
    *,
    compression: Compression = "zstd",
    leave_out: Collection[str] = (),
    last_words: Callable[[McapWriter], None] = lambda _writer: None,
) -> Recovered:
    """Write what a damaged file still holds to a new one; the damaged file is left as it is.

    Messages of a chunk whose CRC does not hold are not taken over, nor messages on a channel that nothing defines.

    Args:
        damaged: The file.
        target: The new one.
        compression: Of its chunks.
        leave_out: Names of attachments and metadata records that are not taken over.
        last_words: Adds to the new file once all is taken over.

    Raises:
        UsageError: `target` or its `.partial` exists.
        DataError: the file is no MCAP.
    """
    with damaged.open("rb") as file:  # before anything is written
        if file.read(len(MAGIC)) != MAGIC:
            raise DataError(f"expected an MCAP file, got other bytes in {damaged}")
    with McapScan(damaged) as scan, McapWriter(target, compression=compression) as writer:
        copy = _Copy(scan, writer, leave_out)
        for batch in scan.batches():
            copy.batch(batch)
        copy.documents()
        writer.close_chunk()  # what is added now stands in front of an open one
        last_words(writer)
        return Recovered(copy.messages_n, copy.damaged_n, tuple(copy.lost), scan.container())


class _Copy:
    """Takes records over and gives them new ids."""

    def __init__(self, scan: McapScan, writer: McapWriter, leave_out: Collection[str]) -> None:
        self._scan, self._writer, self._leave_out = scan, writer, leave_out
        self._channels: dict[int, int] = {}
        self._attachments_n = 0
        self.messages_n = self.damaged_n = 0
        self.lost: list[str] = []

    def _channel(self, number: int) -> int | None:
        if number not in self._channels and number in self._scan.channels:
            channel = self._scan.channels[number]
            schema = self._scan.schemas.get(channel.schema_id)
            schema_id = self._writer.add_schema(schema.name, schema.encoding, schema.data) if schema else 0
            self._channels[number] = self._writer.add_channel(
                channel.topic, schema_id, message_encoding=channel.message_encoding, metadata=channel.metadata
            )
        return self._channels.get(number)

    def batch(self, batch: Batch) -> None:
        """Messages, and the attachments that came before them."""
        self.attachments()
        if batch.crc == "bad":
            self.damaged_n += len(batch)
            return
        columns = (batch.channel_id, batch.log_time, batch.publish_time, batch.sequence, batch.offset, batch.length)
        for number, log, publish, sequence, at, size in zip(*(column.tolist() for column in columns), strict=True):
            channel = self._channel(number)
            if channel is None:
                self.damaged_n += 1
                continue
            self._writer.write(channel, log, publish, sequence, bytes(batch.buffer[at : at + size]))
            self.messages_n += 1

    def attachments(self) -> None:
        """Attachments met since the last call; one whose CRC does not hold is lost."""
        for item in self._scan.attachments[self._attachments_n :]:
            self._attachments_n += 1
            if item.name in self._leave_out:
                continue
            if item.crc == "bad" or item.size > MAX_ATTACHMENT_BYTES:
                self.lost.append(item.name)
                continue
            data = self._scan.read_attachment(item, max_bytes=MAX_ATTACHMENT_BYTES)
            self._writer.attach(item.name, item.media_type, data, log_time=item.log_time, create_time=item.create_time)

    def documents(self) -> None:
        """Attachments and metadata that are left, and channels without messages."""
        self.attachments()
        for number in self._scan.channels:
            self._channel(number)
        for name, maps in self._scan.metadata.items():
            for values in maps if name not in self._leave_out else ():
                self._writer.add_metadata(name, values)
