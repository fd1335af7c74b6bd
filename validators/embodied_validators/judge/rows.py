"""The limit checks of one table, asked of whole columns over many episodes; row by row only where not all pass.

Rows that every condition treats alike are a class. The rows of an episode fall into the same classes in the same order
as those of most others, so which rows to take together, and what it means when all of them pass, is worked out once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple

from embodied_kit.model.facts import Row
from embodied_kit.model.json import JsonValue
from embodied_validators.judge.limits import CompiledLimit
from embodied_validators.judge.passed import Found, Passed, passed_by
from embodied_validators.judge.view import UnitView, columns_of, keys_of

_MOST_KEPT = 10_000
_Admission = tuple[str | None, ...]


class _Class(NamedTuple):
    """Rows that every condition treats alike.

    Attributes:
        clear: Checks that they are for.
        unclear: Checks of which nobody knows whether they are for these rows, and the column that is not known.
        measures: What the clear checks compare.
        columns: The checks of each measure.
    """

    number: int
    clear: tuple[CompiledLimit, ...]
    unclear: tuple[tuple[CompiledLimit, str], ...]
    measures: tuple[str, ...]
    columns: tuple[tuple[CompiledLimit, ...], ...]


class _Shape(NamedTuple):
    """Rows of one scope by their classes.

    Attributes:
        members: Class -> its rows (indices), for classes that some check is for.
        unclear: Positions of the rules of which nobody knows whether they are for some of these rows.
        passed: What it means if every row passes every check that it is clearly for.
    """

    members: tuple[tuple[_Class, tuple[int, ...]], ...]
    unclear: frozenset[int]
    passed: Passed


class Segment(NamedTuple):
    """Rows of one table that speak of one scope, in a unit, and where to note what is found."""

    rows: Sequence[Row]
    scope: str
    view: UnitView
    found: Found


class _Taken(NamedTuple):
    """A segment by its classes.

    Attributes:
        odd: Positions of the rules whose rows have to be looked at one by one.
        parts: Class -> its rows.
    """

    segment: Segment
    shape: _Shape
    odd: set[int]
    parts: list[tuple[_Class, Sequence[Row]]]


_Piece = tuple[Sequence[Row], set[int]]
"""Rows of one class in one segment, and the odd positions of the segment."""


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

    def judge(self, segments: Sequence[Segment]) -> None:
        """Judge the rows of some scopes, those of one class in one column."""
        pieces: dict[int, list[_Piece]] = {}
        shaped = [(segment, self._shape(segment.rows)) for segment in segments]
        taken = [_Taken(segment, shape, set(shape.unclear), []) for segment, shape in shaped]
        for item in taken:
            rows = item.segment.rows
            for kind, indices in item.shape.members:
                part = rows if len(indices) == len(rows) else [rows[index] for index in indices]
                item.parts.append((kind, part))
                pieces.setdefault(kind.number, []).append((part, item.odd))
        for number, found in pieces.items():
            _judge_columns(self._classes[number], found)
        for segment, shape, odd, parts in taken:
            segment.found.add(segment.scope, shape.passed, frozenset(odd))
            if odd:
                self._row_by_row(segment, parts, odd)

    @staticmethod
    def _row_by_row(segment: Segment, parts: Sequence[tuple[_Class, Sequence[Row]]], odd: set[int]) -> None:
        _, scope, view, found = segment
        for kind, part in parts:
            for check in kind.clear:
                if check.position in odd:
                    check.judge(part, "", scope, found.tally(check.position, scope), view)
            for check, column in kind.unclear:
                check.judge(part, column, scope, found.tally(check.position, scope), view)

    def _shape(self, rows: Sequence[Row]) -> _Shape:
        try:
            numbers = tuple(map(self._by_key.__getitem__, keys_of(rows, self.columns)))
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
            self._by_key[tuple([row.get(name) for name in self.columns])] = number
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
            tuple(by_measure),
            tuple(map(tuple, by_measure.values())),
        )

    def _new_shape(self, numbers: Sequence[int]) -> _Shape:
        indices: dict[int, list[int]] = {}
        for index, number in enumerate(numbers):
            indices.setdefault(number, []).append(index)
        members = [(self._classes[number], tuple(where)) for number, where in indices.items()]
        asked = tuple((kind, where) for kind, where in members if kind.clear or kind.unclear)
        unclear = frozenset(check.position for kind, _ in asked for check, _ in kind.unclear)
        return _Shape(asked, unclear, passed_by(_compared(asked)))


def _judge_columns(kind: _Class, pieces: Sequence[_Piece]) -> None:
    """Find the rules that rows of a class do not simply pass, and of which segment."""
    rows = pieces[0][0] if len(pieces) == 1 else list(chain.from_iterable(part for part, _ in pieces))
    for checks, values in zip(kind.columns, columns_of(rows, kind.measures), strict=True):
        for check in checks:
            if not check.all_pass(values):
                begin = 0
                for part, odd in pieces:
                    if check.position not in odd and not check.all_pass(values[begin : begin + len(part)]):
                        odd.add(check.position)
                    begin += len(part)


def _compared(members: Sequence[tuple[_Class, tuple[int, ...]]]) -> Iterator[tuple[int, int, int]]:
    for kind, indices in members:
        for check in kind.clear:
            yield check.position, check.first, len(indices)
