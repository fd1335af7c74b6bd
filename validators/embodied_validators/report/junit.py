"""The report as JUnit XML: a suite for each scope, a test case for each rule that the level asks of it.

Nothing that was not decided reads as passed: an error rule is an `error`, any other is skipped with its reason.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal, TypeAlias
from xml.sax.saxutils import escape, quoteattr

from embodied_kit.language import Language, pick
from embodied_kit.model.facts import DATASET_SCOPE
from embodied_kit.model.report import Finding, Outcome, Report
from embodied_kit.model.rule import Level, Rule
from embodied_validators.report.conditions import skipped_why, waived_because
from embodied_validators.report.group import agreeing, state_at, verdict
from embodied_validators.report.info import SubjectInfo
from embodied_validators.report.quantity import shorten
from embodied_validators.report.sentence import finding_text
from embodied_validators.report.words import Words

Kind: TypeAlias = Literal["passed", "failure", "error", "skipped"]
MOST_CASES = 50_000
_WITHOUT_EPISODE = (DATASET_SCOPE, "bare")
_LONGEST_MESSAGE = 300
_MOST_LINES = 50
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render_junit(
    report: Report,
    rules: Mapping[str, Rule],
    info: SubjectInfo,
    lang: Language,
    level: Level | None = None,
    most: int = MOST_CASES,
) -> bytes:
    """The report as JUnit XML, UTF-8.

    Args:
        report: What the judge said.
        rules: Rule id -> rule.
        info: Name, and start of the episodes.
        lang: Language of the messages.
        level: Rules up to this level are cases; the level at stake where it is None.
        most: Above this number of cases, those of a scope that passed are one case.
    """
    words = Words(lang)
    focus = level or verdict(report, agreeing(report)).focus
    found: dict[tuple[str, str], list[Finding]] = {}
    for finding in report.findings:
        if finding.level <= focus:
            found.setdefault((finding.rule_id, finding.place.episode), []).append(finding)
    skipped = {rule_id: skipped_why(item, words) for item in report.skipped for rule_id in item.rules}
    page = _Page(report, rules, info, words, focus, found, skipped)
    suites, total = [], Counter[Kind]()
    for scope, outcomes in groupby(report.outcomes, key=lambda outcome: outcome.scope):
        cases = [_case(page, outcome) for outcome in outcomes if min(outcome.states, default="L5") <= focus]
        if len(report.outcomes) > most:
            cases = _folded(page, scope, cases)
        counts: Counter[Kind] = Counter(kind for kind, _ in cases)
        total += counts
        lines = "".join(line for _, line in cases)
        suites.append(f"  <testsuite name={_attribute(scope)}{_counts(counts)}>\n{lines}  </testsuite>\n")
    name = f"{info.name} {report.profile} {focus}"
    head = f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name={_attribute(name)}{_counts(total)}>\n'
    return (head + "".join(suites) + "</testsuites>\n").encode("utf-8")


@dataclass(frozen=True)
class _Page:
    """What every case needs.

    Attributes:
        focus: Rules up to this level are cases.
        found: Rule id and episode (empty for the dataset or a bare file) -> findings up to that level.
        skipped: Rule id -> why it was not carried out somewhere.
    """

    report: Report
    rules: Mapping[str, Rule]
    info: SubjectInfo
    words: Words
    focus: Level
    found: Mapping[tuple[str, str], Sequence[Finding]]
    skipped: Mapping[str, str]


def _kind(page: _Page, outcome: Outcome) -> Kind:
    state = state_at(outcome, page.focus)
    if outcome.scope in page.report.excluded or state == "not_applicable":
        return "skipped"
    if state == "passed":
        return "passed"
    if outcome.severity != "error" or state == "waived":
        return "skipped"
    return "failure" if state == "failed" else "error"


def _case(page: _Page, outcome: Outcome) -> tuple[Kind, str]:
    kind = _kind(page, outcome)
    rule = page.rules.get(outcome.rule_id)
    name = f"{outcome.rule_id} {pick(rule.title, page.words.lang)}" if rule else outcome.rule_id
    family = f"{outcome.scope}.{outcome.rule_id.partition('-')[0]}"
    opened = f"    <testcase classname={_attribute(family)} name={_attribute(name)}"
    if kind == "passed":
        return kind, opened + "/>\n"
    place = "" if outcome.scope in _WITHOUT_EPISODE else outcome.scope
    findings = page.found.get((outcome.rule_id, place), ())
    sentences = [finding_text(finding, rule, page.info, page.words) for finding in findings]
    if not findings and state_at(outcome, page.focus) == "undetermined" and outcome.rule_id in page.skipped:
        sentences = [page.words("not_checked", reason=page.skipped[outcome.rule_id])]
    message = _attribute(_message(page, outcome, sentences))
    if kind == "skipped":
        return kind, f"{opened}>\n      <skipped message={message}/>\n    </testcase>\n"
    fix = [f"-> {pick(rule.fix, page.words.lang)}"] if rule else []
    body = _text("\n".join([*_first(sentences, page.words), *fix]))
    inner = f"<{kind} type={_attribute(outcome.rule_id)} message={message}>{body}</{kind}>"
    return kind, f"{opened}>\n      {inner}\n    </testcase>\n"


def _folded(page: _Page, scope: str, cases: Sequence[tuple[Kind, str]]) -> list[tuple[Kind, str]]:
    """The cases that did not pass, and one for all those that did."""
    others = [case for case in cases if case[0] != "passed"]
    n = len(cases) - len(others)
    if not n:
        return others
    name = page.words("junit.passed", rules=page.words.count("rules", n))
    return [("passed", f"    <testcase classname={_attribute(scope)} name={_attribute(name)}/>\n"), *others]


def _message(page: _Page, outcome: Outcome, sentences: Sequence[str]) -> str:
    words, state = page.words, state_at(outcome, page.focus)
    if outcome.scope in page.report.excluded:
        return words("junit.excluded", reason=page.report.excluded[outcome.scope])
    if state == "not_applicable":
        return words("junit.not_applicable")
    if state == "waived":
        reasons = [use.waiver.reason for use in waived_because(page.report, outcome.rule_id)]
        return words("junit.waived", reason=words.join(reasons))
    key = "undecided" if state == "undetermined" else "junit.failed"
    return shorten(next(iter(sentences), words(key)), _LONGEST_MESSAGE)


def _first(sentences: Sequence[str], words: Words) -> Iterable[str]:
    yield from sentences[:_MOST_LINES]
    if len(sentences) > _MOST_LINES:
        yield words("detail.more_places", n=len(sentences) - _MOST_LINES)


def _counts(counts: Counter[Kind]) -> str:
    values = {
        "tests": sum(counts.values()),
        "failures": counts["failure"],
        "errors": counts["error"],
        "skipped": counts["skipped"],
    }
    return "".join(f' {name}="{value}"' for name, value in values.items())


def _text(text: str) -> str:
    return escape(_NOT_XML.sub("\ufffd", text))


def _attribute(text: str) -> str:
    return quoteattr(_NOT_XML.sub("\ufffd", text))
