"""The files of the standard as a test walks them: every source schema, every field with its place."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from embodied_kit.spec.source import schemas_root

ROOT = schemas_root() / "v1"
SUBSCHEMA_MAPS = ("properties", "$defs")
SUBSCHEMA_LISTS = ("oneOf",)
SUBSCHEMAS = ("items", "additionalProperties", "propertyNames")


def source_paths() -> list[Path]:
    """Every schema file, documents first."""
    return [*sorted(ROOT.glob("*.schema.json")), *sorted((ROOT / "facts").glob("*.schema.json"))]


def source(path: Path) -> dict[str, Any]:
    """One schema file."""
    value: dict[str, Any] = json.loads(path.read_bytes())
    return value


def nodes(schema: Any, place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every subschema of a schema with its place in the file."""
    if not isinstance(schema, Mapping):
        return
    yield place, dict(schema)
    for keyword in SUBSCHEMA_MAPS:
        for name, inner in schema.get(keyword, {}).items():
            yield from nodes(inner, f"{place}/{keyword}/{name}")
    for keyword in SUBSCHEMA_LISTS:
        for position, inner in enumerate(schema.get(keyword, [])):
            yield from nodes(inner, f"{place}/{keyword}/{position}")
    for keyword in SUBSCHEMAS:
        if keyword in schema:
            yield from nodes(schema[keyword], f"{place}/{keyword}")


def fields(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every property of every object, with its place; also the definitions of shared fields."""
    for place, node in nodes(schema):
        for name, inner in node.get("properties", {}).items():
            yield f"{place}/properties/{name}", inner
