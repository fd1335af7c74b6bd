"""Parts of JSON documents that others wrote: what is there in the expected form, or nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from embodied_kit.model.json import JsonObject, JsonValue

_DECIMAL = re.compile(r"-?\d{1,20}")


def get_object(value: JsonObject, name: str) -> JsonObject:
    """An object; empty where there is none."""
    item = value.get(name)
    return item if isinstance(item, Mapping) else {}


def get_objects(value: JsonObject, name: str) -> list[JsonObject]:
    """The objects of a list; other items are left out."""
    return [item for item in get_list(value, name) if isinstance(item, Mapping)]


def get_list(value: JsonObject, name: str) -> Sequence[JsonValue]:
    """A list; empty where there is none."""
    item = value.get(name)
    return item if isinstance(item, Sequence) and not isinstance(item, str) else ()


def get_texts(value: JsonObject, name: str) -> list[str]:
    """The texts of a list; other items are left out."""
    return [item for item in get_list(value, name) if isinstance(item, str)]


def get_text(value: JsonObject, name: str) -> str:
    """A text; empty where there is none."""
    item = value.get(name)
    return item if isinstance(item, str) else ""


def get_number(value: JsonObject, name: str) -> float | None:
    """A number; None where there is none."""
    item = value.get(name)
    return None if isinstance(item, bool) or not isinstance(item, int | float) else item


def get_positive(value: JsonObject, name: str) -> float | None:
    """A number above 0; None where there is none."""
    item = get_number(value, name)
    return item if item is not None and item > 0 else None


def get_bool(value: JsonObject, name: str) -> bool | None:
    """A truth value; None where there is none."""
    item = value.get(name)
    return item if isinstance(item, bool) else None


def get_ns(value: JsonObject, name: str) -> int | None:
    """Nanoseconds kept as a decimal string; None where there are none."""
    item = value.get(name)
    return int(item) if isinstance(item, str) and _DECIMAL.fullmatch(item) else None
