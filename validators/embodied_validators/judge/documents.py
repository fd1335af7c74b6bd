"""A document check carried out: each document of a kind held against a JSON Schema.

One fault, one finding: a document that is missing, unreadable or of an unknown version is found by the rule that holds
it against its own schema (ST-01, ST-02, ST-03); any other rule about it is skipped, undetermined, and names that rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from embodied_kit.model.facts import Facts, Row
from embodied_kit.model.json import JsonObject, JsonValue
from embodied_kit.model.report import Finding, Place
from embodied_kit.model.rule import LEVELS, DocumentCheck, Profile, Rule
from embodied_kit.spec import Basis, SchemaProblem, current_basis
from embodied_kit.spec.parts import PartChecker, Parts, parts_of
from embodied_validators.judge.compiled import CompiledCheck
from embodied_validators.judge.reasons import reason, schema_reason
from embodied_validators.judge.tally import Skip, Tally
from embodied_validators.judge.view import episode_of, scope_of

TABLE = "document"
EMBEDDED_KINDS = ("capture", "closing")  # they exist nowhere else; embedded copies of other kinds are judged at home
_UNKNOWN_FIELD = ("unevaluatedProperties", "additionalProperties")


@dataclass(frozen=True)
class OpenDocument:
    """A document of a unit, looked at once for all checks of its kind.

    Attributes:
        parts: None where it is missing or cannot be read.
        unreadable: Why, in one word.
        supported: Whether the major version is ours; one without a readable version is judged, and found by its keeper.
    """

    scope: str
    place: Place
    parts: Parts | None
    unreadable: str
    supported: bool


def is_home(row: Row, facts: Facts) -> bool:
    """Whether a document is judged where it is: not an embedded copy of what has a home of its own."""
    return not row.get("embedded_in") or row.get("kind") in EMBEDDED_KINDS or facts.subject == "bare"


def open_document(row: Row, facts: Facts, major: str) -> OpenDocument:
    """A row of the table `document`, ready to be held against schemas; `major` is the version that can be judged."""
    scope, value = scope_of(row, facts), row.get("value")
    ok = row.get("parse") == "ok" and isinstance(value, Mapping)
    return OpenDocument(
        scope=scope,
        place=Place(episode=episode_of(scope), path=str(row.get("path") or "")),
        parts=parts_of(value) if ok and isinstance(value, Mapping) else None,
        unreadable=str(row.get("parse")),
        supported=not isinstance(value, Mapping) or _supported(value, major),
    )


@dataclass(frozen=True)
class CompiledDocument(CompiledCheck[DocumentCheck]):
    """A document check with what it needs to know of its profile.

    Attributes:
        keeper: Id of the rule that holds this kind against its own schema; empty where the profile has none.
        version_keeper: Id of the rule that judges `schema_version`; empty where the profile has none.
        owned: Field pattern -> index of the level from which a rule of its own asks for the field.
        checker: Remembers what equal parts of documents came to; one for all checks of a judgement.
        basis: Forms of documents.
    """

    keeper: str
    version_keeper: str
    owned: Mapping[str, int]
    checker: PartChecker
    basis: Basis

    @cached_property
    def table(self) -> str:
        """Facts table that it reads."""
        return TABLE

    def judge(self, document: OpenDocument, tally: Tally) -> None:
        """Judge a document of the kind."""
        parts = document.parts
        if parts is None:
            self._judge_unreadable(document.unreadable, document.place, tally)
        elif not self.check.any_version and not document.supported:
            self._see(self.version_keeper, document.place, tally)
        elif self.asks(parts):
            if self.unanswered:
                self._note("undetermined", self.first, document.place, self.unanswered, tally)
                return
            self.note(self.problems(parts), document.place, parts, tally)

    def asks(self, parts: Parts) -> bool:
        """Whether a document is one that the check is for."""
        return self.check.when is None or not self._check(parts, self.check.when)

    def note(self, problems: Iterable[tuple[int, SchemaProblem]], place: Place, parts: Parts, tally: Tally) -> None:
        """Note that a document was compared, and its problems."""
        tally.compared(self.first)
        for level, problem in problems:
            self._note_problem(level, problem, parts.value, place, tally)

    def schemas(self) -> Iterator[JsonObject]:
        """Every schema that a document may be held against."""
        yield from (schema for schema in (self.check.when, self.check.check) if schema is not None)
        if self.check.check is None and self.check.conforms_to == "authoring":
            yield self.basis.closed_schema(self.check.document)
        elif self.check.check is None:
            yield from (self.basis.level_schema(self.check.document, level) for level in self.check.limits)

    def raised(self, why: str, place: Place, tally: Tally) -> None:
        """Note that the check itself has a fault."""
        self._note("undetermined", self.first, place, why, tally)

    def _judge_unreadable(self, parse: str, place: Place, tally: Tally) -> None:
        if self.check.conforms_to != "judging":
            self._see(self.keeper, place, tally)
            return
        tally.compared(self.first)
        why = reason("document_missing") if parse == "missing" else reason("document_unreadable", parse)
        self._note("failed", self.first, place, why, tally)

    def _see(self, keeper: str, place: Place, tally: Tally) -> None:
        why = reason("see_rule", self.check.document, keeper) if keeper else reason("no_document", self.check.document)
        tally.skips.append(Skip(keeper, why, place, self.first, self.severity))

    def _check(self, parts: Parts, schema: JsonObject) -> list[SchemaProblem]:
        return self.checker.problems(self.check.document, parts, schema)

    def problems(self, parts: Parts) -> Iterator[tuple[int, SchemaProblem]]:
        """Each problem with the index of the first level that it stands in the way of."""
        kind = self.check.document
        if self.check.check is not None:
            yield from ((self.first, problem) for problem in self._check(parts, self.check.check))
        elif self.check.conforms_to == "authoring":
            closed = self.basis.closed_schema(kind)
            yield from ((self.first, item) for item in self._check(parts, closed) if item.keyword in _UNKNOWN_FIELD)
        else:
            yield from self._level_problems(parts)

    def _level_problems(self, parts: Parts) -> Iterator[tuple[int, SchemaProblem]]:
        """Problems under the schema of each level; a field that another rule asks for is left to that rule."""
        seen: set[tuple[str, str]] = set()
        for level in self.check.limits:
            index = LEVELS.index(level)
            for problem in self._check(parts, self.basis.level_schema(self.check.document, level)):
                key = (problem.pointer, problem.keyword)
                if key not in seen and not self._left(problem, index):
                    yield index, problem
                seen.add(key)

    def _left(self, problem: SchemaProblem, level: int) -> bool:
        """Whether another rule, or the document's own home, answers for it."""
        pattern = _pattern(problem.pointer)
        if any(pattern == left or pattern.startswith(f"{left}/") for left in self.check.leaves):
            return True
        return problem.keyword == "required" and self.owned.get(pattern, len(LEVELS)) <= level

    def _note_problem(self, level: int, problem: SchemaProblem, value: JsonObject, place: Place, tally: Tally) -> None:
        undetermined = self.check.otherwise == "undetermined"
        why = reason("evidence_absent") if undetermined else schema_reason(problem.keyword)
        measured = _measured(_at(value, problem.pointer), problem)
        at = Place(episode=place.episode, path=place.path, pointer=problem.pointer)
        self._note(self.check.otherwise, level, at, why, tally, measured, problem.limit, problem.keyword)

    def _note(
        self,
        state: str,
        level: int,
        place: Place,
        why: str,
        tally: Tally,
        measured: JsonValue = None,
        required: JsonValue = None,
        keyword: str = "",
    ) -> None:
        finding = Finding(
            rule_id=self.rule.rule_id,
            severity=self.severity,
            state="failed" if state == "failed" else "undetermined",
            level=LEVELS[level],
            place=place,
            measured=measured,
            required=required,
            comparator="schema",
            reason=why,
            measure=keyword,
        )
        tally.found(finding, range(level, len(LEVELS)))


def compile_document(
    rule: Rule,
    document_check: DocumentCheck,
    profile: Profile,
    checker: PartChecker,
    position: int,
    unanswered: str = "",
) -> CompiledDocument:
    """Look up what the other rules of a profile say about the same kind, once a profile."""
    kind = document_check.document
    return CompiledDocument(
        rule,
        document_check,
        position,
        unanswered,
        keeper=next((other.rule_id for other, item in _about(profile, kind) if item.conforms_to == "judging"), ""),
        version_keeper=next((other.rule_id for other, item in _about(profile, kind) if item.any_version), ""),
        owned=_owned(profile, kind, rule) if document_check.conforms_to == "judging" else {},
        checker=checker,
        basis=profile.basis or current_basis(),
    )


def _about(profile: Profile, kind: str) -> Iterator[tuple[Rule, DocumentCheck]]:
    for rule in profile.rules:
        for item in rule.checks:
            if isinstance(item, DocumentCheck) and item.document == kind:
                yield rule, item


def _owned(profile: Profile, kind: str, keeper: Rule) -> dict[str, int]:
    """Fields that a blocking, unconditional rule asks for by itself, wherever the keeper is asked too."""
    owned: dict[str, int] = {}
    for rule, item in _about(profile, kind):
        always = item.when is None and not item.given and item.check is not None and item.otherwise == "failed"
        if always and rule.severity == "error" and set(keeper.subjects) <= set(rule.subjects):
            for pattern in _required_fields(item.check, ""):
                owned[pattern] = min(owned.get(pattern, len(LEVELS)), LEVELS.index(next(iter(item.limits))))
    return owned


def _required_fields(schema: JsonValue, prefix: str) -> Iterator[str]:
    """Patterns of the fields that a schema requires: `/tasks/*/task_name_zh`."""
    if not isinstance(schema, Mapping):
        return
    required, properties = schema.get("required"), schema.get("properties")
    if isinstance(required, Sequence):
        yield from (f"{prefix}/{name}" for name in required)
    if isinstance(properties, Mapping):
        for name, inner in properties.items():
            yield from _required_fields(inner, f"{prefix}/{name}")
    yield from _required_fields(schema.get("items"), f"{prefix}/*")


def _pattern(pointer: str) -> str:
    return "/".join("*" if part.isdigit() else part for part in pointer.split("/"))


def _supported(value: JsonObject, major: str) -> bool:
    """Whether the major version can be judged; without a readable version it is, and its keeper finds that."""
    version = value.get("schema_version")
    return not isinstance(version, str) or version.partition(".")[0] == major


def _measured(found: JsonValue, problem: SchemaProblem) -> JsonValue:
    """A number, or the size that a limit speaks of; never a text, which may be personal information."""
    if isinstance(found, str | Sequence | Mapping):
        return len(found) if problem.limit is not None else None
    return found


def _at(value: JsonValue, pointer: str) -> JsonValue:
    """Value at a JSON pointer; None where there is none."""
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, Mapping):
            value = value.get(name)
        elif isinstance(value, Sequence) and not isinstance(value, str) and name.isdigit() and int(name) < len(value):
            value = value[int(name)]
        else:
            return None
    return value
