"""One pass over a file: each byte is read once, and the bytes that are parsed are the bytes that are hashed."""

from __future__ import annotations

import hashlib
import queue
import threading
from collections.abc import Iterator

import numpy as np

from embodied_kit.mcap.crc import crc32
from embodied_kit.mcap.source import Source

SPAN_BYTES = 4 * 1024 * 1024
HEAD_PEEK = 64 * 1024
"""Bytes of a large record that hold its fixed fields."""
PIECE_BYTES = 1024 * 1024


class StreamDigest:
    """SHA-256 in a second thread (hashlib frees the GIL), fed in file order through a bounded queue."""

    def __init__(self) -> None:
        self._sha = hashlib.sha256()
        self._queue: queue.Queue[memoryview | None] = queue.Queue(maxsize=2)
        self._thread = threading.Thread(target=self._run, name="mcap-sha256", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while (piece := self._queue.get()) is not None:
            self._sha.update(piece)
            del piece  # or the span would live until the next one comes
            self._queue.task_done()

    def update(self, piece: memoryview) -> None:
        """Add the next bytes; they must not change afterwards."""
        self._queue.put(piece)
        if len(piece) > 2 * SPAN_BYTES:
            self._queue.join()  # a queue of huge spans would hold more memory than a scan may

    def close(self) -> str:
        """End the thread; sha256 in hex of what was added."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()
        return self._sha.hexdigest()


class SpanReader:
    """A cursor over a file that holds one span of it at a time.

    Args:
        source: Where its bytes come from; those beyond its size when it was opened are not read.
        digest: Receives every byte in file order; None for none.
    """

    def __init__(self, source: Source, digest: StreamDigest | None) -> None:
        self._source = source
        self.size = source.size
        self._digest = digest
        self.buffer = memoryview(b"")
        self._start = 0
        self.at = 0
        self._crc_on = False
        self._crc = 0
        self._crc_at = 0

    @property
    def offset(self) -> int:
        """Position of the cursor in the file."""
        return self._start + self.at

    def ensure(self, length: int) -> bool:
        """Make the next bytes contiguous in `buffer` at `at`; False where the file ends before."""
        have = len(self.buffer) - self.at
        if have >= length:
            return True
        if self.offset + length > self.size:
            return False
        wanted = min(max(SPAN_BYTES, length), self.size - self.offset)
        self._settle_crc()
        fresh = np.empty(wanted, np.uint8).data  # np.empty: no zero fill
        fresh[:have] = self.buffer[self.at :]
        self._start, self.at, self.buffer = self.offset, 0, fresh
        self._crc_at = 0
        filled = have + self._source.read_into(self._start + have, fresh[have:])
        if filled < wanted:
            self.size = self._start + filled  # it shrank under us
        self.buffer = fresh[:filled]
        if self._digest is not None and filled > have:
            self._digest.update(self.buffer[have:])
        return filled >= length

    def peek(self, length: int, skip: int = 0) -> memoryview:
        """Bytes after the cursor that `ensure` made contiguous."""
        return self.buffer[self.at + skip : self.at + skip + length]

    def pieces(self, length: int) -> Iterator[memoryview]:
        """Consume bytes in parts, for records too large to hold; stops early where the file ends."""
        while length > 0:
            part = min(length, PIECE_BYTES)
            if not self.ensure(part):
                part = min(part, self.size - self.offset)
                if part <= 0 or not self.ensure(part):  # below 0 where the file shrank under us
                    return
            piece = self.peek(part)
            self.at += part
            length -= part
            yield piece

    def skip(self, length: int) -> None:
        """Consume bytes of any number."""
        for _ in self.pieces(length):
            pass

    def start_crc(self) -> None:
        """Begin a CRC-32 at the cursor."""
        self._crc_on, self._crc, self._crc_at = True, 0, self.at

    def crc(self) -> int:
        """CRC-32 from where it was begun to the cursor."""
        self._settle_crc()
        return self._crc

    def stop_crc(self) -> None:
        """End it, and save the time."""
        self._crc_on = False

    def _settle_crc(self) -> None:
        if self._crc_on:
            self._crc = crc32(self.buffer[self._crc_at : self.at], self._crc)
            self._crc_at = self.at
