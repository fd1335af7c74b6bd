"""The columns that a message type yields: one a field that holds numbers, times, text, bytes or a count."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from embodied_kit.messages.schema import Array, Primitive, Stamp, Struct, Text, Type

Kind = Literal["number", "time", "text", "blob", "count"]


@dataclass(frozen=True)
class Leaf:
    """A field that yields a column.

    Attributes:
        path: Dotted; `[]` behind an array of messages.
        code: numpy type without byte order; `O` for text, empty for blobs and counts.
        width: Elements of a fixed array of numbers; 0 where it is none.
        sequence: Whether a row holds any number of elements.
    """

    path: str
    kind: Kind
    code: str = ""
    width: int = 0
    sequence: bool = False


def leaves(kind: Type, path: str = "") -> Iterator[Leaf]:
    """Columns of a type, in field order."""
    if isinstance(kind, Struct):
        for item in kind.fields:
            yield from leaves(item.type, f"{path}.{item.name}" if path else item.name)
    elif isinstance(kind, Array):
        yield from _array_leaves(kind, path)
    else:
        yield _plain_leaf(kind, path)


def _plain_leaf(kind: Primitive | Stamp | Text, path: str, *, sequence: bool = False) -> Leaf:
    if isinstance(kind, Stamp):
        return Leaf(path, "time", "i8", sequence=sequence)
    if isinstance(kind, Text):
        return Leaf(path, "text", "O", sequence=sequence)
    return Leaf(path, "number", "?" if kind.name == "bool" else kind.code, sequence=sequence)


def _array_leaves(kind: Array, path: str) -> Iterator[Leaf]:
    element = kind.element
    if isinstance(element, Struct | Array):
        yield Leaf(f"{path}[]", "count")
        yield from leaves(element, f"{path}[]")
    elif is_blob(kind):
        yield Leaf(path, "blob")
    elif isinstance(element, Primitive) and kind.kind == "fixed":
        plain = _plain_leaf(element, path)
        yield Leaf(path, plain.kind, plain.code, width=kind.size)
    else:
        yield _plain_leaf(element, path, sequence=True)


def is_blob(kind: Array) -> bool:
    """Whether an array is opaque bytes: `uint8[]`, `byte[]`, `char[]`."""
    element = kind.element
    return kind.kind != "fixed" and isinstance(element, Primitive) and element.code == "u1" and element.name != "bool"
