"""What judging yields: findings, one outcome a rule, the level, the coverage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from embodied_kit.model.json import JsonObject, JsonValue
from embodied_kit.model.outcomes import Outcome, Outcomes, State
from embodied_kit.model.rule import Level, Severity

__all__ = ["Context", "Finding", "Outcome", "Outcomes", "Place", "Report", "Skipped", "State", "Waiver", "WaiverUse"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a finding is: every part that is known.

    Attributes:
        episode: Episode id; empty for the dataset.
        path: File, POSIX, relative to the dataset; empty where it is not about a file.
        pointer: JSON pointer inside a document.
        stream: Stream id or topic; with field and index the dimension.
        start_ns, end_ns: Time span in ns since the Unix epoch; where there are several, the worst.
        target: The other side: second stream of a pair, target of a link.
    """

    episode: str = ""
    path: str = ""
    pointer: str = ""
    stream: str = ""
    field: str = ""
    index: int | None = None
    start_ns: int | None = None
    end_ns: int | None = None
    target: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One row that did not satisfy a rule, or could not be judged.

    Attributes:
        state: failed or undetermined.
        level: First level that it stands in the way of.
        measured: What was found; None where nothing was measured.
        required: The limit, as resolved.
        comparator: max, min, below, above, equal or schema.
        unit: UCUM code of both numbers; empty for none.
        reason: Why it is undetermined, or what is wrong in the document: a stable English sentence; empty otherwise.
        measure: Column that was compared, or JSON Schema keyword that was not satisfied; empty where neither applies.
        spans_n: Number of time spans behind it; the place shows the worst.
    """

    rule_id: str
    severity: Severity
    state: Literal["failed", "undetermined"]
    level: Level
    place: Place
    measured: JsonValue = None
    required: JsonValue = None
    comparator: str = ""
    unit: str = ""
    reason: str = ""
    measure: str = ""
    spans_n: int = 0


@dataclass(frozen=True, slots=True)
class Skipped:
    """Checks that one cause made impossible: each of their rules is undetermined there, without a finding of its own.

    Attributes:
        cause: Rule whose finding tells the cause; empty where the reason is all that is known.
        reason: A stable English sentence.
        rules: Rules that were skipped, sorted.
        level: First level that they stand in the way of.
        places: Where, sorted; the first of them where there are many.
        places_n: How many there are.
    """

    cause: str
    reason: str
    rules: tuple[str, ...]
    level: Level
    places: tuple[Place, ...]
    places_n: int


@dataclass(frozen=True, slots=True)
class Waiver:
    """Leave to let one rule's findings be, at some places, for some time.

    Attributes:
        episode, path, stream: Patterns (`*`, `?`) that a finding's place must match; empty matches any.
        reason: Why.
        who: Who answers for it.
        valid_until: Its last day (UTC), `2027-01-31`.
    """

    rule_id: str
    reason: str
    who: str
    valid_until: str
    episode: str = ""
    path: str = ""
    stream: str = ""


@dataclass(frozen=True, slots=True)
class WaiverUse:
    """What a waiver did.

    Attributes:
        state: `used`; `unused`: no finding matches it; `expired` or `refused` (its rule may not be waived): no effect.
        findings_n: Findings that it let be.
        broad: Whether it names no place, or covers more than half of many episodes.
    """

    waiver: Waiver
    state: Literal["used", "unused", "expired", "refused"]
    findings_n: int = 0
    broad: bool = False


@dataclass(frozen=True)
class Report:
    """Result of judging one subject under one profile.

    Attributes:
        level: Highest level reached by every episode that is not excluded; None below L1, for a bare file, and where no
            episode counts, where only some rules were asked, and where only a part was looked at.
        levels: Scope -> level reached.
        excluded: Episode id -> reason.
        coverage: Counts of seen, opened, decoded, sampled and ignored files and streams, and the places not seen.
        digests: Name -> sha256 hex of facts, profile, context, waivers.
        skipped: Checks that were not carried out, by cause.
        waived: Findings that a waiver lets be; they stand in the way of nothing.
        waivers: Every waiver that was given, and what it did.
        selection: Which rules were asked, as the user put it; empty for all of the profile.
        partial: Whether only a sample was looked at.
    """

    subject: str
    subject_kind: Literal["dataset", "episode", "bare"]
    profile: str
    findings: tuple[Finding, ...]
    outcomes: Outcomes
    level: Level | None
    levels: Mapping[str, Level | None]
    excluded: Mapping[str, str] = field(default_factory=dict)
    coverage: Mapping[str, JsonValue] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)
    title: Mapping[str, str] = field(default_factory=dict)
    skipped: tuple[Skipped, ...] = ()
    waived: tuple[Finding, ...] = ()
    waivers: tuple[WaiverUse, ...] = ()
    selection: str = ""
    partial: bool = False

    def with_waivers(self, level: Level) -> bool:
        """Whether a level is reached only because something was waived."""
        return any(
            finding.severity == "error" and finding.level <= level and finding.place.episode not in self.excluded
            for finding in self.waived
        )


@dataclass(frozen=True)
class Context:
    """What a judgement depends on besides facts and profile.

    Attributes:
        as_of_ns: Date of the judgement, ns since the Unix epoch.
        recipient: Who would receive the data; empty for nobody in particular.
        purpose: What for, a word of the vocabulary `consent_scope`; empty for none in particular.
        recipient_country: Country or region of the recipient, ISO 3166-1 alpha-2; empty where it is not known.
        recipient_gba: Whether the recipient is within the scope of the Greater Bay Area contract; None if not known.
        ledger: The exporter's yearly totals, as read from its file; None where none was given.
        tables: Name -> dated table in force on that date, as data.
    """

    as_of_ns: int
    recipient: str = ""
    purpose: str = ""
    recipient_country: str = ""
    recipient_gba: bool | None = None
    ledger: JsonObject | None = None
    tables: Mapping[str, JsonObject] = field(default_factory=dict)
