"""Facts x profile x context -> report. Pure: no file is opened, no clock is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress

from embodied_kit.canonical import canonical_bytes, sha256_hex
from embodied_kit.collector import collector_paused, collector_seldom
from embodied_kit.model.facts import DATASET_SCOPE, Facts, Row
from embodied_kit.model.json import JsonObject
from embodied_kit.model.outcomes import Outcomes
from embodied_kit.model.report import Context, Finding, Place, Report, Waiver
from embodied_kit.model.rule import LEVELS, Level, Profile
from embodied_kit.spec import Basis, current_basis
from embodied_validators.judge.context_tables import with_context_tables
from embodied_validators.judge.ledger import Ledger
from embodied_validators.judge.levels import levels_of, lowest_level
from embodied_validators.judge.passed import Found, Sums
from embodied_validators.judge.plan import CompiledRule, Plan, compile_rules, plan_for
from embodied_validators.judge.reasons import reason
from embodied_validators.judge.skips import causes_of
from embodied_validators.judge.tally import Tally, order
from embodied_validators.judge.view import episode_of
from embodied_validators.judge.waivers import ActiveWaivers, waivers_digest

_BATCH_ROWS = 8_192


def judge(
    facts: Iterable[Facts],
    profile: Profile,
    context: Context,
    *,
    facts_digest: str = "",
    waivers: Sequence[Waiver] = (),
    raise_bugs: bool = False,
) -> Report:
    """Judge all units of one subject.

    Args:
        facts: Units, in any order; they are let go some thousand rows at a time.
        profile: Rules and parameters.
        context: Date, recipient and purpose.
        facts_digest: sha256 hex of the canonical facts lines, for the report; empty where they were not written.
        waivers: Findings that somebody answers for; without effect on rules that may not be waived.
        raise_bugs: Let an exception inside a rule escape (tests); else the rule is undetermined.
    """
    rules, basis = compile_rules(profile, context), profile.basis or current_basis()
    plans: dict[str, Plan] = {}
    active = ActiveWaivers(waivers, {rule.rule_id: rule for rule in profile.rules}, context.as_of_ns)
    ledger, sums = Ledger(profile), Sums()
    with collector_seldom():
        for units in _batches(with_context_tables(facts, context)):
            subject = units[0].subject
            if subject not in plans:
                plans[subject] = plan_for(subject, enumerate(rules), basis)
            with collector_paused():
                for unit, found in zip(units, _found(plans[subject], units, raise_bugs), strict=True):
                    _note_subject(unit, ledger)
                    ledger.coverage.add(unit)
                    _note(unit, found, sums, active, ledger)
    with collector_paused():
        return _report(ledger, context, facts_digest, waivers, active)


def _batches(units: Iterable[Facts]) -> Iterator[list[Facts]]:
    """Units of one kind of subject, so many that their columns are long, and few enough to be held."""
    batch: list[Facts] = []
    rows_n = 0
    for unit in units:
        if batch and unit.subject != batch[0].subject:
            yield batch
            batch, rows_n = [], 0
        batch.append(unit)
        rows_n += sum(map(len, unit.tables.values()))
        if rows_n >= _BATCH_ROWS:
            yield batch
            batch, rows_n = [], 0
    if batch:
        yield batch


def _found(plan: Plan, units: Sequence[Facts], raise_bugs: bool) -> list[Found]:
    """What the rules find in each unit; a bug in one rule makes that rule undetermined and touches no other."""
    try:
        return plan.judge(units)
    except Exception:
        if raise_bugs:
            raise
    return [_guarded(plan, unit) for unit in units]


def _guarded(plan: Plan, unit: Facts) -> Found:
    """What the rules find in one unit of several of which one has met a bug."""
    with suppress(Exception):
        return plan.judge([unit])[0]
    found = Found()
    for position, compiled in plan.rules.items():
        found.update(_alone(position, compiled, unit, plan.basis))
    return found


def _alone(position: int, compiled: CompiledRule, unit: Facts, basis: Basis) -> Found:
    """What one rule finds, or that it raised."""
    try:
        return plan_for(unit.subject, [(position, compiled)], basis).judge([unit])[0]
    except Exception as error:  # noqa: BLE001 - a rule's bug is that rule's verdict, whatever it raises
        found, place = Found(), Place(episode=episode_of(unit.scope))
        compiled.checks[0].raised(reason("raised", type(error).__name__), place, found.tally(position, unit.scope))
        return found


def _note(unit: Facts, found: Found, sums: Sums, active: ActiveWaivers, ledger: Ledger) -> None:
    ledger.asked(unit.scope)
    cells = {scope: dict(sums.cells(passed)) for scope, passed in found.passed.items()}
    found.complete()
    spoken: list[tuple[str, Tally, Sequence[Finding]]] = []
    for (position, scope), tally in found.tallies.items():
        rule_id = ledger.profile.rules[position].rule_id
        settled = tally.settle(active.predicate(rule_id))
        cells.setdefault(scope, {})[position] = (settled.ranks, tally.checked, settled.worst)
        if settled.findings or tally.skips:
            spoken.append((rule_id, tally, settled.findings))
        for finding in settled.waived:
            active.note(finding)
        ledger.waived.extend(settled.waived)
    for scope, said in cells.items():
        ledger.note(scope, said)
    _note_spoken(spoken, ledger)


def _note_spoken(spoken: Sequence[tuple[str, Tally, Sequence[Finding]]], ledger: Ledger) -> None:
    """Findings and skips of one unit, those of one cause together."""
    causes = causes_of(finding for _, _, findings in spoken for finding in findings)
    for rule_id, tally, findings in spoken:
        for skip in tally.skips:
            ledger.skips.add(rule_id, causes.of_skip(skip))
        for finding in findings:
            skipped = causes.of_finding(finding)
            if skipped is None:
                ledger.findings.append(finding)
            else:
                ledger.skips.add(rule_id, skipped)


def _note_subject(unit: Facts, ledger: Ledger) -> None:
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


def _report(
    ledger: Ledger, context: Context, facts_digest: str, waivers: Sequence[Waiver], active: ActiveWaivers
) -> Report:
    profile, bare = ledger.profile, ledger.subject_kind == "bare"
    outcomes = _outcomes(ledger)
    partial = ledger.coverage.counts["sampled"] > 0
    levels = _levels(outcomes, ledger)
    counted: dict[str, Level | None] = {scope: level for scope, level in levels.items() if scope not in ledger.excluded}
    hollow = bare or partial or not counted.keys() - {DATASET_SCOPE}  # no level without an episode
    return Report(
        subject=ledger.subject or "unidentified",
        subject_kind=ledger.subject_kind,
        profile=profile.name,
        findings=tuple(sorted(ledger.findings, key=order)),
        outcomes=outcomes,
        level=None if hollow else lowest_level(counted.values()),
        levels={} if bare else levels,
        excluded=dict(sorted(ledger.excluded.items())),
        coverage=ledger.coverage.value(),
        digests={
            "facts": facts_digest,
            "profile": profile.digest,
            "context": context_digest(context),
            "waivers": waivers_digest(waivers),
        },
        title=ledger.title,
        skipped=ledger.skips.value(),
        waived=tuple(sorted(ledger.waived, key=order)),
        waivers=active.uses(ledger.coverage.episodes),
        selection=profile.selection,
        partial=partial,
    )


def _outcomes(ledger: Ledger) -> Outcomes:
    """Outcomes; a rule that the profile lists and this tool lacks is undetermined from the first level on."""
    unknown = ledger.profile.unknown
    scope = DATASET_SCOPE if ledger.subject_kind == "dataset" else next(iter(ledger.cells), DATASET_SCOPE)
    why = reason("no_rule")
    ledger.findings += [
        Finding(rule_id, "error", "undetermined", LEVELS[0], Place(), reason=why) for rule_id in unknown
    ]
    return ledger.outcomes(scope, unknown)


def _levels(outcomes: Outcomes, ledger: Ledger) -> dict[str, Level | None]:
    """Level of each scope; None where only a part of it was looked at, or only some rules were asked."""
    if ledger.profile.selection:
        return dict.fromkeys(outcomes.by_scope)
    reached = levels_of(outcomes)
    return {scope: None if scope in ledger.coverage.sampled else level for scope, level in reached.items()}


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
