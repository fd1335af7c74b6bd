"""A profile made ready to be asked of many units: checks by table, and which of them a row is for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from embodied_kit.model.facts import DATASET_SCOPE, DEPTHS, Facts, Row
from embodied_kit.model.json import JsonValue
from embodied_kit.model.report import Context, Place
from embodied_kit.model.rule import DocumentCheck, LimitCheck, Profile, Rule
from embodied_kit.spec import Basis
from embodied_kit.spec.parts import PartChecker
from embodied_validators.judge.documents import TABLE, CompiledDocument, compile_document, open_document
from embodied_validators.judge.given import asked
from embodied_validators.judge.limits import CompiledLimit, compile_limit
from embodied_validators.judge.reasons import reason
from embodied_validators.judge.tally import Tally
from embodied_validators.judge.view import Group, UnitView, episode_of, scope_of, tables_of

_MOST_ROUTES = 10_000
Tallies = dict[tuple[int, str], Tally]
"""(position of the rule in the profile, scope) -> what was found; absent where the rule had nothing to look at."""
Check = CompiledLimit | CompiledDocument


@dataclass(frozen=True)
class CompiledRule:
    """A rule ready to be asked of many units."""

    rule: Rule
    checks: tuple[Check, ...]


class _Route(NamedTuple):
    """Which groups of rows a check is for.

    Attributes:
        clear: Groups (indices) that are to be judged.
        unclear: Groups of which nobody knows whether they are to be judged, and the column that is not known.
    """

    check: CompiledLimit
    clear: tuple[int, ...]
    unclear: tuple[tuple[int, str], ...]


@dataclass
class _TablePlan:
    """Checks of one table.

    Attributes:
        columns: Every column that one of their conditions looks at.
        routes: Keys of groups -> where the checks go; the same few keys come again in every episode.
    """

    table: str
    checks: tuple[CompiledLimit, ...]
    columns: tuple[str, ...]
    routes: dict[tuple[tuple[JsonValue, ...] | None, ...], Sequence[_Route]] = field(default_factory=dict)

    def judge(self, scope: str, groups: Sequence[Group], view: UnitView, tallies: Tallies) -> None:
        """Judge the rows of one scope."""
        gathered: dict[tuple[int, ...], Sequence[Row]] = {}
        for check, clear, unclear in self._routes(groups):
            tally = _tally(tallies, check, scope)
            if clear not in gathered:
                gathered[clear] = [row for index in clear for row in groups[index].rows]
            check.judge(gathered[clear], "", scope, tally, view)
            for index, column in unclear:
                check.judge(groups[index].rows, column, scope, tally, view)

    def _routes(self, groups: Sequence[Group]) -> Sequence[_Route]:
        keys = tuple(group.key for group in groups)
        known = self.routes.get(keys) if None not in keys else None
        if known is None:
            known = [route for check in self.checks if (route := _route(check, groups)).clear or route.unclear]
            if len(self.routes) >= _MOST_ROUTES:
                self.routes.clear()
            if None not in keys:
                self.routes[keys] = known
        return known


def _route(check: CompiledLimit, groups: Sequence[Group]) -> _Route:
    said = [(index, check.admits(group.rows[0])) for index, group in enumerate(groups)]
    return _Route(
        check,
        tuple(index for index, column in said if column == ""),
        tuple((index, column) for index, column in said if column),
    )


@dataclass(frozen=True)
class Plan:
    """Some rules of a profile, for one kind of subject.

    Attributes:
        rules: With their position in the profile.
        documents: Kind -> checks.
    """

    rules: Mapping[int, CompiledRule]
    tables: tuple[_TablePlan, ...]
    documents: Mapping[str, tuple[CompiledDocument, ...]]
    basis: Basis

    def judge(self, unit: Facts) -> Tallies:
        """What the rules find in a unit."""
        view, tallies = UnitView(unit), Tallies()
        for plan in self.tables:
            if plan.table in unit.tables:
                for scope, groups in view.groups(plan.table, plan.columns).items():
                    plan.judge(scope, groups, view, tallies)
            else:
                self._note_absent(plan.table, plan.checks, view, tallies)
        self._judge_documents(view, tallies)
        self._note_errors(view, tallies)
        return tallies

    def _judge_documents(self, view: UnitView, tallies: Tallies) -> None:
        if TABLE not in view.facts.tables:
            every = [check for checks in self.documents.values() for check in checks]
            self._note_absent(TABLE, every, view, tallies)
            return
        for row in view.facts.tables[TABLE]:
            checks = self.documents.get(str(row.get("kind")))
            document = open_document(row, view.facts, self.basis.major) if checks else None
            if checks and document is not None and document.home:
                for check in checks:
                    check.judge(document, _tally(tallies, check, document.scope))

    def _note_errors(self, view: UnitView, tallies: Tallies) -> None:
        """What a failed measurement leaves open is undetermined, unless the rule failed anyway."""
        for row in view.facts.tables.get("error", ()):
            scope, tables = scope_of(row, view.facts), tables_of(row)
            place = Place(episode=episode_of(scope), path=str(row.get("path") or ""))
            for compiled in self.rules.values():
                check = next((check for check in compiled.checks if check.table in tables), None)
                if check is not None:
                    tally = _tally(tallies, check, scope)
                    if not tally.failed:
                        check.absent(str(row.get("reason") or ""), place, tally)

    def _note_absent(self, table: str, checks: Sequence[Check], view: UnitView, tallies: Tallies) -> None:
        """A table that a unit of this scope ought to hold and does not; what an error explains is noted there."""
        unit, facts = view.facts, self.basis.tables[table]
        if ("dataset" if unit.scope == DATASET_SCOPE else "episode") not in facts.scopes or table in view.failed_tables:
            return
        shallow = DEPTHS.index(unit.depth) < DEPTHS.index(facts.depth)
        why = reason("table_depth", table, unit.depth) if shallow else reason("table_absent", table)
        for check in checks:
            check.absent(why, Place(episode=episode_of(unit.scope)), _tally(tallies, check, unit.scope))


def compile_rules(profile: Profile, context: Context) -> tuple[CompiledRule, ...]:
    """Fill in parameters and what other rules of the profile own; checks that the context does not ask are left out."""
    checker = PartChecker()
    return tuple(
        CompiledRule(rule, tuple(_compiled(rule, position, profile, context, checker)))
        for position, rule in enumerate(profile.rules)
    )


def _compiled(rule: Rule, position: int, profile: Profile, context: Context, checker: PartChecker) -> Iterator[Check]:
    for check in rule.checks:
        answer, why = asked(check.given, context)
        if answer != "no" and isinstance(check, LimitCheck):
            yield compile_limit(rule, check, profile.parameters, context, position, why)
        elif answer != "no" and isinstance(check, DocumentCheck):
            yield compile_document(rule, check, profile, checker, position, why)


def plan_for(subject: str, rules: Iterable[tuple[int, CompiledRule]], basis: Basis) -> Plan:
    """Those of some rules that can be asked of a kind of subject."""
    asked = {position: compiled for position, compiled in rules if subject in compiled.rule.subjects}
    limits: dict[str, list[CompiledLimit]] = {}
    documents: dict[str, list[CompiledDocument]] = {}
    for compiled in asked.values():
        for check in compiled.checks:
            if isinstance(check, CompiledLimit):
                limits.setdefault(check.table, []).append(check)
            else:
                documents.setdefault(check.check.document, []).append(check)
    tables = [
        _TablePlan(table, tuple(checks), tuple(sorted({name for check in checks for name, _ in check.only})))
        for table, checks in limits.items()
    ]
    return Plan(asked, tuple(tables), {kind: tuple(checks) for kind, checks in documents.items()}, basis)


def _tally(tallies: Tallies, check: Check, scope: str) -> Tally:
    key = (check.position, scope)
    tally = tallies.get(key)
    if tally is None:
        tally = tallies[key] = Tally()
    return tally
