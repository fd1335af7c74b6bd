"""Documents checked part by part, where the same part in ten thousand episodes is checked once.

An object whose schema is only about its fields (`properties`, `required`, closing) is faulty exactly where its fields
are, one by one, and where a name is missing or unknown. So each field is held against its own schema, and the result is
kept by the field's canonical bytes. `tests/spec/test_parts.py` holds the outcome against that of the whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import orjson

from embodied_kit.model.json import JsonObject, JsonValue
from embodied_kit.spec.check import SchemaProblem, check

_ABOUT_FIELDS = frozenset({"properties", "required", "type", "unevaluatedProperties", "additionalProperties"})
_SAYS_NOTHING = frozenset({"$schema", "$id", "$defs", "title", "description", "examples", "$comment"})
_COMBINES = frozenset({"allOf", "anyOf", "oneOf", "not", "if", "then", "else"})
_MOST_KEPT = 100_000
_LARGEST_KEPT_BYTES = 64 * 1024
_MOST_BYTES_KEPT = 48 * 2**20
_FoundBy: TypeAlias = tuple[int, tuple[SchemaProblem, ...]]
_Found: TypeAlias = tuple[_FoundBy, ...]


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
        fields: Field -> its JSON pointer and the schema of its value; those that say nothing are left out.
    """

    names: _Known
    fields: Mapping[str, tuple[str, _Known]]


@dataclass
class _Kind:
    """Every schema that was asked of a kind of document, so that a field is looked up once for all of them.

    Attributes:
        splits: Identity of a schema -> its parts.
        by_field: Field -> bytes of its value -> (identity of a schema, problems) of those that have any.
        by_names: The same for the names of the fields.
        asked: Field -> (identity of a schema, what it says of the field).
    """

    splits: dict[int, _Split] = field(default_factory=dict)
    by_field: dict[str, dict[bytes, _Found]] = field(default_factory=dict)
    by_names: dict[bytes, _Found] = field(default_factory=dict)
    asked: dict[str, list[tuple[int, tuple[str, _Known]]]] = field(default_factory=dict)

    def schemas_of(self, name: str) -> Sequence[tuple[int, tuple[str, _Known]]]:
        """What each schema says of a field."""
        found = self.asked.get(name)
        if found is None:
            told = ((identity, split.fields.get(name)) for identity, split in self.splits.items())
            found = self.asked[name] = [(identity, at) for identity, at in told if at is not None]
        return found

    def forget(self) -> None:
        """Let go of what was found."""
        self.by_field.clear()
        self.by_names.clear()
        self.asked.clear()


@dataclass(frozen=True, eq=False)
class Asked:
    """Schemas that documents of one kind are held against.

    Attributes:
        whole: Those that cannot be split.
    """

    kind: str
    of_kind: _Kind
    whole: tuple[JsonObject, ...]


class PartChecker:
    """Holds documents against schemas and remembers what each field came to; bounded."""

    def __init__(self) -> None:
        self._split: dict[int, tuple[JsonObject, _Split | None]] = {}  # keeps a schema alive: its identity is its own
        self._shared: dict[bytes, _Known] = {}
        self._kinds: dict[str, _Kind] = {}
        self._names: dict[int, tuple[str, ...] | None] = {}
        self._by_looks: dict[int, dict[tuple[int | bytes | None, ...], list[SchemaProblem]]] = {}
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
            return self._whole(kind, document, schema)
        of_kind = self._registered(kind, [(schema, split)])
        problems: list[SchemaProblem] = []
        for found in self._found(kind, of_kind, document):
            for identity, items in found:
                if identity == id(schema):
                    problems += items
        return sorted(set(problems))

    def asked(self, kind: str, schemas: Iterable[JsonObject]) -> Asked:
        """Schemas made ready for `outcome`."""
        split = {id(schema): (schema, self._split_of(schema)) for schema in schemas}
        of_kind = self._registered(kind, [(schema, parts) for schema, parts in split.values() if parts is not None])
        return Asked(kind, of_kind, tuple(schema for schema, parts in split.values() if parts is None))

    def outcome(self, asked: Asked, document: Parts) -> tuple[object, ...]:
        """What decides the problems of a document under some schemas: equal for documents of equal problems.

        Args:
            asked: From `asked`.
            document: From `parts_of`.
        """
        whole = [tuple(self._whole(asked.kind, document, schema)) for schema in asked.whole]
        return (*self._found(asked.kind, asked.of_kind, document), *whole)

    def _registered(self, kind: str, schemas: Iterable[tuple[JsonObject, _Split]]) -> _Kind:
        of_kind = self._kinds.setdefault(kind, _Kind())
        for schema, split in schemas:
            if id(schema) not in of_kind.splits:
                of_kind.splits[id(schema)] = split
                of_kind.forget()
        return of_kind

    def _whole(self, kind: str, document: Parts, schema: JsonObject) -> list[SchemaProblem]:
        """Problems under a schema that cannot be split; they depend on what it looks at, and a sentence on the size."""
        looks_at = self._looks_at(schema)
        if looks_at is None:
            return check(kind, document.value, schema)
        known = self._by_looks.setdefault(id(schema), {})
        key = (len(document.fields), *[document.fields.get(name) for name in looks_at])
        problems = known.get(key)
        if problems is None:
            problems = check(kind, document.value, schema)
            size = sum(len(document.fields.get(name, b"")) for name in looks_at)
            if size <= _LARGEST_KEPT_BYTES:
                self._keep(size)
                known[key] = problems
        return problems

    def _found(self, kind: str, of_kind: _Kind, document: Parts) -> Iterator[_Found]:
        """What the names and each field came to, where it is something."""
        found = of_kind.by_names.get(document.names)
        if found is None:
            nameless = dict.fromkeys(document.fields)
            made = (
                (key, self._check(kind, split.names, document.names, nameless)) for key, split in of_kind.splits.items()
            )
            found = of_kind.by_names[document.names] = tuple(item for item in made if item[1])
        if found:
            yield found
        for name, data in document.fields.items():
            known = of_kind.by_field.get(name)
            found = None if known is None else known.get(data)
            if found is None:
                found = tuple(self._of_field(kind, of_kind, name, data, document.value[name]))
                if len(data) <= _LARGEST_KEPT_BYTES:
                    self._keep(len(data))
                    of_kind.by_field.setdefault(name, {})[data] = found
            if found:
                yield found

    def _of_field(self, kind: str, of_kind: _Kind, name: str, data: bytes, value: JsonValue) -> Iterator[_FoundBy]:
        for identity, (pointer, known) in of_kind.schemas_of(name):
            found = known.found.get(data)
            if found is None:
                found = self._check(kind, known, data, value, pointer)
            if found:
                yield identity, found

    def _check(
        self, kind: str, known: _Known, data: bytes, value: JsonValue, pointer: str = ""
    ) -> tuple[SchemaProblem, ...]:
        problems = check(kind, value, known.schema)
        found = tuple(replace(item, pointer=pointer + item.pointer) for item in problems)
        if len(data) <= _LARGEST_KEPT_BYTES:
            self._keep(len(data))
            known.found[data] = found
        return found

    def _keep(self, size: int) -> None:
        """Make room for one more."""
        if self._kept_n >= _MOST_KEPT or self._kept_bytes >= _MOST_BYTES_KEPT:
            self._forget()
        self._kept_n += 1
        self._kept_bytes += size

    def _forget(self) -> None:
        names = [split.names for _, split in self._split.values() if split is not None]
        for known in (*self._shared.values(), *names):
            known.found.clear()
        for of_kind in self._kinds.values():
            of_kind.forget()
        for problems in self._by_looks.values():
            problems.clear()
        self._kept_n = self._kept_bytes = 0

    def _looks_at(self, schema: JsonObject) -> tuple[str, ...] | None:
        if id(schema) not in self._names:
            names = _names_in(schema)
            self._names[id(schema)] = None if names is None else tuple(sorted(names))
        return self._names[id(schema)]

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
    fields: dict[str, tuple[str, _Known]] = {}
    for name, inner in properties.items():
        if inner is not True:
            alone = _alone(inner, definitions)
            pointer = "/" + name.replace("~", "~0").replace("/", "~1")
            key = orjson.dumps([pointer, alone], option=orjson.OPT_SORT_KEYS)
            fields[name] = (pointer, shared.setdefault(key, _Known(alone, {})))
    return _Split(_Known({**names, "properties": dict.fromkeys(properties, True)}, {}), fields)


def _names_in(schema: JsonValue) -> set[str] | None:
    """Names of the fields that a schema looks at; None where it may look at any."""
    if not isinstance(schema, Mapping):
        return set()
    found: set[str] = set()
    for word, inner in schema.items():
        if word in ("properties", "required") and isinstance(inner, Mapping | list):
            found.update(map(str, inner))
        elif word in _COMBINES:
            parts = [_names_in(item) for item in (inner if isinstance(inner, list) else [inner])]
            if None in parts:
                return None
            found.update(*(part for part in parts if part))
        elif word not in _SAYS_NOTHING and word != "type":
            return None
    return found


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
