"""The outcomes of a report: what is equal in many scopes is kept once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal, overload

from embodied_kit.model.rule import Level, Severity

State = Literal["passed", "failed", "not_applicable", "undetermined", "waived"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one rule says about one scope.

    Attributes:
        states: Level -> state at that level (only levels from the rule's own upwards); `waived` where nothing but
            waived findings stands in the way.
        checked: Rows or documents that were compared.
    """

    rule_id: str
    scope: str
    severity: Severity
    states: Mapping[Level, State]
    checked: int


@dataclass(frozen=True, slots=True)
class Said:
    """What one rule says about every scope that shares it; see `Outcome`."""

    rule_id: str
    severity: Severity
    states: Mapping[Level, State]
    checked: int


class Outcomes(Sequence[Outcome]):
    """Outcomes by scope, then by rule, both in order; a set of 10 000 episodes has more than a million.

    Args:
        by_scope: Scope -> what each rule says about it, in order of rules.
    """

    __slots__ = ("_by_scope", "_length")

    def __init__(self, by_scope: Mapping[str, tuple[Said, ...]]) -> None:
        self._by_scope = {scope: by_scope[scope] for scope in sorted(by_scope)}
        self._length = sum(map(len, self._by_scope.values()))

    @property
    def by_scope(self) -> Mapping[str, tuple[Said, ...]]:
        """Scope -> what each rule says about it; scopes about which all rules say the same may share one tuple."""
        return self._by_scope

    def __iter__(self) -> Iterator[Outcome]:
        for scope, said in self._by_scope.items():
            for item in said:
                yield Outcome(item.rule_id, scope, item.severity, item.states, item.checked)

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, index: int) -> Outcome: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Outcome]: ...
    def __getitem__(self, index: int | slice) -> Outcome | Sequence[Outcome]:
        return tuple(self)[index]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Outcomes) and self._by_scope == other.by_scope

    __hash__ = None  # type: ignore[assignment]  # states are mappings

    def __repr__(self) -> str:
        return f"Outcomes({self._by_scope!r})"


def outcomes_of(outcomes: Iterable[Outcome]) -> Outcomes:
    """The same outcomes, by scope; `outcomes` are grouped by scope."""
    return Outcomes(
        {
            scope: tuple(Said(item.rule_id, item.severity, item.states, item.checked) for item in group)
            for scope, group in groupby(outcomes, key=lambda item: item.scope)
        }
    )
