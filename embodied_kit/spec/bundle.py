"""One schema source -> self-contained bundles: every `$ref` resolved within `$defs`, objects open or closed.

The sources use a subset of JSON Schema 2020-12 (no composition of objects, no dynamic references), so that closing an
object or making a field required is a local change of that object alone.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from embodied_kit.model.json import JsonObject
from embodied_kit.model.rule import LEVELS, Level

Schema: TypeAlias = dict[str, Any]  # JSON is rebuilt here node by node; Any stays inside this module
Shape: TypeAlias = Callable[[Schema], Schema]
SCHEMA_MAPS = ("properties", "patternProperties", "$defs")
SCHEMA_LISTS = ("oneOf",)
SCHEMAS = ("items", "additionalProperties", "propertyNames")
EXTENSION_NAMES = "^x_"


def bundle(name: str, load: Callable[[str], JsonObject], shape: Shape, identifier: str) -> JsonObject:
    """Self-contained schema of one source.

    Args:
        name: Source, relative to the schema folder, e.g. `dataset.schema.json`.
        load: Source name -> its schema; a vocabulary is named `vocabularies/<name>`.
        shape: Applied to every subschema, innermost first.
        identifier: Absolute `$id` of the result.
    """
    definitions: dict[str, Schema | None] = {}
    root = _import(name, "", load, shape, definitions)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": identifier}
    return {**head, **root, "$defs": definitions} if definitions else {**head, **root}


def open_objects(schema: Schema) -> Schema:
    """Judging shape: unknown fields pass here and are found by ST-06."""
    return schema


def closed_objects(schema: Schema) -> Schema:
    """Authoring shape: no field beyond the named ones and `x_` extensions."""
    if "properties" not in schema or "additionalProperties" in schema:
        return schema
    return {**schema, "patternProperties": {EXTENSION_NAMES: True}, "unevaluatedProperties": False}


def exact_objects(schema: Schema) -> Schema:
    """Shape of our own products: no field beyond the named ones."""
    if "properties" not in schema or "additionalProperties" in schema:
        return schema
    return {**schema, "unevaluatedProperties": False}


def required_at(level: Level) -> Shape:
    """Judging shape in which each field with `x-required-from` at or below a level is required."""
    asked = LEVELS[: LEVELS.index(level) + 1]

    def shape(schema: Schema) -> Schema:
        names = [name for name, field in schema.get("properties", {}).items() if field.get("x-required-from") in asked]
        required = [*schema.get("required", []), *(name for name in names if name not in schema.get("required", []))]
        return {**schema, "required": required} if required else schema

    return shape


def map_subschemas(schema: Mapping[str, Any], change: Callable[[Any], Any]) -> Schema:
    """Copy of a schema with each direct subschema changed (definitions too)."""
    result = dict(schema)
    for keyword in SCHEMA_MAPS:
        if keyword in schema:
            result[keyword] = {name: change(inner) for name, inner in schema[keyword].items()}
    for keyword in SCHEMA_LISTS:
        if keyword in schema:
            result[keyword] = [change(inner) for inner in schema[keyword]]
    for keyword in SCHEMAS:
        if keyword in schema:
            result[keyword] = change(schema[keyword])
    return result


def _import(
    name: str,
    definition: str,
    load: Callable[[str], JsonObject],
    shape: Shape,
    definitions: dict[str, Schema | None],
) -> Schema:
    """A source, or one definition of it, with its references imported into `definitions`."""
    source: Any = load(name)
    start = source["$defs"][definition] if definition else source

    def visit(node: Any) -> Any:
        if not isinstance(node, Mapping):
            return node  # true or false
        outer = {key: value for key, value in node.items() if key not in ("$id", "$schema", "$defs")}
        result = map_subschemas(outer, visit)
        if "$ref" in result:
            file, _, inner = result["$ref"].partition("#/$defs/")
            target = posixpath.normpath(posixpath.join(posixpath.dirname(name), file)) if file else name
            result["$ref"] = _reference(target, inner, load, shape, definitions)
        return shape(result)

    visited: Schema = visit(start)
    return visited


def _reference(
    name: str,
    definition: str,
    load: Callable[[str], JsonObject],
    shape: Shape,
    definitions: dict[str, Schema | None],
) -> str:
    """Local `$ref` to a definition, imported on first use."""
    stem = name.removesuffix(".schema.json").replace("/", ".")
    key = f"{stem}.{definition}" if definition else stem
    if key not in definitions:
        definitions[key] = None  # holds the place: definitions may refer to one another
        definitions[key] = _import(name, definition, load, shape, definitions)
    return f"#/$defs/{key}"


def reshape(schema: JsonObject, shape: Shape) -> JsonObject:
    """A self-contained schema with a shape applied to every subschema, innermost first."""

    def visit(node: Any) -> Any:
        return shape(map_subschemas(node, visit)) if isinstance(node, Mapping) else node

    shaped: Schema = visit(schema)
    return shaped
