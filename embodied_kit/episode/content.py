"""What a data file holds: the documents that it carries, and its messages counted by channel."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from embodied_kit.episode.datafile import channel_info
from embodied_kit.episode.layout import CAPTURE_JSON, CLOSING_JSON
from embodied_kit.mcap.batch import Batch
from embodied_kit.mcap.container import ContainerInfo
from embodied_kit.mcap.reader import McapScan
from embodied_kit.model.channel import ChannelInfo

_SEQUENCE_MASK = 2**32 - 1  # MCAP has 32 bits for it
BAG_RECORD = "rosbag2"
BAG_FIELD = "serialized_metadata"


@dataclass
class ChannelCount:
    """Messages of one channel; times are ns since the Unix epoch.

    Attributes:
        sequence_lost_n: Messages missing by the publisher's own numbers.
    """

    channel: ChannelInfo
    messages_n: int = 0
    first_log_ns: int = 0
    last_log_ns: int = 0
    first_source_ns: int = 0
    last_source_ns: int = 0
    sequence_lost_n: int = 0
    _newest_sequence: int | None = None
    _highest_sequence: int | None = None

    def add(self, batch: Batch) -> None:
        """Count messages of this channel, in file order."""
        if not self.messages_n:
            self.first_source_ns = int(batch.publish_time[0])
        lows, highs = [int(batch.log_time.min())], [int(batch.log_time.max())]
        if self.messages_n:
            lows, highs = [*lows, self.first_log_ns], [*highs, self.last_log_ns]
        self.first_log_ns, self.last_log_ns = min(lows), max(highs)
        self.last_source_ns = int(batch.publish_time[-1])
        self.messages_n += len(batch)
        if self.channel.sequence_source == "publisher":
            newest, highest = self._newest_sequence, self._highest_sequence
            if newest is None or highest is None:
                newest = highest = int(batch.sequence[0]) - 1
            moves = np.diff(batch.sequence, prepend=np.uint32(newest & _SEQUENCE_MASK)).view(np.int32)  # they wrap
            numbers = newest + np.cumsum(moves, dtype=np.int64)
            reached = np.maximum.accumulate(np.concatenate(([highest], numbers)))
            steps = np.diff(reached)  # a number again, or late, tells of no loss
            self.sequence_lost_n += int(np.sum(steps[steps > 0] - 1))
            self._newest_sequence, self._highest_sequence = int(numbers[-1]), int(reached[-1])


@dataclass(frozen=True)
class Content:
    """What one data file holds.

    Attributes:
        path: The file.
        documents: Attachment name -> bytes, of capture.json and closing.json where present.
        channels: Every channel; without messages of chunks whose CRC does not hold.
        damaged_n: Messages of such chunks, and of channels that nothing defines.
        bag_metadata: metadata.yaml as the file carries it; empty where it carries none.
        info: What a scan says of the file.
    """

    path: Path
    documents: Mapping[str, bytes]
    channels: Sequence[ChannelCount]
    damaged_n: int
    bag_metadata: str
    info: ContainerInfo

    @property
    def messages_n(self) -> int:
        """Messages in all."""
        return sum(count.messages_n for count in self.channels)

    @property
    def messages(self) -> Counter[str]:
        """Topic -> messages."""
        result: Counter[str] = Counter()
        for count in self.channels:
            result[count.channel.topic] += count.messages_n
        return result

    @property
    def log_span(self) -> tuple[int, int] | None:
        """Least and greatest log time, ns; None without messages."""
        used = [count for count in self.channels if count.messages_n]
        if not used:
            return None
        return min(count.first_log_ns for count in used), max(count.last_log_ns for count in used)


def read_content(path: Path) -> Content:
    """Read a data file once, in bounded memory; a damaged one as far as it goes."""
    counts: dict[int, ChannelCount] = {}
    damaged_n = 0
    with McapScan(path) as scan:

        def count(number: int) -> ChannelCount | None:
            if number not in counts and number in scan.channels:
                channel = scan.channels[number]
                counts[number] = ChannelCount(channel_info(channel, scan.schemas.get(channel.schema_id)))
            return counts.get(number)

        for batch in scan.batches():
            for number, part in batch.by_channel().items():
                found = None if batch.crc == "bad" else count(number)
                if found is None:
                    damaged_n += len(part)
                else:
                    found.add(part)
        for number in scan.channels:
            count(number)
        wanted = [a for a in scan.attachments if a.name in {CAPTURE_JSON, CLOSING_JSON} and a.crc != "bad"]
        documents = {attachment.name: scan.read_attachment(attachment) for attachment in wanted}
        carried = scan.metadata.get(BAG_RECORD, ({},))[-1].get(BAG_FIELD, "")
        return Content(path, documents, list(counts.values()), damaged_n, carried, scan.container())
