"""The fields of one MCAP record, one after the other."""

from __future__ import annotations

from typing import TypeAlias

from embodied_kit.errors import DataError

MAX_MAP_ENTRIES = 10_000
Buffer: TypeAlias = bytes | bytearray | memoryview


class Fields:
    """Reads fields one after the other and refuses to read past the end of the record.

    Args:
        data: Content of one record.
    """

    __slots__ = ("at", "data")

    def __init__(self, data: Buffer) -> None:
        self.data = memoryview(data)
        self.at = 0

    def take(self, length: int) -> memoryview:
        """The next bytes.

        Raises:
            DataError: the record is shorter.
        """
        left = len(self.data) - self.at
        if length > left:
            raise DataError(f"expected {length} more bytes in the record, got {left}")
        self.at += length
        return self.data[self.at - length : self.at]

    def integer(self, size: int) -> int:
        """An unsigned integer of that many bytes."""
        return int.from_bytes(self.take(size), "little")

    def text(self) -> str:
        """A string: u32 length and UTF-8.

        Raises:
            DataError: the bytes are not UTF-8.
        """
        raw = bytes(self.take(self.integer(4)))
        try:
            return raw.decode()
        except UnicodeDecodeError as error:
            raise DataError(f"expected UTF-8 text, got {raw[:40]!r}") from error

    def inner(self) -> Fields:
        """Fields of a part that begins with its length in bytes (u32)."""
        return Fields(self.take(self.integer(4)))

    def text_map(self) -> dict[str, str]:
        """A map of strings.

        Raises:
            DataError: it has more entries than anyone needs.
        """
        inner = self.inner()
        found: dict[str, str] = {}
        while inner.at < len(inner.data):
            key = inner.text()
            found[key] = inner.text()
            if len(found) > MAX_MAP_ENTRIES:
                raise DataError(f"expected at most {MAX_MAP_ENTRIES} entries in a map, got more")
        return found

    def number_map(self) -> dict[int, int]:
        """A map of u16 to u64."""
        inner = self.inner()
        found: dict[int, int] = {}
        while inner.at < len(inner.data):
            key = inner.integer(2)
            found[key] = inner.integer(8)
        return found
