"""The limit checks of one table, asked of whole columns; row by row only where a column does not pass as a whole.

Rows that every condition treats alike are a class. The rows of an episode fall into the same classes in the same order
as those of most others, so which rows to take together, and what it means when all of them pass, is worked out once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from embodied_kit.model.facts import Row
from embodied_kit.model.json import JsonValue
from embodied_validators.judge.limits import CompiledLimit
from embodied_validators.judge.passed import Found, Passed, passed_by
from embodied_validators.judge.view import UnitView, values_getter

_MOST_KEPT = 10_000
_Admission = tuple[str | None, ...]


class _Class(NamedTuple):
    """Rows that every condition treats alike.

    Attributes:
        clear: Checks that they are for.
        unclear: Checks of which nobody knows whether they are for these rows, and the column that is not known.
        columns: The measures of the clear checks, each with its checks, in the order of `take`.
    """

    number: int
    clear: tuple[CompiledLimit, ...]
    unclear: tuple[tuple[CompiledLimit, str], ...]
    columns: tuple[tuple[CompiledLimit, ...], ...]
    take: Callable[[Row], tuple[JsonValue, ...]]


class _Shape(NamedTuple):
    """Rows of one scope by their classes.

    Attributes:
        members: Class -> its rows (indices), for classes that some check is for.
        passed: What it means if every row passes every check that it is clearly for.
    """

    members: tuple[tuple[_Class, tuple[int, ...]], ...]
    passed: Passed


@dataclass
class TablePlan:
    """Checks of one table.

    Attributes:
        columns: Every column that one of their conditions looks at.
    """

    table: str
    checks: tuple[CompiledLimit, ...]
    columns: tuple[str, ...]
    _classes: list[_Class] = field(default_factory=list)
    _by_admission: dict[_Admission, int] = field(default_factory=dict)
    _by_key: dict[tuple[JsonValue, ...], int] = field(default_factory=dict)
    _shapes: dict[tuple[int, ...], _Shape] = field(default_factory=dict)

    @cached_property
    def _key_of(self) -> Callable[[Row], tuple[JsonValue, ...]]:
        return values_getter(self.columns)

    def judge(self, scope: str, rows: Sequence[Row], view: UnitView, found: Found) -> None:
        """Judge the rows of one scope."""
        shape = self._shape(rows)
        parts: list[tuple[_Class, Sequence[Row]]] = []
        odd: set[int] = set()
        for kind, indices in shape.members:
            part = rows if len(indices) == len(rows) else [rows[index] for index in indices]
            parts.append((kind, part))
            odd.update(check.position for check, _ in kind.unclear)
            for checks, values in zip(kind.columns, zip(*map(kind.take, part), strict=True), strict=True):
                odd.update([check.position for check in checks if not check.all_pass(values)])
        found.add(scope, shape.passed, frozenset(odd))
        if odd:
            self._row_by_row(scope, parts, odd, view, found)

    @staticmethod
    def _row_by_row(
        scope: str, parts: Sequence[tuple[_Class, Sequence[Row]]], odd: set[int], view: UnitView, found: Found
    ) -> None:
        for kind, part in parts:
            for check in kind.clear:
                if check.position in odd:
                    check.judge(part, "", scope, found.tally(check.position, scope), view)
            for check, column in kind.unclear:
                check.judge(part, column, scope, found.tally(check.position, scope), view)

    def _shape(self, rows: Sequence[Row]) -> _Shape:
        try:
            numbers = tuple(map(self._by_key.__getitem__, map(self._key_of, rows)))
        except (KeyError, TypeError):  # a new key, or a list or an object, which cannot be one
            numbers = tuple(map(self._number, rows))
        shape = self._shapes.get(numbers)
        if shape is None:
            if len(self._shapes) >= _MOST_KEPT:
                self._shapes.clear()
            shape = self._shapes[numbers] = self._new_shape(numbers)
        return shape

    def _number(self, row: Row) -> int:
        """Number of the class of a row."""
        admission = tuple([check.admits(row) for check in self.checks])
        number = self._by_admission.setdefault(admission, len(self._classes))
        if number == len(self._classes):
            self._classes.append(self._new_class(number, admission))
        if len(self._by_key) >= _MOST_KEPT:
            self._by_key.clear()
        try:
            self._by_key[self._key_of(row)] = number
        except TypeError:
            return number
        return number

    def _new_class(self, number: int, admission: _Admission) -> _Class:
        told = list(zip(self.checks, admission, strict=True))
        clear = tuple(check for check, column in told if column == "")
        by_measure: dict[str, list[CompiledLimit]] = {}
        for check in clear:
            by_measure.setdefault(check.check.measure, []).append(check)
        return _Class(
            number,
            clear,
            tuple((check, column) for check, column in told if column),
            tuple(map(tuple, by_measure.values())),
            values_getter(tuple(by_measure)),
        )

    def _new_shape(self, numbers: Sequence[int]) -> _Shape:
        indices: dict[int, list[int]] = {}
        for index, number in enumerate(numbers):
            indices.setdefault(number, []).append(index)
        members = [(self._classes[number], tuple(where)) for number, where in indices.items()]
        asked = tuple((kind, where) for kind, where in members if kind.clear or kind.unclear)
        return _Shape(asked, passed_by(_compared(asked)))


def _compared(members: Sequence[tuple[_Class, tuple[int, ...]]]) -> Iterator[tuple[int, int, int]]:
    for kind, indices in members:
        for check in kind.clear:
            yield check.position, check.first, len(indices)
