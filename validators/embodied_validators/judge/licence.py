"""Licences held against the dated list: known identifiers, and whether a whole may bear its licence given its parts."""

from __future__ import annotations

import re
from collections.abc import Iterator

from embodied_kit.measure.declared.jsonget import get_bool, get_objects, get_text, get_texts
from embodied_kit.measure.rows import make_row
from embodied_kit.model.facts import Row
from embodied_kit.model.json import JsonObject, JsonValue
from embodied_kit.model.report import Context

_WORDS = re.compile(r"\s*\b(?:AND|OR)\b\s*")
_REFERENCE = re.compile(r"(?:DocumentRef-[A-Za-z0-9.-]+:)?LicenseRef-[A-Za-z0-9.-]+")
_NO_TABLE = "no list of licences is in force on the date of the context"
_NO_GROUP = "the table of licences does not say how the two go together"


def licence_rows(dataset: JsonObject, governance: JsonObject, context: Context) -> Iterator[Row]:
    """Rows of the table `licence`: of the dataset, of governance.json, and of each parent that names one."""
    table = next((item for item in context.tables.values() if item.get("table_id") == "licences"), None)
    own = get_text(dataset, "license")
    for path, document in (("dataset.json", dataset), ("governance.json", governance)):
        if get_text(document, "license"):
            yield _row(path, "/license", get_text(document, "license"), None, table)
    for index, step in enumerate(get_objects(dataset, "lineage")):
        if get_text(step, "license"):
            yield _row("dataset.json", f"/lineage/{index}/license", get_text(step, "license"), own, table)


def _row(path: str, pointer: str, licence: str, whole: str | None, table: JsonObject | None) -> Row:
    values: dict[str, JsonValue] = {"path": path, "pointer": pointer}
    if table is not None:
        values["recognised"] = recognised(licence, table)
        values["compatible"] = True if whole is None else compatible(licence, whole, table)
    absent: dict[str, str] = dict.fromkeys(("recognised", "compatible"), _NO_TABLE)
    why = absent if table is None else {"compatible": _NO_GROUP}
    return make_row("licence", values, reasons=why)


def recognised(expression: str, table: JsonObject) -> bool:
    """Whether each part of an SPDX expression is an identifier of the list, or a LicenseRef."""
    identifiers = {item.lower() for item in get_texts(table, "identifiers")}
    parts = [_identifier(part) for part in _WORDS.split(expression)]
    return all(part.lower() in identifiers or _REFERENCE.fullmatch(part) for part in parts)


def compatible(part: str, whole: str, table: JsonObject) -> bool | None:
    """Whether something that holds a part under one licence may bear another; None where the table does not say.

    Of a choice (`OR`) one way is enough; what must be kept together (`AND`) must all agree.
    """
    if "(" in part + whole:
        return None
    choices = [
        _all([_alone(_identifier(one), _identifier(other), table) for one in _split(ways, "AND") for other in wholes])
        for ways in _split(part, "OR")
        for wholes in [_split(whole, "AND")]
    ]
    return True if True in choices else None if None in choices else False


def _alone(part: str, whole: str, table: JsonObject) -> bool | None:
    if part.lower() == whole.lower():
        return None if _REFERENCE.fullmatch(part) else _group(part, table) is not None or None
    group, other = _group(part, table), _group(whole, table)
    if group is None or (other is None and not _REFERENCE.fullmatch(whole)):
        return None
    target = "custom" if other is None else get_text(other, "id")
    return target in get_texts(group, "may_become") and not get_bool(group, "same_licence")


def _group(identifier: str, table: JsonObject) -> JsonObject | None:
    groups = get_objects(table, "groups")
    return next((g for g in groups if identifier.lower() in map(str.lower, get_texts(g, "licences"))), None)


def _all(answers: list[bool | None]) -> bool | None:
    return False if False in answers else None if None in answers else True


def _split(expression: str, word: str) -> list[str]:
    return re.split(rf"\s+{word}\s+", expression)


def _identifier(part: str) -> str:
    """Without brackets, exception (`WITH ...`) and the older `+`."""
    return part.strip("() ").split(" WITH ")[0].removesuffix("+").strip()
