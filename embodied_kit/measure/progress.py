"""How far a measurement is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

ProgressCallback: TypeAlias = Callable[[int, int, int], None]
"""Called with files done, bytes done, and bytes of all data files (0 until known)."""


class MeasureProgress:
    """Counts files and bytes for a callback.

    Args:
        callback: None is told nothing.
    """

    def __init__(self, callback: ProgressCallback | None) -> None:
        self._callback = callback
        self._files_n = self._done_bytes = self._ahead_bytes = self._total = self._told_bytes = 0

    def expect(self, total_bytes: int) -> None:
        """Announce the size of all data files."""
        self._total += total_bytes
        self._tell()

    def read(self, size: int) -> None:
        """Some bytes were read of units that are not done."""
        self._ahead_bytes += size
        self._tell()

    def unit_done(self, files_n: int, size: int) -> None:
        """A unit was finished, read or found in the cache.

        Args:
            files_n: Its data files.
            size: Of all of them in bytes.
        """
        self._files_n += files_n
        self._done_bytes += size
        self._ahead_bytes = max(0, self._ahead_bytes - size)
        self._tell()

    def _tell(self) -> None:
        """Never backwards, never beyond the total: payloads may be larger than the file that holds them packed."""
        self._told_bytes = max(self._told_bytes, min(self._done_bytes + self._ahead_bytes, self._total))
        if self._callback is not None:
            self._callback(self._files_n, self._told_bytes, self._total)
