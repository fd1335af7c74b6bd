"""One column: the values of one field over a batch, and how they are gathered from where they lie."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from embodied_kit.errors import UsageError
from embodied_kit.messages.layout import Bytes, Ints, Places, gather, uniform
from embodied_kit.messages.leaf import Kind, Leaf

_GUESSES = 16


@dataclass(frozen=True, eq=False)
class Column:
    """Values of one field.

    A row is a message, or an element where the path has `[]`; `message` says which message it belongs to, ascending.

    Attributes:
        kind: `number`; `time` (int64 ns); `text` (values are indices into `table`); `blob` (values are byte offset in
            the buffer and length, never copied); `count` (number of elements of an array of messages).
        values: (rows,), or (rows, k) for fixed arrays and (rows, 2) for blobs, in native byte order; where `length` is
            given, the elements of all rows one after the other.
        message: (rows,) int64 index of the message in the batch.
        length: (rows,) int64 elements of each row of a sequence; None where the field is none.
        table: Distinct texts.
    """

    kind: Kind
    values: NDArray[np.generic]
    message: Ints
    length: Ints | None = None
    table: tuple[str, ...] = ()

    @property
    def shape_changes(self) -> int:
        """How often a sequence has another length than in the row before."""
        return 0 if self.length is None else int((np.diff(self.length) != 0).sum())

    @property
    def width(self) -> int | None:
        """Elements of a row where all rows have the same number; None where they differ or there is no row."""
        if self.length is None:
            return int(self.values.shape[1]) if self.values.ndim == 2 else 1
        width = uniform(self.length)
        return width if isinstance(width, int) else None

    def by_length(self) -> list[tuple[int, Ints, NDArray[np.generic]]]:
        """Rows grouped by their number of elements: (k, indices of the rows, values (rows, k)), k ascending."""
        if self.length is None:
            rows = np.arange(len(self.message))
            return [(self.width or 1, rows, self.values.reshape(len(rows), -1))] if len(rows) else []
        same = uniform(self.length)
        if isinstance(same, int):
            return [(same, np.arange(len(self.length)), self.values.reshape(len(self.length), same))]
        begin = np.cumsum(self.length) - self.length
        found: list[tuple[int, Ints, NDArray[np.generic]]] = []
        for width in np.unique(self.length):
            rows = np.flatnonzero(self.length == width)
            found.append((int(width), rows, self.values[begin[rows, None] + np.arange(width)]))
        return found

    def texts(self) -> list[str]:
        """The texts themselves, one an element.

        Raises:
            UsageError: it is no column of text.
        """
        if self.kind != "text":
            raise UsageError(f"expected a column of text, got {self.kind}")
        return [self.table[int(code)] for code in self.values.tolist()]

    def take(self, rows: Ints) -> Column:
        """Some of the rows, in the order given."""
        if self.length is None:
            return replace(self, values=self.values[rows], message=self.message[rows])
        length = self.length[rows]
        begin = (np.cumsum(self.length) - self.length)[rows]
        index = np.repeat(begin - (np.cumsum(length) - length), length) + np.arange(int(length.sum()))
        return replace(self, values=self.values[index], message=self.message[rows], length=length)


def empty_column(leaf: Leaf) -> Column:
    """A column without rows, of the right shape and type."""
    none = np.empty(0, np.int64)
    if leaf.kind == "blob":
        return Column("blob", np.empty((0, 2), np.int64), none)
    if leaf.kind in ("count", "time"):
        return Column(leaf.kind, none, none, none if leaf.sequence else None)
    if leaf.kind == "text":
        return Column("text", np.empty(0, np.int32), none, none if leaf.sequence else None)
    shape = (0, leaf.width) if leaf.width else (0,)
    return Column("number", np.empty(shape, np.dtype(leaf.code)), none, none if leaf.sequence else None)


def leaf_column(
    leaf: Leaf, data: Bytes, found: Places | None, lengths: Places | None, order: str, bad_text: NDArray[np.bool_]
) -> Column:
    """Gather one leaf; `lengths` are the rows of a sequence whose elements were walked one by one."""
    if found is None:
        found = Places(np.empty(0, np.int64), np.empty(0, np.int64))
    message, length = found.message, None
    if lengths is not None:
        message, length = lengths.message, np.ascontiguousarray(lengths.at)
    if leaf.kind == "count":
        return Column("count", np.ascontiguousarray(found.at), message)
    if leaf.kind == "blob":
        return Column("blob", np.stack([found.at, _full(found)], axis=1), message)
    if leaf.kind == "text":
        codes, table = _texts(data, found, bad_text)
        return Column("text", codes, message, length, table)
    if leaf.kind == "time":
        return Column("time", _stamps(data, found.at, order), message, length)
    values = _numbers(leaf, data, found, order)
    if leaf.sequence:
        return Column("number", values.reshape(-1), message, _full(found))
    return Column("number", values.reshape(-1, leaf.width) if leaf.width else values.reshape(-1), message)


def _full(places: Places) -> Ints:
    """Counts, one a row."""
    return np.array(np.broadcast_to(np.asarray(places.count, np.int64), places.message.shape))


def _numbers(leaf: Leaf, data: Bytes, found: Places, order: str) -> NDArray[np.generic]:
    dtype = stored_dtype(leaf, order)
    if isinstance(found.count, int):
        raw = gather(data, found.at, f"V{found.count * dtype.itemsize}") if found.count else np.empty(0, dtype)
    else:
        raw = gather_ragged(data, found.at, found.count * dtype.itemsize)
    return numbers_of(leaf, raw.view(dtype))


def stored_dtype(leaf: Leaf, order: str) -> np.dtype[np.generic]:
    """How the numbers of a leaf are stored, in byte order `<` or `>`."""
    return np.dtype(order + ("u1" if leaf.code == "?" else leaf.code))


def numbers_of(leaf: Leaf, stored: NDArray[np.generic]) -> NDArray[np.generic]:
    """Stored numbers in native byte order; the same array where nothing is to be done."""
    return stored != 0 if leaf.code == "?" else stored.astype(stored.dtype.newbyteorder("="), copy=False)


def gather_ragged(data: Bytes, at: Ints, size: Ints) -> Bytes:
    """Byte runs of different sizes, one after the other."""
    begin = np.cumsum(size) - size
    joined = np.empty(int(size.sum()), np.uint8)
    for width in np.unique(size[size > 0]):
        rows = np.flatnonzero(size == width)
        view = np.ndarray((len(joined) - int(width) + 1,), f"V{width}", joined, 0, (1,))
        view[begin[rows]] = gather(data, at[rows], f"V{width}")
    return joined


def _stamps(data: Bytes, at: Ints, order: str) -> Ints:
    raw = gather(data, at, "V8") if len(at) else np.empty(0, "V8")
    return stamps_of(raw.view(f"{order}u4").reshape(-1, 2))


def stamps_of(words: NDArray[np.generic]) -> Ints:
    """int64 ns of int32 seconds and uint32 nanoseconds, which are given as uint32 (m, 2)."""
    seconds = words[:, 0].astype(np.uint32).view(np.int32).astype(np.int64)
    return seconds * 1_000_000_000 + words[:, 1].astype(np.int64)


def _texts(data: Bytes, found: Places, bad_text: NDArray[np.bool_]) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    """Codes and table of distinct texts; messages with bytes that are no text are marked in `bad_text`."""
    codes = np.zeros(len(found.at), np.int32)
    table: dict[str, int] = {}
    for width, rows in _by_size(found):
        raw = gather(data, found.at[rows], f"V{width}") if width else np.empty(len(rows), "V1")
        for value, members in _distinct(raw) if width else [(b"\0", slice(None))]:
            text = _text(value)
            if text is None:
                bad_text[found.message[rows[members]]] = True
            else:
                codes[rows[members]] = table.setdefault(text, len(table))
    return codes, tuple(table)


def _by_size(found: Places) -> list[tuple[int, Ints]]:
    """Sizes, ascending, with the rows of each."""
    if isinstance(found.count, int):
        return [(found.count, np.arange(len(found.at)))] if len(found.at) else []
    size = _full(found)
    return [(int(width), np.flatnonzero(size == width)) for width in np.unique(size)]


def _distinct(raw: NDArray[np.generic]) -> Iterator[tuple[bytes, Ints]]:
    """Distinct values with their rows; few of them, the usual case, are found without sorting."""
    left = np.arange(len(raw))
    for _ in range(_GUESSES):
        if not len(left):
            return
        same = raw[left] == raw[left[0]]
        yield raw[left[0]].tobytes(), left[same]
        left = left[~same]
    if len(left):
        _, inverse = np.unique(raw[left].view(f"S{raw.dtype.itemsize}"), return_inverse=True)
        order = np.argsort(inverse, kind="stable")
        bounds = np.flatnonzero(np.diff(inverse[order])) + 1
        for members in np.split(left[order], bounds):
            yield raw[members[0]].tobytes(), members


def _text(raw: bytes) -> str | None:
    if raw[-1:] != b"\0":
        return None
    try:
        return raw[:-1].decode()
    except UnicodeDecodeError:
        return None


def join_columns(columns: Sequence[Column]) -> Column:
    """Columns of the same field one behind the other; tables of texts become one.

    Raises:
        UsageError: there is none, or they are of different fields.
    """
    if not columns or len({column.kind for column in columns}) > 1:
        raise UsageError("expected columns of one field, got none or of several kinds")
    table: dict[str, int] = {}
    values: list[NDArray[np.generic]] = []
    for column in columns:
        codes = np.array([table.setdefault(text, len(table)) for text in column.table], np.int32)
        values.append(codes[column.values.astype(np.int64)] if column.kind == "text" else column.values)
    lengths = [column.length for column in columns if column.length is not None]
    return Column(
        columns[0].kind,
        np.concatenate(values),
        np.concatenate([column.message for column in columns]),
        np.concatenate(lengths) if lengths else None,
        tuple(table),
    )
