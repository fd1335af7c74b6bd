"""A document under repair: its exact values, its place, and the layout of its text kept where it can be told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

from embodied_kit.canonical import pretty_bytes
from embodied_kit.model.json import JsonObject, JsonValue

_INDENTS: tuple[int | str | None, ...] = (2, 4, "\t", 1, 3, 8, None)


@dataclass(frozen=True)
class FixDocument:
    """One document that lies in an open dataset.

    Attributes:
        files: Path relative to the document's folder -> size and sha256 hex of each regular file there.
        kind: Kind of document.
        data: Its bytes as they lie on disk, or as the fixes before left them.
    """

    kind: str
    data: bytes
    files: Mapping[str, tuple[int, str]]

    @property
    def value(self) -> JsonObject | None:
        """Its content with integers of any size as they are written; None where it is not one strict object."""
        return read_exact(self.data)

    def written(self, value: JsonObject) -> bytes:
        """Another content in the layout of this one."""
        old = self.value
        for indent in _INDENTS if old is not None else ():
            for ascii_only in (False, True):
                for end in ("\n", ""):
                    if _dump(old, indent, end, ascii_only=ascii_only) == self.data:
                        return _dump(value, indent, end, ascii_only=ascii_only)
        return pretty_bytes(value)


def read_exact(data: bytes) -> JsonObject | None:
    """A JSON object with exact integers; None for anything else: no duplicate key, no NaN, no byte order mark."""
    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _dump(value: JsonValue, indent: int | str | None, end: str, *, ascii_only: bool) -> bytes:
    return (json.dumps(value, ensure_ascii=ascii_only, indent=indent) + end).encode("utf-8", "surrogatepass")


def _unique(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key occurs twice")
    return found


def _refuse(word: str) -> NoReturn:
    raise ValueError(word)
