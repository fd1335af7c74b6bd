"""A difference as text, JSON or Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import orjson

from embodied_kit.canonical import rounded
from embodied_kit.language import Language, pick
from embodied_kit.model.facts import DEPTHS
from embodied_kit.model.json import JsonObject, JsonValue
from embodied_kit.model.report import Finding
from embodied_kit.model.rule import Rule
from embodied_kit.visible import visible_json
from embodied_validators.report.diff.compare import Change, Difference, Named
from embodied_validators.report.json_ import finding_json
from embodied_validators.report.markdown import code, escaped, table
from embodied_validators.report.quantity import shorten, visible
from embodied_validators.report.sentence import finding_text, numbers_text
from embodied_validators.report.stored import Stored
from embodied_validators.report.words import Words, reason_text, term

DiffFormat: TypeAlias = Literal["text", "json", "markdown"]
RECORD_VERSION = "1.0.0"
_MOST_ROWS = 20
_KINDS = ("new", "changed", "gone", "waived")
_LONGEST_VALUE = 48


@dataclass(frozen=True)
class DiffRequest:
    """What a format may need."""

    before: Stored
    after: Stored
    difference: Difference
    rules: Mapping[str, Rule]
    lang: Language


@dataclass(frozen=True)
class Entry:
    """A line about one finding.

    Attributes:
        kind: new, changed, gone or waived.
    """

    kind: str
    rule_id: str
    title: str
    text: str
    fingerprint: str


def _entries(asked: DiffRequest, kind: str) -> Sequence[Entry]:
    found: Sequence[Named | Change] = getattr(asked.difference, kind)
    return [_entry(asked, kind, item) for item in found]


def _entry(asked: DiffRequest, kind: str, item: Named | Change) -> Entry:
    words = Words(asked.lang)
    finding = item.finding if isinstance(item, Named) else item.after
    rule = asked.rules.get(finding.rule_id)
    info = asked.before.info if kind in {"gone", "waived"} else asked.after.info
    text = finding_text(finding, rule, info, words)
    if isinstance(item, Change):
        text = words("diff.was", now=text, before=_said(item.before, rule, words))
    title = pick(rule.title, asked.lang) if rule else ""
    return Entry(kind, finding.rule_id, visible(title), text, item.fingerprint)


def _said(finding: Finding, rule: Rule | None, words: Words) -> str:
    """What was said about it before: its numbers, or why it was open."""
    reason = visible(reason_text(finding.reason, words.lang))
    if finding.state == "undetermined":
        return words("not_decided", reason=reason)
    return numbers_text(finding, rule, words) or reason


def _others(asked: DiffRequest) -> Iterator[tuple[str, str, str]]:
    """What differs besides findings: name, before, after."""
    words, found = Words(asked.lang), asked.difference
    for scope, (old, new) in found.levels.items():
        name = words("diff.level_of", scope=visible(scope)) if scope else words("column.level")
        yield name, old or words("diff.none"), new or words("diff.none")
    for setting, (was, now) in found.settings.items():
        yield _setting(setting, words), _value(was), _value(now)
    for aspect, (before, after) in found.coverage.items():
        yield _aspect(aspect, before, after, words)
    for rule_id, (stood, stands) in found.standings.items():
        yield rule_id, _standing(stood, words), _standing(stands, words)
    for episode, (first, second) in found.excluded.items():
        yield words("diff.excluded", episode=visible(episode)), _value(first), _value(second)


def _value(value: JsonValue) -> str:
    return shorten(visible(str(value or "–")), _LONGEST_VALUE)


def _aspect(aspect: str, before: int, after: int, words: Words) -> tuple[str, str, str]:
    if aspect == "depth":
        return words("diff.depth"), DEPTHS[before], DEPTHS[after]
    key = "page.not_seen" if aspect == "not_seen" else f"coverage.{aspect}"
    return words(key), str(before), str(after)


def _setting(name: str, words: Words) -> str:
    kind, _, digest = name.partition(".")
    return words("diff.digest", name=visible(digest)) if kind == "digest" else words(f"field.{name}")


def _standing(standing: str | None, words: Words) -> str:
    if standing is None:
        return words("diff.unasked")
    return words("standing.warned") if standing == "warned" else pick(term("verdict_state", standing), words.lang)


def _text(asked: DiffRequest) -> bytes:
    words, found = Words(asked.lang), asked.difference
    lines = [f"{visible(asked.before.info.name)} -> {visible(asked.after.info.name)}", ""]
    for kind in _KINDS:
        entries = _entries(asked, kind)
        lines += [
            f"{words(f'diff.{kind}')}  {entry.rule_id}  {entry.title}  {entry.text}  [{entry.fingerprint}]"
            for entry in entries[:_MOST_ROWS]
        ]
        lines += _more(entries, words)
    lines += [f"{words('diff.other')}  {name}: {before} -> {after}" for name, before, after in _others(asked)]
    return "\n".join([*lines, "", _closing(found, words), ""]).encode()


def _more(entries: Sequence[Entry], words: Words) -> list[str]:
    rest = len(entries) - _MOST_ROWS
    return [words("diff.more", n=rest)] if rest > 0 else []


def _closing(found: Difference, words: Words) -> str:
    counts = words("diff.counts", new=len(found.new), gone=len(found.gone), changed=len(found.changed))
    return counts + ("" if words.lang == "zh" else " ") + words(f"diff.{found.tendency}")


def _markdown(asked: DiffRequest) -> bytes:
    words = Words(asked.lang)
    names = f"{code(asked.before.info.name)} → {code(asked.after.info.name)}"
    lines = [f"### {words('diff.title')}: {names}", "", f"**{escaped(_closing(asked.difference, words))}**", ""]
    entries = [entry for kind in _KINDS for entry in _entries(asked, kind)[:_MOST_ROWS]]
    if entries:
        head = [words(f"column.{name}") for name in ("state", "rule", "title", "where")]
        rows = [
            (words(f"diff.{entry.kind}"), f"**{entry.rule_id}**", escaped(entry.title), escaped(entry.text))
            for entry in entries
        ]
        lines += [*table(head, rows), ""]
    lines += [line for kind in _KINDS for text in _more(_entries(asked, kind), words) for line in (text, "")]
    others = [[escaped(text) for text in other] for other in _others(asked)]
    if others:
        lines += table([words("diff.other"), words("diff.before"), words("diff.after")], others[: 2 * _MOST_ROWS])
        lines += [words("diff.more", n=len(others) - 2 * _MOST_ROWS)] if len(others) > 2 * _MOST_ROWS else []
    return ("\n".join(lines).rstrip() + "\n").encode()


def _json(asked: DiffRequest) -> bytes:
    found = asked.difference
    document: JsonObject = {
        "record": "report_difference",
        "record_version": RECORD_VERSION,
        "tendency": found.tendency,
        "subjects": [asked.before.report.subject, asked.after.report.subject],
        "new": [_named(asked.after, item) for item in found.new],
        "gone": [_named(asked.before, item) for item in found.gone],
        "changed": [
            {
                "fingerprint": item.fingerprint,
                "fields": item.fields,
                "before": finding_json(item.before, asked.before.report),
                "after": finding_json(item.after, asked.after.report),
            }
            for item in found.changed
        ],
        "waived": [_named(asked.before, item) for item in found.waived],
        "opened": found.opened,
        "levels": _pairs(found.levels),
        "standings": _pairs(found.standings),
        "settings": _pairs(found.settings),
        "coverage": _pairs(found.coverage),
        "excluded": _pairs(found.excluded),
    }
    return visible_json(orjson.dumps(rounded(document), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def _named(stored: Stored, item: Named) -> JsonObject:
    return {"fingerprint": item.fingerprint, **finding_json(item.finding, stored.report)}


def _pairs(found: Mapping[str, tuple[JsonValue, JsonValue]]) -> JsonObject:
    return {name: {"before": before, "after": after} for name, (before, after) in found.items()}


DIFF_FORMATS: Mapping[DiffFormat, Callable[[DiffRequest], bytes]] = {
    "text": _text,
    "json": _json,
    "markdown": _markdown,
}
