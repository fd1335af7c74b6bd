"""The parts of the page about what limits the verdict: skipped checks, waivers, a sample, a choice of rules."""

from __future__ import annotations

from collections.abc import Sequence

from embodied_kit.model.report import Finding, Skipped, WaiverUse
from embodied_validators.report.conditions import limits_text, skipped_why, waiver_place, waiver_state
from embodied_validators.report.html.findings import Sources
from embodied_validators.report.html.markup import Child, Markup, both, element, join, text
from embodied_validators.report.phrases import place_text
from embodied_validators.report.quantity import shorten
from embodied_validators.report.sentence import finding_text

_MOST_SKIPPED = 40
_MOST_WAIVED = 60
_LONGEST_PLACE = 70


def limited_note(source: Sources) -> Markup | None:
    """That no level can be given, and why; None where one can."""
    if not source.report.partial and not source.report.selection:
        return None
    return element("p", "note", both(lambda words: limits_text(source.report, words)))


def skipped_section(source: Sources) -> Markup | None:
    """Checks that one cause made impossible, a row a cause."""
    items = sorted(source.report.skipped, key=lambda item: (item.level, -len(item.rules), item.reason))
    if not items:
        return None
    rest = len(items) - _MOST_SKIPPED
    rows = [_skipped_cells(source, item) for item in items[:_MOST_SKIPPED]]
    return element(
        "section",
        {"id": "skipped"},
        element("h2", None, text("page.skipped")),
        _table(("because", "level", "rules", "places"), rows),
        element("p", "muted", text("detail.more_places", n=rest)) if rest > 0 else None,
    )


def _skipped_cells(source: Sources, item: Skipped) -> Sequence[Child]:
    why = both(lambda words: skipped_why(item, words))
    known = item.cause and any(finding.rule_id == item.cause for finding in source.report.findings)
    places = [
        join(element("code", None, shorten(place_text(place) or place.episode, _LONGEST_PLACE)), " ")
        for place in item.places[:3]
    ]
    more = text("detail.more_places", n=item.places_n - len(places)) if item.places_n > len(places) else None
    return (
        element("a", {"href": f"#rule-{item.cause}"}, why) if known else why,
        item.level,
        element("code", "rules-list", " ".join(item.rules)),
        join(*places, element("span", "muted", more) if more else None),
    )


def waivers_section(source: Sources) -> Markup | None:
    """Every waiver and what it did, and the findings that were let be."""
    report = source.report
    if not report.waivers:
        return None
    names = ("rule", "where", "waiver", "findings", "reason", "who", "until")
    rest = len(report.waived) - _MOST_WAIVED
    listed = [element("li", None, _waived(source, finding)) for finding in report.waived[:_MOST_WAIVED]]
    return element(
        "section",
        {"id": "waivers"},
        element("h2", None, text("page.waivers")),
        element("p", "muted small", text("page.waivers_note")),
        _table(names, [_waiver_cells(use) for use in report.waivers]),
        element("h5", None, text("page.waived")) if listed else None,
        element("ul", "plain", *listed) if listed else None,
        element("p", "muted", text("detail.more_places", n=rest)) if rest > 0 else None,
    )


def _waiver_cells(use: WaiverUse) -> Sequence[Child]:
    waiver = use.waiver
    tone = "passed" if use.state == "used" and not use.broad else "warned"
    return (
        element("code", None, waiver.rule_id),
        element("code", None, waiver_place(waiver)) if waiver_place(waiver) else "–",
        element("span", tone, both(lambda words: waiver_state(use, words))),
        str(use.findings_n),
        waiver.reason,
        waiver.who,
        waiver.valid_until,
    )


def _waived(source: Sources, finding: Finding) -> Markup:
    rule = source.rules.get(finding.rule_id)
    episode = source.short.get(finding.place.episode, finding.place.episode)
    return join(
        element("code", None, finding.rule_id),
        " ",
        join(element("code", {"title": finding.place.episode}, episode), " ") if episode else None,
        both(lambda words: finding_text(finding, rule, source.info, words)),
    )


def _table(names: Sequence[str], rows: Sequence[Sequence[Child]]) -> Markup:
    head = element("tr", None, *(element("th", {"scope": "col"}, text(f"column.{name}")) for name in names))
    body = [element("tr", None, *(element("td", None, cell) for cell in row)) for row in rows]
    return element("div", "scroll", element("table", None, element("thead", None, head), element("tbody", None, *body)))
