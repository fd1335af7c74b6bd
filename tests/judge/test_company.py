"""What is said of a document or a unit does not depend on what else is judged with it."""

from pathlib import Path

import pytest
from judge.fixtures import fixture_paths, read_fixture
from judge.test_judge import A, B, Row, brief, dataset, episode, fixture_row, profile_of, run

from embodied_kit.model.facts import Facts
from embodied_kit.model.rule import DocumentCheck
from embodied_validators.rulebook import load_rulebook

FIELDS = [
    rule_id
    for rule_id, rule in load_rulebook().rules.items()
    if all(isinstance(item, DocumentCheck) and not item.given for item in rule.checks)
]


def documents(path: Path) -> list[Row]:
    return [dict(row) for unit in read_fixture(path).units for row in unit.tables.get("document", ())]


def together(rule_id: str, rows: list[Row]) -> list[tuple[str, str, str, str, str]]:
    """Findings about documents of one dataset, each under a path of its own."""
    unit = Facts("dataset", "full", "dataset", {"document": [{**row, "episode": None} for row in rows]})
    found = run(profile_of(rule_id), unit).findings
    return sorted((item.place.path, item.place.pointer, item.state, item.level, item.reason) for item in found)


@pytest.mark.parametrize("rule_id", FIELDS)
def test_a_sound_document_beside_a_faulty_one_of_its_kind_is_sound_and_the_faulty_one_faulty(rule_id: str) -> None:
    sound = [row for path in fixture_paths("pass") if path.parts[-3] == rule_id for row in documents(path)]
    kinds = [*fixture_paths("fail"), *fixture_paths("undetermined")]
    faulty = [row for path in kinds if path.parts[-3] == rule_id for row in documents(path)]
    rows = [{**row, "path": f"{number}.json"} for number, row in enumerate([*sound, *faulty])]
    alone = sorted(item for row in rows for item in together(rule_id, [row]))
    assert any(path == row["path"] for path, *_ in alone for row in rows[len(sound) :])
    assert together(rule_id, rows) == together(rule_id, rows[::-1]) == alone


def test_a_field_that_a_later_level_asks_for_is_missed_beside_a_document_that_has_it() -> None:
    (row,) = documents(next(path for path in fixture_paths("fail") if path.name == "needed_at_l2.jsonl"))
    whole = {**fixture_row("ST-01"), "path": "whole.json"}
    found = together("ST-01", [row])
    assert found
    assert together("ST-01", [whole, row]) == together("ST-01", [row, whole]) == found


def test_a_bare_file_beside_a_dataset_is_asked_as_a_bare_file() -> None:
    (row,) = documents(next(iter(sorted(path for path in fixture_paths("fail") if path.parts[-3] == "ST-02"))))
    units = dataset(), episode(A, document=[row]), episode("bare", subject="bare", document=[row])
    for order in (units, units[::-1]):
        places = {item.place.episode for item in run(profile_of("ST-02"), *order).findings}
        assert places == {A}


def test_units_beyond_what_is_judged_at_once_are_judged_too() -> None:
    bad = {**fixture_row("SR-04"), "nan_n": 3}
    units = [episode(A, dim=[fixture_row("SR-04")] * 9_000), episode(B, dim=[bad])]
    for order in (units, units[::-1]):
        assert brief(run(profile_of("SR-04"), *order)) == [("SR-04", "failed", "L1", "")]


def test_every_document_is_counted_whether_it_passes_or_not() -> None:
    robot = fixture_row("DG-10")
    bad = {**robot, "value": {name: item for name, item in robot["value"].items() if name != "rotation_convention"}}
    for rows in ([robot], [robot, robot], [bad], [robot, bad], [bad, robot, robot]):
        unit = Facts("dataset", "full", "dataset", {"document": rows})
        (outcome,) = run(profile_of("DG-10"), unit).outcomes
        assert outcome.checked == len(rows)
