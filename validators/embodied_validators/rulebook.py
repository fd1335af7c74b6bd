"""The rulebook: every rule that this tool carries, and how a rule is told to people."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from embodied_kit.errors import DataError, UsageError
from embodied_kit.model.json import JsonObject, JsonValue
from embodied_kit.model.rule import Check, DocumentCheck, Limit, Rule
from embodied_kit.spec import Basis, Language, load_yaml, pick, standard
from embodied_validators.rulefile import parse_rule

_SIGN = {"max": "<=", "min": ">=", "below": "<", "above": ">", "equal": "="}
_WORDS: Mapping[str, Mapping[str, str]] = {
    "why": {"en": "Why", "zh": "原因"},
    "fix": {"en": "How to fix", "zh": "如何修复"},
    "check": {"en": "What is checked", "zh": "检查内容"},
    "error": {"en": "error (blocks the level)", "zh": "错误（阻止达级）"},
    "warning": {"en": "warning (reported, blocks nothing)", "zh": "警告（仅报告，不阻止达级）"},
    "info": {"en": "information", "zh": "提示"},
    "from": {"en": "from", "zh": "起始级别"},
    "source": {"en": "source", "zh": "来源"},
    "standard": {"en": "standard", "zh": "标准"},
    "practice": {"en": "practice of the field", "zh": "行业实践"},
    "engineering": {"en": "our engineering choice", "zh": "本项目工程取值"},
    "declared": {"en": "declared by the data set itself", "zh": "数据集自身声明"},
    "read": {"en": "read in the source", "zh": "已核对原文"},
    "second-hand": {"en": "second-hand, text not seen", "zh": "转引，未见原文"},
    "memory": {"en": "from memory, to be confirmed", "zh": "凭记忆，待确认"},
    "own": {"en": "our own", "zh": "自定"},
    "document": {"en": "document", "zh": "文档"},
    "schema": {"en": "satisfies the rule's schema", "zh": "满足规则给出的 schema"},
    "judging": {
        "en": "has every field that the level requires, each well-formed",
        "zh": "具备该级别要求的全部字段且格式正确",
    },
    "authoring": {"en": "has no unknown field without the prefix x_", "zh": "没有不带 x_ 前缀的未知字段"},
    "given": {"en": "asked only where", "zh": "仅在以下情形适用："},
    "always": {"en": "always", "zh": "任何情形"},
    "undetermined": {"en": "otherwise undetermined", "zh": "否则为未判定"},
    "overridable": {"en": "A profile may change its limits.", "zh": "规则集可以改动其限值。"},
    "fixed": {"en": "No profile may change it.", "zh": "规则集不得改动。"},
    "must": {"en": "No waiver lets its findings be.", "zh": "不得豁免。"},
    "new": {"en": "New: in no released profile yet.", "zh": "新规则：尚未纳入已发布的规则集。"},
}


@dataclass(frozen=True)
class Rulebook:
    """Every rule of the standard, in the order of ids.

    Attributes:
        rules: Id -> rule.
        data: Id -> the rule as written, for the digest of a profile.
    """

    rules: Mapping[str, Rule]
    data: Mapping[str, JsonObject]


@functools.cache
def load_rulebook() -> Rulebook:
    """The rules that this package carries.

    Raises:
        UsageError: A rule file is not strict, or an id stands twice.
    """
    return read_rulebook(standard().rule_files())


def read_rulebook(paths: Iterable[Path]) -> Rulebook:
    """The rules of some files.

    Raises:
        UsageError: A rule file is not strict, or an id stands twice.
    """
    return _rulebook((entry, path.name) for path in paths for entry in _entries(path))


def rulebook_of(entries: Iterable[JsonValue], source: str, basis: Basis) -> Rulebook:
    """Rules as a released profile keeps them.

    Raises:
        UsageError: A rule is not strict, or an id stands twice.
    """
    return _rulebook(((entry, source) for entry in entries), basis)


def _rulebook(entries: Iterable[tuple[JsonValue, str]], basis: Basis | None = None) -> Rulebook:
    rules: dict[str, Rule] = {}
    data: dict[str, JsonObject] = {}
    for entry, source in entries:
        rule = parse_rule(entry, source, basis)
        if rule.rule_id in rules:
            raise UsageError(f"{source}: expected each rule id once, got {rule.rule_id} twice")
        rules[rule.rule_id] = rule
        data[rule.rule_id] = cast("JsonObject", entry)
    return Rulebook({name: rules[name] for name in sorted(rules)}, data)


def _entries(path: Path) -> Sequence[JsonValue]:
    try:
        value = load_yaml(path.read_bytes())
    except DataError as error:
        raise UsageError(f"{path.name}: {error.message}") from error
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise UsageError(f"{path.name}: expected a list of rules, got {type(value).__name__}")
    return value


def listing(rules: Iterable[Rule], lang: Language) -> list[tuple[str, ...]]:
    """A row a rule: id, severity, first level, title."""
    return [(rule.rule_id, rule.severity, rule.level, pick(rule.title, lang)) for rule in rules]


def explain(rule: Rule, lang: Language) -> str:
    """Everything about a rule as plain text: title, why, what is checked with each limit's origin, how to fix."""
    lines = [
        f"{rule.rule_id}  {pick(rule.title, lang)}",
        f"{_word(rule.severity, lang)}, {_word('from', lang)} {rule.level}",
        "",
        f"{_word('why', lang)}: {pick(rule.why, lang)}",
        "",
        f"{_word('check', lang)}:",
        *(f"  {line}" for line in _told(rule, lang)),
        "",
        f"{_word('fix', lang)}: {pick(rule.fix, lang)}",
        "",
        _word("overridable" if rule.overridable else "fixed", lang),
        *([] if rule.waivable else [_word("must", lang)]),
        *([_word("new", lang)] if rule.preview else []),
    ]
    return "\n".join(lines) + "\n"


def _told(rule: Rule, lang: Language) -> Iterator[str]:
    """Every check; those that read alike once, with the conditions in which they differ below."""
    alike: dict[tuple[str, ...], list[Check]] = {}
    for check in rule.checks:
        alike.setdefault(tuple(_check_lines(check, lang)), []).append(check)
    for lines, checks in alike.items():
        yield from lines
        weighed = any(check.severity for check in checks)
        conditions = dict.fromkeys(tuple(_conditions(check, rule, lang, weighed=weighed)) for check in checks)
        for parts in conditions:
            if len(conditions) == 1:
                yield from (f"  {part}" for part in parts)
            else:
                yield f"  - {('，' if lang == 'zh' else ', ').join(parts) or _word('always', lang)}"


def _check_lines(check: Check, lang: Language) -> Iterator[str]:
    if isinstance(check, DocumentCheck):
        yield f"{_word('document', lang)} {check.document}: {_word(check.conforms_to or 'schema', lang)}"
        first, limit = next(iter(check.limits.items()))
        yield f"  {first}  ({_source(limit, lang)})"
    else:
        where = ", ".join(f"{column} = {_value(value)}" for column, value in check.only.items())
        yield f"{check.table}.{check.measure}" + (f" [{where}]" if where else "")
        for level, limit in check.limits.items():
            unit = f" {check.unit}" if check.unit not in ("", "1") else ""
            yield f"  {level}  {_SIGN[check.comparator]} {_value(limit.value)}{unit}  ({_source(limit, lang)})"


def _conditions(check: Check, rule: Rule, lang: Language, *, weighed: bool) -> Iterator[str]:
    """When a check is asked; what it weighs, where one that reads like it has a weight of its own; what it leaves."""
    for key, values in check.given.items():
        yield f"{_word('given', lang)} {key} = {_value(values)}"
    if weighed:
        yield _word(check.severity or rule.severity, lang)
    if check.otherwise == "undetermined":
        yield _word("undetermined", lang)


def _value(value: JsonValue) -> str:
    if isinstance(value, Mapping):  # {parameter: name} or {context: name, plus: n}
        return " + ".join(str(part) for part in value.values())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return " | ".join(map(_value, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _source(limit: Limit, lang: Language) -> str:
    parts = [_word(limit.origin, lang), limit.clause, "" if limit.binding == "-" else limit.binding]
    if limit.origin == "standard" or limit.evidence != "own":
        parts += [_word(limit.evidence, lang), limit.as_of]
    return ", ".join(part for part in parts if part)


def _word(key: str, lang: Language) -> str:
    return pick(_WORDS[key], lang)
