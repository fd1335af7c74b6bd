"""What one rule found in one scope, level by level, before it becomes an outcome."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from embodied_kit.model.report import Finding, Outcome, Place, State
from embodied_kit.model.rule import LEVELS, Level, Rule, Severity

STATES: tuple[State, ...] = ("not_applicable", "passed", "undetermined", "failed")  # a worse one wins
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")
RANK: Mapping[str, int] = {state: rank for rank, state in enumerate(STATES)}


@dataclass(slots=True)
class Tally:
    """Worst state at each level (index into STATES), rows compared, one finding for each place and cause."""

    ranks: list[int] = field(default_factory=lambda: [0] * len(LEVELS))
    checked: int = 0
    checked_from: int = len(LEVELS)
    by_place: dict[tuple[Place, str, str], Finding] = field(default_factory=dict)

    def compared(self, first: int) -> None:
        """A row that was compared, from a level on: passed there unless a finding says otherwise."""
        self.checked += 1
        self.checked_from = min(self.checked_from, first)

    def found(self, finding: Finding, missed: range | list[int]) -> None:
        """A finding, and the levels (indices) that it stands in the way of."""
        rank = RANK[finding.state]
        for index in missed:
            self.ranks[index] = max(self.ranks[index], rank)
        detail = finding.measure if finding.state == "failed" else finding.reason
        key = (finding.place, detail, finding.state)
        if key not in self.by_place or finding.level < self.by_place[key].level:
            self.by_place[key] = finding

    @property
    def findings(self) -> Iterable[Finding]:
        """Findings; what failed at a place hides what could not be judged there."""
        failed = {place for place, _, state in self.by_place if state == "failed"}
        return (item for item in self.by_place.values() if item.state == "failed" or item.place not in failed)

    @property
    def failed(self) -> bool:
        """Whether anything failed."""
        return RANK["failed"] in self.ranks


def outcome(rule: Rule, scope: str, tally: Tally, earlier: Outcome | None = None) -> Outcome:
    """Outcome of a tally, merged with what an earlier unit said about the same rule and scope."""
    ranks = tuple(max(rank, int(index >= tally.checked_from)) for index, rank in enumerate(tally.ranks))
    if earlier is not None:
        ranks = tuple(
            max(rank, RANK[earlier.states.get(level, "not_applicable")])
            for level, rank in zip(LEVELS, ranks, strict=True)
        )
    severities = [rule.severity, *(finding.severity for finding in tally.findings)]  # a check may only raise it
    if earlier is not None:
        severities.append(earlier.severity)
    checked = tally.checked + (earlier.checked if earlier is not None else 0)
    severity = min(severities, key=SEVERITIES.index)
    return Outcome(rule.rule_id, scope, severity, _states(LEVELS.index(rule.level), ranks), checked)


@functools.lru_cache(maxsize=4096)
def _states(first: int, ranks: tuple[int, ...]) -> Mapping[Level, State]:
    """Level -> state; the same few mappings are shared by hundreds of thousands of outcomes."""
    return {LEVELS[index]: STATES[ranks[index]] for index in range(first, len(LEVELS))}
