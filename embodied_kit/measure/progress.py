"""How far a measurement is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

ProgressCallback: TypeAlias = Callable[[int, int, int], None]
"""Called with files done, payload bytes done, and bytes of all data files (0 until known)."""


class MeasureProgress:
    """Counts files and bytes for a callback.

    Args:
        callback: None is told nothing.
    """

    def __init__(self, callback: ProgressCallback | None) -> None:
        self._callback = callback
        self._files_n = self._bytes = self._total = 0

    def expect(self, total_bytes: int) -> None:
        """Announce the size of all data files."""
        self._total += total_bytes
        self._tell()

    def read(self, size: int) -> None:
        """Some bytes were read."""
        self._bytes += size
        self._tell()

    def file_done(self, files_n: int = 1) -> None:
        """Files were finished."""
        self._files_n += files_n
        self._tell()

    def _tell(self) -> None:
        if self._callback is not None:
            self._callback(self._files_n, self._bytes, self._total)
