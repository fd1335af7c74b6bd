"""One fault, one problem, at its place, in both languages."""

import copy
from typing import Any

import pytest

from embodied_kit.errors import UsageError
from embodied_kit.spec import SchemaProblem, check, count_fields, standard

EPISODE_ID = "0192f0c1-8a3b-7c1d-9e2f-0123456789ab"
EPISODE: dict[str, Any] = {"schema_version": "1.0.0", "episode_id": EPISODE_ID}


def places(problems: list[SchemaProblem]) -> list[tuple[str, str]]:
    return [(problem.pointer, problem.keyword) for problem in problems]


def test_a_sound_document_has_no_problem() -> None:
    assert check("episode", EPISODE) == []


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"episode_id": EPISODE_ID.upper()}, ("/episode_id", "pattern")),
        ({"outcome": "won"}, ("/outcome", "enum")),
        ({"duration_s": -1}, ("/duration_s", "minimum")),
        ({"start_ns": 5}, ("/start_ns", "type")),
        ({"robot_ids": ["a", "a"]}, ("/robot_ids", "uniqueItems")),
        ({"files": []}, ("/files", "minItems")),
        ({"streams": [{"unit": {"position": 1}}]}, ("/streams/0/unit/position", "type")),
        ({"streams": [{"unit": {"position": "a b"}}]}, ("/streams/0/unit/position", "pattern")),
        ({"streams": [{"unit": "a b"}]}, ("/streams/0/unit", "pattern")),
        ({"streams": [{"unit": 3}]}, ("/streams/0/unit", "type")),
        ({"quality_scores": {"a/b~": 1}}, ("/quality_scores/a~1b~0", "propertyNames")),
        ({"intervention_segments": [{"start_ns": "1"}]}, ("/intervention_segments/0/end_ns", "required")),
    ],
)
def test_one_fault_is_one_problem(change: dict[str, Any], place: tuple[str, str]) -> None:
    problems = check("episode", EPISODE | change)
    assert places(problems) == [place]
    assert problems[0].text("en").startswith("expected ")
    assert problems[0].text("zh").startswith("应为 ")


def test_unknown_fields_pass_judging_and_not_authoring_unless_they_are_extensions() -> None:
    value = EPISODE | {"colour": 1, "x_colour": 1, "scene": {"wall": 1, "x_wall": 1}}
    assert check("episode", value) == []
    problems = check("episode", value, standard().document_schema("episode", "authoring"))
    assert places(problems) == [("/colour", "unevaluatedProperties"), ("/scene/wall", "unevaluatedProperties")]


def test_a_level_asks_at_every_depth() -> None:
    value = EPISODE | {"streams": [{"stream_id": "cam"}], "scene": {}}
    at_l1 = {problem.pointer for problem in check("episode", value, standard().level_schema("episode", "L1"))}
    at_l2 = {problem.pointer for problem in check("episode", value, standard().level_schema("episode", "L2"))}
    assert "/streams/0/topic" in at_l1
    assert "/scene/scene_id" in at_l2 - at_l1
    assert at_l1 < at_l2


def test_foreign_text_is_cut() -> None:
    [problem] = check("episode", EPISODE | {"outcome": "x" * 5000})
    assert len(problem.message) < 300


def test_an_unknown_kind_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match=r"episodes\.schema\.json"):
        check("episodes", {})


def test_missing_fields_are_counted_at_every_depth() -> None:
    empty = count_fields("episode", EPISODE)
    one = count_fields("episode", EPISODE | {"streams": [{"stream_id": "cam", "topic": " ", "ros_type": None}]})
    assert empty.core_expected_n == sum("." not in name for name in standard().core_fields("episode"))
    assert empty.core_missing_n == empty.core_expected_n - 2
    assert one.core_expected_n == empty.core_expected_n + 4
    assert one.core_missing_n == empty.core_missing_n - 1 + 3


def test_the_given_value_and_schema_are_not_changed() -> None:
    schema = standard().level_schema("episode", "L4")
    before = copy.deepcopy((schema, EPISODE))
    check("episode", EPISODE, schema)
    assert (schema, EPISODE) == before
