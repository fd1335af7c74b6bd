"""What judging yields: findings, one outcome a rule, the level, the coverage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from embodied_kit.model.json import JsonObject, JsonValue
from embodied_kit.model.rule import Level, Severity

State = Literal["passed", "failed", "not_applicable", "undetermined"]


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
class Outcome:
    """What one rule says about one scope.

    Attributes:
        states: Level -> state at that level (only levels from the rule's own upwards).
        checked: Rows or documents that were compared.
    """

    rule_id: str
    scope: str
    severity: Severity
    states: Mapping[Level, State]
    checked: int


@dataclass(frozen=True)
class Report:
    """Result of judging one subject under one profile.

    Attributes:
        level: Highest level reached by every episode that is not excluded; None below L1, for a bare file, and where no
            episode counts.
        levels: Scope -> level reached.
        excluded: Episode id -> reason.
        coverage: Counts of seen, opened, decoded, sampled and ignored files and streams, and the places not seen.
        digests: Name -> sha256 hex of facts, profile, context.
    """

    subject: str
    subject_kind: Literal["dataset", "episode", "bare"]
    profile: str
    findings: tuple[Finding, ...]
    outcomes: tuple[Outcome, ...]
    level: Level | None
    levels: Mapping[str, Level | None]
    excluded: Mapping[str, str] = field(default_factory=dict)
    coverage: Mapping[str, JsonValue] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)
    title: Mapping[str, str] = field(default_factory=dict)


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
