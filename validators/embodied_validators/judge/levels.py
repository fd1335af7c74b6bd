"""From outcomes to the level reached and the exit code."""

from __future__ import annotations

from collections.abc import Iterable

from embodied_kit.errors import UsageError
from embodied_kit.model.report import Outcome, Report
from embodied_kit.model.rule import LEVELS, Level
from embodied_validators.judge.reasons import reason

FAILED, UNDETERMINED, PASSED = 1, 3, 0
_STRUCTURE = ("ST-", "CT-")  # what must hold where no level is asked for


def reached_level(outcomes: Iterable[Outcome]) -> Level | None:
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
        level: Level that is asked for; None asks for the rules of ST and CT, each at its own
            level, and for those that the tool lacks.

    Raises:
        UsageError: A level is asked of a bare file or bag, which can have none.
    """
    if level is not None and report.subject_kind == "bare":
        raise UsageError(
            f"expected a dataset or an episode for level {level}, got a bare file or bag",
            remedy="leave out --level, or import it into a dataset first",
        )
    unknown = {finding.rule_id for finding in report.findings if finding.reason == reason("no_rule")}
    counting = [o for o in report.outcomes if o.severity == "error" and o.scope not in report.excluded]
    if level is not None:
        states = {state for outcome in counting for at, state in outcome.states.items() if at <= level}
    else:
        needed = [o for o in counting if o.rule_id.startswith(_STRUCTURE) or o.rule_id in unknown]
        states = {outcome.states[min(outcome.states)] for outcome in needed if outcome.states}
    hollow = level is not None and report.level is None  # nothing stands in the way, but no episode was judged either
    return FAILED if "failed" in states else UNDETERMINED if hollow or "undetermined" in states else PASSED
