"""From outcomes to the level reached and the exit code."""

from __future__ import annotations

from collections.abc import Iterable

from embodied_kit.errors import UsageError
from embodied_kit.model.outcomes import Outcomes, Said, State
from embodied_kit.model.report import Report
from embodied_kit.model.rule import LEVELS, Level
from embodied_validators.judge.reasons import reason

FAILED, UNDETERMINED, PASSED = 1, 3, 0
_FRAMES = "VS-01"
_STRUCTURE = ("ST-", "CT-")  # what must hold where no level is asked for


def levels_of(outcomes: Outcomes) -> dict[str, Level | None]:
    """Scope -> level reached; worked out once for scopes that share what is said."""
    known: dict[int, Level | None] = {}
    levels: dict[str, Level | None] = {}
    for scope, said in outcomes.by_scope.items():
        if id(said) not in known:
            known[id(said)] = reached_level(said)
        levels[scope] = known[id(said)]
    return levels


def reached_level(outcomes: Iterable[Said]) -> Level | None:
    """Highest level with no error rule failed or undetermined at it or below; None below L1."""
    blocked = len(LEVELS)
    for outcome in outcomes:
        if outcome.severity == "error":
            for level, state in outcome.states.items():
                if state in ("failed", "undetermined"):
                    blocked = min(blocked, LEVELS.index(level))
                    break
    return LEVELS[blocked - 1] if blocked else None


def lowest_level(levels: Iterable[Level | None]) -> Level | None:
    """Lowest of some levels; None where one is None or there is none."""
    ranks = [LEVELS.index(level) if level is not None else -1 for level in levels]
    lowest = min(ranks, default=-1)
    return LEVELS[lowest] if lowest >= 0 else None


def exit_code(report: Report, level: Level | None = None) -> int:
    """0 reached, 1 an error rule failed, 3 nothing failed but something needed is undetermined.

    Args:
        report: Its excluded episodes count for nothing.
        level: Level that is asked for; None asks for the rules of ST and CT, each at its own level, for those that
            the tool lacks or that raised, and that no frame was left undecoded; of a selection every rule, each at its
            own level.

    Raises:
        UsageError: A level is asked of a bare file or bag, which can have none.
    """
    if level is not None and report.subject_kind == "bare":
        raise UsageError(
            f"expected a dataset or an episode for level {level}, got a bare file or bag",
            remedy="leave out --level, or import it into a dataset first",
        )
    faults = (reason("no_rule"), reason("raised", ""))
    broken = {finding.rule_id for finding in report.findings if finding.reason.startswith(faults)}
    states = {
        state
        for said in _counting(report)
        for item in said
        if item.severity == "error"
        for state in _asked(item, level, broken, whole=not report.selection)
    }
    hollow = level is not None and report.level is None and not report.selection  # nothing in the way, nothing judged
    unsure = hollow or report.partial or "undetermined" in states or (level is None and _undecoded(report))
    return FAILED if "failed" in states else UNDETERMINED if unsure else PASSED


def _undecoded(report: Report) -> bool:
    """Whether pictures were looked at and could not be decoded, as CT-07 tells of messages."""
    findings = (item for item in report.findings if item.place.episode not in report.excluded)
    return any(item.rule_id == _FRAMES and item.state == "undetermined" for item in findings)


def _counting(report: Report) -> Iterable[tuple[Said, ...]]:
    """What is said of scopes that count, once where scopes share it."""
    counting = report.outcomes.by_scope.items()
    return {id(said): said for scope, said in counting if scope not in report.excluded}.values()


def _asked(item: Said, level: Level | None, broken: set[str], *, whole: bool) -> list[State]:
    """States of an outcome that an exit code depends on."""
    if level is not None:
        return [state for at, state in item.states.items() if at <= level]
    if item.states and (not whole or item.rule_id.startswith(_STRUCTURE) or item.rule_id in broken):
        return [item.states[min(item.states)]]
    return []
