"""What is attested of a dataset besides its files: the facts, and the report that was judged from them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from embodied_kit.errors import UsageError
from embodied_kit.model.report import Context, Report
from embodied_kit.model.rule import Profile
from embodied_validators.judge import context_digest


@dataclass(frozen=True)
class Judgement:
    """A report with all that it was judged from.

    Attributes:
        facts: Lines of facts.jsonl, which can be read again and again and need not be held.
        report: The report judged from these facts, with their digest in it.
        report_bytes: Its signed form (`report_lines`).
        profile: The profile it was judged under.
        context: The context it was judged in.
    """

    facts: Iterable[bytes]
    report: Report
    report_bytes: bytes
    profile: Profile
    context: Context

    @cached_property
    def facts_sha256(self) -> str:
        """Digest of facts.jsonl, hex."""
        digest = hashlib.sha256()
        for line in self.facts:
            digest.update(line)
        return digest.hexdigest()

    def require_consistent(self) -> None:
        """The report must say that it was judged from these facts, under this profile, in this context.

        Raises:
            UsageError: It says something else, or is none of a whole dataset.
        """
        if self.report.subject_kind != "dataset":
            raise UsageError(f"expected the report of a whole dataset, got that of one {self.report.subject_kind}")
        expected = {
            "facts": self.facts_sha256,
            "profile": self.profile.digest,
            "context": context_digest(self.context),
        }
        for name, digest in expected.items():
            if self.report.digests.get(name) != digest:
                raise UsageError(
                    f"expected a report judged with this {name}, got one with another", remedy="validate again"
                )
