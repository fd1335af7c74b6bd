"""All checks of one kind of document together: thousands of documents have the same few problems, or none."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from embodied_kit.spec import SchemaProblem
from embodied_kit.spec.parts import Asked, Parts
from embodied_validators.judge.documents import CompiledDocument, OpenDocument
from embodied_validators.judge.passed import Found, Passed, passed_by

_MOST_VERDICTS = 10_000


class _Verdict(NamedTuple):
    """What the checks of a kind say about documents of the same problems.

    Attributes:
        passed: Checks without a problem.
        failed: The others, with theirs.
        open: Checks of which the context leaves open whether they are asked.
    """

    passed: Passed
    failed: tuple[tuple[CompiledDocument, tuple[tuple[int, SchemaProblem], ...]], ...]
    open: tuple[CompiledDocument, ...]


@dataclass(frozen=True)
class KindPlan:
    """All checks of one kind of document; one with the problems of an earlier one is judged like it."""

    kind: str
    checks: tuple[CompiledDocument, ...]
    _known: dict[tuple[object, ...], _Verdict] = field(default_factory=dict)

    def judge(self, document: OpenDocument, found: Found) -> None:
        """Judge a document of the kind."""
        if document.parts is None or not document.supported:
            for check in self.checks:
                check.judge(document, found.tally(check.position, document.scope))
            return
        verdict = self._verdict(document.parts)
        found.add(document.scope, verdict.passed)
        for check, problems in verdict.failed:
            check.note(problems, document.place, document.parts, found.tally(check.position, document.scope))
        for check in verdict.open:
            check.judge(document, found.tally(check.position, document.scope))

    @cached_property
    def _asked(self) -> Asked:
        return self.checks[0].checker.asked(self.kind, [item for check in self.checks for item in check.schemas()])

    def _verdict(self, parts: Parts) -> _Verdict:
        key = self.checks[0].checker.outcome(self._asked, parts)
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= _MOST_VERDICTS:
                self._known.clear()
            known = self._known[key] = self._new_verdict(parts)
        return known

    def _new_verdict(self, parts: Parts) -> _Verdict:
        asked = [check for check in self.checks if check.asks(parts)]
        told = [(check, tuple(check.problems(parts))) for check in asked if not check.unanswered]
        return _Verdict(
            passed_by((check.position, check.first, 1) for check, problems in told if not problems),
            tuple((check, problems) for check, problems in told if problems),
            tuple(check for check in asked if check.unanswered),
        )
