"""A field that a rule of its own always asks for is left to that rule; under conditions it is asked for twice."""

from typing import Any

import pytest
from judge.fixtures import CONTEXT
from judge.test_given import TEXTS, document_check, rule_data
from judge.test_judge import dataset, episode, fixture_row

from embodied_kit.model.facts import Facts
from embodied_kit.model.rule import Profile
from embodied_validators.judge import judge
from embodied_validators.judge.documents import _at
from embodied_validators.rulebook import load_rulebook
from embodied_validators.rulefile import parse_rule


def without(name: str) -> Facts:
    document = fixture_row("PV-02")
    value = {key: item for key, item in document["value"].items() if key != name}
    unit = dataset()
    return Facts(unit.scope, unit.depth, unit.subject, {**unit.tables, "document": [{**document, "value": value}]})


def about(name: str, *, severity: str = "error", **more: Any) -> dict[str, Any]:
    check = document_check(**{"document": "dataset", "check": {"required": [name]}, **more})
    return {**rule_data(check, severity=severity), "level": "L1"}


def speaking(data: dict[str, Any], name: str) -> list[tuple[str, str]]:
    keeper = load_rulebook().rules["ST-01"]
    profile = Profile("all-preview", "0", TEXTS, (keeper, parse_rule(data, "pr.yaml")))
    findings = judge([without(name)], profile, CONTEXT, raise_bugs=True).findings
    return [(item.rule_id, item.place.pointer) for item in findings if item.place.pointer == f"/{name}"]


OWN, KEEPER = ("PR-99", "/title_zh"), ("ST-01", "/title_zh")


def test_an_unconditional_error_rule_answers_alone() -> None:
    assert speaking(about("title_zh"), "title_zh") == [OWN]
    assert speaking(about("title_en"), "title_zh") == [KEEPER], "of another field the keeper still speaks"


def test_a_rule_from_a_later_level_on_leaves_the_earlier_ones_to_the_keeper() -> None:
    assert speaking({**about("title_zh"), "level": "L3"}, "title_zh") == [OWN, KEEPER]


@pytest.mark.parametrize(
    "more",
    [
        {"when": {"required": ["dataset_id"]}},
        {"given": {"purpose": ["train"]}},
        {"otherwise": "undetermined"},
        {"severity": "warning"},
    ],
)
def test_a_rule_that_is_not_always_asked_or_does_not_block_leaves_the_keeper_its_field(more: dict[str, Any]) -> None:
    assert KEEPER in speaking(about("title_zh", **more), "title_zh")


def test_a_rule_that_is_not_asked_wherever_the_keeper_is_leaves_it_its_field() -> None:
    assert speaking({**about("title_zh"), "subjects": ["episode"]}, "title_zh") == [KEEPER]


def test_a_text_that_a_document_left_behind_when_it_could_not_be_parsed_is_not_judged() -> None:
    document = {**fixture_row("PV-02"), "parse": "duplicate_key"}
    profile = Profile("all-preview", "0", TEXTS, (load_rulebook().rules["ST-01"],))
    unit = episode("dataset", document=[{**document, "value": {}}])
    report = judge([unit], profile, CONTEXT, raise_bugs=True)
    assert [item.reason for item in report.findings] == ["the document cannot be read: duplicate_key"]


@pytest.mark.parametrize(
    ("pointer", "found"),
    [
        ("", {"a": ["x", "yz"], "b~/c": 1}),
        ("/a/0", "x"),
        ("/a/2", None),
        ("/a/-", None),
        ("/a/1/0", None),
        ("/b~0~1c", 1),
        ("/b~0~1c/0", None),
        ("/none/0", None),
    ],
)
def test_a_pointer_finds_its_value_or_nothing(pointer: str, found: object) -> None:
    assert _at({"a": ["x", "yz"], "b~/c": 1}, pointer) == found
