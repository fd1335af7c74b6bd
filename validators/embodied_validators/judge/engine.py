"""Facts x profile x context -> report. Pure: no file is opened, no clock is read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Literal

from embodied_kit.canonical import canonical_bytes, sha256_hex
from embodied_kit.model.facts import DATASET_SCOPE, DEPTHS, Facts, Row
from embodied_kit.model.json import JsonObject
from embodied_kit.model.report import Context, Finding, Outcome, Place, Report, State
from embodied_kit.model.rule import LEVELS, Level, LimitCheck, Profile, Rule
from embodied_kit.spec import standard
from embodied_validators.judge.coverage import Coverage
from embodied_validators.judge.documents import CompiledDocument, compile_document
from embodied_validators.judge.given import asked
from embodied_validators.judge.levels import lowest_level, reached_level
from embodied_validators.judge.limits import CompiledLimit, compile_limit, scope_of
from embodied_validators.judge.reasons import reason
from embodied_validators.judge.tally import Tally, outcome

_SEVERITY_ORDER = {"error": 0, "warning": 1, "info": 2}
_STATE_ORDER = {"failed": 0, "undetermined": 1}


@dataclass(frozen=True)
class CompiledRule:
    """A rule ready to be asked of many units."""

    rule: Rule
    checks: tuple[CompiledLimit | CompiledDocument, ...]


@dataclass
class _Ledger:
    """What has been found so far."""

    outcomes: dict[str, dict[str, Outcome]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    excluded: dict[str, str] = field(default_factory=dict)
    title: dict[str, str] = field(default_factory=dict)
    coverage: Coverage = field(default_factory=Coverage)
    subject: str = ""
    subject_kind: Literal["dataset", "episode", "bare"] = "dataset"


def judge(
    facts: Iterable[Facts],
    profile: Profile,
    context: Context,
    *,
    facts_digest: str = "",
    raise_bugs: bool = False,
) -> Report:
    """Judge all units of one subject.

    Args:
        facts: Units, in any order; each is let go before the next is asked for.
        profile: Rules and parameters.
        context: Date, recipient and purpose.
        facts_digest: sha256 hex of the canonical facts lines, for the report; empty where they were not written.
        raise_bugs: Let an exception inside a rule escape (tests); else the rule is undetermined.
    """
    rules = tuple(compile_rule(rule, profile, context) for rule in profile.rules)
    ledger = _Ledger()
    for unit in facts:
        _note_subject(unit, ledger)
        ledger.coverage.add(unit)
        for compiled in rules:
            _note(compiled.rule, _tallies(compiled, unit, raise_bugs), ledger)
    _note_unknown(profile, ledger)
    return _report(ledger, profile, context, facts_digest)


def compile_rule(rule: Rule, profile: Profile, context: Context) -> CompiledRule:
    """Fill in parameters and what other rules of the profile own; checks that the context does not ask are left out."""
    answers = [(check, *asked(check.given, context)) for check in rule.checks]
    return CompiledRule(
        rule,
        tuple(
            compile_limit(rule, check, profile.parameters, context, why)
            if isinstance(check, LimitCheck)
            else compile_document(rule, check, profile, why)
            for check, answer, why in answers
            if answer != "no"
        ),
    )


def _tallies(compiled: CompiledRule, unit: Facts, raise_bugs: bool) -> dict[str, Tally]:
    """Tally by scope; a bug in one rule makes that rule undetermined and touches no other."""
    try:
        return _apply(compiled, unit)
    except Exception as error:
        if raise_bugs:
            raise
        tally = Tally()
        compiled.checks[0].absent(reason("raised", type(error).__name__), _unit_place(unit), tally)
        return {unit.scope: tally}


def _apply(compiled: CompiledRule, unit: Facts) -> dict[str, Tally]:
    tallies = {unit.scope: Tally()}
    if unit.subject in compiled.rule.subjects:
        for check in compiled.checks:
            if check.table in unit.tables:
                check.judge(unit, _getter(tallies))
            elif _belongs(check.table, unit) and not _has_error(check.table, unit):
                check.absent(_why_absent(check.table, unit), _unit_place(unit), tallies[unit.scope])
        _note_errors(compiled, unit, tallies)
    return tallies


def _getter(tallies: dict[str, Tally]) -> Callable[[str], Tally]:
    return lambda scope: tallies.setdefault(scope, Tally())


def _note_errors(compiled: CompiledRule, unit: Facts, tallies: dict[str, Tally]) -> None:
    """What a failed measurement leaves open is undetermined, unless the rule failed anyway."""
    for row in unit.tables.get("error", ()):
        scope = scope_of(row, unit)
        tally = tallies.setdefault(scope, Tally())
        check = next((check for check in compiled.checks if check.table in _names(row)), None)
        if check is not None and not tally.failed:
            place = Place(episode="" if scope in (DATASET_SCOPE, "bare") else scope, path=str(row.get("path") or ""))
            check.absent(str(row.get("reason") or ""), place, tally)


def _has_error(table: str, unit: Facts) -> bool:
    return any(table in _names(row) for row in unit.tables.get("error", ()))


def _names(row: Row) -> tuple[str, ...]:
    tables = row.get("tables")
    return () if tables is None or isinstance(tables, str | bool | int | float) else tuple(map(str, tables))


def _belongs(table: str, unit: Facts) -> bool:
    """Whether a unit of this scope ought to hold the table."""
    scope = "dataset" if unit.scope == DATASET_SCOPE else "episode"
    return scope in standard().fact_table(table).scopes


def _why_absent(table: str, unit: Facts) -> str:
    if DEPTHS.index(unit.depth) < DEPTHS.index(standard().fact_table(table).depth):
        return reason("table_depth", table, unit.depth)
    return reason("table_absent", table)


def _unit_place(unit: Facts) -> Place:
    return Place(episode="" if unit.scope in (DATASET_SCOPE, "bare") else unit.scope)


def _note(rule: Rule, tallies: Mapping[str, Tally], ledger: _Ledger) -> None:
    for scope, tally in tallies.items():
        by_rule = ledger.outcomes.setdefault(scope, {})
        by_rule[rule.rule_id] = outcome(rule, scope, tally, by_rule.get(rule.rule_id))
        ledger.findings.extend(tally.findings)


def _note_unknown(profile: Profile, ledger: _Ledger) -> None:
    """A rule that the profile lists and this tool lacks is undetermined from the first level on."""
    scope = DATASET_SCOPE if ledger.subject_kind == "dataset" else next(iter(ledger.outcomes), DATASET_SCOPE)
    for rule_id in profile.unknown:
        states: dict[Level, State] = dict.fromkeys(LEVELS, "undetermined")
        ledger.outcomes.setdefault(scope, {})[rule_id] = Outcome(rule_id, scope, "error", states, 0)
        why = reason("no_rule")
        ledger.findings.append(Finding(rule_id, "error", "undetermined", LEVELS[0], Place(), reason=why))


def _note_subject(unit: Facts, ledger: _Ledger) -> None:
    """Name, title and exclusions of what is judged."""
    ledger.subject_kind = unit.subject
    if unit.subject == "episode":
        ledger.subject = unit.scope
    elif unit.subject == "bare":
        ledger.subject = next((str(row.get("path")) for row in unit.tables.get("container", ())), "")
    if unit.scope != DATASET_SCOPE:
        return
    for row in unit.tables.get("document", ()):
        value = row.get("value")
        if row.get("kind") == "dataset" and not row.get("embedded_in") and isinstance(value, Mapping):
            ledger.subject = _text(value, "dataset_id")
            ledger.title = {lang: _text(value, f"title_{lang}") for lang in ("en", "zh")}
            ledger.excluded.update(_exclusions(value))


def _exclusions(dataset: Row) -> dict[str, str]:
    entries = dataset.get("excluded")
    if entries is None or isinstance(entries, str | bool | int | float | Mapping):
        return {}
    return {
        _text(entry, "episode_id"): _text(entry, "reason")
        for entry in entries
        if isinstance(entry, Mapping) and _text(entry, "episode_id") and _text(entry, "reason").strip()
    }


def _text(value: Row, name: str) -> str:
    text = value.get(name)
    return text if isinstance(text, str) else ""


def _report(ledger: _Ledger, profile: Profile, context: Context, facts_digest: str) -> Report:
    levels: dict[str, Level | None] = {
        scope: reached_level(by_rule.values()) for scope, by_rule in sorted(ledger.outcomes.items())
    }
    counted: dict[str, Level | None] = {scope: level for scope, level in levels.items() if scope not in ledger.excluded}
    hollow = ledger.subject_kind == "bare" or not counted.keys() - {DATASET_SCOPE}  # no level without an episode
    outcomes = (by_rule[rule_id] for _, by_rule in sorted(ledger.outcomes.items()) for rule_id in sorted(by_rule))
    return Report(
        subject=ledger.subject or "unidentified",
        subject_kind=ledger.subject_kind,
        profile=profile.name,
        findings=tuple(sorted(ledger.findings, key=_order)),
        outcomes=tuple(outcomes),
        level=None if hollow else lowest_level(counted.values()),
        levels={} if ledger.subject_kind == "bare" else levels,
        excluded=dict(sorted(ledger.excluded.items())),
        coverage=ledger.coverage.value(),
        digests={"facts": facts_digest, "profile": profile.digest, "context": context_digest(context)},
        title=ledger.title,
    )


def context_digest(context: Context) -> str:
    """sha256 hex over the JCS of a context."""
    return sha256_hex(canonical_bytes(context_value(context)))


def context_value(context: Context) -> JsonObject:
    """A context as data: ledger and tables, which may be large or confidential, by their digests."""
    return {
        "as_of_ns": str(context.as_of_ns),
        "recipient": context.recipient,
        "recipient_country": context.recipient_country,
        "recipient_gba": context.recipient_gba,
        "purpose": context.purpose,
        "ledger_sha256": None if context.ledger is None else sha256_hex(canonical_bytes(context.ledger)),
        "tables": {name: sha256_hex(canonical_bytes(table)) for name, table in sorted(context.tables.items())},
    }


def _order(finding: Finding) -> tuple[object, ...]:
    """Worst first, then by rule and place; total, so that the order of units and rows leaves no trace."""
    place = tuple(str(getattr(finding.place, item.name)) for item in fields(Place))
    rest = (finding.measure, finding.level, finding.reason, str(finding.measured), str(finding.required))
    return (_SEVERITY_ORDER[finding.severity], _STATE_ORDER[finding.state], finding.rule_id, place, rest)
