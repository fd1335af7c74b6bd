"""A profile made ready to be asked of many units: checks by table, and which of them a row is for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from embodied_kit.model.facts import DATASET_SCOPE, DEPTHS, Facts
from embodied_kit.model.report import Context, Place
from embodied_kit.model.rule import DocumentCheck, LimitCheck, Profile, Rule
from embodied_kit.spec import Basis
from embodied_kit.spec.parts import PartChecker
from embodied_validators.judge.documents import TABLE, CompiledDocument, compile_document, is_home, open_document
from embodied_validators.judge.given import asked
from embodied_validators.judge.kinds import KindPlan
from embodied_validators.judge.limits import CompiledLimit, compile_limit
from embodied_validators.judge.passed import Found
from embodied_validators.judge.reasons import reason
from embodied_validators.judge.rows import Segment, TablePlan
from embodied_validators.judge.view import UnitView, episode_of, scope_of, tables_of

Check = CompiledLimit | CompiledDocument


@dataclass(frozen=True)
class CompiledRule:
    """A rule ready to be asked of many units."""

    rule: Rule
    checks: tuple[Check, ...]


@dataclass(frozen=True)
class Plan:
    """Some rules of a profile, for one kind of subject.

    Attributes:
        rules: With their position in the profile.
        documents: Kind -> checks.
    """

    rules: Mapping[int, CompiledRule]
    tables: tuple[TablePlan, ...]
    documents: Mapping[str, KindPlan]
    basis: Basis

    def judge(self, units: Sequence[Facts]) -> list[Found]:
        """What the rules find in each of some units."""
        told = [(UnitView(unit), Found()) for unit in units]
        for plan in self.tables:
            segments: list[Segment] = []
            for view, found in told:
                if plan.table in view.facts.tables:
                    by_scope = view.by_scope(plan.table).items()
                    segments += [Segment(rows, scope, view, found) for scope, rows in by_scope]
                else:
                    self._note_absent(plan.table, plan.checks, view, found)
            plan.judge(segments)
        for view, found in told:
            self._judge_documents(view, found)
            self._note_errors(view, found)
        return [found for _, found in told]

    def _judge_documents(self, view: UnitView, found: Found) -> None:
        if TABLE not in view.facts.tables:
            every = [check for kind in self.documents.values() for check in kind.checks]
            self._note_absent(TABLE, every, view, found)
            return
        for row in view.facts.tables[TABLE]:
            kind = self.documents.get(str(row.get("kind")))
            if kind is not None and is_home(row, view.facts):
                kind.judge(open_document(row, view.facts, self.basis.major), found)

    def _note_errors(self, view: UnitView, found: Found) -> None:
        """What a failed measurement leaves open is undetermined, unless the rule failed anyway."""
        for row in view.facts.tables.get("error", ()):
            scope, tables = scope_of(row, view.facts), tables_of(row)
            place = Place(episode=episode_of(scope), path=str(row.get("path") or ""))
            for compiled in self.rules.values():
                check = next((check for check in compiled.checks if check.table in tables), None)
                if check is not None:
                    tally = found.tally(check.position, scope)
                    if not tally.failed:
                        check.absent(str(row.get("reason") or ""), place, tally)

    def _note_absent(self, table: str, checks: Sequence[Check], view: UnitView, found: Found) -> None:
        """A table that a unit of this scope ought to hold and does not; what an error explains is noted there."""
        unit, facts = view.facts, self.basis.tables[table]
        if ("dataset" if unit.scope == DATASET_SCOPE else "episode") not in facts.scopes or table in view.failed_tables:
            return
        shallow = DEPTHS.index(unit.depth) < DEPTHS.index(facts.depth)
        why = reason("table_depth", table, unit.depth) if shallow else reason("table_absent", table)
        for check in checks:
            check.absent(why, Place(episode=episode_of(unit.scope)), found.tally(check.position, unit.scope))


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
        TablePlan(table, tuple(checks), tuple(sorted({name for check in checks for name, _ in check.only})))
        for table, checks in limits.items()
    ]
    kinds = {kind: KindPlan(kind, tuple(checks)) for kind, checks in documents.items()}
    return Plan(asked, tuple(tables), kinds, basis)
