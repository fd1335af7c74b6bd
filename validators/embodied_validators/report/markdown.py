"""The report as Markdown for a pull request or a job's summary: verdict, a table of rules, what was not seen."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from embodied_kit.language import Language, pick
from embodied_kit.model.report import Report
from embodied_kit.model.rule import Level, Rule
from embodied_validators.report.conditions import (
    limits_text,
    skipped_rules,
    skipped_where,
    skipped_why,
    waiver_text,
)
from embodied_validators.report.group import Group, agreeing, group_findings, tally, verdict
from embodied_validators.report.info import SubjectInfo
from embodied_validators.report.phrases import (
    coverage_counts,
    depths,
    listed,
    not_seen,
    not_seen_total,
    place_text,
    time_text,
    verdict_text,
)
from embodied_validators.report.quantity import duration_text, shorten, visible
from embodied_validators.report.sentence import numbers_text
from embodied_validators.report.words import Words, reason_text

_MOST_ROWS = 40
_MOST_NAMES = 12
_MOST_PLACES = 10
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~@&])")
_MARKS = {"failed": "❌", "undetermined": "❔", "warning": "⚠️", "info": "ℹ️"}  # the sign, not a letter


def render_markdown(
    report: Report, rules: Mapping[str, Rule], info: SubjectInfo, lang: Language, level: Level | None = None
) -> bytes:
    """The report in GitHub's Markdown, UTF-8; text from outside is escaped or in code.

    Args:
        report: What the judge said.
        rules: Rule id -> rule.
        info: Name, episodes and duration of the subject.
        lang: Language.
        level: Count rules up to this level; the level at stake where it is None.
    """
    words = Words(lang)
    found = agreeing(report)
    judged = verdict(report, found)
    focus = level or judged.focus
    groups = group_findings(report.findings, report.excluded)
    counts = tally(found, focus)
    lines = [
        f"### {escaped(words('page.title', name=info.name))}",
        "",
        f"**{escaped(verdict_text(judged, words))}**",
        "",
        " · ".join(_facts(report, info, words)),
        "",
        *([f"**{escaped(limited)}**", ""] if (limited := limits_text(report, words)) else []),
        *(_table(groups, rules, info, words) if groups else [words("nothing_found")]),
        "",
        *_skipped(report, words),
        words("tally", level=focus, **{str(state): counts[state] for state in counts}),
        "",
        *_unseen(report, words),
        *_excluded(report, words),
        *_waivers(report, words),
    ]
    return ("\n".join(lines).rstrip() + "\n").encode("utf-8")


def escaped(text: str) -> str:
    """Text that Markdown shows as it is, in one line."""
    return _SPECIAL.sub(r"\\\1", visible(text))


def code(text: str) -> str:
    """Text as code, in a table too; the fence is longer than any run of backticks in it."""
    shown = visible(text)
    fence = "`" * (max((len(run) for run in re.findall(r"`+", shown)), default=0) + 1)
    space = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{space}{shown}{space}{fence}".replace("|", "\\|") if shown else ""


def row(cells: Iterable[str]) -> str:
    """A row of a table."""
    return "| " + " | ".join(cells) + " |"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table with its head."""
    return [row(head), row("---" for _ in head), *map(row, rows)]


def _facts(report: Report, info: SubjectInfo, words: Words) -> list[str]:
    facts = [words.count("episodes", info.episodes_n)]
    if info.duration_s is not None:
        facts.append(duration_text(info.duration_s, words.lang))
    facts.append(words("profile", name=code(report.profile)))
    facts += [escaped(text) for text in (info.judged_at, info.tool) if text]
    return facts


def _table(groups: Sequence[Group], rules: Mapping[str, Rule], info: SubjectInfo, words: Words) -> list[str]:
    """A row a rule; rules that nothing but one reason left undecided share a row."""
    head = [words(f"column.{name}") for name in ("state", "rule", "title", "level", "where", "measured")]
    together = _together(groups)
    lines = table(head, (_row(same, rules.get(same[0].rule_id), info, words) for same in together[:_MOST_ROWS]))
    rest = [group.rule_id for same in together[_MOST_ROWS:] for group in same]
    return [*lines, "", words("more_rules", n=len(rest), rules=words.join(rest))] if rest else lines


def _together(groups: Sequence[Group]) -> list[list[Group]]:
    rows: dict[tuple[str, ...], list[Group]] = {}
    for group in groups:
        alike = group.state == "undetermined" and group.reason
        rows.setdefault(("", group.severity, group.reason) if alike else (group.rule_id,), []).append(group)
    return list(rows.values())


def _row(same: Sequence[Group], rule: Rule | None, info: SubjectInfo, words: Words) -> Sequence[str]:
    group, worst = same[0], same[0].worst
    kind = group.severity if group.state == "failed" and group.severity != "error" else group.state
    counts = [words.count("episodes", len(group.episodes))] if group.episodes else []
    if len(group.findings) > 1:
        counts.append(words.count("findings", len(group.findings)))
    where = [code(shorten(place_text(worst.place), 70)), escaped(time_text(worst.place, info)), words.join(counts)]
    reason = escaped(shorten(visible(reason_text(worst.reason, words.lang)), 120))
    title = escaped(pick(rule.title, words.lang)) if rule else ""
    return (
        f"{_MARKS[kind]} {words('undecided' if kind == 'undetermined' else f'label.{kind}')}",
        listed([f"**{item.rule_id}**" for item in same], words, _MOST_NAMES),
        title if len(same) == 1 else words("same_reason", n=len(same)),
        min(item.level for item in same),
        " ".join(part for part in where if part),
        reason if group.state == "undetermined" else escaped(numbers_text(worst, rule, words)) or reason,
    )


def _unseen(report: Report, words: Words) -> list[str]:
    """What was not looked at, folded where it is long."""
    deeper = [words("depth", depth=depth) for depth in depths(report)]
    total = not_seen_total(report)
    if not total and not deeper:
        return [words("not_seen_none" if coverage_counts(report) else "not_counted")]
    what = [*deeper, *([words.count("places", total)] if total else [])]
    items = [
        f"- {code(place.path)} {escaped(reason_text(place.reason, words.lang))}"
        for place in not_seen(report)[:_MOST_PLACES]
    ]
    rest = total - len(items)
    if items and rest > 0:
        items.append(f"- {words('detail.more_places', n=rest)}")
    return [f"**{words('not_seen', what=words.join(what))}**", "", *items]


def _skipped(report: Report, words: Words) -> list[str]:
    items = [
        f"- **{skipped_rules(item, words, _MOST_NAMES)}** {escaped(skipped_why(item, words))}"
        f" {code(skipped_where(item, words))}"
        for item in report.skipped
    ]
    if not items:
        return []
    more = [f"- {words('detail.more_places', n=len(items) - _MOST_PLACES)}"] if len(items) > _MOST_PLACES else []
    return [f"**{_MARKS['undetermined']} {words('page.skipped')}**", "", *items[:_MOST_PLACES], *more, ""]


def _waivers(report: Report, words: Words) -> list[str]:
    if not report.waivers:
        return []
    return [
        "",
        f"**{words('page.waivers')}**",
        "",
        *(f"- {escaped(waiver_text(use, words))}" for use in report.waivers),
    ]


def _excluded(report: Report, words: Words) -> list[str]:
    if not report.excluded:
        return []
    items = [f"- {code(episode)} {escaped(reason)}" for episode, reason in report.excluded.items()]
    more = [f"- {words.count('episodes', len(items) - _MOST_PLACES)}"] if len(items) > _MOST_PLACES else []
    return ["", f"**{words('page.excluded')}**", "", *items[:_MOST_PLACES], *more]
