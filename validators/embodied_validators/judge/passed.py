"""What was compared and passed: the same in thousands of episodes, so it is worked out once and shared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from embodied_kit.model.rule import LEVELS
from embodied_validators.judge.tally import NOTHING_WORSE, Cell, Tally, passed_from

_MOST_KEPT = 10_000


@dataclass(frozen=True, eq=False)
class Passed:
    """Rows of one table or document that passed.

    Attributes:
        compared: Position of a rule in the profile -> index of the first level, number of rows.
    """

    compared: Mapping[int, tuple[int, int]]


def passed_by(compared: Iterable[tuple[int, int, int]]) -> Passed:
    """Added up.

    Args:
        compared: Position, index of the first level, number of rows.
    """
    found: dict[int, tuple[int, int]] = {}
    for position, first, count in compared:
        before, more = found.get(position, (len(LEVELS), 0))
        found[position] = (min(before, first), more + count)
    return Passed(found)


@dataclass
class Found:
    """What the rules found in one unit.

    Attributes:
        tallies: (position of the rule in the profile, scope) -> what did not simply pass.
        passed: Scope -> what passed, each with the positions that are told by `tallies` instead.
    """

    tallies: dict[tuple[int, str], Tally] = field(default_factory=dict)
    passed: dict[str, list[tuple[Passed, frozenset[int]]]] = field(default_factory=dict)

    def tally(self, position: int, scope: str) -> Tally:
        """Tally of a rule about a scope."""
        key = (position, scope)
        tally = self.tallies.get(key)
        if tally is None:
            tally = self.tallies[key] = Tally()
        return tally

    def add(self, scope: str, passed: Passed, but: frozenset[int] = frozenset()) -> None:
        """What passed about a scope, but for some positions."""
        self.passed.setdefault(scope, []).append((passed, but))

    def update(self, other: Found) -> None:
        """What other rules found in the same unit."""
        self.tallies.update(other.tallies)
        for scope, entries in other.passed.items():
            self.passed.setdefault(scope, []).extend(entries)

    def complete(self) -> None:
        """Tell the tallies what passed beside."""
        for (position, scope), tally in self.tallies.items():
            for passed, but in self.passed.get(scope, ()):
                if position in passed.compared and position not in but:
                    tally.compared(*passed.compared[position])


class Sums:
    """What passed of all tables and documents of a scope together, by rule."""

    def __init__(self) -> None:
        self._known: dict[tuple[Passed, ...], Mapping[int, Cell]] = {}

    def cells(self, passed: Iterable[tuple[Passed, frozenset[int]]]) -> Mapping[int, Cell]:
        """Position -> cell of a rule; those that are told by a tally instead are wrong here."""
        key = tuple([item for item, _ in passed])
        found = self._known.get(key)
        if found is None:
            every = ((position, *told) for item in key for position, told in item.compared.items())
            found = {
                position: (passed_from(first), count, NOTHING_WORSE)
                for position, (first, count) in passed_by(every).compared.items()
            }
            if len(self._known) >= _MOST_KEPT:
                self._known.clear()
            self._known[key] = found
        return found
