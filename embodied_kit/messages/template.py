"""Messages laid out like one that was seen before: their columns without another walk over the schema.

Where the fields of a message lie depends on its byte order, its length words and its size alone. The first message of
a batch is walked once; where all messages agree with it in these, and in the bytes of their texts, every field lies
where it lies there. An array of bytes at the end may have another length in each. In small batches, which chunks of
several topics make, the walk costs far more than the values.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from embodied_kit.messages.column import Column, empty_column, leaf_column, numbers_of, stamps_of, stored_dtype
from embodied_kit.messages.layout import MAX_PADDING, Bytes, Ints, Places, Walk, gather
from embodied_kit.messages.leaf import Leaf, is_blob
from embodied_kit.messages.schema import Array, Struct

HEADER_BYTES = 4
MAX_TEMPLATE_BYTES = 1 << 14
MAX_TEMPLATE_LEAVES = 256
_MAX_BLOCK_BYTES = 1 << 24
_KIND_BYTES = 2
_WORD_BYTES = 4
_MOST_TEMPLATES = 4
_CREDIT = 32


@dataclass(frozen=True, eq=False)
class _Block:
    """The same first bytes of all messages of a batch.

    Attributes:
        data: Buffer of the batch.
        offset: (n,) where each message begins.
        head: (n, size) its first bytes.
        number: (n,) 0, 1, 2 and so on.
    """

    data: Bytes
    offset: Ints
    head: Bytes
    number: Ints

    def rows(self, places: Places) -> Places:
        """Places in one message, relative to its begin, as places in all."""
        n, m = len(self.offset), len(places.at)
        count = places.count if isinstance(places.count, int) else np.tile(places.count, n)
        at = (self.offset[:, None] + places.at).reshape(-1)
        return Places(self.number if m == 1 else np.repeat(self.number, m), at, count)


@dataclass(frozen=True, eq=False)
class _Slot:
    """One leaf of the pattern.

    Attributes:
        places: Where its rows lie relative to the message's begin; None where it has none.
        lengths: Rows of a sequence whose elements are rows of their own.
        pattern: Its column in the pattern.
    """

    leaf: Leaf
    places: Places | None
    lengths: Places | None
    pattern: Column

    def column(self, block: _Block, order: str) -> Column:
        """Its column in a batch."""
        if not len(self.pattern.message):
            return self.pattern
        found, one = self.places, self.lengths is None and len(self.pattern.message) == 1
        if self.leaf.kind == "text":
            return self._constant(block)
        if one and found is not None and isinstance(found.count, int) and self.leaf.kind in ("number", "time"):
            return self._slice(block, int(found.at[0]), found.count, order)
        if self.leaf.kind == "count":
            return self._constant(block)
        lengths = None if self.lengths is None else Places(block.rows(self.lengths).message, self._tiled(block))
        rows = None if found is None else block.rows(found)
        return leaf_column(self.leaf, block.data, rows, lengths, order, np.zeros(len(block.number), bool))

    def _constant(self, block: _Block) -> Column:
        """The pattern's values in every message."""
        n, m = len(block.number), len(self.pattern.message)
        length = None if self.pattern.length is None else self._tiled(block)
        message = block.number if m == 1 else np.repeat(block.number, m)
        return Column(self.leaf.kind, np.tile(self.pattern.values, n), message, length, self.pattern.table)

    def _tiled(self, block: _Block) -> Ints:
        length = self.pattern.length
        return np.tile(np.empty(0, np.int64) if length is None else length, len(block.number))

    def _slice(self, block: _Block, at: int, count: int, order: str) -> Column:
        """Numbers that stand at one place of each message."""
        n = len(block.number)
        if self.leaf.kind == "time":
            return Column("time", stamps_of(block.head[:, at : at + 8].view(f"{order}u4")), block.number)
        dtype = stored_dtype(self.leaf, order)
        stored = np.array(block.head[:, at : at + count * dtype.itemsize]).view(dtype)
        values = numbers_of(self.leaf, stored)
        if self.leaf.sequence:
            return Column("number", values.reshape(-1), block.number, np.full(n, count, np.int64))
        return Column("number", values if self.leaf.width else values.reshape(-1), block.number)


@dataclass(frozen=True, eq=False)
class Template:
    """How one message is laid out.

    Attributes:
        size: Its bytes, or those before an array of bytes that ends it.
        open_ended: Whether such an array follows.
        order: Byte order, `<` or `>`.
        head: (size,) its bytes.
        begin, mask: From `begin` on, the bits of (k,) bytes that every message must share.
        slots: Its leaves, in the order of the definition.
    """

    size: int
    open_ended: bool
    order: str
    head: Bytes
    begin: int
    mask: Bytes
    slots: tuple[_Slot, ...]

    def columns(self, data: Bytes, offset: Ints, length: Ints) -> dict[str, Column] | None:
        """Columns of messages that are all laid out so; None where one is not.

        Args:
            data: Bytes that hold them.
            offset: (n,) where each begins, n > 0.
            length: (n,) its bytes.
        """
        if not self._measures(length) or len(offset) * self.size > _MAX_BLOCK_BYTES:
            return None
        head = gather(data, offset, f"V{self.size}").view(np.uint8).reshape(len(offset), self.size)
        if not self._agrees(head):
            return None
        block = _Block(data, offset, head, np.arange(len(offset)))
        if not self.open_ended:
            return {slot.leaf.path: slot.column(block, self.order) for slot in self.slots}
        told = head[:, self.size - _WORD_BYTES :].view(f"{self.order}u4")[:, 0].astype(np.int64)
        left = length - self.size - told
        if int(left.min()) < 0 or int(left.max()) > MAX_PADDING:
            return None
        fields = {slot.leaf.path: slot.column(block, self.order) for slot in self.slots[:-1]}
        blobs = np.stack([offset + self.size, told], axis=1)
        return {**fields, self.slots[-1].leaf.path: Column("blob", blobs, block.number)}

    def _measures(self, length: Ints) -> bool:
        if self.open_ended:
            return int(length.min()) >= self.size
        return bool((length == self.size).all())

    def _agrees(self, head: Bytes) -> bool:
        """Whether all messages share the bytes that the layout depends on."""
        kind = head[:, :_KIND_BYTES].view(np.uint16)
        if bool((kind != self.head[:_KIND_BYTES].view(np.uint16)).any()):
            return False
        part = slice(self.begin, self.begin + len(self.mask))
        return not len(self.mask) or not bool(((head[:, part] ^ self.head[part]) & self.mask).any())


class Templates:
    """The last few layouts of messages of one type.

    Args:
        root: The type.
        leaves: Its leaves.
    """

    def __init__(self, root: Struct, leaves: tuple[Leaf, ...]) -> None:
        self._root = root
        self._leaves = leaves
        self._known: list[Template] = []
        self._credit = _CREDIT

    def columns(self, data: Bytes, offset: Ints, length: Ints) -> dict[str, Column] | None:
        """Columns of a batch whose messages are all laid out alike; None where they are not, or one does not decode.

        Args:
            data: Bytes that hold the messages.
            offset: (n,) where each begins.
            length: (n,) its bytes.
        """
        if not len(offset):
            return None
        for place, template in enumerate(self._known):
            found = template.columns(data, offset, length)
            if found is not None:
                self._known.insert(0, self._known.pop(place))
                self._credit = min(_CREDIT, self._credit + 1)
                return found
        if not self._credit or len(self._leaves) > MAX_TEMPLATE_LEAVES:  # texts that change never help
            return None
        self._credit -= 1
        learned = _learn(self._root, self._leaves, data, int(offset[0]), int(length[0]))
        if learned is None:
            return None
        self._known = [learned, *self._known[: _MOST_TEMPLATES - 1]]
        return learned.columns(data, offset, length)


def _learn(root: Struct, leaves: tuple[Leaf, ...], data: Bytes, offset: int, length: int) -> Template | None:
    """The layout of one message; None where it does not decode or is too large."""
    kind = data[offset : offset + _KIND_BYTES].tobytes()
    if length < HEADER_BYTES or kind not in (b"\0\0", b"\0\1"):
        return None
    walk, order = Walk(data, big=kind == b"\0\0"), ">" if kind == b"\0\0" else "<"
    base = np.array([offset + HEADER_BYTES])
    places = walk.places(root, np.zeros(1, np.int64), base, np.array([length - HEADER_BYTES]))
    if walk.failed:
        return None
    end = _open_end(root, places)
    size = length if end is None else end - offset
    if size > MAX_TEMPLATE_BYTES:
        return None
    bad_text, slots, fixed = np.zeros(1, bool), list[_Slot](), np.zeros(size, np.uint8)
    for at in np.concatenate([*walk.words, np.empty(0, np.int64)]).tolist():
        if end is None or at + _WORD_BYTES != end:
            fixed[at - offset : at - offset + _WORD_BYTES] = 255
    for leaf in leaves:
        found, lengths = places.get(leaf.path), places.get(f"{leaf.path}[]") if leaf.sequence else None
        pattern = empty_column(leaf)
        if found is not None or lengths is not None:
            pattern = leaf_column(leaf, data, found, lengths, order, bad_text)
        if leaf.kind == "text" and found is not None:
            for at, count in np.broadcast(found.at, found.count):
                fixed[at - offset : at - offset + count] = 255
        relative = None if found is None else Places(found.message, found.at - offset, found.count)
        slots.append(_Slot(leaf, relative, lengths, pattern))
    if bad_text.any():
        return None
    head, marked = data[offset : offset + size].copy(), np.flatnonzero(fixed)
    begin, stop = (int(marked[0]), int(marked[-1]) + 1) if len(marked) else (0, 0)
    return Template(size, end is not None, order, head, begin, fixed[begin:stop], tuple(slots))


def _open_end(root: Struct, places: dict[str, Places]) -> int | None:
    """Where the array of bytes begins that ends a message of this type; None where none does."""
    last = root.fields[-1] if root.fields else None
    if last is None or not isinstance(last.type, Array) or last.type.kind != "unbounded" or not is_blob(last.type):
        return None
    found = places[last.name]
    return int(found.at[0]) if len(found.at) == 1 else None
