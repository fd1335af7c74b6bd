"""What the judge promises: four states, levels, exclusions, one finding for one fault, no IO, no order."""

import functools
import random
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from judge.fixtures import CONTEXT, RULES, all_rules, read_fixture

from embodied_kit.canonical import parse_json
from embodied_kit.errors import DataError, UsageError
from embodied_kit.model.facts import TABLES, Facts
from embodied_kit.model.report import Context, Report
from embodied_kit.model.rule import LEVELS, Profile
from embodied_kit.spec import check, standard
from embodied_validators.judge import exit_code, judge, reason_text, report_from_lines, report_lines
from embodied_validators.profiles import build_profile, load_profile
from embodied_validators.rulebook import load_rulebook

A, B = "0192f0c1-8a3b-7c1d-9e2f-00000000000a", "0192f0c1-8a3b-7c1d-9e2f-00000000000b"
Row = dict[str, Any]


def profile_of(*rule_ids: str, **overrides: Any) -> Profile:
    title = {"en": "t", "zh": "测"}
    data = {
        "profile_id": "test-preview",
        "version": "0.1",
        "title": title,
        "description": title,
        "status": "preview",
        "rules": list(rule_ids),
        "parameters": dict(load_profile("arm-preview@0.1").parameters),
        "overrides": overrides,
    }
    return build_profile(data, load_rulebook(), "test")


def fixture_row(rule: str, name: str = "clean") -> Row:
    (unit,) = read_fixture(RULES / rule / "pass" / f"{name}.jsonl").units
    return dict(next(row for rows in unit.tables.values() for row in rows))


def episode(
    scope: str, *, depth: str = "full", absent: tuple[str, ...] = (), subject: str = "dataset", **rows: Any
) -> Facts:
    tables = {name: [{**row, "episode": scope} for row in rows.get(name, [])] for name in TABLES if name not in absent}
    return Facts(scope=scope, depth=depth, subject=subject, tables=tables)  # type: ignore[arg-type]


def dataset(excluded: tuple[Row, ...] = (), **rows: Any) -> Facts:
    value = {**fixture_row("PV-02")["value"], "excluded": list(excluded)}
    document = {**fixture_row("PV-02"), "value": value}
    tables = {name: list(rows.get(name, [])) for name in TABLES}
    tables["document"].append(document)
    return Facts(scope="dataset", depth="full", subject="dataset", tables=tables)


def lossy(ratio: float | None, **change: Any) -> Row:
    return {**fixture_row("TM-07"), "lost_ratio": ratio, **change}


def run(profile: Profile, *units: Facts, **options: Any) -> Report:
    return judge(units, profile, CONTEXT, raise_bugs=True, **options)


def states(report: Report, rule_id: str) -> dict[str, Mapping[str, str]]:
    return {outcome.scope: outcome.states for outcome in report.outcomes if outcome.rule_id == rule_id}


def skipped(report: Report) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(item.cause, item.reason, item.rules) for item in report.skipped]


def brief(report: Report) -> list[tuple[str, str, str, str]]:
    return [(item.rule_id, item.state, item.level, item.reason) for item in report.findings]


def test_each_level_has_its_own_state() -> None:
    report = run(profile_of("TM-07"), episode(A, stream=[lossy(0.03)]))
    assert states(report, "TM-07") == {A: {"L2": "passed", "L3": "failed", "L4": "failed"}}
    assert report.level == "L2"
    (finding,) = report.findings
    assert (finding.measured, finding.required, finding.unit, finding.measure) == (0.03, 0.01, "1", "lost_ratio")


def test_the_level_of_a_dataset_is_that_of_its_worst_episode() -> None:
    report = run(profile_of("TM-07"), episode(A, stream=[lossy(0)]), episode(B, stream=[lossy(0.2)]), dataset())
    assert report.levels == {A: "L4", B: "L1", "dataset": "L4"}
    assert report.level == "L1"


def test_an_excluded_episode_is_listed_and_left_out_of_the_level() -> None:
    excluded = {"episode_id": B, "reason": "camera dropped frames"}
    units = (episode(A, stream=[lossy(0)]), episode(B, stream=[lossy(0.2)]))
    for order in ((*units, dataset((excluded,))), (dataset((excluded,)), *units)):
        report = run(profile_of("TM-07"), *order)
        assert report.level == "L4"
        assert report.excluded == {B: "camera dropped frames"}
        assert exit_code(report, "L2") == 0
        assert [finding.place.episode for finding in report.findings] == [B], "its findings are kept"


def test_an_exclusion_without_a_reason_excludes_nothing() -> None:
    for entry in ({"episode_id": B}, {"episode_id": B, "reason": " "}, {"reason": "none"}, "all"):
        report = run(profile_of("TM-07"), episode(B, stream=[lossy(0.2)]), dataset((entry,)))  # type: ignore[arg-type]
        assert report.excluded == {}
        assert report.level == "L1"


def test_a_dataset_without_an_episode_that_counts_has_no_level() -> None:
    excluded = {"episode_id": A, "reason": "all are bad"}
    for units in ((dataset(),), (dataset((excluded,)), episode(A, stream=[lossy(0)]))):
        report = run(profile_of("TM-07"), *units)
        assert report.level is None
        assert exit_code(report, "L1") == 3
        assert exit_code(report) == 0


def test_a_row_of_the_dataset_counts_for_the_episode_that_it_names() -> None:
    bad_file = {**fixture_row("PV-01"), "episode": B, "sha256_ok": False}
    profile = profile_of("PV-01")
    assert run(profile, dataset(file=[bad_file]), episode(B)).level is None
    excluded = {"episode_id": B, "reason": "damaged"}
    report = run(profile, dataset((excluded,), file=[bad_file]), episode(A), episode(B))
    assert report.level == "L4"
    assert states(report, "PV-01")[B]["L1"] == "failed"


def test_a_table_that_was_not_measured_is_undetermined_and_an_empty_one_not_applicable() -> None:
    profile = profile_of("TM-07", "SR-04")
    shallow = run(profile, episode(A, depth="index", absent=("dim",), stream=[]))
    assert states(shallow, "TM-07") == {A: dict.fromkeys(("L2", "L3", "L4"), "not_applicable")}
    assert states(shallow, "SR-04") == {A: dict.fromkeys(LEVELS, "undetermined")}
    assert skipped(shallow) == [("", "the table dim is not measured at depth index", ("SR-04",))]
    broken = run(profile, episode(A, absent=("dim",)))
    assert skipped(broken) == [("", "the table dim was not measured", ("SR-04",))]
    assert brief(shallow) == brief(broken) == []


def test_a_table_of_another_scope_is_not_missed() -> None:
    assert brief(run(profile_of("ST-07", "TM-07"), Facts(A, "full", "dataset", {"stream": []}))) == []
    only_files = Facts("dataset", "full", "dataset", {"file": []})
    assert brief(run(profile_of("ST-07", "TM-07"), only_files)) == []


def test_null_never_passes() -> None:
    profile = profile_of("TM-07")
    plain = run(profile, episode(A, stream=[lossy(None)]))
    assert brief(plain) == [("TM-07", "undetermined", "L2", "lost_ratio was not measured")]
    why = {"lost_ratio": "no nominal rate is declared"}
    told = run(profile, episode(A, stream=[lossy(None, undetermined=why)]))
    assert brief(told) == [("TM-07", "undetermined", "L2", "no nominal rate is declared")]
    unknown = run(profile, episode(A, stream=[lossy(0.5, cadence=None)]))
    assert brief(unknown) == [("TM-07", "undetermined", "L2", "cadence is not known")]
    other = run(profile, episode(A, stream=[lossy(0.5, cadence=None, present=False)]))
    assert brief(other) == [], "a row that another column lets out is not asked for"


def test_one_fault_of_one_row_is_one_finding() -> None:
    why = "every stamp is zero"
    unset = {
        "first_stamp_ns": None,
        "last_stamp_ns": None,
        "undetermined": {"first_stamp_ns": why, "last_stamp_ns": why},
    }
    row = {**fixture_row("TM-03"), **unset}
    assert brief(run(profile_of("TM-03"), episode(A, stream=[row]))) == [("TM-03", "undetermined", "L1", why)]
    (finding,) = run(profile_of("TM-03"), episode(A, stream=[{**row, "zero_stamps_n": 9}])).findings
    assert (finding.state, finding.measure) == ("failed", "zero_stamps_n")


def test_a_failed_measurement_leaves_its_rules_undetermined_unless_they_failed() -> None:
    error = {"measurer": "cdr", "path": "data_000.mcap", "tables": ["stream"], "reason": "chunk 3 cannot be read"}
    good = run(profile_of("TM-07", "SR-04"), episode(A, stream=[lossy(0)], error=[error]))
    assert skipped(good) == [("", "chunk 3 cannot be read", ("TM-07",))]
    assert [place.path for place in good.skipped[0].places] == ["data_000.mcap"]
    gone = run(profile_of("TM-07"), episode(A, absent=("stream",), error=[error]))
    assert skipped(gone) == [("", "chunk 3 cannot be read", ("TM-07",))], "one cause, told once"
    for report in (good, gone):
        assert states(report, "TM-07") == {A: dict.fromkeys(("L2", "L3", "L4"), "undetermined")}
    bad = run(profile_of("TM-07"), episode(A, stream=[lossy(0.5)], error=[error]))
    assert [item.state for item in bad.findings] == ["failed"]


def test_document_rules_are_not_asked_of_a_bare_file() -> None:
    bare = episode("bare", subject="bare", stream=[lossy(0.2)], container=[fixture_row("CT-01")])
    report = run(all_rules(), bare)
    asked = {outcome.rule_id for outcome in report.outcomes if "not_applicable" not in outcome.states.values()}
    assert {"TM-07", "CT-01"} <= asked
    assert not asked & {"ST-01", "ST-02", "ST-07", "SM-05", "CT-10"}
    assert (report.level, dict(report.levels)) == (None, {})
    assert exit_code(report) == 0
    with pytest.raises(UsageError, match="bare file"):
        exit_code(report, "L1")


def test_embedded_copies_are_judged_at_home() -> None:
    robot = fixture_row("DG-10")
    value = {name: item for name, item in robot["value"].items() if name != "rotation_convention"}
    copy = {**robot, "value": value, "embedded_in": "data_000.mcap"}
    assert brief(run(profile_of("DG-10"), episode(A, document=[copy]))) == []
    assert len(run(profile_of("DG-10"), episode(A, document=[{**copy, "embedded_in": None}])).findings) == 1


def test_a_rule_that_the_tool_lacks_is_undetermined() -> None:
    profile = profile_of("TM-07", "XX-99")
    assert profile.unknown == ("XX-99",)
    report = run(profile, dataset(), episode(A, stream=[lossy(0)]))
    assert brief(report) == [("XX-99", "undetermined", "L1", "this tool does not carry the rule")]
    assert report.level is None
    assert exit_code(report, "L1") == exit_code(report) == 3
    again = report_from_lines(report_lines(report))
    assert exit_code(again) == 3


@pytest.mark.parametrize(
    ("ratio", "level", "code"),
    [(0.03, "L2", 0), (0.03, "L3", 1), (None, "L2", 3), (None, "L1", 0), (0.2, None, 0), (0.2, "L1", 0)],
)
def test_exit_codes(ratio: float | None, level: Any, code: int) -> None:
    assert exit_code(run(profile_of("TM-07"), episode(A, stream=[lossy(ratio)])), level) == code


def test_without_a_level_the_structure_decides() -> None:
    profile = profile_of("CT-01", "CT-03", "TM-07")
    container = fixture_row("CT-01")
    for change, code in (({}, 0), ({"readable": "truncated"}, 1), ({"readable": None}, 3)):
        unit = episode(A, stream=[lossy(0.5)], container=[{**container, **change}])
        assert exit_code(run(profile, unit)) == code
    warned = {**container, "chunks_without_crc_n": 4}
    assert exit_code(run(profile, episode(A, container=[warned])), "L4") == 0, "a warning blocks nothing"


def test_the_date_comes_from_the_context() -> None:
    unit = episode(A, stream=[fixture_row("TM-03")])
    assert run(profile_of("TM-03"), unit).findings == ()
    early = judge([unit], profile_of("TM-03"), Context(as_of_ns=10**18), raise_bugs=True)
    assert [item.measure for item in early.findings] == ["last_stamp_ns"]
    assert early.digests["context"] != run(profile_of("TM-03"), unit).digests["context"]


@contextmanager
def no_file_opened() -> Iterator[list[str]]:
    opened: list[str] = []
    active = True

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if active and event == "open":
            opened.append(str(arguments[0]))

    sys.addaudithook(hook)  # a hook cannot be removed, only silenced
    try:
        yield opened
    finally:
        active = False


def test_another_limit_changes_the_verdict_and_opens_no_file() -> None:
    strict = {"limits": {"lost_ratio": {"L2": {"value": 0.001, "origin": "declared"}}}}
    profiles = profile_of("TM-07"), profile_of("TM-07", **{"TM-07": strict})
    units = (dataset(), episode(A, stream=[lossy(0.005)]))
    run(profiles[0], *units)  # the schemas of the standard are read once
    with no_file_opened() as opened:
        reports = [run(profile, *units) for profile in profiles]
        lines = [report_lines(report) for report in reports]
    assert opened == []
    assert [report.level for report in reports] == ["L4", "L1"]
    assert lines[0] != lines[1]
    with no_file_opened() as seen:
        RULES.joinpath("TM-07/pass/clean.jsonl").read_bytes()
    assert len(seen) == 1, "the hook sees what is opened"


def test_images_that_could_not_be_decoded_are_no_pass_without_a_level_either() -> None:
    rows = read_fixture(RULES / "VS-01/pass/clean.jsonl").units[0].tables["frame"]
    reasons = {"failed": "images of this encoding are not decoded"}
    blind = [{**row, "failed": None, "undetermined": reasons} for row in rows]
    profile = profile_of("VS-01")
    assert exit_code(run(profile, episode(A, frame=rows))) == 0
    assert exit_code(run(profile, episode(A, frame=blind))) == 3


def test_a_bug_in_a_rule_makes_that_rule_undetermined_and_no_other() -> None:
    unit = episode(A, stream=[lossy("many")], container=[fixture_row("CT-01")])  # type: ignore[arg-type]
    profile = profile_of("CT-01", "TM-07")
    with pytest.raises(TypeError):
        run(profile, unit)
    report = judge([unit], profile, CONTEXT)
    assert brief(report) == [("TM-07", "undetermined", "L2", "the rule raised TypeError")]
    assert exit_code(report) == exit_code(report, "L2") == 3
    assert states(report, "CT-01")[A]["L1"] == "passed"


def everything() -> list[Facts]:
    """One dataset with each failing fixture as an episode of its own."""
    units = []
    for index, path in enumerate(sorted(RULES.glob("*/fail/*.jsonl"))):
        scope = f"0192f0c1-8a3b-7c1d-9e2f-{index:012x}"
        for unit in read_fixture(path).units:
            if unit.scope == "dataset":
                units.append(unit)
            else:
                units.append(episode(scope, **unit.tables))
    return units


def test_order_leaves_no_trace_and_lines_read_back() -> None:
    units = everything()
    lines = report_lines(run(all_rules(), *units, facts_digest="ab" * 32))
    generator = random.Random(7)  # noqa: S311 - a shuffle, no secret
    shuffled = [
        replace(unit, tables={name: generator.sample(list(rows), len(rows)) for name, rows in unit.tables.items()})
        for unit in generator.sample(units, len(units))
    ]
    again = run(all_rules(), *shuffled, facts_digest="ab" * 32)
    assert report_lines(again).splitlines()[1:] == lines.splitlines()[1:], "the header names one of several datasets"
    read = report_from_lines(lines)
    assert report_lines(read) == lines
    assert read.findings == run(all_rules(), *units).findings
    assert len(read.findings) > 100


def test_lines_satisfy_their_schema_and_hold_no_foreign_text() -> None:
    units = everything()
    data = report_lines(run(all_rules(), *units, facts_digest="ab" * 32))
    schema = standard().document_schema("report", "authoring")
    for line in data.splitlines():
        parsed = report_line(line)
        assert check("report", parsed, schema) == []
    assert b"Zhang San" not in data
    assert b'"path":"/' not in data


def report_line(line: bytes) -> dict[str, Any]:
    value = parse_json(line).value
    assert value is not None
    return dict(value)


@pytest.mark.parametrize(
    "data",
    [b"", b"{}\n", b"nonsense\n", b'{"record":"scope"}\n', b'{"record":"report","record_version":2}\n'],
)
def test_lines_of_something_else_are_refused(data: bytes) -> None:
    with pytest.raises(DataError):
        report_from_lines(data)


def test_a_report_line_without_its_keys_is_refused() -> None:
    lines = report_lines(run(profile_of("TM-07"), episode(A, stream=[lossy(0.2)]))).splitlines()
    for index, key in ((1, b'"rules"'), (2, b'"rule_id"')):
        damaged = [*lines[:index], lines[index].replace(key, b'"other"'), *lines[index + 1 :]]
        assert damaged != lines
        with pytest.raises(DataError):
            report_from_lines(b"\n".join(damaged))


def test_worst_comes_first() -> None:
    report = run(all_rules(), *everything())
    order = [(item.severity, item.state) for item in report.findings]
    ranks = [(("error", "warning", "info").index(a), ("failed", "undetermined").index(b)) for a, b in order]
    assert ranks == sorted(ranks)


def test_coverage_is_stated() -> None:
    rows = [
        {"path": "a.mcap", "seen": True, "opened": True, "decoded": True, "sampled": False, "ignored": False},
        {"path": "b.bin", "seen": True, "opened": False, "decoded": False, "ignored": True, "reason": "unknown type"},
    ]
    coverage = run(profile_of("TM-07"), episode(A, coverage=rows)).coverage
    assert (coverage["seen"], coverage["opened"], coverage["ignored"]) == (2, 1, 1)
    assert coverage["not_seen"] == [{"episode": A, "path": "b.bin", "reason": "unknown type"}]


def test_the_place_is_the_worst_span() -> None:
    (unit,) = read_fixture(RULES / "TM-07" / "fail" / "six_percent.jsonl").units
    (finding,) = run(profile_of("TM-07"), unit).findings
    assert finding.place.start_ns == 1_790_000_001_000_000_000
    assert finding.place.end_ns == 1_790_000_002_000_000_000
    assert finding.spans_n == 3
    other = replace(unit, tables={**unit.tables, "span": [{**row, "stream": "x"} for row in unit.tables["span"]]})
    assert run(profile_of("TM-07"), other).findings[0].place.start_ns is None


def test_spans_are_those_of_the_stream_and_of_its_publisher() -> None:
    (unit,) = read_fixture(RULES / "TM-07" / "fail" / "six_percent.jsonl").units
    spans = list(unit.tables["span"])
    foreign = [{**row, "publisher": "ff" * 16, "start_ns": "1", "end_ns": "1790000009000000000"} for row in spans]
    kinds = [{**row, "kind": "spike", "start_ns": "1", "end_ns": "1790000009000000000"} for row in spans]
    more = replace(unit, tables={**unit.tables, "span": [*foreign, *kinds, *spans]})
    assert run(profile_of("TM-07"), more).findings == run(profile_of("TM-07"), unit).findings
    only = replace(unit, tables={**unit.tables, "span": [*foreign, *kinds]})
    assert run(profile_of("TM-07"), only).findings[0].place.start_ns is None


def test_a_value_of_a_dimension_has_the_unit_that_its_row_declares_and_a_count_has_none() -> None:
    (unit,) = read_fixture(RULES / "SR-03" / "fail" / next(iter((RULES / "SR-03" / "fail").iterdir())).name).units
    found = {(item.measure, item.unit) for item in run(all_rules(), unit).findings if item.rule_id == "SR-03"}
    declared = {row["unit"] for row in unit.tables["dim"]}
    assert found
    assert {unit for _, unit in found} <= declared
    assert "" not in declared
    nan = {**fixture_row("SR-04"), "nan_n": 3, "unit": "rad"}
    (finding,) = run(profile_of("SR-04"), episode(A, dim=[nan])).findings
    assert finding.unit != "rad"


def test_the_judges_reasons_are_told_in_chinese() -> None:
    for finding in run(all_rules(), *everything()).findings:
        if finding.reason:
            assert reason_text(finding.reason, "en") == finding.reason
            told = reason_text(finding.reason, "zh")
            assert any("\u4e00" <= character <= "\u9fff" for character in told), finding.reason
    assert reason_text("a measurer's own words", "zh") == "a measurer's own words"


LOSS = profile_of("TM-07")


@settings(deadline=None, max_examples=60)
@given(st.lists(st.one_of(st.none(), st.floats(0, 1)), min_size=1, max_size=6), st.one_of(st.none(), st.floats(0, 1)))
def test_more_rows_never_raise_a_level(ratios: list[float | None], more: float | None) -> None:
    def level(values: list[float | None]) -> int:
        report = run(LOSS, episode(A, stream=[lossy(value, stream=str(i)) for i, value in enumerate(values)]))
        return (None, "L1", "L2", "L3", "L4").index(report.level)

    assert level([*ratios, more]) <= level(ratios)


EVERYTHING = everything()
ROWS = sorted(
    (unit.scope, table, n) for unit in EVERYTHING for table, rows in unit.tables.items() for n in range(len(rows))
)


@functools.cache
def reached() -> Mapping[str, str | None]:
    return run(all_rules(), *EVERYTHING).levels


@settings(deadline=None, max_examples=15)
@given(st.sets(st.integers(0, len(ROWS) - 1), min_size=1, max_size=40))
def test_fewer_rows_never_lower_a_level_and_more_never_raise_one(dropped: set[int]) -> None:
    """Whatever rows are added to facts: no scope reaches a level that it did not reach without them."""
    gone = {ROWS[index] for index in dropped if ROWS[index][1] not in ("coverage", "span", "error", "document")}
    fewer = [
        replace(
            unit,
            tables={
                table: [row for n, row in enumerate(rows) if (unit.scope, table, n) not in gone]
                for table, rows in unit.tables.items()
            },
        )
        for unit in EVERYTHING
    ]
    less = run(all_rules(), *fewer).levels
    assert all((None, *LEVELS).index(reached()[scope]) <= (None, *LEVELS).index(level) for scope, level in less.items())
