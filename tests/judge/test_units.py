"""What several units, rows and levels say of one scope comes to one state at each level, in any order."""

from dataclasses import replace

import pytest
from judge.fixtures import CONTEXT, RULES, read_fixture
from judge.test_given import document_check, judged, link_check, rule_data, state
from judge.test_judge import A, B, brief, dataset, episode, fixture_row, lossy, profile_of, run, states

from embodied_validators.judge import exit_code
from embodied_validators.judge.given import asked

EXPORT = replace(CONTEXT, purpose="export")
MISSED = "the table dim was not measured"


def test_an_episode_is_judged_by_its_own_unit_and_by_rows_of_the_datasets_together() -> None:
    good, bad = ({**fixture_row("PV-01"), "episode": B, "sha256_ok": fine} for fine in (True, False))
    for there, here in ((good, bad), (bad, good), (good, good)):
        units = dataset(file=[there]), episode(B, file=[here])
        for order in (units, units[::-1]):
            report = run(profile_of("PV-01"), *order)
            (outcome,) = (item for item in report.outcomes if item.scope == B)
            assert outcome.checked == 2
            assert outcome.states["L1"] == ("passed" if there is here else "failed")


def test_a_rule_that_the_tool_lacks_is_told_of_what_is_judged() -> None:
    profile = profile_of("TM-07", "XX-99")
    for units, scope in (
        ((episode(A, stream=[lossy(0)]), dataset()), "dataset"),
        ((episode(A, subject="episode", stream=[lossy(0)]),), A),
    ):
        (outcome,) = (item for item in run(profile, *units).outcomes if item.rule_id == "XX-99")
        assert (outcome.scope, outcome.checked, outcome.severity) == (scope, 0, "error")


@pytest.mark.parametrize(
    ("value", "at"),
    [
        (0.005, {"L2": "passed", "L3": "passed", "L4": "passed"}),
        (0.03, {"L2": "passed", "L3": "passed", "L4": "failed"}),
        (0.07, {"L2": "passed", "L3": "failed", "L4": "failed"}),
        (0.2, {"L2": "failed", "L3": "failed", "L4": "failed"}),
    ],
)
def test_three_limits_are_kept_and_missed_one_by_one(value: float, at: dict[str, str]) -> None:
    limits = {"L2": 0.1, "L3": 0.05, "L4": 0.01}
    steps = {level: {"value": limit, "origin": "declared"} for level, limit in limits.items()}
    profile = profile_of("TM-07", **{"TM-07": {"limits": {"lost_ratio": steps}}})
    report = run(profile, episode(A, stream=[lossy(value)]))
    assert states(report, "TM-07")[A] == at
    assert [item.required for item in report.findings] == [limits[level] for level in at if at[level] == "failed"][:1]


def test_a_level_whose_limit_is_stricter_than_that_of_the_next_fails_alone() -> None:
    strict = {"limits": {"lost_ratio": {"L2": {"value": 0.001, "origin": "declared"}}}}
    report = run(profile_of("TM-07", **{"TM-07": strict}), episode(A, stream=[lossy(0.005)]))
    assert states(report, "TM-07")[A] == {"L2": "failed", "L3": "passed", "L4": "passed"}
    assert [item.required for item in report.findings] == [0.001]


def test_a_row_that_would_pass_is_undetermined_where_nobody_knows_whether_it_is_asked() -> None:
    report = run(profile_of("TM-07"), episode(A, stream=[lossy(0, cadence=None)]))
    assert brief(report) == [("TM-07", "undetermined", "L2", "cadence is not known")]
    given = {"recipient_country": ["US"]}
    passing = {"link": [{"kind": "totals", "source": "dataset.json", "state": "equal"}]}
    for check in (link_check(given=given), document_check(given=given, check={})):
        assert state(judged(rule_data(check), EXPORT, **passing)) == "undetermined"
        assert state(judged(rule_data(check), replace(EXPORT, recipient_country="US"), **passing)) == "passed"
        assert state(judged(rule_data(check), replace(EXPORT, recipient_country="CN"), **passing)) == "not_applicable"


def test_a_condition_of_one_value_is_that_value_and_no_part_of_it() -> None:
    assert asked({"purpose": "export"}, EXPORT) == ("yes", "")
    assert asked({"purpose": "re-export"}, EXPORT) == ("no", "")
    assert asked({"recipient_gba": True}, replace(EXPORT, recipient_gba=True)) == ("yes", "")


def test_without_a_level_only_undecoded_pictures_and_the_structure_are_asked_for() -> None:
    assert exit_code(run(profile_of("TM-07"), episode(A, stream=[lossy(None)]))) == 0
    (unit,) = read_fixture(next(iter(sorted((RULES / "VS-01" / "fail").iterdir())))).units
    report = run(profile_of("VS-01"), unit)
    assert [item.state for item in report.findings] == ["failed"]
    assert exit_code(report) == 0


def test_a_table_that_its_own_depth_ought_to_give_was_not_measured() -> None:
    for depth, why in (("index", "the table dim is not measured at depth index"), ("signal", MISSED), ("full", MISSED)):
        report = run(profile_of("SR-04"), episode(A, depth=depth, absent=("dim",)))
        assert [item.reason for item in report.skipped] == [why]


def test_a_list_where_a_condition_wants_a_word_lets_its_row_out_and_no_other() -> None:
    odd, bad = lossy(0.5, cadence=["periodic"]), lossy(0.5)
    assert brief(run(profile_of("TM-07"), episode(A, stream=[odd]))) == []
    (finding,) = run(profile_of("TM-07"), episode(A, stream=[odd, {**bad, "stream": "arm"}, odd])).findings
    assert finding.place.stream == "arm"
