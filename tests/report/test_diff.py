"""Two reports held against each other: what is new, gone and changed, and the exit code."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from report.samples import EPISODES, bad_report, outcomes, rulebook, subject

from embodied_kit.model.outcomes import outcomes_of
from embodied_kit.model.report import Finding, Place, Report
from embodied_validators.report import Stored
from embodied_validators.report.diff import DIFF_FORMATS, DiffRequest, compare, exit_code
from embodied_validators.report.fingerprint import fingerprints

Edit = Callable[[Report], Report]


def with_findings(report: Report, findings: tuple[Finding, ...]) -> Report:
    return replace(report, findings=findings, outcomes=outcomes(rulebook(), findings))


def without(rule_id: str) -> Edit:
    return lambda report: with_findings(report, tuple(item for item in report.findings if item.rule_id != rule_id))


def edited(rule_id: str, **fields: object) -> Edit:
    return lambda report: with_findings(
        report,
        tuple(
            replace(item, **fields) if item.rule_id == rule_id else item  # type: ignore[arg-type]  # fields of a finding
            for item in report.findings
        ),
    )


def unasked(rule_id: str) -> Edit:
    return lambda report: replace(
        report, outcomes=outcomes_of(item for item in report.outcomes if item.rule_id != rule_id)
    )


def less_seen(report: Report) -> Report:
    return replace(report, coverage={**report.coverage, "not_seen_n": 3})


def shallower(report: Report) -> Report:
    return replace(report, coverage={**report.coverage, "depths": ["index"]})


def lower(report: Report) -> Report:
    return replace(report, level=None)


def higher(report: Report) -> Report:
    return replace(report, level="L2")


def excluded(report: Report) -> Report:
    return replace(report, excluded={**report.excluded, EPISODES[1]: "lost frames"})


@pytest.mark.parametrize(
    ("edit", "tendency", "code"),
    [
        (lambda report: report, "same", 0),
        (without("TM-07"), "better", 0),
        (without("VS-06"), "better", 0),
        (excluded, "better", 0),
        (higher, "better", 0),
        (lower, "worse", 1),
        (edited("TM-07", measured=0.3), "same", 0),
        (edited("TM-07", level="L1"), "worse", 1),
        (edited("KN-01", state="failed"), "worse", 1),
        (edited("TM-08", state="undetermined"), "undecided", 3),
        (edited("VS-06", state="undetermined"), "same", 0),
        (unasked("CT-07"), "undecided", 3),
        (less_seen, "undecided", 3),
        (shallower, "undecided", 3),
    ],
)
def test_it_is_told_whether_it_got_worse(edit: Edit, tendency: str, code: int) -> None:
    found = compare(bad_report(), edit(bad_report()))
    assert found.tendency == tendency
    assert exit_code([found]) == code
    assert exit_code([compare(bad_report(), bad_report()), found]) == code


def test_a_new_failure_is_worse_and_a_new_warning_is_not() -> None:
    for severity, tendency in (("error", "worse"), ("warning", "same")):
        extra = Finding("CT-07", severity, "failed", "L1", Place(EPISODES[0], stream="x"), 1, 0, "max")  # type: ignore[arg-type]  # one of the literals
        report = bad_report()
        found = compare(report, replace(report, findings=(*report.findings, extra)))
        assert [named.finding for named in found.new] == [extra]
        assert found.tendency == tendency


def test_the_other_way_round_new_and_gone_change_places() -> None:
    before, after = bad_report(), without("TM-07")(bad_report())
    there, back = compare(before, after), compare(after, before)
    assert there.gone == back.new
    assert len(there.gone) == 3  # the fourth is in an excluded episode
    assert there.standings == {"TM-07": ("failed", "passed")}
    assert back.tendency == "worse"


def request(edit: Edit, lang: str = "en") -> DiffRequest:
    before, after = bad_report(), edit(bad_report())
    info = subject()
    stored = Stored(before, info), Stored(after, replace(info, name="later"))
    return DiffRequest(*stored, compare(before, after), rulebook(), "zh" if lang == "zh" else "en")


def test_every_form_tells_the_same() -> None:
    def edit(report: Report) -> Report:
        changed = edited("TM-08", measured=2_000_000_000)(without("SR-10")(report))
        return replace(changed, profile="arm@1.0", level=None)

    asked = request(edit)
    document = json.loads(DIFF_FORMATS["json"](asked))
    assert document["tendency"] == "worse"
    assert [item["rule_id"] for item in document["gone"]] == ["SR-10"]
    (changed,) = document["changed"]
    assert changed["fields"] == ["measured"]
    assert changed["fingerprint"] in fingerprints(bad_report().findings)
    assert (changed["before"]["measured"], changed["after"]["measured"]) == (1_500_000_000, 2_000_000_000)
    assert document["levels"] == {"": {"before": "L1", "after": None}}
    assert document["settings"]["profile"] == {"before": "sim-preview@0.1", "after": "arm@1.0"}
    text = DIFF_FORMATS["text"](asked).decode()
    for part in (
        "demo_ds -> later",
        "TM-08",
        "2 s (limit 1 s at L2)",
        "before: 1.5 s",
        "SR-10",
        "Worse.",
        "L1 -> none",
    ):
        assert part in text
    page = DIFF_FORMATS["markdown"](request(edit, "zh")).decode()
    for part in ("两份报告对比", "变差。", "**TM-08**", "| 规则集 | sim-preview\\@0.1 | arm\\@1.0 |"):
        assert part in page
