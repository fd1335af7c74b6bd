"""What rules are held against besides facts: forms of documents, and what facts tables there are.

A released profile keeps its own copy, so that a change of a schema changes no verdict under it.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from embodied_kit.model.facts import Depth
from embodied_kit.model.json import JsonObject
from embodied_kit.model.rule import Level
from embodied_kit.spec import bundle as shapes
from embodied_kit.spec.standard import standard
from embodied_kit.spec.version import SCHEMA_VERSION

_TOLD = ("title", "description", "examples", "$schema", "$id", "$comment")


@dataclass(frozen=True)
class TableForm:
    """Where a facts table is measured.

    Attributes:
        scopes: `dataset`, `episode` or both.
        depth: Least depth at which it exists.
        units: Column -> UCUM code; empty for none.
    """

    scopes: tuple[str, ...]
    depth: Depth
    units: Mapping[str, str]


@dataclass(frozen=True, eq=False)
class Basis:
    """Forms of documents and of facts tables.

    Attributes:
        version: Of the document schemas.
        tables: Facts table -> its form.
        documents: Kind -> self-contained judging schema.
    """

    version: str
    tables: Mapping[str, TableForm]
    documents: Mapping[str, JsonObject]

    @property
    def major(self) -> str:
        """Major version of the documents that can be judged."""
        return self.version.partition(".")[0]

    @functools.lru_cache(maxsize=256)  # noqa: B019 - a basis lives as long as its profile
    def level_schema(self, kind: str, level: Level) -> JsonObject:
        """Schema in which every field that a level or one below it needs is required, at every depth."""
        return shapes.reshape(self.documents[kind], shapes.required_at(level))

    @functools.lru_cache(maxsize=64)  # noqa: B019
    def closed_schema(self, kind: str) -> JsonObject:
        """Schema without room for unknown fields."""
        return shapes.reshape(self.documents[kind], shapes.closed_objects)

    def value(self) -> JsonObject:
        """As data, without what only people read."""
        return {
            "version": self.version,
            "tables": {
                name: {"scopes": list(form.scopes), "depth": form.depth, "units": form.units}
                for name, form in self.tables.items()
            },
            "documents": {kind: _bare(schema) for kind, schema in self.documents.items()},
        }


@functools.cache
def current_basis() -> Basis:
    """That of the standard which this package carries."""
    found = standard()
    forms = {name: found.fact_table(name) for name in found.tables}
    kinds = [str(kind) for kind in found.vocabulary("document_kind").codes]
    return Basis(
        SCHEMA_VERSION,
        {name: TableForm(form.scopes, form.depth, form.column_unit) for name, form in forms.items()},
        {kind: found.document_schema(kind) for kind in kinds if kind in found.kinds},
    )


def read_basis(value: JsonObject) -> Basis:
    """A basis of its data (`Basis.value`)."""
    data = cast("dict[str, Any]", value)
    return Basis(
        data["version"],
        {name: TableForm(tuple(form["scopes"]), form["depth"], form["units"]) for name, form in data["tables"].items()},
        data["documents"],
    )


def _bare(schema: JsonObject) -> JsonObject:
    """A schema without what only people read."""

    def shape(node: dict[str, Any]) -> dict[str, Any]:
        return {
            key: value
            for key, value in node.items()
            if key == "x-required-from" or (key not in _TOLD and not key.startswith("x-"))
        }

    return shapes.reshape(schema, shape)
