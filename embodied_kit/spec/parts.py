"""Documents checked part by part, where the same part in ten thousand episodes is checked once.

An object whose schema is only about its fields (`properties`, `required`, closing) is faulty exactly where its fields
are, one by one, and where a name is missing or unknown. So each field is held against its own schema, and the result is
kept by the field's canonical bytes. `tests/spec/test_parts.py` holds the outcome against that of the whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from embodied_kit.model.json import JsonObject, JsonValue
from embodied_kit.spec.check import SchemaProblem, check

_ABOUT_FIELDS = frozenset({"properties", "required", "type", "unevaluatedProperties", "additionalProperties"})
_SAYS_NOTHING = frozenset({"$schema", "$id", "$defs", "title", "description", "examples", "$comment"})
_MOST_KEPT = 100_000
_LARGEST_KEPT_BYTES = 64 * 1024
_MOST_BYTES_KEPT = 32 * 2**20


@dataclass(frozen=True)
class Parts:
    """A document and the canonical bytes of each of its fields, made once for many schemas.

    Attributes:
        names: The names of its fields, in one piece.
    """

    value: JsonObject
    fields: Mapping[str, bytes]
    names: bytes


def parts_of(value: JsonObject) -> Parts:
    """A document in parts."""
    fields = {name: orjson.dumps(item, option=orjson.OPT_SORT_KEYS) for name, item in value.items()}
    return Parts(value, fields, orjson.dumps(sorted(fields)))


@dataclass(frozen=True)
class _Known:
    """A schema at a place, and what the values that were held against it there came to, by their bytes."""

    schema: JsonObject
    found: dict[bytes, tuple[SchemaProblem, ...]]


@dataclass(frozen=True)
class _Split:
    """A schema about fields.

    Attributes:
        names: The same schema, which looks at the names only.
        fields: (field, its JSON pointer, schema of its value); those that say nothing are left out.
    """

    names: _Known
    fields: Sequence[tuple[str, str, _Known]]


class PartChecker:
    """Holds documents against schemas and remembers what each field came to; bounded."""

    def __init__(self) -> None:
        self._split: dict[int, tuple[JsonObject, _Split | None]] = {}  # keeps a schema alive: its identity is its own
        self._shared: dict[bytes, _Known] = {}
        self._kept_n = self._kept_bytes = 0

    def problems(self, kind: str, document: Parts, schema: JsonObject) -> list[SchemaProblem]:
        """Problems of a document, as `check` gives them.

        Args:
            kind: Kind of document.
            document: From `parts_of`.
            schema: Self-contained schema; known by its identity, so pass the same object again.
        """
        split = self._split_of(schema)
        if split is None:
            return check(kind, document.value, schema)
        fields = document.fields
        problems: list[SchemaProblem] = []
        found = split.names.found.get(document.names)
        problems += self._check(kind, split.names, document.names, dict.fromkeys(fields)) if found is None else found
        for name, pointer, known in split.fields:
            data = fields.get(name)
            if data is not None:
                found = known.found.get(data)
                if found is None:
                    found = self._check(kind, known, data, document.value[name], pointer)
                problems += found
        return sorted(set(problems)) if problems else problems

    def _check(
        self, kind: str, known: _Known, data: bytes, value: JsonValue, pointer: str = ""
    ) -> tuple[SchemaProblem, ...]:
        problems = check(kind, value, known.schema)
        found = tuple(replace(item, pointer=pointer + item.pointer) for item in problems)
        if len(data) <= _LARGEST_KEPT_BYTES:
            if self._kept_n >= _MOST_KEPT or self._kept_bytes >= _MOST_BYTES_KEPT:
                self._forget()
            known.found[data] = found
            self._kept_n += 1
            self._kept_bytes += len(data)
        return found

    def _forget(self) -> None:
        names = [split.names for _, split in self._split.values() if split is not None]
        for known in (*self._shared.values(), *names):
            known.found.clear()
        self._kept_n = self._kept_bytes = 0

    def _split_of(self, schema: JsonObject) -> _Split | None:
        known = self._split.get(id(schema))
        if known is None:
            known = self._split[id(schema)] = (schema, _split(schema, self._shared))
        return known[1]


def _split(schema: JsonObject, shared: dict[bytes, _Known]) -> _Split | None:
    """None where the schema is about more than fields; equal schemas of one field become one object of `shared`."""
    says = {name for name in schema if name not in _SAYS_NOTHING and not name.startswith("x-")}
    patterns = schema.get("patternProperties", {})
    closed = patterns in ({"^x_": True}, {})
    if not says <= _ABOUT_FIELDS | {"patternProperties"} or not closed or schema.get("type", "object") != "object":
        return None
    properties: Any = schema.get("properties", {})
    definitions: Any = schema.get("$defs", {})
    names = {key: value for key, value in schema.items() if key != "$defs"}
    fields: list[tuple[str, str, _Known]] = []
    for name, inner in properties.items():
        if inner is not True:
            alone = _alone(inner, definitions)
            pointer = "/" + name.replace("~", "~0").replace("/", "~1")
            key = orjson.dumps([pointer, alone], option=orjson.OPT_SORT_KEYS)
            fields.append((name, pointer, shared.setdefault(key, _Known(alone, {}))))
    return _Split(_Known({**names, "properties": dict.fromkeys(properties, True)}, {}), fields)


def _alone(inner: Any, definitions: Mapping[str, Any]) -> Any:
    """A subschema with those definitions that it needs."""
    if not isinstance(inner, Mapping):
        return {"not": {}} if inner is False else {}
    needed: dict[str, Any] = {}
    open_ends = list(_references(inner))
    while open_ends:
        name = open_ends.pop()
        if name not in needed:
            needed[name] = definitions[name]
            open_ends.extend(_references(definitions[name]))
    return {**inner, "$defs": needed} if needed else inner


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, Mapping):
        reference = node.get("$ref")
        if isinstance(reference, str):
            yield reference.removeprefix("#/$defs/")
        for item in node.values():
            yield from _references(item)
    elif isinstance(node, list):
        for item in node:
            yield from _references(item)
