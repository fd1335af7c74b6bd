"""The list of findings: a row a rule that opens to why, how to mend it, where the limit comes from, every place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from embodied_kit.language import pick
from embodied_kit.model.report import Finding, Report
from embodied_kit.model.rule import Check, Limit, LimitCheck, Rule
from embodied_validators.report.group import Group, group_findings, short_ids
from embodied_validators.report.html.filters import filter_bar, shown_count
from embodied_validators.report.html.markup import Child, Markup, both, element, join, text, texts
from embodied_validators.report.info import SubjectInfo
from embodied_validators.report.phrases import (
    measure_title,
    measured_text,
    needs_name,
    place_text,
    requirement_text,
    time_text,
)
from embodied_validators.report.quantity import shorten
from embodied_validators.report.words import Words, reason_text, term

_MOST_PLACES = 40


@dataclass(frozen=True)
class Sources:
    """What the rows are made from."""

    report: Report
    rules: Mapping[str, Rule]
    info: SubjectInfo
    short: Mapping[str, str]


def sources(report: Report, rules: Mapping[str, Rule], info: SubjectInfo) -> Sources:
    """Gather what the rows are made from, with a short name for every episode."""
    found = (*report.findings, *report.waived)
    ids = [item.episode_id for item in info.episodes] + [item.place.episode for item in found]
    return Sources(report, rules, info, short_ids(item for item in ids if item))


def findings_section(source: Sources) -> Markup:
    """The filters and the rows."""
    groups = group_findings(source.report.findings, source.report.excluded)
    if not groups:
        return element("section", {"id": "findings"}, element("h2", None, text("page.findings")), _nothing())
    heads = ("state", "rule", "title", "level", "where", "measured", "required")
    head = element(
        "div",
        {"class": "row head", "aria-hidden": "true"},
        *(element("span", f"c-{name}", text(f"column.{name}")) for name in heads),
    )
    return element(
        "section",
        {"id": "findings", "data-filtered": True},
        element("h2", None, text("page.findings"), shown_count("filter.shown", len(groups))),
        _filters(groups),
        element("div", {"class": "rows", "id": "rows"}, head, *(_row(source, group) for group in groups)),
    )


def _nothing() -> Markup:
    return element("p", None, text("nothing_found"))


def _filters(groups: Sequence[Group]) -> Markup:
    opener = element(
        "button",
        {"type": "button", "id": "open-all", "aria-pressed": "false"},
        element("span", "when-closed", text("filter.open_all")),
        element("span", "when-open", text("filter.close_all")),
    )
    properties: dict[str, Sequence[tuple[str, Child]]] = {
        "state": [(group.state, texts(term("verdict_state", group.state))) for group in groups],
        "severity": [(group.severity, texts(term("severity", group.severity))) for group in groups],
        "family": sorted((group.family, group.family) for group in groups),
    }
    return filter_bar(properties, opener)


def _row(source: Sources, group: Group) -> Markup:
    rule = source.rules.get(group.rule_id)
    return element(
        "details",
        {
            "class": f"row {group.state} {group.severity}",
            "id": f"rule-{group.rule_id}",
            "data-row": True,
            "data-state": group.state,
            "data-severity": group.severity,
            "data-family": group.family,
        },
        element("summary", None, *_cells(group, rule)),
        _detail(source, group, rule),
    )


def _cells(group: Group, rule: Rule | None) -> Sequence[Markup]:
    finding = group.worst
    named = group.severity == "error" or group.state == "undetermined"
    state = term("verdict_state", group.state) if named else term("severity", group.severity)
    counts = both(lambda words: _counts(group, rule, words))
    place = place_text(finding.place)
    return (
        element("span", "c-state", element("span", f"badge {_tone(group)}", texts(state))),
        element("span", "c-rule", element("code", None, group.rule_id)),
        element("span", "c-title", texts(rule.title) if rule else group.rule_id),
        element("span", "c-level", group.level),
        element(
            "span",
            "c-where",
            element("code", {"class": "place", "title": place}, shorten(place, 48)) if place else None,
            element("span", "muted", counts),
        ),
        *_numbers(finding, rule),
    )


def _numbers(finding: Finding, rule: Rule | None) -> Sequence[Markup]:
    """Measured and required; a reason takes the room of both where nothing was compared."""
    measured = both(lambda words: measured_text(finding, words, rule)[0])
    required = both(lambda words: measured_text(finding, words, rule)[1])
    if finding.reason and not measured.text and not required.text:
        reason = both(lambda words: shorten(reason_text(finding.reason, words.lang), 90))
        return (element("span", "c-reason", reason),)
    return (element("span", "c-measured num", measured), element("span", "c-required num", required))


def _tone(group: Group) -> str:
    if group.state == "undetermined":
        return "undetermined" if group.severity == "error" else "undetermined minor"
    return "failed" if group.severity == "error" else group.severity


def _counts(group: Group, rule: Rule | None, words: Words) -> str:
    parts = [words.count("episodes", len(group.episodes))] if group.episodes else []
    if group.spans_n:
        parts.append(words.count("spans", group.spans_n))
    elif len(group.findings) > max(1, len(group.episodes)):
        parts.append(words.count("findings", len(group.findings)))
    if needs_name(group.worst):
        parts.append(pick(measure_title(group.worst.measure, rule), words.lang))
    return words.join([part for part in parts if part])


def _detail(source: Sources, group: Group, rule: Rule | None) -> Markup:
    command = element("code", None, f"embodied-kit rules explain {group.rule_id}")
    if rule is None:
        return element("div", "detail", element("p", None, text("detail.unknown_rule")))
    return element(
        "div",
        "detail",
        element(
            "div",
            "prose",
            _prose("detail.why", rule.why),
            _prose("detail.fix", rule.fix),
            element("p", "muted small", command),
        ),
        _limits(rule),
        _places(source, group),
    )


def _prose(title: str, found: Mapping[str, str]) -> Markup:
    return join(element("h5", None, text(title)), element("p", None, texts(found)))


def _limits(rule: Rule) -> Markup:
    names = ("from_level", "measure", "required", "origin", "binding", "clause", "evidence", "as_of")
    head = element("tr", None, *(element("th", {"scope": "col"}, text(f"column.{name}")) for name in names))
    rows = [_limit_row(rule, check, level, limit) for check in rule.checks for level, limit in check.limits.items()]
    table = element("table", None, element("thead", None, head), element("tbody", None, *rows))
    return element("div", "limits", element("h5", None, text("detail.limits")), element("div", "scroll", table))


def _limit_row(rule: Rule, check: Check, level: str, limit: Limit) -> Markup:
    code = check.measure if isinstance(check, LimitCheck) else check.document
    title = texts(measure_title(check.measure, rule)) if isinstance(check, LimitCheck) else None
    cells = (
        level,
        join(title, " ", element("code", "muted", code)),
        both(lambda words: requirement_text(check, limit.value, words)),
        texts(term("limit_origin", limit.origin)),
        texts(term("binding", limit.binding)),
        limit.clause or "–",
        element("span", f"evidence {limit.evidence}", texts(term("evidence", limit.evidence))),
        limit.as_of or "–",
    )
    return element("tr", None, *(element("td", None, cell) for cell in cells))


def _places(source: Sources, group: Group) -> Markup:
    findings = (*group.findings, *group.undecided)
    names = ("episode", "where", "level", "measured", "required", "reason")
    head = element("tr", None, *(element("th", {"scope": "col"}, text(f"column.{name}")) for name in names))
    rule = source.rules.get(group.rule_id)
    rows = [_place_row(source, finding, rule) for finding in findings[:_MOST_PLACES]]
    rest = len(findings) - _MOST_PLACES
    more = element("p", "muted", text("detail.more_places", n=rest)) if rest > 0 else None
    table = element("table", None, element("thead", None, head), element("tbody", None, *rows))
    return element("div", "places", element("h5", None, text("detail.places")), element("div", "scroll", table), more)


def _place_row(source: Sources, finding: Finding, rule: Rule | None) -> Markup:
    place = finding.place
    episode = source.short.get(place.episode, place.episode)
    span = time_text(place, source.info)
    cells = (
        element(
            "td",
            None,
            element("code", {"title": place.episode}, episode) if episode else texts(term("subject_kind", "dataset")),
        ),
        element("td", None, element("code", None, place_text(place)), element("span", "num muted span", span)),
        element("td", None, finding.level),
        element("td", "num", both(lambda words: measured_text(finding, words, rule)[0])),
        element("td", "num", both(lambda words: measured_text(finding, words, rule)[1])),
        element("td", None, both(lambda words: reason_text(finding.reason, words.lang))),
    )
    return element("tr", None, *cells)
