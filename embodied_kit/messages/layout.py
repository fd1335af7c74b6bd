"""Where each field of each message lies: the schema is walked once for all messages of a batch together.

The cursor is one number while all messages are laid out alike, which is the usual case, and an array from the first
length on that differs. A message that would be read past its end is taken out, and the others are walked again.
Alignment: CDR version 1 (OMG CORBA 3.0, 15.3), relative to the byte behind the encapsulation header.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from embodied_kit.messages.schema import Array, Primitive, Stamp, Struct, Text, Type

Ints: TypeAlias = NDArray[np.int64]
Bytes: TypeAlias = NDArray[np.uint8]
MAX_STEPS = 100_000
MAX_ELEMENTS = 1 << 21
MAX_PADDING = 3
_ROUNDS = 8
_HEAD = 8
_PERIOD = 840


@dataclass(eq=False)
class Places:
    """Where the rows of a leaf lie.

    Attributes:
        message: (m,) index of the message of each row.
        at: (m,) byte position in the buffer; for counts the number itself.
        count: Elements of a row: one number for all, or (m,); bytes for text and blobs.
    """

    message: Ints
    at: Ints
    count: int | Ints = 1


class BadMessagesError(Exception):
    """Messages that cannot be read on; the walk begins again without them."""

    def __init__(self, messages: Ints, reason: str) -> None:
        super().__init__(reason)
        self.messages = messages
        self.reason = reason


class SplitError(Exception):
    """The batch holds too many elements to be walked together."""


@dataclass(eq=False)
class _Cursor:
    """Rows that are read together: messages, or elements of arrays in them.

    Attributes:
        message: (m,) message of each row.
        base: (m,) position in the buffer that alignment is relative to.
        limit: (m,) length of the message behind `base`.
        at: Bytes behind `base`: one number while it is the same for all rows.
    """

    message: Ints
    base: Ints
    limit: Ints
    at: int | Ints
    least: int = field(init=False)

    def __post_init__(self) -> None:
        self.least = int(self.limit.min()) if len(self.limit) else 0

    def rows(self, chosen: NDArray[np.bool_] | Ints, at: int | Ints) -> _Cursor:
        """A cursor over some of the rows."""
        return _Cursor(self.message[chosen], self.base[chosen], self.limit[chosen], at)

    def align(self, size: int) -> None:
        if size > 1:
            self.at = (self.at + (size - 1)) & -size

    def take(self, size: int | Ints, what: str) -> Ints:
        """Pass bytes by; where they begin in the buffer."""
        begin, stop = self.at, self.at + size
        if not isinstance(stop, int) or stop > self.least:
            over = self.limit < stop
            if over.any():
                raise BadMessagesError(self.message[over], f"{what} ends behind the message")
        self.at = stop
        return self.base + begin


@lru_cache(maxsize=4096)
def static_sizes(kind: Type) -> tuple[int, ...] | None:
    """Bytes of a value by its begin modulo 8, padding in front included; None where that depends on its content."""
    if isinstance(kind, Primitive):
        return tuple(-at % kind.size + kind.size for at in range(8))
    if isinstance(kind, Stamp):
        return tuple(-at % 4 + 8 for at in range(8))
    if isinstance(kind, Struct):
        return _struct_sizes(kind)
    if isinstance(kind, Array) and kind.kind == "fixed":
        if isinstance(kind.element, Primitive):
            size = kind.element.size
            return tuple(-at % size + size * kind.size for at in range(8))
        table = element_table(kind.element)
        return None if table is None else tuple(int(element_begin(table, at, kind.size)) for at in range(8))
    return None


def _struct_sizes(kind: Struct) -> tuple[int, ...] | None:
    if not kind.fields:
        return (1,) * 8  # rosidl puts a byte into an empty message
    ends = list(range(8))
    for item in kind.fields:
        sizes = static_sizes(item.type)
        if sizes is None:
            return None
        ends = [at + sizes[at % 8] for at in ends]
    return tuple(end - at for at, end in enumerate(ends))


@lru_cache(maxsize=1024)
def element_table(kind: Type) -> Ints | None:
    """Offsets of array elements whose size does not depend on their content; None for others.

    Returns:
        (8, 849): offset of element j from the array's begin, by that begin modulo 8. An element's end depends on its
        begin modulo 8 only, so begins repeat after at most 8 elements with a period that divides 840.
    """
    sizes = static_sizes(kind)
    if sizes is None:
        return None
    table = np.zeros((8, _HEAD + _PERIOD + 1), np.int64)
    for phase in range(8):
        at = phase
        for number in range(1, table.shape[1]):
            at += sizes[at % 8]
            table[phase, number] = at - phase
    return table


def element_begin(table: Ints, at: int | Ints, number: int | Ints) -> Ints:
    """Offset of element `number` (or of the end, for the count) in an array that begins at `at`."""
    phase, number = np.asarray(at) % 8, np.asarray(number)
    whole, rest = np.divmod(np.maximum(number - _HEAD, 0), _PERIOD)
    cycle = table[phase, _HEAD + _PERIOD] - table[phase, _HEAD]
    return np.asarray(table[phase, np.minimum(number, _HEAD) + rest] + whole * cycle, np.int64)


def uniform(values: Ints) -> int | Ints:
    """The one value of an array that holds only that, else the array."""
    if len(values) and bool((values == values[0]).all()):
        return int(values[0])
    return values


class Walk:
    """Finds the rows of every leaf in a batch of one byte order.

    Args:
        buffer: (N,) bytes.
        big: Whether the numbers are big-endian.

    Attributes:
        reasons: Why messages failed -> how many.
        failed: Their numbers.
        words: (m,) byte positions of the length words that were read.
    """

    def __init__(self, buffer: Bytes, *, big: bool) -> None:
        self._buffer = buffer
        self._order = ">" if big else "<"
        self._steps = 0
        self._found: dict[str, list[Places]] = {}
        self.reasons: Counter[str] = Counter()
        self.failed: list[Ints] = []
        self.words: list[Ints] = []

    def places(self, root: Struct, message: Ints, base: Ints, limit: Ints) -> dict[str, Places]:
        """Rows of every leaf that has any, messages ascending; what failed is in `failed` and `reasons`.

        Args:
            root: The message type.
            message: (n,) numbers of the messages, ascending.
            base: (n,) positions behind the encapsulation headers.
            limit: (n,) bytes from there to the end of each message.
        """
        parts = self._parts(root, message, base, limit)
        paths = {path for part in parts for path in part}
        return {path: _merged([places for part in parts for places in part.get(path, ())]) for path in paths}

    def _parts(self, root: Struct, message: Ints, base: Ints, limit: Ints) -> list[dict[str, list[Places]]]:
        """Walk again without the messages that failed; after some rounds, halve what is left."""
        for _ in range(_ROUNDS):
            if not len(message):
                return []
            self._found = {}
            try:
                self._whole(root, _Cursor(message, base, limit, 0))
            except BadMessagesError as bad:
                failed = np.unique(bad.messages)
                self.failed.append(failed)
                self.reasons[bad.reason] += len(failed)
                kept = ~np.isin(message, failed)
                message, base, limit = message[kept], base[kept], limit[kept]
            except SplitError:
                break
            else:
                return [self._found]
        half = (len(message) + 1) // 2
        first = self._parts(root, message[:half], base[:half], limit[:half])
        return first + self._parts(root, message[half:], base[half:], limit[half:])

    def _whole(self, root: Struct, cursor: _Cursor) -> None:
        self._value(root, "", cursor)
        over = cursor.limit - cursor.at > MAX_PADDING
        if over.any():
            raise BadMessagesError(cursor.message[over], "bytes are left behind the last field")

    def _add(self, path: str, message: Ints, at: Ints, count: int | Ints = 1) -> None:
        self._found.setdefault(path, []).append(Places(message, at, count))

    def _value(self, kind: Type, path: str, cursor: _Cursor) -> None:
        if isinstance(kind, Struct):
            if not kind.fields:
                cursor.take(1, "an empty message")
            for item in kind.fields:
                self._value(item.type, f"{path}.{item.name}" if path else item.name, cursor)
        elif isinstance(kind, Array):
            self._array(kind, path, cursor)
        elif isinstance(kind, Text):
            self._text(kind, path, cursor)
        else:
            size, align = (8, 4) if isinstance(kind, Stamp) else (kind.size, kind.size)
            cursor.align(align)
            self._add(path, cursor.message, cursor.take(size, path))

    def _length(self, path: str, cursor: _Cursor) -> int | Ints:
        """A length word."""
        cursor.align(4)
        at = cursor.take(4, f"the length of {path}")
        self.words.append(at)
        return uniform(gather(self._buffer, at, f"{self._order}u4").astype(np.int64))

    def _text(self, kind: Text, path: str, cursor: _Cursor) -> None:
        if kind.wide:
            raise BadMessagesError(cursor.message, "wstring is not supported: its width differs between middlewares")
        length = self._length(path, cursor)
        if kind.bound is not None:
            self._refuse(cursor, length, kind.bound + 1, f"{path} is longer than its bound")
        self._add(path, cursor.message, cursor.take(length, path), length)

    @staticmethod
    def _refuse(cursor: _Cursor, number: int | Ints, most: int, reason: str) -> None:
        over = np.broadcast_to(np.asarray(number) > most, cursor.message.shape)
        if over.any():
            raise BadMessagesError(cursor.message[over], reason)

    def _array(self, kind: Array, path: str, cursor: _Cursor) -> None:
        count: int | Ints = kind.size
        if kind.kind != "fixed":
            count = self._length(path, cursor)
            if kind.kind == "bounded":
                self._refuse(cursor, count, kind.size, f"{path} is longer than its bound")
        element = kind.element
        if isinstance(element, Primitive):
            _align_some(cursor, element.size, count)
            self._add(path, cursor.message, cursor.take(count * element.size, path), count)
            return
        full = np.broadcast_to(np.asarray(count, np.int64), cursor.message.shape)
        inner = f"{path}[]"
        self._add(inner, cursor.message, full)
        # An element has at least one byte, so a count beyond the message never becomes an array here.
        over = full > cursor.limit - cursor.at
        if over.any():
            raise BadMessagesError(cursor.message[over], f"{path} ends behind the message")
        into = path if isinstance(element, Text | Stamp) else inner
        table = element_table(element)
        if table is None:
            self._elements_one_by_one(element, into, cursor, count)
        else:
            self._elements_together(element, into, cursor, full, table)

    def _elements_together(self, kind: Type, path: str, cursor: _Cursor, count: Ints, table: Ints) -> None:
        """Elements of a size known beforehand: all at once, as rows of their own."""
        self._refuse(cursor, count, MAX_ELEMENTS, f"{path} has more than {MAX_ELEMENTS} elements")
        begin = cursor.at
        cursor.take(element_begin(table, begin, count), path)
        total = int(count.sum())
        if total > MAX_ELEMENTS:  # a batch of them would take more memory than a scan may
            if len(np.unique(cursor.message)) > 1:
                raise SplitError
            raise BadMessagesError(cursor.message, f"{path} has more than {MAX_ELEMENTS} elements")
        rows = np.repeat(np.arange(len(count)), count)
        number = np.arange(total) - np.repeat(np.cumsum(count) - count, count)
        start = np.broadcast_to(np.asarray(begin, np.int64), count.shape)[rows]
        self._value(kind, path, cursor.rows(rows, start + element_begin(table, start, number)))

    def _elements_one_by_one(self, kind: Type, path: str, cursor: _Cursor, count: int | Ints) -> None:
        """Elements whose end depends on their content: the first of all rows, then the second."""
        most = int(np.max(count)) if len(cursor.message) else 0
        for number in range(most):
            self._steps += 1
            if self._steps > MAX_STEPS:
                raise BadMessagesError(cursor.message, f"more than {MAX_STEPS} nested elements")
            if isinstance(count, int):
                self._value(kind, path, cursor)
                continue
            rows = np.flatnonzero(count > number)
            at = np.broadcast_to(np.asarray(cursor.at, np.int64), count.shape).copy()
            part = cursor.rows(rows, uniform(at[rows]))
            self._value(kind, path, part)
            at[rows] = part.at
            cursor.at = at


def _align_some(cursor: _Cursor, size: int, count: int | Ints) -> None:
    """Alignment in front of an array of numbers; an empty one has none."""
    if isinstance(count, int):
        if count:
            cursor.align(size)
        return
    before = cursor.at
    cursor.align(size)
    if size > 1:
        cursor.at = np.where(count > 0, cursor.at, before)


def gather(buffer: Bytes, at: Ints, code: str) -> NDArray[np.generic]:
    """Items of one type at any byte positions, aligned or not; every item must lie in the buffer."""
    dtype = np.dtype(code)
    if not len(at) or not dtype.itemsize:
        return np.empty(len(at), dtype)
    # An overlapping view of void items gathers at memory speed, a 2-D index of bytes twenty times slower.
    view = np.ndarray((len(buffer) - dtype.itemsize + 1,), f"V{dtype.itemsize}", buffer, 0, (1,))
    found: NDArray[np.generic] = view[at].view(dtype)
    return found


def _merged(parts: list[Places]) -> Places:
    """Rows of several walks in the order of their messages, elements of one message in their own order."""
    if len(parts) == 1:
        return parts[0]
    message = np.concatenate([part.message for part in parts])
    order = np.argsort(message, kind="stable")
    at = np.concatenate([part.at for part in parts])
    counts = {part.count if isinstance(part.count, int) else None for part in parts}
    count: int | Ints
    if len(counts) == 1 and None not in counts:
        count = parts[0].count
    else:
        count = np.concatenate([np.broadcast_to(np.asarray(p.count, np.int64), p.message.shape) for p in parts])[order]
    return Places(message[order], at[order], count)
