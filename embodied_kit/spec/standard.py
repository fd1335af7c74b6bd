"""The standard, loaded once: document and facts schemas, vocabularies, paths of rules and profiles."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

from embodied_kit.errors import UsageError
from embodied_kit.model.facts import Depth
from embodied_kit.model.json import JsonObject
from embodied_kit.model.rule import Level
from embodied_kit.spec import bundle as shapes
from embodied_kit.spec.source import read_json, schemas_root
from embodied_kit.spec.strict_yaml import load_yaml
from embodied_kit.spec.version import SCHEMA_BASE

Bundle = Literal["judging", "authoring"]
_VOCABULARIES = "vocabularies/"


@dataclass(frozen=True)
class Term:
    """One word of a vocabulary.

    Attributes:
        code: What documents carry.
        label: Language -> what people read.
        definition: Language -> one sentence; empty where the label says it all.
    """

    code: str | int
    label: Mapping[str, str]
    definition: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Vocabulary:
    """A closed list of words."""

    vocabulary_id: str
    title: Mapping[str, str]
    terms: tuple[Term, ...]

    @property
    def codes(self) -> tuple[str | int, ...]:
        """The words, in their own order."""
        return tuple(term.code for term in self.terms)

    def label(self, code: str | int) -> Mapping[str, str]:
        """Language -> label; the code itself where the vocabulary lacks it."""
        return next((term.label for term in self.terms if term.code == code), {"en": str(code), "zh": str(code)})


@dataclass(frozen=True)
class FactTable:
    """What one facts table holds.

    Attributes:
        key: Key columns, in sort order.
        scopes: `dataset`, `episode` or both.
        depth: Least depth at which the table exists.
        column_depth: Column -> least depth at which it is measured.
        column_unit: Column -> UCUM code; empty for none.
    """

    table: str
    key: tuple[str, ...]
    scopes: tuple[str, ...]
    depth: Depth
    column_depth: Mapping[str, Depth]
    column_unit: Mapping[str, str]

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column, key columns first."""
        return tuple(self.column_depth)


class Standard:
    """The files of one version of the standard; everything is read on first use and kept.

    Args:
        root: Folder `v1` of the standard.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._kept: dict[tuple[str, ...], Any] = {}

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of document that have a schema."""
        names = sorted(path.name.removesuffix(".schema.json") for path in self.root.glob("*.schema.json"))
        return tuple(name for name in names if name not in ("common", "fields"))

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the facts tables."""
        names = sorted(path.name.removesuffix(".schema.json") for path in (self.root / "facts").glob("*.schema.json"))
        return tuple(name for name in names if name != "common")

    @property
    def vocabularies(self) -> tuple[str, ...]:
        """Names of the vocabularies."""
        return tuple(sorted(path.stem for path in (self.root / _VOCABULARIES).glob("*.yaml")))

    def document_schema(self, kind: str, bundle: Bundle = "judging") -> JsonObject:
        """Self-contained schema of a document: objects open (judging) or closed (authoring).

        Raises:
            UsageError: The standard has no such kind.
        """
        shape = shapes.open_objects if bundle == "judging" else shapes.closed_objects
        return self._bundle(f"{kind}.schema.json", bundle, shape)

    def level_schema(self, kind: str, level: Level) -> JsonObject:
        """Judging schema in which every field that a level or one below it needs is required, at every depth.

        Raises:
            UsageError: The standard has no such kind.
        """
        return self._bundle(f"{kind}.schema.json", level, shapes.required_at(level))

    def fact_schema(self, table: str) -> JsonObject:
        """Self-contained, closed schema of one row of a facts table.

        Raises:
            UsageError: The standard has no such table.
        """
        return self._bundle(f"facts/{table}.schema.json", "exact", shapes.exact_objects)

    def fact_table(self, table: str) -> FactTable:
        """Key, scope, depth and units of a facts table.

        Raises:
            UsageError: The standard has no such table.
        """
        return cast("FactTable", self._keep(("table", table), lambda: _fact_table(table, self.fact_schema(table))))

    def vocabulary(self, name: str) -> Vocabulary:
        """One vocabulary.

        Raises:
            UsageError: The standard has no such vocabulary.
        """
        return cast("Vocabulary", self._keep(("vocabulary", name), lambda: self._read_vocabulary(name)))

    def rule_files(self) -> tuple[Path, ...]:
        """Files of rules, one a family, sorted by name."""
        return tuple(sorted((self.root / "rules").glob("*.yaml")))

    def profile_files(self) -> tuple[Path, ...]:
        """Files of profiles, sorted by name."""
        return tuple(sorted((self.root / "profiles").glob("*.yaml")))

    def table_files(self) -> tuple[Path, ...]:
        """Files of dated tables, sorted by name."""
        return tuple(sorted((self.root / "tables").glob("*.yaml")))

    def core_fields(self, kind: str) -> tuple[str, ...]:
        """Core fields of a document: dotted names, `[]` after a list (`streams[].topic`)."""
        return tuple(name for name, annotations in self.fields(kind) if annotations.get("x-core"))

    def fields(self, kind: str) -> tuple[tuple[str, JsonObject], ...]:
        """Every field of a document at every depth: dotted name, and its annotations with those it refers to."""
        return cast(
            "tuple[tuple[str, JsonObject], ...]",
            self._keep(("fields", kind), lambda: tuple(_fields(self.document_schema(kind)))),
        )

    def digest(self) -> str:
        """SHA-256 over the names and bytes of all schemas and vocabularies (rules are bound by their profile)."""

        def compute() -> str:
            folders = (self.root, self.root / "facts", self.root / _VOCABULARIES)
            paths = sorted(path for folder in folders for path in folder.iterdir() if path.suffix in (".json", ".yaml"))
            lines = (
                f"{path.relative_to(self.root).as_posix()} {hashlib.sha256(path.read_bytes()).hexdigest()}\n"
                for path in paths
            )
            return hashlib.sha256("".join(lines).encode()).hexdigest()

        return cast("str", self._keep(("digest",), compute))

    def _keep(self, key: tuple[str, ...], make: Callable[[], object]) -> object:
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]

    def _bundle(self, name: str, variant: str, shape: shapes.Shape) -> JsonObject:
        identifier = f"{SCHEMA_BASE}{variant}/{name}"
        made = self._keep(("bundle", name, variant), lambda: shapes.bundle(name, self._source, shape, identifier))
        return cast("JsonObject", made)

    def _source(self, name: str) -> JsonObject:
        """A schema source, or the schema that a vocabulary stands for."""
        if name.startswith(_VOCABULARIES):
            return _vocabulary_schema(self.vocabulary(name.removeprefix(_VOCABULARIES)))
        return cast("JsonObject", self._keep(("source", name), lambda: read_json(self._path(name))))

    def _read_vocabulary(self, name: str) -> Vocabulary:
        value: Any = load_yaml(self._path(f"{_VOCABULARIES}{name}.yaml").read_bytes())
        terms = tuple(Term(term["code"], term["label"], term.get("definition", {})) for term in value["terms"])
        return Vocabulary(value["id"], value["title"], terms)

    def _path(self, name: str) -> Path:
        path = self.root / name
        if not path.is_file():
            raise UsageError(f"expected a file of the standard, got '{name}', which does not exist")
        return path


@functools.cache
def standard() -> Standard:
    """The standard that this package carries (v1)."""
    return Standard(schemas_root() / "v1")


def _vocabulary_schema(vocabulary: Vocabulary) -> JsonObject:
    """Closed list as a schema; labels beside it for people."""
    return {
        "title": vocabulary.title["en"],
        "x-titles": {"zh": vocabulary.title["zh"]},
        "x-vocabulary": vocabulary.vocabulary_id,
        "x-labels": {str(term.code): dict(term.label) for term in vocabulary.terms},
        "enum": list(vocabulary.codes),
    }


def _fact_table(table: str, schema: JsonObject) -> FactTable:
    raw = cast("dict[str, Any]", schema)
    names = [name for name in raw["properties"] if name not in ("table", "undetermined")]
    resolved = {name: resolve(raw, raw["properties"][name]) for name in names}
    return FactTable(
        table,
        tuple(name for name in names if resolved[name].get("x-key")),
        tuple(raw["x-scope"]),
        raw["x-depth"],
        {name: resolved[name].get("x-depth", raw["x-depth"]) for name in names},
        {name: resolved[name].get("x-unit") or "" for name in names},
    )


def resolve(root: JsonObject, node: JsonObject) -> dict[str, Any]:
    """A subschema of a bundle with its local `$ref` followed; what stands at the place itself wins."""
    merged: dict[str, Any] = dict(node)
    while "$ref" in merged:
        name = merged.pop("$ref").removeprefix("#/$defs/")
        merged = {**cast("dict[str, Any]", root["$defs"])[name], **merged}
    return merged


def _fields(root: JsonObject, node: JsonObject | None = None, prefix: str = "") -> Sequence[tuple[str, JsonObject]]:
    result: list[tuple[str, JsonObject]] = []
    for name, inner in resolve(root, node if node is not None else root).get("properties", {}).items():
        field_schema = resolve(root, inner)
        result.append((prefix + name, field_schema))
        items = field_schema.get("items")
        result.extend(
            _fields(root, items, f"{prefix}{name}[].") if items else _fields(root, field_schema, f"{prefix}{name}.")
        )
    return result
