"""Where the bytes of a file come from: a local file, or anything else that can be read at any place."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Protocol

from embodied_kit.errors import DataError, UsageError


class Source(Protocol):
    """Bytes of one file; reading beyond its end gives fewer. Every call may raise OSError."""

    @property
    def size(self) -> int:
        """Bytes when it was opened; of a file that grows, more than any has until its end was read."""
        ...

    def size_now(self) -> int:
        """Bytes now, or -1 where it is gone or another file."""
        ...

    def read_at(self, offset: int, length: int) -> bytes:
        """So many bytes from an offset on."""
        ...

    def read_into(self, offset: int, buffer: memoryview) -> int:
        """Fill a buffer from an offset on; how many bytes there were. For one pass from begin to end."""
        ...

    def close(self) -> None:
        """Let go of it; closing twice is allowed."""
        ...


class LocalSource:
    """A regular file; what links and other kinds of file mean is the caller's to decide.

    Raises:
        UsageError: It cannot be opened.
    """

    def __init__(self, path: Path | str) -> None:
        try:
            self._file = io.FileIO(path, "r")
        except OSError as error:
            raise UsageError(f"expected a readable file, got {error}") from error
        self._size = os.fstat(self._file.fileno()).st_size
        self._at = 0

    @property
    def size(self) -> int:
        """Bytes when it was opened."""
        return self._size

    def size_now(self) -> int:
        """Bytes now."""
        return os.fstat(self._file.fileno()).st_size

    def read_at(self, offset: int, length: int) -> bytes:
        """So many bytes from an offset on."""
        data = bytearray(length)
        got = self.read_into(offset, memoryview(data))
        return bytes(data[:got])

    def read_into(self, offset: int, buffer: memoryview) -> int:
        """Fill a buffer from an offset on; how many bytes there were."""
        if offset != self._at:
            self._file.seek(offset)
            self._at = offset
        filled = 0
        while filled < len(buffer):
            got = self._file.readinto(buffer[filled:])
            if not got:
                break
            filled += got
        self._at += filled
        return filled

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def open_source(file: Source | Path | str) -> Source:
    """A source as it is, or that of a path.

    Raises:
        UsageError: The path cannot be opened.
    """
    return LocalSource(file) if isinstance(file, str | Path) else file


def read_whole(source: Source, offset: int, length: int) -> bytes:
    """Exactly so many bytes.

    Raises:
        DataError: There are fewer.
    """
    data = source.read_at(offset, length)
    if len(data) < length:
        raise DataError(f"expected {length} bytes at {offset}, got {len(data)}")
    return data
