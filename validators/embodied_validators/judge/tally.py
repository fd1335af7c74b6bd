"""What one rule found in one scope, level by level, before it becomes an outcome."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from embodied_kit.model.outcomes import State
from embodied_kit.model.report import Finding, Place
from embodied_kit.model.rule import LEVELS, Level, Severity

STATES: tuple[State, ...] = ("not_applicable", "passed", "waived", "undetermined", "failed")  # a worse one wins
RANK: Mapping[str, int] = {state: rank for rank, state in enumerate(STATES)}
Ranks = tuple[int, ...]
"""Index into STATES at each level."""
NOTHING: Ranks = (0,) * len(LEVELS)
_PASSED_FROM: tuple[Ranks, ...] = tuple(
    tuple(int(index >= first) for index in range(len(LEVELS))) for first in range(len(LEVELS) + 1)
)
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")
NOTHING_WORSE = len(SEVERITIES)
Cell = tuple[Ranks, int, int]
"""What one rule says about one scope: its state at each level, rows compared, index of the worst severity found."""
_STATE_ORDER = {"failed": 0, "undetermined": 1}


def passed_from(first: int) -> Ranks:
    """Passed from a level (index) on."""
    return _PASSED_FROM[first]


class Skip(NamedTuple):
    """A check that could not be carried out at a place, from which level on, and the rule that knows why."""

    cause: str
    reason: str
    place: Place
    first: int
    severity: Severity


class Settled(NamedTuple):
    """A tally that is complete.

    Attributes:
        worst: Index into SEVERITIES of the worst of what was found or skipped: a check may be worse than its rule.
    """

    ranks: Ranks
    worst: int
    findings: Sequence[Finding]
    waived: Sequence[Finding]


@dataclass(slots=True)
class Tally:
    """Rows compared, and what was found or skipped."""

    checked: int = 0
    checked_from: int = len(LEVELS)
    found_at: list[tuple[Finding, Sequence[int]]] = field(default_factory=list)
    skips: list[Skip] = field(default_factory=list)

    def compared(self, first: int, count: int = 1) -> None:
        """Rows that were compared, from a level on: passed there unless a finding says otherwise."""
        self.checked += count
        self.checked_from = min(self.checked_from, first)

    def found(self, finding: Finding, missed: Sequence[int]) -> None:
        """A finding, and the levels (indices) that it stands in the way of."""
        self.found_at.append((finding, missed))

    @property
    def failed(self) -> bool:
        """Whether anything failed."""
        return any(finding.state == "failed" for finding, _ in self.found_at)

    def settle(self, waives: Callable[[Finding], bool] | None = None) -> Settled:
        """State at each level, one finding for each place and cause, and those that are waived.

        Args:
            waives: Whether a finding is let be.
        """
        ranks = passed_from(self.checked_from)
        if not self.found_at and not self.skips:
            return Settled(ranks, NOTHING_WORSE, (), ())
        worst = list(ranks)
        for skip in self.skips:
            _raise(worst, range(skip.first, len(LEVELS)), "undetermined")
        for finding, missed in self.found_at:
            _raise(worst, missed, "waived" if waives is not None and waives(finding) else finding.state)
        kept: list[Finding] = []
        waived: list[Finding] = []
        for finding in self._distinct():
            (waived if waives is not None and waives(finding) else kept).append(finding)
        severities = [skip.severity for skip in self.skips] + [finding.severity for finding in kept]
        severest = min(map(SEVERITIES.index, severities), default=NOTHING_WORSE)
        return Settled(tuple(worst), severest, kept, waived)

    def _distinct(self) -> list[Finding]:
        """One finding a place and cause; what failed at a place hides what could not be judged there."""
        by_place: dict[tuple[Place, str, str], Finding] = {}
        for finding, _ in self.found_at:
            key = (finding.place, finding.measure if finding.state == "failed" else finding.reason, finding.state)
            if key not in by_place or _better(finding, by_place[key]):
                by_place[key] = finding
        failed = {place for place, _, state in by_place if state == "failed"}
        return [item for item in by_place.values() if item.state == "failed" or item.place not in failed]


def _better(finding: Finding, other: Finding) -> bool:
    """Which of two findings of one place and cause is told: that of the lower level, else the first in order."""
    return (finding.level, order(finding)) < (other.level, order(other))


def order(finding: Finding) -> tuple[object, ...]:
    """Worst first, then by rule and place; total, so that the order of units and rows leaves no trace."""
    rest = (finding.measure, finding.level, finding.reason, str(finding.measured), str(finding.required))
    return (
        SEVERITIES.index(finding.severity),
        _STATE_ORDER[finding.state],
        finding.rule_id,
        place_order(finding.place),
        rest,
    )


def place_order(place: Place) -> tuple[str, ...]:
    """Total order of places."""
    return (
        place.episode,
        place.path,
        place.pointer,
        place.stream,
        place.field,
        str(place.index),
        str(place.start_ns),
        str(place.end_ns),
        place.target,
    )


@functools.lru_cache(maxsize=4096)
def states_of(first: int, ranks: Ranks) -> Mapping[Level, State]:
    """Level -> state from a level (index) on; the same few mappings are shared by all outcomes."""
    return {LEVELS[index]: STATES[ranks[index]] for index in range(first, len(LEVELS))}


def _raise(worst: list[int], levels: Sequence[int], state: State) -> None:
    for index in levels:
        worst[index] = max(worst[index], RANK[state])
