"""A limit check carried out: each matching row of a facts table held against the limits of every level."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

from embodied_kit.model.facts import Row
from embodied_kit.model.json import JsonObject, JsonValue
from embodied_kit.model.report import Context, Finding, Place
from embodied_kit.model.rule import LEVELS, LimitCheck, Rule
from embodied_validators.judge.compiled import CompiledCheck
from embodied_validators.judge.reasons import reason
from embodied_validators.judge.tally import Tally
from embodied_validators.judge.view import UnitView, episode_of

_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "max": operator.le,
    "min": operator.ge,
    "below": operator.lt,
    "above": operator.gt,
    "equal": lambda measured, allowed: measured in allowed,
}
_STREAM_COLUMNS = ("stream", "a", "b")
_PLACE_COLUMNS = ("path", "source", "pointer", "stream", "a", "field", "name", "target", "b")
_PART_COLUMNS = ("publisher", "child_frame")


@dataclass(frozen=True)
class CompiledLimit(CompiledCheck[LimitCheck]):
    """A limit check with its parameters filled in.

    Attributes:
        only: Column -> values that let a row in.
        steps: (index of the first level, limit as compared, limit as shown), in the order of levels.
        integers: Whether both sides are ns integers in decimal strings.
    """

    only: tuple[tuple[str, Sequence[JsonValue]], ...]
    steps: tuple[tuple[int, Any, JsonValue], ...]
    integers: bool

    @cached_property
    def table(self) -> str:
        """Facts table that it reads."""
        return self.check.table

    def judge(self, rows: Sequence[Row], unknown: str, scope: str, tally: Tally, view: UnitView) -> None:
        """Judge rows of one scope; `unknown` is the column that leaves open whether they are to be judged."""
        if not unknown and self.all_pass([row.get(self.check.measure) for row in rows]):
            tally.compared(self.first, len(rows))
            return
        for row in rows:
            self._judge_row(row, unknown, scope, tally, view)

    def admits(self, row: Row) -> str | None:
        """Empty where the row is to be judged, a column where that is not known, None where it is not."""
        unknown = ""
        for column, allowed in self.only:
            value = row.get(column)
            if value is None:
                unknown = unknown or column
            elif value not in allowed:
                return None
        return unknown

    def raised(self, why: str, place: Place, tally: Tally) -> None:
        """Note that the check itself has a fault."""
        finding = replace(self._finding("undetermined", self.first, place, why), measure="")
        tally.found(finding, range(self.first, len(LEVELS)))

    def all_pass(self, values: Sequence[Any]) -> bool:
        """Whether every value is known and keeps the limit of every level; the common case, told quickly."""
        if not values or None in values or self.unanswered:
            return False
        if self.integers:
            values = list(map(int, map(str, values)))
        if self.check.comparator == "equal":
            return self._all_allowed(values)
        worst = max(values) if self.check.comparator in ("max", "below") else min(values)
        return _COMPARE[self.check.comparator](worst, self._strictest)

    def _all_allowed(self, values: Sequence[Any]) -> bool:
        try:
            return self._allowed.issuperset(values)
        except TypeError:  # a list or an object
            return all(value in limit for _, limit, _ in self.steps for value in values)

    @cached_property
    def _strictest(self) -> Any:
        limits = [limit for _, limit, _ in self.steps]
        return min(limits) if self.check.comparator in ("max", "below") else max(limits)

    @cached_property
    def _allowed(self) -> frozenset[Any]:
        """Values that are allowed at every level."""
        first = self.steps[0][1]
        return frozenset(value for value in first if all(value in limit for _, limit, _ in self.steps))

    def _judge_row(self, row: Row, unknown: str, scope: str, tally: Tally, view: UnitView) -> None:
        first = self.first
        value = row.get(self.check.measure)
        if self.unanswered or unknown or value is None:
            key, column = ("column_unknown", unknown) if unknown else ("not_measured", self.check.measure)
            why = self.unanswered or _reason_of(row, column) or reason(key, column)
            tally.found(self._finding("undetermined", first, place_of(row, scope), why), range(first, len(LEVELS)))
            return
        tally.compared(first)
        missed = self._missed(int(str(value)) if self.integers else value)
        if missed:
            tally.found(self._miss(row, value, missed, scope, view), missed)

    def _missed(self, value: Any) -> list[int]:
        """Indices of the levels whose limit the value misses."""
        compare = _COMPARE[self.check.comparator]
        missed: list[int] = []
        for position, (first, limit, _) in enumerate(self.steps):
            if not compare(value, limit):
                until = self.steps[position + 1][0] if position + 1 < len(self.steps) else len(LEVELS)
                missed.extend(range(first, until))
        return missed

    def _miss(self, row: Row, value: JsonValue, missed: list[int], scope: str, view: UnitView) -> Finding:
        spans = _spans(self.check.spans, row, view)
        why = reason("evidence_absent") if self.check.otherwise == "undetermined" else ""
        required = next(shown for first, _, shown in reversed(self.steps) if first <= missed[0])
        return self._finding(
            self.check.otherwise,
            missed[0],
            place_of(row, scope, spans),
            why,
            str(value) if self.integers else value,
            required,
            _total(spans),
            self._unit(row),
        )

    def _unit(self, row: Row) -> str:
        """Unit of the column; values of the table `dim` are in the unit that the row declares."""
        counted = self.check.measure.endswith(("_n", "_ratio", "_error_max"))
        return _text(row, "unit") if self.check.table == "dim" and not counted else ""

    def _finding(
        self,
        state: Literal["failed", "undetermined"],
        level: int,
        place: Place,
        why: str,
        measured: JsonValue = None,
        required: JsonValue = None,
        spans_n: int = 0,
        unit: str = "",
    ) -> Finding:
        return Finding(
            rule_id=self.rule.rule_id,
            severity=self.severity,
            state=state,
            level=LEVELS[level],
            place=place,
            measured=measured,
            required=required,
            comparator=self.check.comparator,
            unit=unit or self.check.unit,
            reason=why,
            measure=self.check.measure,
            spans_n=spans_n,
        )


def compile_limit(
    rule: Rule, check: LimitCheck, parameters: JsonObject, context: Context, position: int, unanswered: str = ""
) -> CompiledLimit:
    """Fill in parameters and context, once a profile.

    Raises:
        KeyError: The profile lacks a parameter; `load_profile` has made sure of each.
    """
    integers = check.measure.endswith("_ns")
    steps = []
    for level, limit in check.limits.items():
        value = _resolved(limit.value, parameters, context)
        compared: Any = int(str(value)) if integers else value
        steps.append(
            (
                LEVELS.index(level),
                _listed(compared) if check.comparator == "equal" else compared,
                str(value) if integers else value,
            )
        )
    only = tuple((name, _listed(_resolved(value, parameters, context))) for name, value in check.only.items())
    return CompiledLimit(rule, check, position, unanswered, only, tuple(steps), integers)


def place_of(row: Row, scope: str, spans: Sequence[Row] = ()) -> Place:
    """Place of a row; the worst of its spans gives the times."""
    worst = max(spans, key=_weight) if spans else None
    told = [value if isinstance(value, str) else "" for value in map(row.get, _PLACE_COLUMNS)]
    path, source, pointer, stream, a, field, name, target, b = told
    index = row.get("index")
    return Place(
        episode=episode_of(scope),
        path=path or source,
        pointer=pointer,
        stream=stream or a,
        field=field or name,
        index=index if isinstance(index, int) else None,
        start_ns=int(str(worst["start_ns"])) if worst else None,
        end_ns=int(str(worst["end_ns"])) if worst else None,
        target=target or b,
    )


def _weight(span: Row) -> tuple[int, int]:
    start = int(str(span["start_ns"]))
    return int(str(span["end_ns"])) - start, -start


def _spans(kind: str, row: Row, view: UnitView) -> list[Row]:
    """Spans of a kind on the stream, or either of the pair, that a row names, and on its publisher and child frame."""
    if not kind:
        return []
    streams = [row[column] for column in _STREAM_COLUMNS if row.get(column) is not None]
    part = {column: row[column] for column in _PART_COLUMNS if row.get(column) is not None}
    return [span for span in view.spans.get(kind, ()) if span.get("stream") in streams and part.items() <= span.items()]


def _total(spans: Sequence[Row]) -> int:
    """Number of spans, also of those beyond the ones that are kept."""
    totals = [total for span in spans if isinstance(total := span.get("total_n"), int)]
    return max([len(spans), *totals])


def _reason_of(row: Row, column: str) -> str:
    reasons = row.get("undetermined")
    text = reasons.get(column) if isinstance(reasons, Mapping) else None
    return text if isinstance(text, str) else ""


def _text(row: Row, column: str) -> str:
    value = row.get(column)
    return value if isinstance(value, str) else ""


def _resolved(value: JsonValue, parameters: JsonObject, context: Context) -> JsonValue:
    if isinstance(value, Mapping):
        if "parameter" in value:
            return parameters[str(value["parameter"])]
        if value.get("context") == "as_of_ns":
            return str(context.as_of_ns + int(str(value.get("plus", 0))))
    return value


def _listed(value: JsonValue) -> Sequence[JsonValue]:
    return value if isinstance(value, Sequence) and not isinstance(value, str) else (value,)
