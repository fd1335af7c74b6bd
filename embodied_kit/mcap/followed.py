"""A file that another process still writes: reading waits for what is not there yet."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from embodied_kit.mcap.source import LocalSource

_LOOK_S = 0.05
_NOBODY_KNOWS_BYTES = 2**62


class FollowedSource:
    """A file under the name that it has until it is whole; it is whole when that name is gone.

    Bytes that were read must not be written anew. Whoever trusts what was read compares digests: a writer whose disk
    refused half of a record writes that record again.

    Args:
        unfinished: Its name until then.
        given_up: Set when nobody waits for its end any more; it then ends where it stands.

    Raises:
        UsageError: It cannot be opened.
    """

    def __init__(self, unfinished: Path, given_up: threading.Event) -> None:
        self._unfinished = unfinished
        self._given_up = given_up
        self._file = LocalSource(unfinished)
        self._size: int | None = None

    @property
    def size(self) -> int:
        """Bytes of the whole file; more than any file has while it grows."""
        return _NOBODY_KNOWS_BYTES if self._size is None else self._size

    def size_now(self) -> int:
        """Bytes now."""
        return self._file.size_now()

    def read_at(self, offset: int, length: int) -> bytes:
        """So many bytes from an offset on, as far as they are there."""
        return self._file.read_at(offset, length)

    def read_into(self, offset: int, buffer: memoryview) -> int:
        """Fill a buffer from an offset on, and wait for its bytes; how many there were."""
        filled = 0
        while True:
            ended = self._has_ended()  # looked at first: what is read after is all that there will be
            filled += self._file.read_into(offset + filled, buffer[filled:])
            if filled == len(buffer):
                return filled
            if ended:
                self._size = self.size_now()
                return filled
            self._given_up.wait(_LOOK_S)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _has_ended(self) -> bool:
        return self._given_up.is_set() or not os.path.lexists(self._unfinished)
