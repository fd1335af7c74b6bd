"""How complete a document is: which of the fields that the standard asks for are there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from embodied_kit.model.json import JsonObject, JsonValue
from embodied_kit.spec.standard import resolve, standard


@dataclass(frozen=True)
class FieldCounts:
    """Fields that the standard asks for at some level, and how many of them are missing.

    Missing is: absent, null, or text without a visible character. A field of a list's item counts once an item; a field
    of an absent object does not count beside that object. Fields that no level asks for never count.

    Attributes:
        core_expected_n: Fields marked `x-core`.
        general_expected_n: Fields with `x-required-from` that are not core.
    """

    core_expected_n: int = 0
    core_missing_n: int = 0
    general_expected_n: int = 0
    general_missing_n: int = 0


def count_fields(kind: str, value: JsonObject) -> FieldCounts:
    """Count the expected and the missing fields of a document, at every depth (ST-09, ST-10).

    Raises:
        UsageError: The standard has no such kind.
    """
    root = standard().document_schema(kind)
    found = list(_expected_fields(root, root, value))
    core = [missing for is_core, missing in found if is_core]
    general = [missing for is_core, missing in found if not is_core]
    return FieldCounts(len(core), sum(core), len(general), sum(general))


def _expected_fields(root: JsonObject, node: JsonObject, value: JsonValue) -> Iterator[tuple[bool, bool]]:
    """(core, missing) of each expected field of a value."""
    schema = resolve(root, node)
    if isinstance(value, Mapping):
        for name, inner in schema.get("properties", {}).items():
            field: Any = resolve(root, inner)
            found = value.get(name)
            if field.get("x-core") or field.get("x-required-from"):
                yield bool(field.get("x-core")), _missing(found)
            yield from _expected_fields(root, inner, found)
    elif isinstance(value, Sequence) and not isinstance(value, str) and "items" in schema:
        for item in value:
            yield from _expected_fields(root, schema["items"], item)


def _missing(value: JsonValue) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())
