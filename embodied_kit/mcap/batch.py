"""Messages of one chunk as columns over the bytes that hold them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embodied_kit.mcap.chunk import gather_heads
from embodied_kit.mcap.container import Crc
from embodied_kit.mcap.records import MESSAGE_FIXED, MESSAGE_HEAD


@dataclass(frozen=True, eq=False)
class Batch:
    """Messages of one chunk, or of a run outside chunks, in file order; arrays have one element a message.

    Attributes:
        buffer: Bytes that the payloads lie in; stays valid as long as it is held.
        channel_id: uint16. sequence: uint32. log_time, publish_time: uint64, ns.
        offset, length: int64; payload i is `buffer[offset[i] : offset[i] + length[i]]`.
        chunk_offset: Byte offset of the chunk's record in the file; None outside chunks.
        crc: Whether the chunk's CRC holds; `none` outside chunks.
    """

    buffer: memoryview
    channel_id: NDArray[np.uint16]
    sequence: NDArray[np.uint32]
    log_time: NDArray[np.uint64]
    publish_time: NDArray[np.uint64]
    offset: NDArray[np.int64]
    length: NDArray[np.int64]
    chunk_offset: int | None
    crc: Crc

    def __len__(self) -> int:
        return len(self.offset)

    def take(self, rows: NDArray[np.int64] | slice) -> Batch:
        """The same batch with some of its messages."""
        return Batch(
            self.buffer,
            self.channel_id[rows],
            self.sequence[rows],
            self.log_time[rows],
            self.publish_time[rows],
            self.offset[rows],
            self.length[rows],
            self.chunk_offset,
            self.crc,
        )

    def by_channel(self) -> dict[int, Batch]:
        """One batch a channel; file order is kept within each."""
        if len(self) and bool((self.channel_id == self.channel_id[0]).all()):
            return {int(self.channel_id[0]): self}
        order = np.argsort(self.channel_id, kind="stable")
        found, first = np.unique(self.channel_id[order], return_index=True)
        parts = np.split(order, first[1:])
        return {int(channel): self.take(rows) for channel, rows in zip(found, parts, strict=False)}


def make_batch(buffer: memoryview, starts: NDArray[np.int64], chunk_offset: int | None, crc: Crc) -> Batch:
    """Columns of the messages whose records begin at `starts`."""
    heads = gather_heads(buffer, starts)
    return Batch(
        buffer,
        heads["channel"].astype(np.uint16),
        heads["sequence"].astype(np.uint32),
        heads["log"].astype(np.uint64),
        heads["publish"].astype(np.uint64),
        starts + MESSAGE_HEAD.size,
        heads["length"].astype(np.int64) - MESSAGE_FIXED,
        chunk_offset,
        crc,
    )
