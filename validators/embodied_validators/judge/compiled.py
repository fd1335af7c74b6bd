"""What a check of any form has once its profile and context are known."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Generic, TypeVar

from embodied_kit.model.report import Place
from embodied_kit.model.rule import LEVELS, DocumentCheck, LimitCheck, Rule, Severity
from embodied_validators.judge.tally import Skip, Tally

CheckT = TypeVar("CheckT", LimitCheck, DocumentCheck)


@dataclass(frozen=True)
class CompiledCheck(Generic[CheckT]):
    """A check ready to be carried out.

    Attributes:
        position: Of its rule in the profile.
        unanswered: Why the context leaves open whether it is asked; empty where it does not.
    """

    rule: Rule
    check: CheckT
    position: int
    unanswered: str

    @cached_property
    def severity(self) -> Severity:
        """Of its findings."""
        return self.check.severity or self.rule.severity

    @cached_property
    def first(self) -> int:
        """Index of the first level that it is needed for."""
        return LEVELS.index(next(iter(self.check.limits)))

    def absent(self, why: str, place: Place, tally: Tally) -> None:
        """Note that there is nothing that it could look at."""
        tally.skips.append(Skip("", why, place, self.first, self.severity))
