"""CDR bytes of a whole batch to columns: one array a field, nothing dropped, nothing read outside a message."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from embodied_kit.errors import UsageError
from embodied_kit.messages.column import Column, empty_column, join_columns, leaf_column
from embodied_kit.messages.layout import Bytes, Ints, Walk, gather
from embodied_kit.messages.leaf import Leaf, leaves
from embodied_kit.messages.schema import MessageSchema, Struct
from embodied_kit.messages.template import HEADER_BYTES, Templates

__all__ = ["Column", "ColumnDecoder", "Columns", "concatenate"]


_CDR_BIG, _CDR_LITTLE = 0, 1


@dataclass(frozen=True, eq=False)
class Columns:
    """A decoded batch.

    Attributes:
        fields: Dotted path -> column, in the order of the definition; `[]` stands behind an array of messages, whose
            own column holds the counts.
        failed: (n,) messages that could not be decoded; they have no row in any column.
        reasons: Why -> how many messages; the sum is the number of failed messages.
    """

    fields: Mapping[str, Column]
    failed: NDArray[np.bool_]
    reasons: Mapping[str, int]


class ColumnDecoder:
    """Decodes messages of one type.

    Args:
        schema: From `read_schema`; one that is unsupported makes every message fail with its reason.
        learn: Whether layouts of messages are kept, to be met again without a walk.
    """

    def __init__(self, schema: MessageSchema, *, learn: bool = True) -> None:
        self.schema = schema
        self.leaves: tuple[Leaf, ...] = tuple(leaves(schema.root)) if schema.root else ()
        self._templates = Templates(schema.root, self.leaves) if schema.root and learn else None

    def decode(self, buffer: bytes | memoryview | Bytes, offset: Ints, length: Ints) -> Columns:
        """Decode a batch.

        Args:
            buffer: Bytes that hold the messages; blobs refer to it.
            offset: (n,) where each message, with its encapsulation header, begins in the buffer.
            length: (n,) its bytes; offset and length must lie within the buffer.
        """
        data = buffer if isinstance(buffer, np.ndarray) else np.frombuffer(buffer, np.uint8)
        offset, length = np.asarray(offset, np.int64), np.asarray(length, np.int64)
        failed, reasons = np.zeros(len(offset), bool), Counter[str]()
        if self.schema.root is None:
            failed[:] = True
            return Columns({}, failed, {self.schema.unsupported: len(failed)} if len(failed) else {})
        fields = self._templates.columns(data, offset, length) if self._templates else None
        if fields is not None:
            return Columns(fields, failed, {})
        for big, rows in _by_encapsulation(data, offset, length, failed, reasons):
            part = self._decode_order(self.schema.root, data, offset, length, rows, failed, reasons, big=big)
            fields = part if fields is None else _merged(fields, part)
        return Columns(fields or {leaf.path: empty_column(leaf) for leaf in self.leaves}, failed, dict(reasons))

    def _decode_order(
        self,
        root: Struct,
        data: Bytes,
        offset: Ints,
        length: Ints,
        rows: Ints,
        failed: NDArray[np.bool_],
        reasons: Counter[str],
        *,
        big: bool,
    ) -> dict[str, Column]:
        """Messages of one byte order."""
        walk = Walk(data, big=big)
        places = walk.places(root, rows, offset[rows] + HEADER_BYTES, length[rows] - HEADER_BYTES)
        for numbers in walk.failed:
            failed[numbers] = True
        reasons.update(walk.reasons)
        fields: dict[str, Column] = {}
        bad_text = np.zeros(len(failed), bool)
        for leaf in self.leaves:
            found = places.get(leaf.path)
            lengths = places.get(f"{leaf.path}[]") if leaf.sequence else None
            if found is None and lengths is None:
                fields[leaf.path] = empty_column(leaf)
            else:
                fields[leaf.path] = leaf_column(leaf, data, found, lengths, ">" if big else "<", bad_text)
        if bad_text.any():
            reasons["text is not UTF-8 with a closing zero"] += int(bad_text.sum())
            failed |= bad_text
            fields = {path: column.take(np.flatnonzero(~bad_text[column.message])) for path, column in fields.items()}
        return fields


def _by_encapsulation(
    data: Bytes, offset: Ints, length: Ints, failed: NDArray[np.bool_], reasons: Counter[str]
) -> Iterator[tuple[bool, Ints]]:
    """Messages by byte order; those of other encapsulations fail."""
    whole = length >= HEADER_BYTES
    short = int((~whole).sum())
    if short:
        reasons["shorter than its encapsulation header"] += short
        failed[~whole] = True
    rows = np.flatnonzero(whole)
    kinds = gather(data, offset[rows], ">u2").astype(np.int64)
    if len(kinds) and kinds[0] in (_CDR_BIG, _CDR_LITTLE) and (kinds == kinds[0]).all():
        yield bool(kinds[0] == _CDR_BIG), rows
        return
    for kind in np.unique(kinds):
        if kind not in (_CDR_BIG, _CDR_LITTLE):
            other = rows[kinds == kind]
            failed[other] = True
            reasons[f"encapsulation 0x{int(kind):04x} is not supported, only plain CDR version 1"] += len(other)
        else:
            yield bool(kind == _CDR_BIG), rows[kinds == kind]


def _merged(first: Mapping[str, Column], second: Mapping[str, Column]) -> dict[str, Column]:
    """Columns of two parts of one batch in the order of their messages."""
    found: dict[str, Column] = {}
    for path, column in first.items():
        joined = join_columns([column, second[path]])
        found[path] = joined.take(np.argsort(joined.message, kind="stable"))
    return found


def concatenate(batches: Sequence[Columns]) -> Columns:
    """Batches of one type as one; messages are counted on. Blob offsets still refer to the buffer of their batch.

    Raises:
        UsageError: there is none, or their fields differ.
    """
    if not batches or any(batch.fields.keys() != batches[0].fields.keys() for batch in batches):
        raise UsageError("expected batches of one type, got none or of several")
    begins = np.cumsum([0, *(len(batch.failed) for batch in batches)])
    fields: dict[str, Column] = {}
    for path in batches[0].fields:
        parts = [
            replace(batch.fields[path], message=batch.fields[path].message + begin)
            for batch, begin in zip(batches, begins, strict=False)
        ]
        fields[path] = join_columns(parts)
    reasons = Counter[str]()
    for batch in batches:
        reasons.update(batch.reasons)
    return Columns(fields, np.concatenate([batch.failed for batch in batches]), dict(reasons))
