"""Rules and profiles as the judge sees them: data with a digest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from embodied_kit.model.json import JsonObject, JsonValue

if TYPE_CHECKING:
    from embodied_kit.spec.basis import Basis

Level = Literal["L1", "L2", "L3", "L4"]
LEVELS: tuple[Level, ...] = ("L1", "L2", "L3", "L4")
Severity = Literal["error", "warning", "info"]
Comparator = Literal["max", "min", "below", "above", "equal"]


@dataclass(frozen=True)
class Limit:
    """One required value from one level on, with its origin.

    Attributes:
        value: Number, word or truth value; the judge resolves `{parameter: name}` and `{context: as_of_ns, plus: n}`.
        origin: standard, practice, engineering or declared (by the dataset's own documents).
        binding: 应 (shall), 宜 (should) or - (none).
        clause: Clause or name of the source; empty for our own.
        evidence: How the number is known: read, second-hand, memory, own.
        as_of: Date of the evidence, ISO 8601.
    """

    value: JsonValue
    origin: str
    binding: str = "-"
    clause: str = ""
    evidence: str = "own"
    as_of: str = ""


@dataclass(frozen=True)
class LimitCheck:
    """A column of every matching row held against a limit.

    Attributes:
        table: Facts table.
        only: Columns that must equal a value (or one of a list) for the row to be judged (`for` in the file).
        measure: Column that is compared; where its name ends in `_ns`, both sides are integers in decimal strings.
        comparator: max (<=), min (>=), below (<), above (>), equal (==, or one of a list).
        limits: First level from which each limit holds, until a higher level replaces it -> limit.
        otherwise: State of a row that does not satisfy it.
        spans: Kind of rows of the table `span` that say where in the stream a finding is; empty for none.
        unit: UCUM code of the column, from the facts schema; empty for none.
        given: Key of the context -> values under which the check is asked; empty for always.
        severity: Of its findings; None for the rule's own.
    """

    table: str
    only: Mapping[str, JsonValue]
    measure: str
    comparator: Comparator
    limits: Mapping[Level, Limit]
    otherwise: Literal["failed", "undetermined"] = "failed"
    spans: str = ""
    unit: str = ""
    given: Mapping[str, JsonValue] = field(default_factory=dict)
    severity: Severity | None = None


@dataclass(frozen=True)
class DocumentCheck:
    """A document of one kind held against a JSON Schema (or its own document schema).

    Attributes:
        document: Kind of document, as in the facts table `document`.
        when: JSON Schema; a document that does not satisfy it is not judged.
        check: JSON Schema that it must satisfy; None where `conforms_to` is used.
        conforms_to: `judging` (required fields of a level) or `authoring` (unknown fields); empty with `check`.
        limits: First level that needs it -> origin of the requirement.
        otherwise: State of a document that does not satisfy it.
        any_version: Whether documents of an unsupported `schema_version` are judged too.
        leaves: Patterns (`/robots/*`) of parts that are judged where they are at home, by another check or rule.
        given: Key of the context -> values under which the check is asked; empty for always.
        severity: Of its findings; None for the rule's own.
    """

    document: str
    when: JsonObject | None
    check: JsonObject | None
    conforms_to: Literal["", "judging", "authoring"]
    limits: Mapping[Level, Limit]
    otherwise: Literal["failed", "undetermined"] = "failed"
    any_version: bool = False
    leaves: tuple[str, ...] = ()
    given: Mapping[str, JsonValue] = field(default_factory=dict)
    severity: Severity | None = None


Check: TypeAlias = LimitCheck | DocumentCheck


@dataclass(frozen=True)
class Rule:
    """One rule of the rulebook.

    Attributes:
        rule_id: `TM-07`; never reused.
        title, why, fix: Language (`en`, `zh`) -> text.
        level: First level that needs it.
        subjects: Kinds of subject it can be asked of; elsewhere it is not applicable.
        preview: Whether no released profile takes it up yet.
        waivable: Whether a waiver may let its findings be; never for what makes a dataset whole, known and lawful.
    """

    rule_id: str
    title: Mapping[str, str]
    why: Mapping[str, str]
    fix: Mapping[str, str]
    severity: Severity
    level: Level
    overridable: bool
    checks: tuple[Check, ...]
    subjects: tuple[str, ...] = ("dataset", "episode", "bare")
    waivable: bool = True
    preview: bool = False


@dataclass(frozen=True)
class Profile:
    """A frozen choice of rules and parameters.

    Attributes:
        profile_id: Slug, e.g. `sim-preview`.
        version: `0.1`.
        rules: The rules it lists, in order; those that this tool lacks stand in `unknown`.
        parameters: Values that rules refer to.
        unknown: Listed rule ids that this tool does not carry: always undetermined.
        digest: sha256 hex over the JCS of the profile with its rules.
        selection: Which of its rules were chosen, as the user put it; empty for all.
        basis: Forms of documents and tables that it was frozen with; None for those of this package.
    """

    profile_id: str
    version: str
    title: Mapping[str, str]
    rules: tuple[Rule, ...]
    parameters: Mapping[str, JsonValue] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()
    digest: str = ""
    selection: str = ""
    basis: Basis | None = None

    @property
    def name(self) -> str:
        """`id@version`, as users name it."""
        return f"{self.profile_id}@{self.version}"

    @property
    def preview(self) -> bool:
        """Whether its marks carry the word preview."""
        return self.profile_id.endswith("-preview")
