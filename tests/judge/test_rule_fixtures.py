"""Every rule has a passing and a failing fixture, judged under a profile of ALL rules: side effects would show."""

from pathlib import Path

import pytest
from judge.fixtures import RULES, all_rules, expectation, fixture_paths, read_fixture

from embodied_kit.model.rule import Profile
from embodied_kit.spec import check, standard
from embodied_validators.judge import judge
from embodied_validators.rulebook import load_rulebook

KINDS = ("pass", "fail", "undetermined")


@pytest.fixture(scope="module")
def profile() -> Profile:
    return all_rules()


def name_of(path: Path) -> str:
    return "/".join(path.parts[-3:])


@pytest.mark.parametrize("path", [path for kind in KINDS for path in fixture_paths(kind)], ids=name_of)
def test_exactly_the_expected_findings(path: Path, profile: Profile) -> None:
    fixture = read_fixture(path)
    rule_id, kind = path.parts[-3], path.parts[-2]
    report = judge(fixture.units, profile, fixture.context, raise_bugs=True)
    assert [expectation(finding) for finding in report.findings] == fixture.expect
    states = [outcome.states for outcome in report.outcomes if outcome.rule_id == rule_id]
    last = [state for by_level in states for level, state in by_level.items() if level == "L4"]
    if kind == "pass":
        assert fixture.expect == []
        assert "passed" in last, "the rule judged nothing, so the fixture proves nothing"
    else:
        assert {"fail": "failed", "undetermined": "undetermined"}[kind] in last
        assert {entry["rule"] for entry in fixture.expect} <= {rule_id}, "one fault, one finding"
    skipped = {item.cause or "": set(item.rules) for item in report.skipped}
    assert all(set(rules) <= skipped[cause] for cause, rules in fixture.skipped.items())
    assert set(skipped) - {""} <= {rule_id}


@pytest.mark.parametrize("path", [path for kind in KINDS for path in fixture_paths(kind)], ids=name_of)
def test_rows_are_rows_of_the_facts_tables(path: Path) -> None:
    for unit in read_fixture(path).units:
        for table, rows in unit.tables.items():
            for row in rows:
                assert check(table, row, standard().fact_schema(table)) == [], table


def test_each_rule_has_both_fixtures_and_no_fixture_lacks_its_rule() -> None:
    rules = load_rulebook().rules
    never_fail = {name for name, rule in rules.items() if all(item.otherwise == "undetermined" for item in rule.checks)}
    assert never_fail == {"TM-11"}
    assert {path.parts[-3] for path in fixture_paths("pass")} == set(rules)
    assert {path.parts[-3] for path in fixture_paths("fail")} == set(rules) - never_fail
    assert {path.parts[-3] for path in fixture_paths("undetermined")} > never_fail
    assert {path.name for path in RULES.iterdir() if path.is_dir()} == set(rules)


def test_pass_and_fail_differ_little() -> None:
    for rule_id in {path.parts[-3] for path in fixture_paths("fail")}:
        passing = {
            line for path in sorted((RULES / rule_id / "pass").iterdir()) for line in path.read_bytes().splitlines()
        }
        for path in sorted((RULES / rule_id / "fail").iterdir()):
            lines = path.read_bytes().splitlines()
            assert path.stat().st_size < 8192, path
            assert sum(line not in passing for line in lines[1:]) <= 2, f"{path} differs in more than two lines"
