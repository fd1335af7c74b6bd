"""The report in a terminal: a line a rule that has something to say, worst first, what was not seen, the verdict."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from embodied_kit.language import Language, pick
from embodied_kit.model.report import Report
from embodied_kit.model.rule import LEVELS, Level, Rule
from embodied_validators.report.conditions import (
    limits_text,
    skipped_rules,
    skipped_where,
    skipped_why,
    waiver_text,
)
from embodied_validators.report.group import (
    Agreeing,
    Group,
    Verdict,
    agreeing,
    group_findings,
    short_ids,
    tally,
    verdict,
)
from embodied_validators.report.info import SubjectInfo
from embodied_validators.report.layout import Line, Piece, flow, paint
from embodied_validators.report.phrases import (
    bracketed,
    coverage_counts,
    depths,
    listed,
    measure_title,
    measured_text,
    needs_name,
    not_seen,
    not_seen_total,
    place_text,
    sentence_gap,
    time_text,
    verdict_text,
)
from embodied_validators.report.quantity import duration_text, shorten, visible
from embodied_validators.report.words import Words, reason_text

DEFAULT_WIDTH = 80
_LEAST_WIDTH = 40
_MOST_LINES = {"failed": 8, "undetermined": 5, "warning": 5, "info": 2}
_MOST_FIXES = 5
_MOST_REASONS = 4
_MOST_WAIVERS = 6
_LONGEST_TITLE = 34
_STYLES = {"failed": "bold red", "undetermined": "bold magenta", "warning": "yellow", "info": "cyan"}


@dataclass(frozen=True)
class _Page:
    """What every part of the text needs."""

    report: Report
    rules: Mapping[str, Rule]
    info: SubjectInfo
    words: Words
    width: int
    verdict: Verdict
    outcomes: Sequence[Agreeing]
    short: Mapping[str, str]

    def title(self, rule_id: str) -> str:
        rule = self.rules.get(rule_id)
        return shorten(visible(pick(rule.title, self.words.lang)), _LONGEST_TITLE) if rule else ""


def render_text(
    report: Report,
    rulebook: Mapping[str, Rule],
    lang: Language,
    width: int | None = None,
    colour: bool = False,
    *,
    info: SubjectInfo,
    level: Level | None = None,
) -> str:
    """The report for a terminal.

    Args:
        report: What the judge said.
        rulebook: Rule id -> rule, for titles and fixes.
        lang: en or zh.
        width: Columns; 80 where it is not known.
        colour: Whether to style with ANSI sequences.
        info: Name, episodes and duration of the subject.
        level: Show findings up to this level in full; the level at stake where it is None.
    """
    found = agreeing(report)
    judged = verdict(report, found)
    page = _Page(
        report=report,
        rules=rulebook,
        info=info,
        words=Words(lang),
        width=max(width or DEFAULT_WIDTH, _LEAST_WIDTH),
        verdict=judged,
        outcomes=found,
        short=short_ids([item.episode_id for item in info.episodes] + [item.place.episode for item in report.findings]),
    )
    focus = level or judged.focus
    groups = group_findings(report.findings, report.excluded)
    near = [group for group in groups if LEVELS.index(group.level) <= LEVELS.index(focus)]
    far = [group for group in groups if group not in near]
    found_lines = [*_findings(page, near), *_skipped(page, focus)] or [[Piece(page.words("nothing_found"))]]
    lines = [*_header(page), [], *found_lines, *_later(page, far), *_closing(page, focus)]
    return paint(lines, colour=colour)


def _header(page: _Page) -> list[Line]:
    words, info = page.words, page.info
    pieces = [Piece(visible(info.name), "bold"), Piece(words.count("episodes", info.episodes_n))]
    if info.duration_s is not None:
        pieces.append(Piece(duration_text(info.duration_s, words.lang)))
    pieces.append(Piece(words("profile", name=visible(page.report.profile)), "dim"))
    return flow(pieces, page.width, 2)


def _findings(page: _Page, groups: Sequence[Group]) -> list[Line]:
    if not groups:
        return []
    lines: list[Line] = []
    titles = max((cell_len(page.title(group.rule_id)) for group in groups), default=0)
    counts = max(cell_len(_count(page, group)) for group in groups)
    failed = [group for group in groups if group.severity == "error" and group.state == "failed"]
    for index, group in enumerate(failed[: _MOST_LINES["failed"]]):
        lines += _rule_line(page, group, titles, counts)
        if index < _MOST_FIXES:
            lines += _fix(page, group)
    lines += _rest(page, "failed", failed[_MOST_LINES["failed"] :])
    lines += _undecided(page, [group for group in groups if group.state == "undetermined"], titles, counts)
    for severity in ("warning", "info"):
        found = [group for group in groups if group.severity == severity and group.state == "failed"]
        for group in found[: _MOST_LINES[severity]]:
            lines += _rule_line(page, group, titles, counts)
        lines += _rest(page, severity, found[_MOST_LINES[severity] :])
    return lines


def _label(page: _Page, kind: str) -> Piece:
    words = page.words
    column = max(cell_len(words(f"label.{name}")) for name in (*_STYLES, "later"))
    return Piece(words(f"label.{kind}"), _STYLES.get(kind, "dim"), column)


def _indent(page: _Page) -> int:
    return _label(page, "later").width + 2


def _rule_line(page: _Page, group: Group, titles: int, counts: int) -> list[Line]:
    kind = "failed" if group.severity == "error" else group.severity
    finding = group.worst
    measured, required = measured_text(finding, page.words, page.rules.get(group.rule_id))
    pieces = [
        _label(page, kind),
        Piece(group.rule_id, "bold", 5),
        Piece(page.title(group.rule_id), "", titles),
        Piece(_count(page, group), "", counts),
    ]
    pieces += [Piece(text) for text in (_what(page, group, measured, required), _where(page, group)) if text]
    if group.undecided:
        pieces.append(Piece(page.words("also_undecided", n=len(group.undecided)), "dim"))
    return flow([piece for piece in pieces if piece.text], page.width, _indent(page))


def _what(page: _Page, group: Group, measured: str, required: str) -> str:
    """`/cam_front 6.2 % (limit 5 % at L2)`, or a place and the reason."""
    finding = group.worst
    if required and finding.level != page.verdict.blocked:
        required = page.words("at_level", requirement=required, level=finding.level)
    against = bracketed(measured, required, page.words) if measured else required
    if against and needs_name(finding):
        name = pick(measure_title(finding.measure, page.rules.get(group.rule_id)), page.words.lang)
        against = f"{name} {against}".strip()
    reason = shorten(visible(reason_text(finding.reason, page.words.lang)), 100) if not against else ""
    return "  ".join(part for part in (place_text(finding.place), against or reason) if part)


def _where(page: _Page, group: Group) -> str:
    place = group.worst.place
    episode = page.short.get(place.episode, "") if page.info.episodes_n > 1 else ""
    span = time_text(place, page.info)
    if episode and span:
        return page.words("at_places", episode=visible(episode), span=span)
    return span or (page.words("in_episode", episode=visible(episode)) if episode else "")


def _count(page: _Page, group: Group) -> str:
    words = page.words
    parts = []
    if len(group.episodes) > 1 or (group.episodes and page.report.subject_kind == "dataset"):
        parts.append(words.count("episodes", len(group.episodes)))
    if group.spans_n > 1:
        parts.append(words.count("spans", group.spans_n))
    elif len(group.streams) > 1:
        parts.append(words.count("streams", len(group.streams)))
    elif len(group.findings) > max(1, len(group.episodes)):
        parts.append(words.count("places", len(group.findings)))
    return ("，" if words.lang == "zh" else ", ").join(parts)


def _fix(page: _Page, group: Group) -> list[Line]:
    rule = page.rules.get(group.rule_id)
    advice = _first_sentence(visible(pick(rule.fix, page.words.lang)), page.words.lang) if rule else ""
    command = f"`embodied-kit rules explain {group.rule_id}`"
    joined = f"-> {advice}{'；' if page.words.lang == 'zh' else '; '}{command}" if advice else f"-> {command}"
    indent = " " * _indent(page)
    lines = flow([Piece(joined, "dim")], page.width - _indent(page), 3)
    return [[Piece(indent), *line] for line in lines]


def _first_sentence(text: str, lang: Language) -> str:
    parts = re.split(r"[。；]" if lang == "zh" else r"[.;](?:\s|$)", text, maxsplit=1)
    return parts[0].strip()


def _undecided(page: _Page, groups: Sequence[Group], titles: int, counts: int) -> list[Line]:
    """Undetermined rules, those that block a level first; those that share their reason share a line."""
    words = page.words
    by_reason: dict[str, list[Group]] = {}
    for group in sorted(groups, key=lambda group: group.severity != "error"):
        by_reason.setdefault(group.reason or group.rule_id, []).append(group)
    lines: list[Line] = []
    shown = list(by_reason.values())[: _MOST_LINES["undetermined"]]
    for same in shown:
        head = same[0]
        pieces = [_label(page, "undetermined"), Piece(head.rule_id, "bold", 5)]
        if len(same) == 1:
            pieces += [Piece(page.title(head.rule_id), "", titles), Piece(_count(page, head), "", counts)]
        else:
            pieces[1] = Piece(listed([group.rule_id for group in same], words, 8), "bold")
        pieces.append(Piece(_undecided_why(page, head, alone=len(same) == 1)))
        lines += flow([piece for piece in pieces if piece.text], page.width, _indent(page))
    rest = [group for same in list(by_reason.values())[len(shown) :] for group in same]
    return lines + _rest(page, "undetermined", rest)


def _undecided_why(page: _Page, group: Group, *, alone: bool) -> str:
    lang = page.words.lang
    reasons = list(dict.fromkeys(finding.reason for finding in group.findings))
    place = place_text(group.worst.place) if alone else ""
    reason = shorten(visible(reason_text(reasons[0], lang)), 100)
    text = (
        page.words("not_decided", reason=reason)
        if len(reasons) == 1
        else page.words("not_decided_many", n=len(reasons), reason=reason)
    )
    return "  ".join(part for part in (place, text) if part)


def _rest(page: _Page, kind: str, groups: Sequence[Group]) -> list[Line]:
    if not groups:
        return []
    rules = listed([group.rule_id for group in groups], page.words, 12)
    text = page.words("more_rules", n=len(groups), rules=rules)
    return flow([_label(page, kind), Piece(text)], page.width, _indent(page))


def _skipped(page: _Page, focus: Level) -> list[Line]:
    """Checks that one cause made impossible: a line a cause, those that stand in the way first."""
    wanted = [item for item in page.report.skipped if item.level <= focus]
    lines: list[Line] = []
    for item in sorted(wanted, key=lambda item: (item.level, -len(item.rules)))[: _MOST_LINES["undetermined"]]:
        pieces = [
            _label(page, "undetermined"),
            Piece(skipped_rules(item, page.words), "bold"),
            Piece(page.words("not_checked", reason=skipped_why(item, page.words))),
            Piece(skipped_where(item, page.words)),
        ]
        lines += flow([piece for piece in pieces if piece.text], page.width, _indent(page))
    rest = wanted[_MOST_LINES["undetermined"] :]
    if rest:
        rules = sorted({rule for item in rest for rule in item.rules})
        text = page.words("more_rules", n=len(rules), rules=listed(rules, page.words, 12))
        lines += flow([_label(page, "undetermined"), Piece(text)], page.width, _indent(page))
    return lines


def _later(page: _Page, groups: Sequence[Group]) -> list[Line]:
    """One line a level above the one at stake: which error rules stand in its way."""
    lines: list[Line] = []
    for level in LEVELS:
        rules = [group.rule_id for group in groups if group.level == level and group.severity == "error"]
        if rules:
            text = page.words("later_failed", level=level, rules=listed(sorted(rules), page.words, 10))
            lines += flow([_label(page, "later"), Piece(text, "dim")], page.width, _indent(page))
    return lines


def _closing(page: _Page, focus: Level) -> list[Line]:
    words, judged = page.words, page.verdict
    counts = tally(page.outcomes, focus)
    lines: list[Line] = [[]]
    lines += flow([Piece(_not_seen_text(page), "dim")], page.width, 2)
    lines += _excluded(page)
    lines += _waivers(page)
    if limited := limits_text(page.report, words):
        lines += flow([Piece(limited, "bold")], page.width, 2)
    text = words("tally", level=focus, **{state: counts[state] for state in counts})
    lines += flow([Piece(text, "dim")], page.width, 2)
    style = "bold green" if judged.blocked is None else "bold"
    pieces = [Piece(verdict_text(judged, words), style)]
    if page.info.report_path:
        pieces.append(Piece(words("report_at", path=visible(page.info.report_path))))
    return lines + flow(pieces, page.width, 2, gap=2 if sentence_gap(words) else 1)


def _waivers(page: _Page) -> list[Line]:
    words, uses = page.words, page.report.waivers
    shown = [words("waived", what=waiver_text(use, words)) for use in uses[:_MOST_WAIVERS]]
    if len(uses) > _MOST_WAIVERS:
        shown.append(words("waived", what=words("detail.more_places", n=len(uses) - _MOST_WAIVERS)))
    return [line for text in shown for line in flow([Piece(text, "dim")], page.width, 2)]


def _not_seen_text(page: _Page) -> str:
    """Places not seen, those with one reason together, and how deep the measurement went."""
    words, lang = page.words, page.words.lang
    by_reason: dict[str, list[str]] = {}
    for place in not_seen(page.report):
        path = visible(place.path).replace(f"/{place.episode}/", f"/{page.short.get(place.episode, place.episode)}/")
        by_reason.setdefault(place.reason, []).append(path)
    parts = [words("depth", depth=depth) for depth in depths(page.report)]
    for reason, paths in list(by_reason.items())[:_MOST_REASONS]:
        name = shorten(paths[0], 50)
        place_name = words("place_and_more", place=name, n=len(paths) - 1) if len(paths) > 1 else name
        parts.append(bracketed(place_name, visible(reason_text(reason, lang)), words))
    untold = not_seen_total(page.report) - sum(len(paths) for paths in list(by_reason.values())[:_MOST_REASONS])
    if untold > 0:
        parts.append(words.count("places", untold))
    if parts:
        return words("not_seen", what=("；" if lang == "zh" else "; ").join(parts))
    return words("not_seen_none" if coverage_counts(page.report) else "not_counted")


def _excluded(page: _Page) -> list[Line]:
    lines: list[Line] = []
    excluded = list(page.report.excluded.items())
    for episode, reason in excluded[:3]:
        n = sum(1 for finding in page.report.findings if finding.place.episode == episode)
        text = page.words(
            "excluded",
            episode=visible(page.short.get(episode, episode)),
            reason=visible(reason),
            findings=page.words.count("findings", n),
        )
        lines += flow([Piece(text, "dim")], page.width, 2)
    if rest := [visible(page.short.get(episode, episode)) for episode, _ in excluded[3:]]:
        lines += flow([Piece(page.words("excluded_more", episodes=listed(rest, page.words, 8)), "dim")], page.width, 2)
    return lines
