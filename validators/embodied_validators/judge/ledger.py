"""What has been found so far over all units of a subject."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from embodied_kit.model.outcomes import Outcomes, Said, State
from embodied_kit.model.report import Finding
from embodied_kit.model.rule import LEVELS, Level, Profile
from embodied_validators.judge.coverage import Coverage
from embodied_validators.judge.skips import Skips
from embodied_validators.judge.tally import NOTHING, NOTHING_WORSE, SEVERITIES, Cell, states_of

_EMPTY: Cell = (NOTHING, 0, NOTHING_WORSE)


@dataclass
class Ledger:
    """Running record.

    Attributes:
        cells: Scope -> a cell for each rule of the profile; None for a rule that says nothing about it.
    """

    profile: Profile
    cells: dict[str, list[Cell | None]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    waived: list[Finding] = field(default_factory=list)
    skips: Skips = field(default_factory=Skips)
    excluded: dict[str, str] = field(default_factory=dict)
    title: dict[str, str] = field(default_factory=dict)
    coverage: Coverage = field(default_factory=Coverage)
    subject: str = ""
    subject_kind: Literal["dataset", "episode", "bare"] = "dataset"

    def asked(self, scope: str) -> None:
        """Every rule was asked of a scope: those that said nothing are not applicable."""
        self.cells[scope] = [cell or _EMPTY for cell in self._cells(scope)]

    def note(self, scope: str, said: Mapping[int, Cell]) -> None:
        """What rules (by position) say about a scope, merged with what an earlier unit said."""
        cells = self._cells(scope)
        for position, cell in said.items():
            before = cells[position]
            cells[position] = cell if before is None or before is _EMPTY else _merged(before, cell)

    def outcomes(self, unknown_in: str, unknown: Sequence[str]) -> Outcomes:
        """Every outcome, in the order of rules; scopes about which all rules say the same share one tuple.

        Args:
            unknown_in: Scope for which rules that the tool lacks are undetermined.
            unknown: Their ids.
        """
        shared: dict[tuple[Cell | None, ...], tuple[Said, ...]] = {}
        said: dict[tuple[int, Cell], Said] = {}
        by_scope: dict[str, tuple[Said, ...]] = {}
        for scope, cells in self.cells.items():
            key = tuple(cells)
            if key not in shared:
                shared[key] = tuple(sorted(self._said(key, said), key=lambda item: item.rule_id))
            by_scope[scope] = shared[key]
        if unknown:
            states: dict[Level, State] = dict.fromkeys(LEVELS, "undetermined")
            lacking = [Said(rule_id, "error", states, 0) for rule_id in unknown]
            known = by_scope.get(unknown_in, ())
            by_scope[unknown_in] = tuple(sorted((*known, *lacking), key=lambda item: item.rule_id))
        return Outcomes(by_scope)

    def _cells(self, scope: str) -> list[Cell | None]:
        cells = self.cells.get(scope)
        if cells is None:
            cells = self.cells[scope] = [None] * len(self.profile.rules)
        return cells

    def _said(self, cells: Sequence[Cell | None], known: dict[tuple[int, Cell], Said]) -> list[Said]:
        found = []
        for position, cell in enumerate(cells):
            if cell is None:
                continue
            item = known.get((position, cell))
            if item is None:
                rule, (ranks, checked, worst) = self.profile.rules[position], cell
                severity = SEVERITIES[min(SEVERITIES.index(rule.severity), worst)]
                states = states_of(LEVELS.index(rule.level), ranks)
                item = known[position, cell] = Said(rule.rule_id, severity, states, checked)
            found.append(item)
        return found


def _merged(before: Cell, cell: Cell) -> Cell:
    return tuple(map(max, before[0], cell[0])), before[1] + cell[1], min(before[2], cell[2])
