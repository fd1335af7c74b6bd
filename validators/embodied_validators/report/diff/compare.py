"""What differs between two reports; nothing is read and nothing is written here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, TypeVar

from embodied_kit.model.facts import DEPTHS
from embodied_kit.model.json import JsonValue
from embodied_kit.model.report import Finding, Report
from embodied_kit.model.rule import LEVELS, Level
from embodied_validators.report.fingerprint import by_fingerprint
from embodied_validators.report.group import Standing, agreeing, rule_standings
from embodied_validators.report.phrases import coverage_counts, not_seen_total

Tendency: TypeAlias = Literal["same", "better", "worse", "undecided"]
EXIT_CODES: Mapping[Tendency, int] = {"same": 0, "better": 0, "worse": 1, "undecided": 3}
Value = TypeVar("Value")
_COMPARED = ("state", "severity", "level", "measured", "required", "reason", "spans_n")
_HIGHEST = LEVELS[-1]


@dataclass(frozen=True)
class Named:
    """A finding and its fingerprint."""

    fingerprint: str
    finding: Finding


@dataclass(frozen=True)
class Change:
    """A finding that is in both reports and is not the same in both.

    Attributes:
        fields: Fields that differ.
    """

    fingerprint: str
    before: Finding
    after: Finding
    fields: tuple[str, ...]


@dataclass(frozen=True)
class Difference:
    """What differs between an earlier and a later report; findings in excluded episodes are left out.

    Attributes:
        levels: Scope -> level before and after, where they differ; the subject's own under an empty name.
        standings: Rule -> how it stood before and after, where that differs; None where it was not asked.
        settings: Profile, facts, context and the like -> before and after, where they differ.
        coverage: Aspect of what was seen -> number before and after, where they differ.
        excluded: Episode -> reason before and after, where they differ; empty for an episode that counts.
        waived: Findings of the earlier report that a waiver lets be in the later one; they are not gone.
        opened: Error rules that were decided and are undetermined now, by a finding or since they were skipped.
    """

    new: tuple[Named, ...]
    gone: tuple[Named, ...]
    changed: tuple[Change, ...]
    levels: Mapping[str, tuple[Level | None, Level | None]]
    standings: Mapping[str, tuple[Standing | None, Standing | None]]
    settings: Mapping[str, tuple[JsonValue, JsonValue]]
    coverage: Mapping[str, tuple[int, int]]
    excluded: Mapping[str, tuple[str, str]]
    waived: tuple[Named, ...] = ()
    opened: tuple[str, ...] = ()

    @property
    def tendency(self) -> Tendency:
        """Worse where a level fell or an error rule fails anew; undecided where less is known than before."""
        if self._worse():
            return "worse"
        if self._less_known():
            return "undecided"
        rose = any(_rank(after) > _rank(before) for before, after in self.levels.values())
        return "better" if self.gone or rose else "same"

    def _worse(self) -> bool:
        fell = any(_rank(after) < _rank(before) for before, after in self.levels.values())
        anew = [named.finding for named in self.new if named.finding.state == "failed"]
        harder = [
            item.after
            for item in self.changed
            if item.after.state == "failed" and (item.before.state != "failed" or item.after.level < item.before.level)
        ]
        return fell or any(finding.severity == "error" for finding in (*anew, *harder))

    def _less_known(self) -> bool:
        open_now = [named.finding for named in self.new if named.finding.state == "undetermined"]
        open_now += [
            item.after
            for item in self.changed
            if item.after.state == "undetermined" and item.before.state != "undetermined"
        ]
        unasked = any(after is None for _, after in self.standings.values())
        unseen, depth = self.coverage.get("not_seen", (0, 0)), self.coverage.get("depth", (0, 0))
        return (
            unasked
            or bool(self.opened)
            or self.settings.get("partial", (None, None))[1] is True
            or unseen[1] > unseen[0]
            or depth[1] < depth[0]
            or any(finding.severity == "error" for finding in open_now)
        )


def compare(before: Report, after: Report) -> Difference:
    """Hold a later report against an earlier one.

    Args:
        before: The earlier report.
        after: The later one.
    """
    old, new = by_fingerprint(_counted(before)), by_fingerprint(_counted(after))
    let_be = by_fingerprint([*_counted(after), *after.waived])
    missing = [Named(name, finding) for name, finding in old.items() if name not in new]
    return Difference(
        new=tuple(Named(name, finding) for name, finding in new.items() if name not in old),
        gone=tuple(named for named in missing if named.fingerprint not in let_be),
        changed=tuple(_changes(old, new)),
        levels=_levels(before, after),
        standings=_apart(_standings(before), _standings(after), None),
        settings=_apart(_settings(before), _settings(after), None),
        coverage=_apart(_seen(before), _seen(after), 0),
        excluded=_apart(before.excluded, after.excluded, ""),
        waived=tuple(named for named in missing if named.fingerprint in let_be),
        opened=_opened(before, after),
    )


def exit_code(differences: Iterable[Difference]) -> int:
    """1 where any is worse, else 3 where any is undecided, else 0."""
    codes = {EXIT_CODES[difference.tendency] for difference in differences}
    return next((code for code in (1, 3) if code in codes), 0)


def _counted(report: Report) -> Sequence[Finding]:
    return [finding for finding in report.findings if finding.place.episode not in report.excluded]


def _changes(old: Mapping[str, Finding], new: Mapping[str, Finding]) -> Iterable[Change]:
    for name, before in old.items():
        after = new.get(name)
        if after is not None:
            fields = tuple(item for item in _COMPARED if getattr(before, item) != getattr(after, item))
            if fields:
                yield Change(name, before, after, fields)


def _levels(before: Report, after: Report) -> Mapping[str, tuple[Level | None, Level | None]]:
    """Levels that differ, of scopes that both reports have and that count in both."""
    scopes = [scope for scope in before.levels if scope in after.levels]
    scopes = [scope for scope in scopes if scope not in before.excluded and scope not in after.excluded]
    given = [not (report.partial or report.selection) for report in (before, after)]
    pairs: dict[str, tuple[Level | None, Level | None]] = {"": (before.level, after.level)} if all(given) else {}
    pairs.update({scope: (before.levels[scope], after.levels[scope]) for scope in scopes})
    return {scope: pair for scope, pair in pairs.items() if pair[0] != pair[1]}


def _standings(report: Report) -> Mapping[str, Standing | None]:
    return dict(rule_standings(agreeing(report), _HIGHEST))


def _opened(before: Report, after: Report) -> tuple[str, ...]:
    """Error rules whose verdict was known before and is not known now."""
    first, second = (_standings_of_errors(report) for report in (before, after))
    return tuple(rule for rule, now in second.items() if now == "undetermined" and first.get(rule, now) != now)


def _standings_of_errors(report: Report) -> Mapping[str, Standing]:
    return rule_standings([item for item in agreeing(report) if item.outcome.severity == "error"], _HIGHEST)


def _settings(report: Report) -> Mapping[str, JsonValue]:
    limits: dict[str, JsonValue] = {"partial": True} if report.partial else {}
    if report.selection:
        limits["selection"] = report.selection
    return {
        "profile": report.profile,
        **limits,
        **{f"digest.{name}": digest for name, digest in report.digests.items()},
    }


def _seen(report: Report) -> Mapping[str, int]:
    """Numbers of what was seen; the depth as its place among the depths."""
    found = report.coverage.get("depths")
    depths = [DEPTHS.index(depth) for depth in found if depth in DEPTHS] if isinstance(found, list | tuple) else []
    return {**coverage_counts(report), "not_seen": not_seen_total(report), "depth": min(depths, default=0)}


def _apart(before: Mapping[str, Value], after: Mapping[str, Value], missing: Value) -> dict[str, tuple[Value, Value]]:
    """Name -> value before and after, where they differ."""
    names = dict.fromkeys([*before, *after])
    pairs = {name: (before.get(name, missing), after.get(name, missing)) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _rank(level: Level | None) -> int:
    return 0 if level is None else LEVELS.index(level) + 1
