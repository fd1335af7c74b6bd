"""The episodes of a dataset: level, length, worst finding, numbers of findings; filtered and ordered in the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from embodied_kit.model.report import Finding
from embodied_kit.model.rule import LEVELS
from embodied_validators.report.group import group_findings
from embodied_validators.report.html.filters import filter_bar, shown_count
from embodied_validators.report.html.findings import Sources
from embodied_validators.report.html.markup import Child, Markup, both, element, text, texts
from embodied_validators.report.info import EpisodeInfo
from embodied_validators.report.quantity import duration_text
from embodied_validators.report.words import term

_MOST_EPISODES = 500
_COLUMNS = ("episode", "reached", "worst", "failed", "undecided", "warned", "duration", "outcome", "task")
_NUMERIC = frozenset({"failed", "undecided", "warned", "duration"})


@dataclass(frozen=True)
class _Counts:
    """What was found in one episode.

    Attributes:
        undecided: Error rules that could not be decided.
        worst: Rule of the worst finding; empty for none.
        tone: How bad that is: failed, undetermined, warning or info.
    """

    failed: int = 0
    undecided: int = 0
    warned: int = 0
    worst: str = ""
    tone: str = ""


def episodes_section(source: Sources, drawn: Sequence[str]) -> Markup | None:
    """Every episode with the level it reaches; those drawn below are links.

    Args:
        source: Report, rules and episodes.
        drawn: Ids of the episodes that the page draws, in order.
    """
    episodes = source.info.episodes
    if not episodes or source.report.subject_kind == "bare":
        return None
    found = _counts(source)
    ordered = sorted(episodes, key=lambda item: _badness(found.get(item.episode_id, _Counts())))
    kept = {item.episode_id for item in ordered[:_MOST_EPISODES]}
    rows = [item for item in episodes if item.episode_id in kept]
    cut = both(lambda words: words("episode.more_rows", shown=len(rows), total=len(episodes)))
    return element(
        "section",
        {"id": "episodes", "data-filtered": True},
        element("h2", None, text("page.episodes"), shown_count("filter.episodes", len(rows))),
        _drawn_note(source, drawn),
        filter_bar(_properties(source, rows)) if len(rows) > 1 else None,
        element("div", "scroll", _table(source, rows, drawn, found)),
        element("p", "muted", cut) if len(rows) < len(episodes) else None,
    )


def _drawn_note(source: Sources, drawn: Sequence[str]) -> Markup | None:
    total = len(source.info.episodes)
    if len(drawn) >= total:
        return None
    return element(
        "p",
        "muted small",
        both(
            lambda words: words("episode.not_shown", shown=len(drawn), total=total, how=words("episode.not_shown_how"))
        ),
    )


def _counts(source: Sources) -> Mapping[str, _Counts]:
    by_episode: dict[str, list[Finding]] = {}
    for finding in source.report.findings:
        by_episode.setdefault(finding.place.episode, []).append(finding)
    undecided = _undecided(source)
    return {
        episode: _count(by_episode.get(episode, ()), undecided.get(episode, 0))
        for episode in {*by_episode, *undecided}
        if episode
    }


def _undecided(source: Sources) -> Mapping[str, int]:
    """Scope -> error rules left undecided in it, also where checks were not carried out and there is no finding."""
    known: dict[int, int] = {}
    found: dict[str, int] = {}
    for scope, said in source.report.outcomes.by_scope.items():
        if id(said) not in known:
            known[id(said)] = sum(item.severity == "error" and "undetermined" in item.states.values() for item in said)
        if known[id(said)]:
            found[scope] = known[id(said)]
    return found


def _count(findings: Sequence[Finding], undecided: int) -> _Counts:
    if not findings:
        return _Counts(undecided=undecided)
    worst = group_findings(findings)[0]
    failed = sum(item.state == "failed" and item.severity == "error" for item in findings)
    warned = sum(item.state == "failed" and item.severity != "error" for item in findings)
    tone = worst.severity if worst.state == "failed" and worst.severity != "error" else worst.state
    return _Counts(failed, undecided, warned, worst.rule_id, tone)


def _badness(counts: _Counts) -> tuple[int, int, int]:
    return -counts.failed, -counts.undecided, -counts.warned


def _properties(source: Sources, episodes: Sequence[EpisodeInfo]) -> Mapping[str, Sequence[tuple[str, Child]]]:
    levels = sorted({_level(source, item.episode_id) for item in episodes})
    outcomes = sorted({item.outcome for item in episodes})
    return {
        "level": [(level, _level_name(level)) for level in levels],
        "outcome": [(outcome, texts(term("outcome", outcome)) if outcome else "–") for outcome in outcomes],
    }


def _level(source: Sources, episode: str) -> str:
    """Level that an episode reaches; `none`, or `excluded`."""
    if episode in source.report.excluded:
        return "excluded"
    return source.report.levels.get(episode) or "none"


def _level_name(level: str) -> Child:
    if level == "excluded":
        return text("page.excluded_mark")
    return level if level in LEVELS else text("level.none")


def _table(
    source: Sources, episodes: Sequence[EpisodeInfo], drawn: Sequence[str], found: Mapping[str, _Counts]
) -> Markup:
    head = element("tr", None, *map(_head, _COLUMNS))
    rows = [_row(source, item, drawn, found.get(item.episode_id, _Counts())) for item in episodes]
    return element(
        "table", {"class": "wide", "data-sortable": True}, element("thead", None, head), element("tbody", None, *rows)
    )


def _head(name: str) -> Markup:
    button = element("button", {"type": "button", "data-sort": True}, text(f"column.{name}"))
    return element("th", {"scope": "col", "class": "num" if name in _NUMERIC else ""}, button)


def _row(source: Sources, episode: EpisodeInfo, drawn: Sequence[str], counts: _Counts) -> Markup:
    level = _level(source, episode.episode_id)
    cells: Sequence[tuple[str, Child]] = (
        (episode.episode_id, _name(source, episode.episode_id, drawn)),
        (level, element("span", f"level {level}", _level_name(level))),
        (counts.worst, _worst(source, counts)),
        (str(counts.failed), _number(counts.failed, "failed")),
        (str(counts.undecided), _number(counts.undecided, "undetermined")),
        (str(counts.warned), _number(counts.warned, "warned")),
        (f"{episode.duration_s or 0:.3f}", _duration(episode.duration_s)),
        (episode.outcome, texts(term("outcome", episode.outcome)) if episode.outcome else "–"),
        (episode.title, episode.title or "–"),
    )
    return element(
        "tr",
        {"data-row": True, "data-level": level, "data-outcome": episode.outcome},
        *(
            element("td", {"data-key": key, "class": "num" if name in _NUMERIC else ""}, shown)
            for name, (key, shown) in zip(_COLUMNS, cells, strict=True)
        ),
    )


def _name(source: Sources, episode: str, drawn: Sequence[str]) -> Markup:
    short = element("code", {"title": episode}, source.short.get(episode, episode))
    return element("a", {"href": f"#episode-{drawn.index(episode)}"}, short) if episode in drawn else short


def _worst(source: Sources, counts: _Counts) -> Child:
    if not counts.worst:
        return "–"
    rule = source.rules.get(counts.worst)
    link = element("a", {"href": f"#rule-{counts.worst}"}, element("code", None, counts.worst))
    name = element("span", None, " ", texts(rule.title)) if rule else None
    return element("span", f"badge {counts.tone}", link, name)


def _number(n: int, tone: str) -> Markup:
    return element("span", tone if n else "none", str(n or "·"))


def _duration(seconds: float | None) -> Child:
    return "–" if seconds is None else both(lambda words: duration_text(seconds, words.lang))
