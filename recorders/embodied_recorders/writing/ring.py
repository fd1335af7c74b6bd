"""Messages and commands in order from the receiving process to the writer, through shared memory.

One producer, one consumer. The producer copies and never waits: what finds no room is dropped and counted, by stream.

Two pools. Bulk streams (images, point clouds, sound) may fill `BULK_SHARE` of the ring together; the rest is kept for
all others, so that no joint state is ever dropped for video. Within a pool a stream may hold three times what is still
free in it: one stream behind gets 3/4 of the pool, two 3/7 each, and one that was quiet always finds room. The newest
message of a stream that is over its limit is dropped. Commands are never dropped; their sender waits for room.
"""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from embodied_kit.episode.datafile import OutMessage, QueueCount
from embodied_recorders.writing.shared_block import Fence, SharedBlock

# A second of twenty cameras at 10 MB/s each, as rosbag2 advises; with both processes less than 400 MB.
RING_BYTES: Final = 224 << 20
BULK_SHARE: Final = 7 / 8
_LIMIT_FACTOR: Final = 3
# An empty ring begins again at its start from here on, so that it touches (and keeps) half its memory at most; not
# earlier, because until its reader wakes no more than what lies before that place is free. Without bulk streams the
# room of the others is enough.
_REWIND_SHARE: Final = 1 / 2
_COMMIT_BYTES: Final = 1 << 20  # the consumer starts on a large batch while it is still being copied

# Places of 64-bit words in the block; what the two sides write lies in different cache lines.
_HEAD, _TAIL, _WAKE_FROM, _ANSWERS, _POOLS, _CHANNELS = 0, 8, 16, 24, 32, 512
MAX_CHANNELS: Final = 1 << 16  # MCAP numbers channels with 16 bits
_WORDS: Final = _CHANNELS + MAX_CHANNELS

_RECORD: Final = struct.Struct("<IIQQII")  # channel, sequence, log ns, publish ns, bytes, tag
_UNIT: Final = _RECORD.size  # records are multiples of it, so that a pad always finds room
_OTHERS, _BULK, _COMMAND, _COMMAND_PART, _PAD = range(5)  # tags; the first two are the pools


def block_size(ring_bytes: int) -> int:
    """Size of the shared block of a ring."""
    return 8 * _WORDS + ring_bytes


def _taken_by(size: int) -> int:
    """Bytes of the ring that a record of `size` bytes takes."""
    return (size + 2 * _UNIT - 1) // _UNIT * _UNIT


@dataclass(slots=True)
class _Stream:
    """What the producer knows of one channel; bytes are bytes of the ring, counted since it was made."""

    pool: int = _OTHERS
    produced: int = 0
    dropped_n: int = 0
    dropped_bytes: int = 0
    high_water_bytes: int = 0


class RingWriter:
    """The producer's side.

    Args:
        block: Of `block_size(ring_bytes)` bytes.
        wake: Called when the consumer waits for what was put in.
    """

    def __init__(self, block: SharedBlock, wake: Callable[[], None]) -> None:
        self._words = block.words(0, _WORDS)
        self._size = block.size - 8 * _WORDS
        self._data = block.view(8 * _WORDS, self._size)
        self._wake, self._fence = wake, Fence()
        self._streams: list[_Stream] = []
        bulk = int(self._size * BULK_SHARE)
        self._pool_bytes = (self._size - bulk, bulk)
        self._pool_produced = [0, 0]
        self._head = self._published = 0
        self._rewind_from = self._pool_bytes[_OTHERS]
        # The first use of a page costs more than to copy a message.
        self._data[: self._rewind_from] = bytes(self._rewind_from)

    def open_channel(self, channel: int, *, bulk: bool) -> None:
        """A new stream takes this number; its counts begin anew."""
        while len(self._streams) <= channel:
            self._streams.append(_Stream())
        self._streams[channel] = _Stream(_BULK if bulk else _OTHERS, self._streams[channel].produced)
        if bulk:
            self._rewind_from = int(self._size * _REWIND_SHARE)

    def count(self, channel: int) -> QueueCount:
        """What became of a stream here."""
        stream = self._streams[channel]
        return QueueCount(stream.dropped_n, stream.dropped_bytes, stream.high_water_bytes)

    def put(self, messages: Sequence[OutMessage]) -> Sequence[OutMessage]:
        """Copy messages in; those that found room, in order. Never waits."""
        self._rewind()
        dropped = [place for place, message in enumerate(messages) if not self._put(message)]
        self._commit()
        if not dropped:
            return messages
        gone = frozenset(dropped)
        return [message for place, message in enumerate(messages) if place not in gone]

    def put_command(self, data: bytes, *, more: bool) -> bool:
        """Copy a command in, or a part of one; False where there is no room now."""
        self._rewind()
        offset = self._place(_taken_by(len(data)), 0)
        if offset is None:
            return False
        _RECORD.pack_into(self._data, offset, 0, 0, 0, 0, len(data), _COMMAND_PART if more else _COMMAND)
        self._data[offset + _UNIT : offset + _UNIT + len(data)] = data
        self._commit(urgent=True)
        return True

    @property
    def waiting_bytes(self) -> int:
        """Bytes of the ring that the consumer has not released."""
        return self._head - int(self._words[_TAIL])

    @property
    def answers_n(self) -> int:
        """How often the consumer has answered; it costs nothing to look."""
        return int(self._words[_ANSWERS])

    def _put(self, message: OutMessage) -> bool:
        channel, log_ns, publish_ns, sequence, cdr = message
        size = len(cdr)
        need = (size + 2 * _UNIT - 1) // _UNIT * _UNIT  # `_taken_by`, without a call
        stream, words = self._streams[channel], self._words
        pool = stream.pool
        waiting = stream.produced - words[_CHANNELS + channel] + need
        free = self._pool_bytes[pool] - (self._pool_produced[pool] - words[_POOLS + pool]) - need
        kept_free = 0 if pool == _OTHERS else self._pool_bytes[0] - (self._pool_produced[0] - words[_POOLS])
        offset = self._place(need, kept_free) if waiting <= _LIMIT_FACTOR * free else None
        if offset is None:
            stream.dropped_n += 1
            stream.dropped_bytes += size
            return False
        data, first = self._data, offset + _UNIT
        _RECORD.pack_into(data, offset, channel, sequence, log_ns, publish_ns, size, pool)
        data[first : first + size] = cdr
        stream.produced += need
        self._pool_produced[pool] += need
        if waiting > stream.high_water_bytes:  # noqa: PLR1730 - once a message, and `max` takes four times as long
            stream.high_water_bytes = waiting
        if self._head - self._published >= _COMMIT_BYTES:
            self._commit()
        return True

    def _place(self, need: int, kept_free: int) -> int | None:
        """Offset of so many bytes in one piece, taken; None where fewer than `kept_free` would stay."""
        offset = self._head % self._size
        to_end = self._size - offset
        skipped = 0 if need <= to_end else to_end
        if self._size - (self._head - self._words[_TAIL]) - skipped - need < kept_free:
            return None
        if skipped:
            self._pad(offset, to_end)
            offset = 0
        self._head += need
        return offset

    def _pad(self, offset: int, to_end: int) -> None:
        _RECORD.pack_into(self._data, offset, 0, 0, 0, 0, 0, _PAD)
        self._head += to_end

    def _rewind(self) -> None:
        """Begin again at the start where the ring is empty and its reader awaits more."""
        offset = self._head % self._size
        if offset < self._rewind_from or self._words[_TAIL] != self._head or not self._words[_WAKE_FROM]:
            return
        self._pad(offset, self._size - offset)

    def _commit(self, *, urgent: bool = False) -> None:
        """Show the consumer what was put in, and wake it where it waits for so much, or for what is urgent."""
        if self._published == self._head:
            return
        self._fence()
        self._words[_HEAD] = self._published = self._head
        self._fence()
        wake_from = self._words[_WAKE_FROM]
        if wake_from and (urgent or self._head - self._words[_TAIL] >= wake_from):
            self._words[_WAKE_FROM] = 0
            self._wake()


@dataclass(frozen=True)
class Batch:
    """Messages in order, and the command that follows them; both may be absent."""

    messages: Sequence[OutMessage]
    command: bytes = b""


@dataclass
class RingReader:
    """The consumer's side.

    Attributes:
        view_bytes: Messages from this size on are handed out as views of the ring, valid until `release`.
    """

    block: SharedBlock
    view_bytes: int
    _fence: Fence = field(default_factory=Fence)
    _at: int = 0
    _taken: defaultdict[tuple[int, int], int] = field(default_factory=lambda: defaultdict(int))
    _parts: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._words = self.block.words(0, _WORDS)
        self._size = self.block.size - 8 * _WORDS
        self._data = self.block.view(8 * _WORDS, self._size)

    def awaits(self, least_bytes: int = 1) -> bool:
        """Ask to be woken once so much is there, or a command; False where it is there already."""
        self._words[_WAKE_FROM] = least_bytes
        self._fence()
        return bool(self._words[_HEAD] - self._at < least_bytes)

    def is_awake(self) -> None:
        """Ask not to be woken."""
        self._words[_WAKE_FROM] = 0

    def answer(self) -> None:
        """Show the producer that there is an answer for it, which goes another way."""
        self._words[_ANSWERS] += 1

    def read(self, most_bytes: int = _COMMIT_BYTES) -> Batch:
        """Next messages, about `most_bytes` of them, up to the next command; give them back with `release`."""
        head, size, data = self._words[_HEAD], self._size, self._data
        self._fence()
        messages: list[OutMessage] = []
        taken, view_bytes = self._taken, self.view_bytes
        most = self._at + most_bytes
        while self._at != head and self._at < most:
            offset = self._at % size
            channel, sequence, log_ns, publish_ns, length, tag = _RECORD.unpack_from(data, offset)
            if tag == _PAD:
                self._at += size - offset
                most = self._at + most_bytes
                continue
            if tag > _BULK and messages:
                break
            need = _taken_by(length)
            self._at += need
            cdr = data[offset + _UNIT : offset + _UNIT + length]
            if tag > _BULK:
                return Batch((), self._command(bytes(cdr), last=tag == _COMMAND))
            messages.append(
                OutMessage(channel, log_ns, publish_ns, sequence, cdr if length >= view_bytes else bytes(cdr))
            )
            taken[channel, tag] += need
        return Batch(messages)

    def _command(self, part: bytes, *, last: bool) -> bytes:
        self._parts.append(part)
        if not last:
            return b""
        whole, self._parts = b"".join(self._parts), []
        return whole

    def release(self) -> bool:
        """Give back the room of everything read so far; whether it was any."""
        if self._words[_TAIL] == self._at:
            return False
        self._fence()
        for (channel, pool), need in self._taken.items():
            self._words[_CHANNELS + channel] += need
            self._words[_POOLS + pool] += need
        self._taken.clear()
        self._words[_TAIL] = self._at
        return True
