"""The phrases that terminal and page share: measured against required, places, coverage, the verdict in words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from embodied_kit.language import pick
from embodied_kit.model.json import JsonObject, JsonValue
from embodied_kit.model.report import Finding, Place, Report
from embodied_kit.model.rule import LEVELS, Check, LimitCheck, Rule
from embodied_kit.spec import standard
from embodied_validators.judge.coverage import ASPECTS
from embodied_validators.report.group import Verdict, is_ratio
from embodied_validators.report.info import SubjectInfo
from embodied_validators.report.quantity import pair_text, span_text, value_text, visible
from embodied_validators.report.words import Text, Words, term

_VOCABULARY = re.compile(r"\bvocabularies[./](\w+)$")  # as a schema names it, alone or bundled
_COMPARATORS = frozenset({"max", "min", "below", "above", "equal"})


def measured_text(finding: Finding, words: Words, rule: Rule | None = None) -> tuple[str, str]:
    """What was measured, and what is required in words (`6.2 %`, `limit 5 %`); empty where there is nothing.

    Args:
        finding: What is told.
        words: Language.
        rule: Its rule, where it is known: words of a vocabulary are then told by their label.
    """
    if finding.required is None and finding.measured is None:
        return "", ""
    column = _column(finding.measure, rule)
    measured, required = pair_text(
        labelled(finding.measured, column, words),
        labelled(finding.required, column, words),
        finding.unit,
        words.lang,
        ratio=is_ratio(finding.measure),
    )
    comparator = finding.comparator if finding.comparator in _COMPARATORS else "other"
    if comparator == "equal" and isinstance(finding.required, list | tuple):
        comparator = "one_of"
    requirement = "" if finding.required is None else words(f"required.{comparator}", value=required)
    return ("" if finding.measured is None else measured), requirement


def requirement_text(check: Check, value: JsonValue, words: Words) -> str:
    """What a check requires, in words: `limit 5 %`, `satisfies the schema`."""
    if not isinstance(check, LimitCheck):
        return words("required.schema")
    known = labelled(value, column_schema(check.table, check.measure), words)
    comparator = "one_of" if check.comparator == "equal" and isinstance(value, list | tuple) else check.comparator
    shown = value_text(known, check.unit, words.lang, ratio=is_ratio(check.measure))
    return words(f"required.{comparator}", value=shown)


def measure_title(measure: str, rule: Rule | None) -> Text:
    """Language -> title of the column that a rule compares, from the facts schema; empty where there is none."""
    column = _column(measure, rule)
    if not column:
        return {}
    chinese = column.get("x-titles")
    others = {str(lang): str(text) for lang, text in chinese.items()} if isinstance(chinese, Mapping) else {}
    return {"en": str(column.get("title") or measure), **others}


def _column(measure: str, rule: Rule | None) -> JsonObject:
    """The schema of a column that a rule compares; empty where there is none."""
    for check in rule.checks if rule else ():
        if isinstance(check, LimitCheck) and check.measure == measure:
            return column_schema(check.table, measure)
    return {}


def column_schema(table: str, measure: str) -> JsonObject:
    """The schema of a column of a facts table; empty where there is none."""
    columns = standard().fact_schema(table).get("properties")
    column = columns.get(measure) if isinstance(columns, Mapping) else None
    return column if isinstance(column, Mapping) else {}


def labelled(value: JsonValue, column: JsonObject, words: Words) -> JsonValue:
    """A word of the column's vocabulary, or a list of them, as people say it; any other value as it is."""
    vocabulary = _vocabulary(column)
    if vocabulary and isinstance(value, str):
        return pick(term(vocabulary, value), words.lang)
    if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        return words.join([str(labelled(item, column, words)) for item in value])
    return value


def _vocabulary(column: JsonObject) -> str:
    """Name of the vocabulary that a column's words are from; empty for none."""
    either = column.get("oneOf") or column.get("anyOf")
    options = [column, *(either if isinstance(either, list | tuple) else ())]
    references = (str(option.get("$ref") or "") for option in options if isinstance(option, Mapping))
    return next((found[1] for name in references if (found := _VOCABULARY.search(name))), "")


def needs_name(finding: Finding) -> bool:
    """Whether the numbers of a finding say little without the name of what was counted."""
    return bool(finding.measure) and finding.unit in {"", "1"} and not is_ratio(finding.measure)


def place_text(place: Place) -> str:
    """Stream with dimension, else file with pointer; and the other side (`joints position[3]`, `cam_a → cam_b`)."""
    dimension = "" if place.index is None else f"[{place.index}]"
    one = f"{place.stream} {place.field}{dimension}".strip() or " ".join(filter(None, (place.path, place.pointer)))
    return visible(f"{one} → {place.target}" if place.target else one)


def time_text(place: Place, info: SubjectInfo) -> str:
    """Span of a place, relative to its episode's start; empty where it has none."""
    if place.start_ns is None:
        return ""
    episode = info.episode(place.episode)
    return span_text(place.start_ns, place.end_ns, episode.start_ns if episode else None)


def verdict_text(verdict: Verdict, words: Words, most: int = 6) -> str:
    """The verdict in one line, such as `L1-preview reached. L2 not reached: TM-07 failed, KN-01 undecided`."""
    why = _why(verdict, words, most)
    if verdict.no_level:
        level = verdict.blocked or LEVELS[-1]
        return words("bare_blocked", level=level, why=why) if verdict.blocked else words("bare_ok", level=level)
    if verdict.withheld:
        against = "" if verdict.blocked is None else words("not_reached", level=verdict.blocked, why=why)
        return sentence_gap(words).join(part for part in (words("no_verdict"), against) if part)
    reached = words("reached_none")
    if verdict.reached:
        reached = words("reached_waived" if verdict.waived else "reached", mark=verdict.mark(verdict.reached))
    if verdict.blocked is None:
        return reached
    return reached + sentence_gap(words) + words("not_reached", level=verdict.blocked, why=why)


def sentence_gap(words: Words) -> str:
    """What stands between two sentences."""
    return "" if words.lang == "zh" else " "


def _why(verdict: Verdict, words: Words, most: int) -> str:
    parts = []
    for key, rule_ids in (("why_failed", verdict.failed), ("why_undecided", verdict.undecided)):
        if rule_ids:
            parts.append(words(key, rules=listed(rule_ids, words, most)))
    return ("，" if words.lang == "zh" else ", ").join(parts)


def bracketed(text: str, aside: str, words: Words) -> str:
    """`text (aside)` in the language's own brackets; the text alone where there is no aside."""
    if not aside:
        return text
    return f"{text}（{aside}）" if words.lang == "zh" else f"{text} ({aside})"


def listed(items: Sequence[str], words: Words, most: int) -> str:
    """Items with commas, the first `most` of them and the number of the rest."""
    shown = words.join(list(items[:most]))
    return shown if len(items) <= most else words("and_more", rules=shown, n=len(items) - most)


def coverage_counts(report: Report) -> Mapping[str, int]:
    """Number of files and streams seen, opened, decoded, sampled and ignored; empty where nothing was counted."""
    counts = {aspect: count for aspect in ASPECTS if isinstance(count := report.coverage.get(aspect), int)}
    return counts if any(counts.values()) else {}


def depths(report: Report) -> tuple[str, ...]:
    """Depths of measurement other than the full one."""
    found = report.coverage.get("depths")
    return tuple(str(depth) for depth in found if depth != "full") if isinstance(found, list | tuple) else ()


@dataclass(frozen=True)
class NotSeen:
    """A file or stream that was not wholly looked at."""

    episode: str
    path: str
    reason: str


def not_seen(report: Report) -> tuple[NotSeen, ...]:
    """Places that were not wholly looked at, as many as the report keeps."""
    places = report.coverage.get("not_seen")
    if not isinstance(places, list | tuple):
        return ()
    return tuple(
        NotSeen(*(str(place.get(name) or "") for name in ("episode", "path", "reason")))
        for place in places
        if isinstance(place, Mapping)
    )


def not_seen_total(report: Report) -> int:
    """How many places were not wholly looked at."""
    total = report.coverage.get("not_seen_n")
    return total if isinstance(total, int) else len(not_seen(report))
