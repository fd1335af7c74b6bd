"""Findings grouped by rule, worst first, and the verdict in parts: what every rendering says in its own way."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from embodied_kit.model.outcomes import Said
from embodied_kit.model.report import Finding, Outcome, Report, State
from embodied_kit.model.rule import LEVELS, Level
from embodied_validators.report.info import as_integer

Standing: TypeAlias = State | Literal["warned"]
"""State of a rule; a warning or an information that failed is `warned`."""
STANDINGS: tuple[Standing, ...] = ("failed", "warned", "undetermined", "waived", "passed", "not_applicable")
_STATE_ORDER: tuple[State, ...] = ("failed", "undetermined", "waived", "passed", "not_applicable")
_KIND_ORDER = (
    ("error", "failed"),
    ("error", "undetermined"),
    ("warning", "failed"),
    ("info", "failed"),
    ("warning", "undetermined"),
    ("info", "undetermined"),
)
_BLOCKING_KINDS = 2
_LOWER_IS_WORSE = frozenset({"min", "above"})


@dataclass(frozen=True)
class Group:
    """What one rule has to say about the whole subject.

    Attributes:
        state: failed where any finding is, else undetermined.
        level: Lowest level that a finding of this state stands in the way of.
        findings: Findings of this state, worst first.
        undecided: Undetermined findings of a rule that also failed.
        episodes: Ids of the episodes concerned, in order of the worst finding.
        streams: Streams concerned, likewise.
        spans_n: Places in time behind the findings.
    """

    rule_id: str
    severity: str
    state: State
    level: Level
    findings: tuple[Finding, ...]
    undecided: tuple[Finding, ...]
    episodes: tuple[str, ...]
    streams: tuple[str, ...]
    spans_n: int

    @property
    def worst(self) -> Finding:
        """The finding that a single line shows."""
        return self.findings[0]

    @property
    def family(self) -> str:
        """`TM` of `TM-07`."""
        return self.rule_id.partition("-")[0]

    @property
    def reason(self) -> str:
        """The reason that all findings share; empty where they differ."""
        reasons = {finding.reason for finding in self.findings}
        return reasons.pop() if len(reasons) == 1 else ""


def group_findings(findings: Iterable[Finding], excluded: Collection[str] = ()) -> tuple[Group, ...]:
    """One group a rule, those that stand in the way of the lowest level first.

    Args:
        findings: Findings of a report.
        excluded: Episode ids whose findings do not count.
    """
    by_rule: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.place.episode not in excluded:
            by_rule.setdefault(finding.rule_id, []).append(finding)
    return tuple(sorted((_group(rule_id, found) for rule_id, found in by_rule.items()), key=_group_order))


def _group(rule_id: str, found: list[Finding]) -> Group:
    failed = sorted((item for item in found if item.state == "failed"), key=_worst_first)
    undecided = sorted((item for item in found if item.state == "undetermined"), key=_worst_first)
    shown = failed or undecided
    places = [item.place for item in shown]
    return Group(
        rule_id=rule_id,
        severity=shown[0].severity,
        state=shown[0].state,
        level=LEVELS[min(LEVELS.index(item.level) for item in shown)],
        findings=tuple(shown),
        undecided=tuple(undecided) if failed else (),
        episodes=tuple(dict.fromkeys(place.episode for place in places if place.episode)),
        streams=tuple(dict.fromkeys(place.stream for place in places if place.stream)),
        spans_n=sum(item.spans_n or (item.place.start_ns is not None) for item in shown),
    )


def _group_order(group: Group) -> tuple[bool, int, int, int, str]:
    kind, level = _KIND_ORDER.index((group.severity, group.state)), LEVELS.index(group.level)
    blocking = kind < _BLOCKING_KINDS
    first, second = (level, kind) if blocking else (kind, level)
    return not blocking, first, second, -len(group.findings), group.rule_id


def _worst_first(finding: Finding) -> tuple[int, float, str, str]:
    return LEVELS.index(finding.level), -_excess(finding), finding.place.episode, finding.place.stream


def _excess(finding: Finding) -> float:
    """How far a finding is beyond its limit; bigger is worse, only to be compared within one rule."""
    measured, required = _plain(finding.measured), _plain(finding.required)
    if measured is None or required is None:
        return 0.0
    if finding.comparator == "equal":
        return abs(measured - required)
    return required - measured if finding.comparator in _LOWER_IS_WORSE else measured - required


def _plain(value: object) -> float | None:
    if isinstance(value, str):
        number = as_integer(value)
        return None if number is None else float(number)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


@dataclass(frozen=True)
class Verdict:
    """Which level is reached and what stands in the way of the next one.

    Attributes:
        reached: Highest level reached; None below L1 or where no level is given.
        blocked: The next level, or for a bare file the first one that is in doubt; None where nothing is in the way.
        failed: Rules that failed at it.
        undecided: Rules that could not be decided at it.
        preview: The profile does not hold every rule, so its marks say preview.
        no_level: The subject can have none (a bare file or bag).
        withheld: None is given, since only a part was looked at or asked.
        waived: The level reached rests on waivers.
    """

    reached: Level | None
    blocked: Level | None
    failed: tuple[str, ...]
    undecided: tuple[str, ...]
    preview: bool
    no_level: bool
    withheld: bool = False
    waived: bool = False

    def mark(self, level: Level) -> str:
        """`L2-preview` under a preview profile, else `L2`."""
        return f"{level}-preview" if self.preview else level

    @property
    def focus(self) -> Level:
        """The level up to which a short report shows findings in full: the one at stake, at least L2."""
        return LEVELS[max(LEVELS.index(self.blocked or "L4"), LEVELS.index("L2"))]


@dataclass(frozen=True)
class Agreeing:
    """Scopes that one rule says the same about.

    Attributes:
        outcome: One of them.
        scopes_n: How many there are.
        checked: Rows and documents compared in all of them.
    """

    outcome: Outcome
    scopes_n: int
    checked: int


def agreeing(report: Report) -> tuple[Agreeing, ...]:
    """Outcomes of a report, excluded episodes left out, those with one rule and the same states together."""
    shared: dict[int, list[str]] = {}  # what is said alike in many scopes is kept once
    for scope, said in report.outcomes.by_scope.items():
        if scope not in report.excluded:
            shared.setdefault(id(said), []).append(scope)
    by_object: dict[tuple[str, int], _Alike] = {}
    for scopes in shared.values():
        for item in report.outcomes.by_scope[scopes[0]]:
            key = (item.rule_id, id(item.states))
            if key not in by_object:
                by_object[key] = _Alike(item, scopes[0])
            by_object[key].scopes_n += len(scopes)
            by_object[key].checked += item.checked * len(scopes)
    found: dict[tuple[str, tuple[str | None, ...]], list[_Alike]] = {}
    for (rule_id, _), alike in by_object.items():
        found.setdefault((rule_id, tuple(alike.said.states.get(level) for level in LEVELS)), []).append(alike)
    return tuple(map(_agreeing, found.values()))


@dataclass(slots=True)
class _Alike:
    """Scopes that share one object of states."""

    said: Said
    scope: str
    scopes_n: int = 0
    checked: int = 0


def _agreeing(alike: Sequence[_Alike]) -> Agreeing:
    said, scope = alike[0].said, alike[0].scope
    outcome = Outcome(said.rule_id, scope, said.severity, said.states, said.checked)
    return Agreeing(outcome, sum(item.scopes_n for item in alike), sum(item.checked for item in alike))


def verdict(report: Report, found: Sequence[Agreeing]) -> Verdict:
    """The verdict of a report in parts; `found` are its outcomes from `agreeing`."""
    blocked: Level | None = None
    failed: tuple[str, ...] = ()
    undecided: tuple[str, ...] = ()
    for level in LEVELS[LEVELS.index(report.level) + 1 if report.level else 0 :]:
        failed, undecided = _blocking(found, level, "failed"), _blocking(found, level, "undetermined")
        if failed or undecided:
            blocked = level
            break
    return Verdict(
        reached=report.level,
        blocked=blocked,
        failed=failed,
        undecided=tuple(rule_id for rule_id in undecided if rule_id not in failed),
        preview=report.profile.partition("@")[0].endswith("-preview"),
        no_level=report.subject_kind == "bare",
        withheld=report.partial or bool(report.selection),
        waived=report.level is not None and report.with_waivers(report.level),
    )


def _blocking(found: Iterable[Agreeing], level: Level, state: State) -> tuple[str, ...]:
    rules = {
        item.outcome.rule_id
        for item in found
        if item.outcome.severity == "error" and state_at(item.outcome, level) == state
    }
    return tuple(sorted(rules))


def state_at(outcome: Outcome, level: Level) -> State:
    """State of an outcome at a level or below; not_applicable where the rule starts higher."""
    states = [outcome.states[item] for item in LEVELS[: LEVELS.index(level) + 1] if item in outcome.states]
    worst = min(map(_STATE_ORDER.index, states), default=_STATE_ORDER.index("not_applicable"))
    return _STATE_ORDER[worst]


def rule_standings(found: Iterable[Agreeing], level: Level) -> Mapping[str, Standing]:
    """Rule -> how it stands over all scopes at a level, the worst one; rules that start higher are left out."""
    standings: dict[str, Standing] = {}
    for item in found:
        outcome = item.outcome
        begins = min((LEVELS.index(name) for name in outcome.states), default=len(LEVELS))
        if begins <= LEVELS.index(level):
            state = state_at(outcome, level)
            standing: Standing = "warned" if state == "failed" and outcome.severity != "error" else state
            known = standings.get(outcome.rule_id, standing)
            standings[outcome.rule_id] = STANDINGS[min(STANDINGS.index(known), STANDINGS.index(standing))]
    return standings


def tally(found: Iterable[Agreeing], level: Level) -> Mapping[Standing, int]:
    """Number of rules in each standing at a level; a rule counts once."""
    standings = list(rule_standings(found, level).values())
    return {standing: standings.count(standing) for standing in STANDINGS}


def is_ratio(measure: str) -> bool:
    """Whether a column is a share of one, which people read in per cent (`lost_ratio`, `clipped_ratio_p95`)."""
    return measure.endswith("_ratio") or "_ratio_" in measure


def short_ids(episode_ids: Iterable[str]) -> Mapping[str, str]:
    """Episode id -> `0192…c1d4`, with as much of the tail as tells them apart."""
    ids = list(dict.fromkeys(episode_ids))
    for tail in (4, 6, 8, 12):
        short = {item: _short(item, tail) for item in ids}
        if len(set(short.values())) == len(ids):
            return short
    return {item: item for item in ids}


def _short(text: str, tail: int) -> str:
    return text if len(text) <= tail + 5 else f"{text[:4]}…{text[-tail:]}"
