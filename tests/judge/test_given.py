"""Checks that depend on who would receive the data and what for, and checks that are worse than their rule."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from judge.fixtures import CONTEXT

from embodied_kit.errors import UsageError
from embodied_kit.model.facts import DATASET_SCOPE, Facts
from embodied_kit.model.report import Context, Report
from embodied_kit.model.rule import Profile, Rule
from embodied_validators.judge import context_digest, judge
from embodied_validators.rulebook import explain, load_rulebook
from embodied_validators.rulefile import parse_rule

TEXTS = {"en": "A rule", "zh": "规则"}


def rule_data(*checks: dict[str, Any], severity: str = "error") -> dict[str, Any]:
    return {
        "id": "PR-99",
        "title": TEXTS,
        "why": TEXTS,
        "fix": TEXTS,
        "severity": severity,
        "level": "L2",
        "overridable": False,
        "checks": list(checks),
    }


def document_check(**more: Any) -> dict[str, Any]:
    return {"document": "governance", "check": {"required": ["pipia_id"]}, "origin": "engineering", **more}


def link_check(**more: Any) -> dict[str, Any]:
    limit = {"L2": {"value": "equal", "origin": "engineering"}}
    return {"table": "link", "measure": "state", "equal": limit, **more}


def judged(data: dict[str, Any], context: Context, **more: Any) -> Report:
    rows = {
        "document": [{"path": "governance.json", "kind": "governance", "parse": "ok", "value": {}}],
        "link": [{"kind": "totals", "source": "dataset.json", "state": "different"}],
        **more,
    }
    unit = Facts(scope=DATASET_SCOPE, depth="full", subject="dataset", tables=rows)
    profile = Profile("all-preview", "0", TEXTS, (parse_rule(data, "pr.yaml"),))
    return judge([unit], profile, context, raise_bugs=True)


def state(report: Report) -> str:
    (outcome,) = report.outcomes
    return outcome.states["L4"]


EXPORT = replace(CONTEXT, purpose="export")
HONG_KONG = replace(EXPORT, recipient_country="HK", recipient_gba=True)


@pytest.mark.parametrize("check", [document_check, link_check])
@pytest.mark.parametrize(
    ("given", "context", "expected"),
    [
        ({"purpose": ["export"]}, CONTEXT, "not_applicable"),
        ({"purpose": ["export"]}, replace(CONTEXT, purpose="train"), "not_applicable"),
        ({"purpose": ["publish", "export"]}, EXPORT, "failed"),
        ({"purpose": ["export"], "recipient_gba": [True]}, EXPORT, "undetermined"),
        ({"purpose": ["export"], "recipient_gba": [True]}, CONTEXT, "not_applicable"),
        ({"purpose": ["export"], "recipient_gba": [True]}, HONG_KONG, "failed"),
        ({"purpose": ["export"], "recipient_gba": [False]}, HONG_KONG, "not_applicable"),
        ({"recipient_country": ["HK", "MO"]}, HONG_KONG, "failed"),
        ({"recipient_country": ["US"]}, CONTEXT, "undetermined"),
    ],
)
def test_a_check_is_asked_only_under_its_conditions(
    check: Any, given: dict[str, Any], context: Context, expected: str
) -> None:
    report = judged(rule_data(check(given=given)), context)
    assert state(report) == expected
    if expected == "undetermined":
        assert [finding.reason for finding in report.findings] == [f"the context does not say {list(given)[-1]}"]


def test_a_check_may_be_worse_than_its_rule() -> None:
    always, strict = link_check(), document_check(given={"purpose": ["export"]}, severity="error")
    data = rule_data(always, strict, severity="warning")
    assert [item.severity for item in judged(data, CONTEXT).outcomes] == ["warning"]
    exported = judged(data, EXPORT)
    assert [item.severity for item in exported.outcomes] == ["error"]
    assert [(item.severity, item.measure) for item in exported.findings] == [
        ("error", "required"),
        ("warning", "state"),
    ]


@pytest.mark.parametrize(
    "more",
    [
        {"given": {"purpse": ["export"]}},
        {"given": {"purpose": ["sell"]}},
        {"given": {"purpose": "export"}},
        {"given": {"recipient_gba": []}},
        {"severity": "warning"},
    ],
)
def test_a_mistake_in_a_condition_is_refused(more: dict[str, Any]) -> None:
    for check in (document_check(**more), link_check(**more)):
        with pytest.raises(UsageError, match=r"pr\.yaml, rule PR-99"):
            parse_rule(rule_data(check), "pr.yaml")


def test_conditions_are_told() -> None:
    rule = parse_rule(rule_data(link_check(given={"purpose": ["export", "publish"]}, severity="error")), "pr.yaml")
    assert "asked only where purpose = export | publish" in explain(rule, "en")
    assert "仅在以下情形适用： purpose = export | publish" in explain(rule, "zh")
    assert "error (blocks the level)" in explain(replace(rule, severity="warning"), "en")


def checked(rule: Rule) -> list[str]:
    """What is said of each check, heads and what stands below them."""
    return explain(rule, "en").split("What is checked:\n  ")[1].split("\n\n")[0].split("\n  ")


def test_checks_that_read_alike_are_told_once() -> None:
    checks = link_check(), link_check(severity="error"), link_check(given={"purpose": ["export"]})
    assert checked(parse_rule(rule_data(*checks, severity="warning"), "pr.yaml"))[2:] == [
        "  - warning (reported, blocks nothing)",
        "  - error (blocks the level)",
        "  - asked only where purpose = export, warning (reported, blocks nothing)",
    ]
    for rule in load_rulebook().rules.values():
        lines = checked(rule)
        heads = [(line, below) for line, below in pairwise(lines) if not line.startswith(" ")]
        assert len(set(heads)) == len(heads), f"{rule.rule_id} says the same twice"


def test_every_part_of_a_context_moves_its_digest() -> None:
    contexts = [
        CONTEXT,
        replace(CONTEXT, as_of_ns=1),
        replace(CONTEXT, recipient="a"),
        replace(CONTEXT, purpose="train"),
        replace(CONTEXT, recipient_country="HK"),
        replace(CONTEXT, recipient_gba=False),
        replace(CONTEXT, ledger={}),
        replace(CONTEXT, ledger={"persons": 1}),
        replace(CONTEXT, tables={"export-2026-10-02": {}}),
    ]
    assert len({context_digest(item) for item in contexts}) == len(contexts)
