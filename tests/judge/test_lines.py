"""Lines of a report read back as the report that was written, down to times, levels and marks."""

from typing import Any

import pytest
from judge.fixtures import CONTEXT, RULES, read_fixture
from judge.test_given import TEXTS, judged, link_check, rule_data, state
from judge.test_judge import A, B, dataset, episode, fixture_row, lossy, profile_of, run
from judge.test_waivers import waiver

from embodied_kit.canonical import parse_json
from embodied_kit.model.facts import Facts
from embodied_kit.model.report import Report
from embodied_kit.model.rule import Profile
from embodied_validators.judge import judge, report_from_lines, report_lines
from embodied_validators.rulefile import parse_rule


def again(report: Report) -> Report:
    return report_from_lines(report_lines(report))


def test_times_of_a_place_are_texts_in_lines_and_numbers_when_read() -> None:
    (unit,) = read_fixture(RULES / "TM-07" / "fail" / "six_percent.jsonl").units
    report = run(profile_of("TM-07"), unit)
    place = report.findings[0].place
    assert place.start_ns is not None
    written = [value for line in report_lines(report).splitlines() if (value := dict(parse_json(line).value or {}))]
    (finding,) = (value for value in written if value["record"] == "finding")
    assert (finding["place"]["start_ns"], finding["place"]["end_ns"]) == (str(place.start_ns), str(place.end_ns))
    assert isinstance(finding["place"]["stream"], str)
    assert again(report).findings == report.findings


@pytest.mark.parametrize(("episode_pattern", "broad"), [("", True), (A, False)])
def test_a_broad_waiver_is_marked_in_lines_and_a_narrow_one_is_not(episode_pattern: str, broad: bool) -> None:
    units = episode(A, stream=[lossy(0.2)]), dataset()
    report = run(profile_of("TM-07"), *units, waivers=[waiver(episode=episode_pattern)])
    assert (b'"broad":true' in report_lines(report)) is broad
    assert [use.broad for use in again(report).waivers] == [use.broad for use in report.waivers] == [broad]


def test_levels_are_read_back_and_a_bare_file_has_none() -> None:
    whole = run(profile_of("TM-07"), episode(A, stream=[lossy(0.03)]), dataset())
    assert again(whole).levels == whole.levels == {A: "L2", "dataset": "L4"}
    bare = run(profile_of("TM-07"), episode("bare", subject="bare", stream=[lossy(0)]))
    assert again(bare).levels == bare.levels == {}
    assert (again(whole).partial, again(whole).selection) == (False, "")


def test_a_line_names_the_version_of_its_form_and_nothing_is_counted_that_was_not_compared() -> None:
    report = run(profile_of("TM-07"), episode(A, stream=[{**lossy(0.2), "lost_ratio": None}]), dataset(stream=[]))
    lines = [dict(parse_json(line).value or {}) for line in report_lines(report).splitlines()]
    assert {line["record_version"] for line in lines if "record_version" in line} == {1}
    assert {(item.scope, item.checked) for item in report.outcomes} == {(A, 0), ("dataset", 0)}
    assert [(item.state, item.spans_n) for item in report.findings] == [("undetermined", 0)]


def test_a_long_episode_before_a_short_one_is_looked_at_to_its_end() -> None:
    long = episode(
        A, stream=[{**lossy(0.0), "stream": "a"}, {**lossy(0.0), "stream": "b"}, {**lossy(0.2), "stream": "c"}]
    )
    report = run(profile_of("TM-07"), long, episode(B, stream=[lossy(0.0)]), dataset())
    assert [item.place.stream for item in report.findings] == ["c"]


def bounded(**limit: Any) -> Profile:
    value = {"max": {"L1": {"value": {"context": "as_of_ns", **limit}, "origin": "engineering"}}}
    check = {"table": "stream", "measure": "last_stamp_ns", **value}
    return Profile("all-preview", "0", TEXTS, (parse_rule({**rule_data(check), "level": "L1"}, "pr.yaml"),))


@pytest.mark.parametrize(("limit", "until_ns"), [({"plus": "1000"}, 1000), ({}, 0)])
def test_a_limit_of_the_date_of_judgement_holds_to_the_nanosecond(limit: dict[str, str], until_ns: int) -> None:
    for late_ns, failed in ((-1, False), (0, False), (1, True)):
        row = {**fixture_row("TM-03"), "last_stamp_ns": str(CONTEXT.as_of_ns + until_ns + late_ns)}
        unit = Facts(A, "full", "dataset", {"stream": [row]})
        assert bool(judge([unit], bounded(**limit), CONTEXT, raise_bugs=True).findings) is failed


def test_a_list_where_a_word_is_allowed_fails() -> None:
    link = {"kind": "totals", "source": "dataset.json"}
    for value, expected in ((["equal"], "failed"), ("equal", "passed"), ({}, "failed")):
        assert state(judged(rule_data(link_check()), CONTEXT, link=[{**link, "state": value}])) == expected
