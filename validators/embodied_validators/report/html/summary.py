"""The parts of the page around findings and plots: verdict, levels, families, coverage, episodes, digests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from embodied_kit.model.report import Report
from embodied_kit.model.rule import LEVELS, Level
from embodied_validators.report.group import (
    STANDINGS,
    Agreeing,
    Standing,
    Verdict,
    agreeing,
    rule_standings,
    tally,
    verdict,
)
from embodied_validators.report.html.markup import Child, Markup, both, element, join, text, texts
from embodied_validators.report.info import SubjectInfo
from embodied_validators.report.phrases import (
    NotSeen,
    coverage_counts,
    depths,
    not_seen,
    not_seen_total,
    verdict_text,
)
from embodied_validators.report.quantity import duration_text
from embodied_validators.report.words import reason_text, term

_MOST_NOT_SEEN = 60


def summary_section(report: Report, info: SubjectInfo) -> Markup:
    """The verdict, the ladder of levels, what was judged, and the rules by family."""
    found = agreeing(report)
    judged = verdict(report, found)
    tone = "failed" if judged.failed else "undetermined" if judged.undecided else "passed"
    title = texts(info.title) if info.title else None
    return element(
        "section",
        {"id": "summary"},
        element("p", "subtitle", title) if title else None,
        element("p", f"verdict {tone}", both(lambda words: verdict_text(judged, words, most=12))),
        element("ol", "ladder", *(_step(found, judged, level) for level in LEVELS)),
        element("div", "columns", _facts(report, info, found), _families(found, judged.focus)),
    )


def _step(found: Sequence[Agreeing], judged: Verdict, level: Level) -> Markup:
    reached = judged.reached is not None and LEVELS.index(level) <= LEVELS.index(judged.reached)
    state = "passed" if reached else "unknown" if judged.no_level or judged.withheld else "failed"
    word = {"passed": "level.reached", "unknown": "level.unknown", "failed": "level.blocked"}[state]
    counts = tally(found, level)
    numbers = [
        element("span", f"count {name}", str(counts[name]), " ", _standing(name))
        for name in STANDINGS
        if counts[name] and name != "not_applicable"
    ]
    return element(
        "li",
        f"step {state}",
        element("b", None, level),
        element("span", "name", texts(term("level", level))),
        element("span", "reach", text(word)),
        element("span", "counts", *numbers),
    )


def _standing(standing: Standing) -> Markup:
    return text("standing.warned") if standing == "warned" else texts(term("verdict_state", standing))


def _facts(report: Report, info: SubjectInfo, found: Sequence[Agreeing]) -> Markup:
    rules_n = len({item.outcome.rule_id for item in found})
    duration = None if info.duration_s is None else info.duration_s
    rows: list[tuple[str, Child]] = [
        ("field.subject", texts(term("subject_kind", report.subject_kind))),
        ("field.profile", element("code", None, report.profile)),
        ("field.rules", str(rules_n)),
        ("field.episodes", str(info.episodes_n)),
        ("field.duration", "–" if duration is None else both(lambda words: duration_text(duration, words.lang))),
    ]
    rows += [("field.judged_at", info.judged_at)] if info.judged_at else []
    rows += [("field.tool", info.tool)] if info.tool else []
    cells = [join(element("dt", None, text(name)), element("dd", "num", value)) for name, value in rows]
    return element("dl", "facts", *cells)


def _families(found: Sequence[Agreeing], level: Level) -> Markup:
    """Rules of each family by state, at the level at stake."""
    by_family: dict[str, Counter[Standing]] = {}
    for rule_id, state in rule_standings(found, level).items():
        by_family.setdefault(rule_id.partition("-")[0], Counter())[state] += 1
    head = element(
        "tr",
        None,
        element("th", {"scope": "col"}, text("column.family"), f" ≤ {level}"),
        *(element("th", {"scope": "col", "class": "num"}, _standing(state)) for state in STANDINGS),
    )
    rows = [_family(name, counts) for name, counts in sorted(by_family.items())]
    return element("table", "families", element("thead", None, head), element("tbody", None, *rows))


def _family(name: str, counts: Counter[Standing]) -> Markup:
    cells = [
        element("td", f"num {state if counts[state] else 'none'}", str(counts[state] or "·")) for state in STANDINGS
    ]
    return element("tr", None, element("th", {"scope": "row"}, element("code", None, name)), *cells)


def coverage_section(report: Report, short: Mapping[str, str]) -> Markup:
    """Counts of what was seen, the places that were not, and the excluded episodes."""
    return element(
        "section",
        {"id": "coverage"},
        element("h2", None, text("page.coverage")),
        element(
            "div",
            "columns",
            _coverage_table(report),
            element("div", None, _not_seen(report, short), _excluded(report, short)),
        ),
    )


def _coverage_table(report: Report) -> Markup:
    counts = coverage_counts(report)
    if not counts:
        return element("p", "muted", text("not_counted"))
    rows = [
        element(
            "tr", None, element("th", {"scope": "row"}, text(f"coverage.{aspect}")), element("td", "num", str(count))
        )
        for aspect, count in counts.items()
    ]
    deeper = [element("p", "muted", _deeper(depth)) for depth in depths(report)]
    return element("div", None, element("table", "coverage", element("tbody", None, *rows)), *deeper)


def _deeper(depth: str) -> Markup:
    return both(lambda words: words("not_seen", what=words("depth", depth=depth)))


def _not_seen(report: Report, short: Mapping[str, str]) -> Markup:
    places = not_seen(report)[:_MOST_NOT_SEEN]
    title = element("h5", None, text("page.not_seen"))
    if not places:
        return join(title, element("p", "muted", text("not_seen_none" if coverage_counts(report) else "not_counted")))
    items = [_not_seen_item(place, short) for place in places]
    rest = not_seen_total(report) - len(places)
    more = element("p", "muted", text("detail.more_places", n=rest)) if rest > 0 else None
    return join(title, element("ul", "plain", *items), more)


def _not_seen_item(place: NotSeen, short: Mapping[str, str]) -> Markup:
    episode = short.get(place.episode, place.episode)
    return element(
        "li",
        None,
        element("code", {"title": place.episode}, episode) if episode else None,
        " ",
        element("code", None, place.path),
        " ",
        element("span", "muted", both(lambda words: reason_text(place.reason, words.lang))),
    )


def _excluded(report: Report, short: Mapping[str, str]) -> Markup | None:
    if not report.excluded:
        return None
    items = [
        element("li", None, element("code", {"title": episode}, short.get(episode, episode)), " ", reason)
        for episode, reason in report.excluded.items()
    ]
    return join(element("h5", None, text("page.excluded")), element("ul", "plain", *items))


def evidence_section(report: Report) -> Markup:
    """Digests of what the report was computed from, and what the page is not."""
    rows = [
        element("tr", None, element("th", {"scope": "row"}, name), element("td", None, element("code", None, digest)))
        for name, digest in sorted(report.digests.items())
        if digest
    ]
    return element(
        "footer",
        None,
        element("h2", None, text("page.evidence")) if rows else None,
        element("p", "muted", text("page.evidence_note")) if rows else None,
        element("div", "scroll", element("table", "digests", element("tbody", None, *rows))) if rows else None,
        element("p", "muted", text("page.disclaimer")),
        element("noscript", None, element("p", None, text("page.no_script"))),
    )
