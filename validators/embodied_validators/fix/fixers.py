"""One function a repair, all behind one Protocol, in one mapping; fixes.yaml says what each is for."""

from __future__ import annotations

import codecs
import difflib
import unicodedata
from collections.abc import Mapping
from typing import Protocol

from embodied_kit.canonical import parse_json
from embodied_kit.episode.rebuild import MCAP_TYPE
from embodied_kit.episode.times import duration_s, rfc3339
from embodied_kit.model.json import JsonObject, JsonValue
from embodied_kit.spec import SCHEMA_VERSION, check, standard
from embodied_validators.fix.document import FixDocument, read_exact

_UNKNOWN_FIELD = ("unevaluatedProperties", "additionalProperties")
_ALIKE = 0.75
"""From here on two names may be one misspelt (ratio of difflib): `licence` and `license` are 0.86 alike."""
_NS_DIGITS = 20


class Fixer(Protocol):
    """Repairs one thing in one document."""

    def __call__(self, document: FixDocument) -> bytes | None:
        """New bytes; None where there is nothing to repair, or where it cannot be proven."""
        ...


def byte_order_mark(document: FixDocument) -> bytes | None:
    """UTF-8's mark before a document that reads well without it."""
    if not document.data.startswith(codecs.BOM_UTF8):
        return None
    rest = document.data[len(codecs.BOM_UTF8) :]
    return rest if read_exact(rest) is not None else None


def ns_text(document: FixDocument) -> bytes | None:
    """Integers in fields whose name ends in `_ns`."""
    value = document.value
    fixed = _with_ns_text(value)
    return document.written(fixed) if isinstance(fixed, dict) and fixed != value else None


def _with_ns_text(value: JsonValue, name: str = "") -> JsonValue:
    if isinstance(value, Mapping):
        return {key: _with_ns_text(item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_ns_text(item, name) for item in value]
    whole = isinstance(value, int) and not isinstance(value, bool) and name.endswith("_ns")
    return str(value) if whole and len(str(value)) <= _NS_DIGITS else value


def schema_version(document: FixDocument) -> bytes | None:
    """The version, where nothing else keeps the document from conforming."""
    value = document.value
    if value is None or "schema_version" in value:
        return None
    fixed: JsonObject = {"schema_version": SCHEMA_VERSION, **value}
    known = not check(document.kind, fixed) and not check(
        document.kind, fixed, standard().document_schema(document.kind, "authoring")
    )
    return document.written(fixed) if known else None


def unknown_field(document: FixDocument) -> bytes | None:
    """Names that the standard does not know and that are no misspelt names of the standard."""
    parsed = parse_json(document.data).value
    value = document.value
    if parsed is None or value is None:
        return None
    closed = standard().document_schema(document.kind, "authoring")
    names = {
        path.replace("[]", "").rpartition(".")[2].rpartition("/")[2] for path, _ in standard().fields(document.kind)
    }
    fixed: JsonValue = value
    for problem in check(document.kind, parsed, closed):
        if problem.keyword in _UNKNOWN_FIELD:
            steps = [_unescaped(step) for step in problem.pointer.split("/")[1:]]
            if steps and not difflib.get_close_matches(steps[-1], names, 1, _ALIKE):
                fixed = _renamed(fixed, steps)
    return document.written(fixed) if isinstance(fixed, dict) and fixed != value else None


def _unescaped(step: str) -> str:
    return step.replace("~1", "/").replace("~0", "~")


def _renamed(value: JsonValue, steps: list[str]) -> JsonValue:
    """The value with the last step of a path under its x_ name; unchanged where that name is taken or not there."""
    first, *rest = steps
    if isinstance(value, list):
        return [_renamed(item, rest) if rest and first == str(place) else item for place, item in enumerate(value)]
    if not isinstance(value, Mapping) or first not in value:
        return value
    if rest:
        return {name: _renamed(item, rest) if name == first else item for name, item in value.items()}
    fresh = f"x_{first.strip()}"
    if fresh in value:
        return value
    return {fresh if name == first else name: item for name, item in value.items()}


def listed_file(document: FixDocument) -> bytes | None:
    """`size` and `media_type` of entries whose file has the sha256 that they name."""

    def complete(entry: JsonObject) -> JsonObject:
        known = document.files.get(str(entry.get("path")))
        if known is None or entry.get("sha256") != known[1]:
            return entry
        fixed = {**entry, "size": known[0]} if "size" not in entry else dict(entry)
        if "media_type" not in entry and str(entry.get("path")).endswith(".mcap"):
            fixed["media_type"] = MCAP_TYPE
        return {name: fixed[name] for name in sorted(fixed, key=_place)} if fixed != entry else entry

    return _with_files(document, complete)


def _place(name: str) -> int:
    order = ("path", "size", "sha256", "media_type")
    return order.index(name) if name in order else len(order)


def listed_name(document: FixDocument) -> bytes | None:
    """Names in another Unicode form than NFC, of files that are there under their NFC name."""

    def composed(entry: JsonObject) -> JsonObject:
        path = entry.get("path")
        if not isinstance(path, str) or unicodedata.is_normalized("NFC", path):
            return entry
        fresh = unicodedata.normalize("NFC", path)
        known = document.files.get(fresh)
        meant = known is not None and entry.get("sha256") == known[1] and path not in document.files
        return {**entry, "path": fresh} if meant else entry

    return _with_files(document, composed)


class _ChangeEntry(Protocol):
    def __call__(self, entry: JsonObject) -> JsonObject: ...


def _with_files(document: FixDocument, change: _ChangeEntry) -> bytes | None:
    value = document.value
    files = value.get("files") if value is not None else None
    if value is None or not isinstance(files, list):
        return None
    fixed: JsonObject = {
        **value,
        "files": [change(entry) if isinstance(entry, Mapping) else entry for entry in files],
    }
    return document.written(fixed) if fixed != value else None


def times(document: FixDocument) -> bytes | None:
    """The three fields that start_ns and end_ns imply, where they are absent."""
    value = document.value
    if value is None:
        return None
    start, end = (_whole_ns(value.get(name)) for name in ("start_ns", "end_ns"))
    if start is None or end is None or end <= start:
        return None
    derived: JsonObject = {"start_time": rfc3339(start), "end_time": rfc3339(end), "duration_s": duration_s(start, end)}
    missing = {name: item for name, item in derived.items() if name not in value}
    return document.written({**value, **missing}) if missing else None


def _whole_ns(value: JsonValue) -> int | None:
    """A decimal text within the years 1970 to 2286 as a number."""
    if not isinstance(value, str) or not value.isascii() or not value.isdecimal() or len(value) > _NS_DIGITS - 1:
        return None
    return int(value)


FIXERS: Mapping[str, Fixer] = {
    "byte_order_mark": byte_order_mark,
    "ns_text": ns_text,
    "schema_version": schema_version,
    "unknown_field": unknown_field,
    "listed_file": listed_file,
    "listed_name": listed_name,
    "times": times,
}
"""Id -> function, in the order of fixes.yaml."""
