"""A rule as written in a YAML file -> its record; strict, since a misspelt key would silently weaken a rule."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, cast

from embodied_kit.errors import UsageError
from embodied_kit.model.json import JsonObject, JsonValue
from embodied_kit.model.rule import LEVELS, Check, Comparator, DocumentCheck, Level, Limit, LimitCheck, Rule, Severity
from embodied_kit.spec import Basis, current_basis, standard

RULE_ID = re.compile(r"[A-Z]{2}-[0-9]{2}")
SUBJECTS = ("dataset", "episode", "bare")
COMPARATORS: tuple[Comparator, ...] = ("max", "min", "below", "above", "equal")
ORIGINS = ("standard", "practice", "engineering", "declared")
BINDINGS = ("应", "宜", "-")
EVIDENCE = ("read", "second-hand", "memory", "own")
LANGUAGES = ("en", "zh")
_SEVERITIES = ("error", "warning", "info")
_CONDITIONS = ("purpose", "recipient_country", "recipient_gba")
"""Keys of `given`: what a context may say besides its date."""
_RULE_KEYS = {
    "id",
    "title",
    "severity",
    "level",
    "overridable",
    "subjects",
    "checks",
    "why",
    "fix",
    "waivable",
    "preview",
}
_LIMIT_KEYS = {"value", "origin", "binding", "clause", "evidence", "as_of"}
_CHECK_KEYS = {"otherwise", "given", "severity"}
_LIMIT_CHECK_KEYS = {"table", "for", "measure", "spans", *COMPARATORS} | _CHECK_KEYS
_DOCUMENT_CHECK_KEYS = {"document", "when", "check", "conforms_to", "from", "any_version", "leaves"} | (
    _CHECK_KEYS | _LIMIT_KEYS - {"value"}
)


def parse_rule(data: JsonValue, source: str, basis: Basis | None = None) -> Rule:
    """Rule of one entry of a rule file.

    Args:
        data: The entry.
        source: Name of the file, for messages.
        basis: Tables and documents that it may speak of; None for those of this package.

    Raises:
        UsageError: A key is unknown or missing, or a value is not of its kind; names file, rule and key.
    """
    entry = _object(data, source, "a rule")
    where = f"{source}, rule {entry.get('id', '?')}"
    _keys(entry, _RULE_KEYS, _RULE_KEYS - {"subjects", "waivable", "preview"}, where)
    level = cast("Level", _one_of(entry["level"], LEVELS, where, "level"))
    if not RULE_ID.fullmatch(str(entry["id"])):
        raise UsageError(f"{where}: expected an id like TM-07, got '{entry['id']}'")
    forms = basis or current_basis()
    checks = [check for item in _list(entry["checks"], where, "checks") for check in _checks(item, level, where, forms)]
    return Rule(
        rule_id=str(entry["id"]),
        title=_texts(entry["title"], where, "title"),
        why=_texts(entry["why"], where, "why"),
        fix=_texts(entry["fix"], where, "fix"),
        severity=cast("Severity", _one_of(entry["severity"], _SEVERITIES, where, "severity")),
        level=level,
        overridable=bool(_one_of(entry["overridable"], (True, False), where, "overridable")),
        checks=tuple(checks),
        subjects=tuple(
            str(_one_of(item, SUBJECTS, where, "subjects"))
            for item in _list(entry.get("subjects", SUBJECTS), where, "subjects")
        ),
        preview=bool(_one_of(entry.get("preview", False), (True, False), where, "preview")),
        waivable=bool(_one_of(entry.get("waivable", True), (True, False), where, "waivable")),
    )


def _checks(data: JsonValue, level: Level, where: str, basis: Basis) -> Iterator[Check]:
    entry = _object(data, where, "a check")
    if "table" in entry:
        yield _limit_check(entry, level, where, basis)
    elif "document" in entry:
        kinds = entry["document"]
        for kind in [kinds] if isinstance(kinds, str) else _list(kinds, where, "document"):
            yield _document_check(entry, str(kind), level, where, basis)
    else:
        raise UsageError(f"{where}: expected a check with 'table' or 'document', got {sorted(entry)}")


def _limit_check(entry: JsonObject, level: Level, where: str, basis: Basis) -> LimitCheck:
    _keys(entry, _LIMIT_CHECK_KEYS, {"table", "measure"}, where)
    comparators: list[Comparator] = [name for name in COMPARATORS if name in entry]
    if len(comparators) != 1:
        raise UsageError(f"{where}: expected one of {', '.join(COMPARATORS)} in a check, got {comparators or 'none'}")
    limits = _object(entry[comparators[0]], where, comparators[0])
    table, measure = str(entry["table"]), str(entry["measure"])
    only = _object(entry.get("for", {}), where, "for")
    if table not in basis.tables:
        raise UsageError(f"{where}: expected a facts table, got '{table}'")
    columns = basis.tables[table].units
    for column in (measure, *only):
        if column not in columns:
            raise UsageError(f"{where}: expected a column of the facts table '{table}', got '{column}'")
    return LimitCheck(
        table=table,
        only=only,
        measure=measure,
        comparator=comparators[0],
        limits=comparable(parse_limits(limits, level, f"{where}, {comparators[0]}"), comparators[0], measure, where),
        otherwise=_otherwise(entry, where),
        spans=str(entry.get("spans", "")),
        unit=columns[measure],
        given=_given(entry, where),
        severity=_severity(entry, where),
    )


def _document_check(entry: JsonObject, kind: str, level: Level, where: str, basis: Basis) -> DocumentCheck:
    _keys(entry, _DOCUMENT_CHECK_KEYS, {"document", "origin"}, where)
    if ("check" in entry) == ("conforms_to" in entry):
        raise UsageError(f"{where}: expected either 'check' or 'conforms_to' in a check of a document")
    if kind not in basis.documents:
        raise UsageError(f"{where}: expected a kind of document, got '{kind}'")
    first = cast("Level", _one_of(entry.get("from", level), LEVELS, where, "from"))
    limit = parse_limit({"value": True, **{key: entry[key] for key in _LIMIT_KEYS if key in entry}}, where)
    conforms_to = _one_of(entry.get("conforms_to", ""), ("", "judging", "authoring"), where, "conforms_to")
    levels = LEVELS[LEVELS.index(first) :] if conforms_to == "judging" else (first,)
    return DocumentCheck(
        document=kind,
        when=_object(entry["when"], where, "when") if "when" in entry else None,
        check=_object(entry["check"], where, "check") if "check" in entry else None,
        conforms_to=cast("Literal['', 'judging', 'authoring']", conforms_to),
        limits=dict.fromkeys(levels, limit),
        otherwise=_otherwise(entry, where),
        any_version=bool(_one_of(entry.get("any_version", False), (True, False), where, "any_version")),
        leaves=tuple(map(str, _list(entry["leaves"], where, "leaves"))) if "leaves" in entry else (),
        given=_given(entry, where),
        severity=_severity(entry, where),
    )


def comparable(limits: dict[Level, Limit], comparator: Comparator, measure: str, where: str) -> dict[Level, Limit]:
    """The limits themselves, where a number can be held against each.

    Raises:
        UsageError: A limit of another comparator than `equal` is no number, nor a decimal string for a `_ns` column,
            nor a reference.
    """
    for level, limit in limits.items():
        value = limit.value
        number = isinstance(value, int | float) and not isinstance(value, bool)
        digits = isinstance(value, str) and measure.endswith("_ns") and value.lstrip("-").isdecimal()
        if comparator != "equal" and not number and not digits and not isinstance(value, Mapping):
            raise UsageError(f"{where}, {level}: expected a number to compare with, got {value!r}")
    return limits


def parse_limits(data: JsonObject, level: Level, where: str) -> dict[Level, Limit]:
    """Limits by first level, in the order of levels.

    Raises:
        UsageError: No limit, a limit below the rule's own level, or a malformed one.
    """
    for name in data:
        if name not in LEVELS[LEVELS.index(level) :]:
            raise UsageError(f"{where}: expected limits from {level} on, got '{name}'")
    if not data:
        raise UsageError(f"{where}: expected at least one limit, got none")
    return {name: parse_limit(data[name], f"{where}, {name}") for name in LEVELS if name in data}


def parse_limit(data: JsonValue, where: str) -> Limit:
    """One limit with its origin.

    Raises:
        UsageError: A key is unknown or missing; a limit of a standard lacks clause, binding, evidence or date.
    """
    entry = _object(data, where, "a limit")
    origin = entry.get("origin")
    cited = {"binding", "clause", "evidence", "as_of"} if origin == "standard" else set()
    _keys(entry, _LIMIT_KEYS, {"value", "origin"} | cited, where)
    return Limit(
        value=entry["value"],
        origin=str(_one_of(origin, ORIGINS, where, "origin")),
        binding=str(_one_of(entry.get("binding", "-"), BINDINGS, where, "binding")),
        clause=str(entry.get("clause", "")),
        evidence=str(_one_of(entry.get("evidence", "own"), EVIDENCE, where, "evidence")),
        as_of=str(entry.get("as_of", "")),
    )


def _otherwise(entry: JsonObject, where: str) -> Literal["failed", "undetermined"]:
    word = _one_of(entry.get("otherwise", "failed"), ("failed", "undetermined"), where, "otherwise")
    return "undetermined" if word == "undetermined" else "failed"


def _given(entry: JsonObject, where: str) -> JsonObject:
    """Conditions on the context: each key known, each with the list of values that it may have."""
    given = _object(entry.get("given", {}), where, "given")
    _keys(given, set(_CONDITIONS), set(), f"{where}, given")
    words = standard().vocabulary("consent_scope").codes
    for purpose in _list(given["purpose"], where, "purpose") if "purpose" in given else ():
        _one_of(purpose, words, f"{where}, given", "purpose")
    return {key: _list(values, where, key) for key, values in given.items()}


def _severity(entry: JsonObject, where: str) -> Severity | None:
    """Severity of a check's own findings, where it is worse than that of its rule."""
    if "severity" not in entry:
        return None
    return cast("Severity", _one_of(entry["severity"], ("error",), where, "severity of a check"))


def _texts(data: JsonValue, where: str, key: str) -> dict[str, str]:
    texts = _object(data, where, key)
    _keys(texts, set(LANGUAGES), set(LANGUAGES), f"{where}, {key}")
    for language, text in texts.items():
        if not isinstance(text, str) or not text.strip():
            raise UsageError(f"{where}: expected text in {key}.{language}, got none")
    return {language: str(texts[language]).strip() for language in LANGUAGES}


def _keys(entry: JsonObject, known: set[str], needed: set[str], where: str) -> None:
    for key in entry:
        if key not in known:
            raise UsageError(f"{where}: expected one of the keys {', '.join(sorted(known))}, got '{key}'")
    for key in sorted(needed):
        if key not in entry:
            raise UsageError(f"{where}: expected the key '{key}', got none")


def _object(data: JsonValue, where: str, what: str) -> JsonObject:
    if not isinstance(data, Mapping):
        raise UsageError(f"{where}: expected an object as {what}, got {type(data).__name__}")
    return data


def _list(data: JsonValue, where: str, what: str) -> Sequence[JsonValue]:
    if isinstance(data, str) or not isinstance(data, Sequence) or not data:
        raise UsageError(f"{where}: expected a list as {what}, got {type(data).__name__}")
    return data


def _one_of(value: Any, allowed: Sequence[Any], where: str, key: str) -> JsonValue:
    if not any(value is word or (isinstance(word, str) and value == word) for word in allowed):
        raise UsageError(f"{where}: expected {key} to be one of {', '.join(map(str, allowed))}, got '{value}'")
    result: JsonValue = value
    return result
