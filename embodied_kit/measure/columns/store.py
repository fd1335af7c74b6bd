"""Columns of any length in bounded memory: appended in order, read back in blocks, kept in a file beyond a budget."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from typing_extensions import Self

Array: TypeAlias = NDArray[Any]
Blocks: TypeAlias = Callable[[], Iterable[Array]]
"""Something that can be iterated again and again: the rows of a column, part by part, in order."""

BLOCK_BYTES = 4 * 2**20
BUDGET_BYTES = 48 * 2**20
HELD_VALUES = 2**22
"""Numbers of 8 bytes that a measure may hold beside the columns, to pass over them again and again."""
MAX_UNIT_DIMENSIONS = 2**14
"""Numeric dimensions of one unit, all streams together: each makes rows; a humanoid with touch has some thousands."""
MAX_UNIT_NAME_BYTES = 16 * 2**20
"""Memory for names of elements that streams keep beside their columns."""
_ARRAY_OVERHEAD_BYTES = 128
_TEXT_OVERHEAD_BYTES = 64
_MANY_PARTS = 64


class Column:
    """Rows of one dtype and width; made by `ColumnStore.column`.

    Blocks always hold the same number of rows (the last one fewer), however the rows were appended: so sums over
    them do not depend on how a file was cut into chunks.
    """

    def __init__(self, store: ColumnStore, dtype: np.dtype[Any], width: int, block_rows: int) -> None:
        self._store = store
        self._shape = (width,) if width else ()
        self.dtype = dtype
        self._row_bytes = dtype.itemsize * max(width, 1)
        self.block_rows = block_rows or max(1, BLOCK_BYTES // self._row_bytes)
        self._extents: list[tuple[int, int]] = []
        self._pending: list[Array] = []
        self.pending_bytes = 0
        self.n = 0

    def append(self, rows: Array) -> None:
        """Add rows, shape (n,) or (n, width); the array is kept and must not change."""
        if not len(rows):
            return
        self._pending.append(rows)
        self.n += len(rows)
        grown = rows.nbytes + _ARRAY_OVERHEAD_BYTES
        if len(self._pending) > _MANY_PARTS:
            self._pending = [_joined(self._pending, self.dtype)]
            grown = self._pending[0].nbytes + _ARRAY_OVERHEAD_BYTES - self.pending_bytes
        self.pending_bytes += grown
        self._store.grown(grown)

    def spill(self) -> None:
        """Move what is in memory to the store's file."""
        if not self._pending:
            return
        rows = _joined(self._pending, self.dtype)
        self._extents.append((self._store.write(rows), len(rows)))
        self._pending, self.pending_bytes = [], 0

    def blocks(self) -> Iterator[Array]:
        """All rows in order, `block_rows` at a time."""
        held: list[Array] = []
        missing = self.block_rows
        for part in self._parts():
            first = 0
            while len(part) - first >= missing:
                held.append(part[first : first + missing])
                first += missing
                yield _joined(held, self.dtype)
                held, missing = [], self.block_rows
            if first < len(part):
                held.append(part[first:])
                missing -= len(part) - first
        if held:
            yield _joined(held, self.dtype)

    def _parts(self) -> Iterator[Array]:
        for offset, rows in self._extents:
            for first in range(0, rows, self.block_rows):
                count = min(self.block_rows, rows - first)
                data = self._store.read(offset + first * self._row_bytes, count * self._row_bytes)
                yield np.frombuffer(data, self.dtype).reshape(count, *self._shape)
        for part in self._pending:
            yield part.astype(self.dtype, copy=False)


class ColumnStore:
    """Owner of columns and of the one temporary file that they overflow into; a context manager.

    Args:
        budget_bytes: Rows kept in memory over all columns.
    """

    def __init__(self, budget_bytes: int = BUDGET_BYTES) -> None:
        self._budget_bytes = budget_bytes
        self._held_bytes = 0
        self._columns: list[Column] = []
        self._file: IO[bytes] | None = None
        self.dimensions_left = MAX_UNIT_DIMENSIONS
        self._name_bytes_left = MAX_UNIT_NAME_BYTES
        self.spilled_bytes = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Drop every column."""
        self._columns = []
        if self._file is not None:
            self._file.close()
            self._file = None

    def column(self, dtype: str | np.dtype[Any], width: int = 0, *, block_rows: int = 0) -> Column:
        """A new empty column.

        Args:
            dtype: Type of one value, may be structured.
            width: Values a row; 0 makes rows scalars.
            block_rows: Rows of a block, where it must be that of another column; 0 for as many as fit.
        """
        column = Column(self, np.dtype(dtype), width, block_rows)
        self._columns.append(column)
        return column

    def grant(self, dimensions: int) -> bool:
        """Take so many dimensions from those that a unit may have; False where fewer are left."""
        if dimensions > self.dimensions_left:
            return False
        self.dimensions_left -= dimensions
        return True

    def grant_names(self, names: Iterable[str]) -> bool:
        """Take the memory of such names from what a unit may use for them; False where less is left."""
        size = sum(_TEXT_OVERHEAD_BYTES + len(name) for name in names)
        if size > self._name_bytes_left:
            return False
        self._name_bytes_left -= size
        return True

    def grown(self, by_bytes: int) -> None:
        """Account for appended rows; the fullest columns go to the file when the budget is exceeded."""
        self._held_bytes += by_bytes
        if self._held_bytes <= self._budget_bytes:
            return
        for column in sorted(self._columns, key=lambda item: -item.pending_bytes):
            if self._held_bytes <= self._budget_bytes // 2:
                break
            self._held_bytes -= column.pending_bytes
            column.spill()

    def write(self, rows: Array) -> int:
        """Append rows to the file; where they begin."""
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="embodied-kit-")  # noqa: SIM115 - lives as long as the store
        offset = self.spilled_bytes
        self._file.seek(offset)
        self._file.write(np.ascontiguousarray(rows).data.cast("B"))
        self.spilled_bytes += rows.nbytes
        return offset

    def read(self, offset: int, size: int) -> bytes:
        """Bytes that `write` wrote."""
        if self._file is None:
            raise ValueError("expected an open store, got a closed one")
        self._file.seek(offset)
        return self._file.read(size)


def held(blocks: Blocks, n: int) -> Blocks:
    """The same blocks, read once and kept where they are not too many.

    Args:
        blocks: Numbers of 8 bytes.
        n: How many of them there are.
    """
    return partial(iter, [np.ascontiguousarray(block) for block in blocks()]) if n <= HELD_VALUES else blocks


def _joined(parts: list[Array], dtype: np.dtype[Any]) -> Array:
    """Rows of parts, one after the other; np.concatenate would compare structured dtypes for each part."""
    if len(parts) == 1:
        return parts[0].astype(dtype, copy=False)
    rows = np.empty((sum(map(len, parts)), *parts[0].shape[1:]), dtype)
    at = 0
    for part in parts:
        rows[at : at + len(part)] = part
        at += len(part)
    return rows
