"""The report as SARIF 2.1.0, for code scanning: every rule declared, a result a finding, notes on what was not seen.

A finding that could not be decided is a result of kind `open`, whose level must be `none` (SARIF 2.1.0, 3.27.9 and
3.27.10); so that no viewer shows it as nothing, its rule is a notification too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

import orjson

from embodied_kit.canonical import rounded
from embodied_kit.language import Language, pick
from embodied_kit.model.json import JsonObject, JsonValue
from embodied_kit.model.report import Finding, Place, Report
from embodied_kit.model.rule import LimitCheck, Rule
from embodied_kit.visible import visible_json
from embodied_validators.report.conditions import limits_text, skipped_why, waived_because, waiver_text
from embodied_validators.report.fingerprint import fingerprints
from embodied_validators.report.group import group_findings
from embodied_validators.report.info import SubjectInfo
from embodied_validators.report.phrases import depths, not_seen, not_seen_total, requirement_text
from embodied_validators.report.quantity import visible
from embodied_validators.report.sentence import finding_text
from embodied_validators.report.words import Words, reason_text

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
MOST_RESULTS = 20_000
"""Code scanning refuses a file with more than 25 000; what is left out is a notification."""
_LEVELS = {"error": "error", "warning": "warning", "info": "note"}
_NOTIFICATIONS = ("partial", "undetermined", "skipped", "not-seen", "waiver", "left-out")
_PROGRAM = "embodied-kit"


@dataclass(frozen=True)
class _Page:
    """What every part needs.

    Attributes:
        rule_ids: Declared rules, in order; a result names its rule by the place here too.
        most: Results at most.
    """

    report: Report
    rules: Mapping[str, Rule]
    info: SubjectInfo
    words: Words
    rule_ids: Mapping[str, int]
    most: int


def render_sarif(
    report: Report, rules: Mapping[str, Rule], info: SubjectInfo, lang: Language, most: int = MOST_RESULTS
) -> bytes:
    """The report as a SARIF log with one run, UTF-8.

    Args:
        report: What the judge said.
        rules: Rule id -> rule.
        info: Name, date, and start of the episodes.
        lang: Language of the messages.
        most: Results at most; how many more there are is a notification.
    """
    asked = {said.rule_id for rules_said in report.outcomes.by_scope.values() for said in rules_said}
    asked |= {finding.rule_id for finding in (*report.findings, *report.waived)}
    asked |= {rule_id for item in report.skipped for rule_id in item.rules}
    page = _Page(
        report, rules, info, Words(lang), {rule_id: index for index, rule_id in enumerate(sorted(asked))}, most
    )
    log: JsonObject = {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": _driver(page)},
                "language": {"en": "en-US", "zh": "zh-CN"}[lang],
                "automationDetails": {"id": f"{_PROGRAM}/{visible(info.name)}/"},
                "invocations": [_invocation(page)],
                "results": list(_results(page)),
                "columnKind": "unicodeCodePoints",
                "properties": {
                    "subject": report.subject,
                    "profile": report.profile,
                    "level": report.level,
                    "partial": report.partial,
                    "selection": report.selection,
                    "coverage": report.coverage,
                    "digests": report.digests,
                },
            }
        ],
    }
    return visible_json(orjson.dumps(rounded(log), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def _driver(page: _Page) -> JsonObject:
    name, _, version = page.info.tool.partition(" ")
    driver: dict[str, JsonValue] = {
        "name": name or _PROGRAM,
        "rules": [_rule(page, rule_id) for rule_id in page.rule_ids],
        "notifications": [{"id": note} for note in _NOTIFICATIONS],
    }
    return driver | {"version": version} if version else driver


def _rule(page: _Page, rule_id: str) -> JsonObject:
    """A reporting descriptor; of a rule that this tool does not carry only the id."""
    rule, lang = page.rules.get(rule_id), page.words.lang
    if rule is None:
        return {"id": rule_id, "shortDescription": {"text": page.words("detail.unknown_rule")}}
    title, why, fix = (pick(text, lang) for text in (rule.title, rule.why, rule.fix))
    head = [page.words(f"column.{name}") for name in ("from_level", "required", "origin", "clause")]
    limits = list(_limits(rule, page.words))
    plain = [why, fix, *("; ".join(limit) for limit in limits), f"{_PROGRAM} rules explain {rule_id}"]
    table = ["| " + " | ".join(cells) + " |" for cells in (head, ["---"] * len(head), *limits)]
    marked = [why, f"**{page.words('detail.fix')}** {fix}", "\n".join(table), f"`{_PROGRAM} rules explain {rule_id}`"]
    return {
        "id": rule_id,
        "name": rule_id,
        "shortDescription": {"text": title},
        "fullDescription": {"text": why or title},
        "help": {"text": "\n\n".join(plain), "markdown": "\n\n".join(marked)},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {"tags": [rule_id.partition("-")[0], rule.level], "level": rule.level},
    }


def _limits(rule: Rule, words: Words) -> Iterator[list[str]]:
    for check in rule.checks:
        name = f"{check.measure} " if isinstance(check, LimitCheck) else ""
        for level, limit in check.limits.items():
            yield [level, name + requirement_text(check, limit.value, words), limit.origin, limit.clause or "-"]


def _results(page: _Page) -> Iterator[JsonObject]:
    findings = (*page.report.findings, *page.report.waived)
    waived = {id(finding) for finding in page.report.waived}
    for finding, name in zip(findings[: page.most], fingerprints(findings), strict=False):
        yield _result(page, finding, name, waived=id(finding) in waived)


def _result(page: _Page, finding: Finding, fingerprint: str, *, waived: bool) -> JsonObject:
    failed = finding.state == "failed"
    rule = page.rules.get(finding.rule_id)
    title = pick(rule.title, page.words.lang) if rule else ""
    said = finding_text(finding, rule, page.info, page.words)
    result: dict[str, JsonValue] = {
        "ruleId": finding.rule_id,
        "ruleIndex": page.rule_ids[finding.rule_id],
        "kind": "fail" if failed else "open",
        "level": _LEVELS[finding.severity] if failed else "none",
        "message": {"text": visible(f"{finding.rule_id} {title}. {said}")},
        "locations": [_location(page.report, page.info, finding.place)],
        "partialFingerprints": {"embodiedKit/v1": fingerprint},
        "properties": {
            "state": finding.state,
            "severity": finding.severity,
            "level": finding.level,
            "measure": finding.measure,
            "measured": finding.measured,
            "required": finding.required,
            "comparator": finding.comparator,
            "unit": finding.unit,
            "reason": finding.reason,
        },
    }
    excluded = page.report.excluded.get(finding.place.episode)
    why = [excluded] if excluded is not None else []
    if waived:
        why += [waiver_text(use, page.words) for use in waived_because(page.report, finding.rule_id)]
    if why:
        result["suppressions"] = [
            {"kind": "external", "status": "accepted", "justification": visible(text)} for text in why
        ]
    return result


def _location(report: Report, info: SubjectInfo, place: Place) -> JsonObject:
    """The file of a place, and where in it: pointer, stream, episode."""
    path = place.path.partition("#")[0] or _home(report, info, place)
    logical = [
        {"name": name, "fullyQualifiedName": whole, "kind": kind}
        for name, whole, kind in (
            (place.pointer.rpartition("/")[2], place.pointer, "property"),
            (place.stream, "/".join(filter(None, (place.episode, place.stream))), "stream"),
            (place.episode, place.episode, "episode"),
        )
        if name and whole
    ]
    physical: dict[str, JsonValue] = {"artifactLocation": {"uri": quote(path.encode("utf-8", "surrogateescape"))}}
    if path.endswith(".json"):
        physical["region"] = {"startLine": 1}
    location: dict[str, JsonValue] = {"physicalLocation": physical}
    return location | {"logicalLocations": logical} if logical else location


def _home(report: Report, info: SubjectInfo, place: Place) -> str:
    """The document of what a finding is about, where it names no file."""
    if report.subject_kind == "bare":
        return info.name
    if report.subject_kind == "episode":
        return "episode.json"
    return f"episodes/{place.episode}/episode.json" if place.episode else "dataset.json"


def _invocation(page: _Page) -> JsonObject:
    notes = [*_limited(page), *_undecided(page), *_skipped(page), *_unseen(page), *_waivers(page)]
    left_out = len(page.report.findings) + len(page.report.waived) - page.most
    if left_out > 0:
        notes.append(_note("left-out", "warning", page.words("detail.more_places", n=left_out)))
    invocation: dict[str, JsonValue] = {"executionSuccessful": True, "toolExecutionNotifications": notes}
    return invocation | {"endTimeUtc": page.info.judged_at} if page.info.judged_at else invocation


def _undecided(page: _Page) -> Iterable[JsonObject]:
    """A notification for each error rule that could not be decided somewhere."""
    for group in group_findings(page.report.findings, page.report.excluded):
        left = group.findings if group.state == "undetermined" else group.undecided
        if group.severity == "error" and left:
            rule = page.rules.get(group.rule_id)
            text = f"{group.rule_id} {finding_text(left[0], rule, page.info, page.words)}"
            more = f" ({page.words.count('findings', len(left))})" if len(left) > 1 else ""
            note = _note("undetermined", "warning", text + more)
            yield {**note, "associatedRule": {"id": group.rule_id, "index": page.rule_ids[group.rule_id]}}


def _limited(page: _Page) -> Iterator[JsonObject]:
    if text := limits_text(page.report, page.words):
        yield _note("partial", "warning", text)


def _skipped(page: _Page) -> Iterator[JsonObject]:
    """A notification for each cause that made checks impossible, with the rules that it left open."""
    for item in page.report.skipped:
        text = f"{page.words.join(list(item.rules))}: {page.words('not_checked', reason=skipped_why(item, page.words))}"
        places = [_location(page.report, page.info, place) for place in item.places]
        yield {**_note("skipped", "warning", text), "locations": places}


def _waivers(page: _Page) -> Iterator[JsonObject]:
    """A notification for each waiver, louder where it did nothing or covers much."""
    for use in page.report.waivers:
        level = "note" if use.state == "used" and not use.broad else "warning"
        yield _note("waiver", level, page.words("waived", what=waiver_text(use, page.words)))


def _unseen(page: _Page) -> Sequence[JsonObject]:
    """Notifications about what was not looked at."""
    words, places = page.words, not_seen(page.report)
    notes = [
        _note("not-seen", "warning", words("not_seen", what=words("depth", depth=depth)))
        for depth in depths(page.report)
    ]
    for place in places:
        text = f"{place.path}: {reason_text(place.reason, words.lang)}"
        where = Place(place.episode, place.path)
        note = _note("not-seen", "warning", words("not_seen", what=text))
        notes.append({**note, "locations": [_location(page.report, page.info, where)]})
    rest = not_seen_total(page.report) - len(places)
    if rest > 0:
        notes.append(_note("not-seen", "warning", words("not_seen", what=words.count("places", rest))))
    return notes


def _note(descriptor: str, level: str, text: str) -> JsonObject:
    return {"descriptor": {"id": descriptor}, "level": level, "message": {"text": visible(text)}}
