"""Waivers: listed, bounded, without effect on what must hold; a waived finding blocks nothing and is still told."""

import functools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from judge.fixtures import CONTEXT, RULES, all_rules, read_fixture
from judge.test_judge import A, B, dataset, episode, everything, fixture_row, lossy, profile_of, run, states

from embodied_kit.model.report import Report, Waiver
from embodied_kit.model.rule import LEVELS
from embodied_validators.judge import exit_code, judge, report_from_lines, report_lines
from embodied_validators.rulebook import load_rulebook

PROFILE = profile_of("TM-07", "PV-01", "VS-06")
LATER = "2027-01-31"


def waiver(rule_id: str = "TM-07", **change: Any) -> Waiver:
    return Waiver(**{"rule_id": rule_id, "reason": "known", "who": "lab lead", "valid_until": LATER, **change})


def judged(*waivers: Waiver, ratio: float | None = 0.2) -> Report:
    units = (episode(A, stream=[lossy(ratio, stream="cam")]), episode(B, stream=[lossy(0)]), dataset())
    return run(PROFILE, *units, waivers=waivers)


@pytest.mark.parametrize("ratio", [0.2, None])
def test_a_waived_finding_blocks_nothing_and_is_listed(ratio: float | None) -> None:
    plain, report = judged(ratio=ratio), judged(waiver(episode=A), ratio=ratio)
    assert (plain.level, report.level) == ("L1", "L4")
    assert report.findings == ()
    assert report.waived == plain.findings
    assert states(report, "TM-07")[A] == dict.fromkeys(("L2", "L3", "L4"), "waived")
    assert [(use.state, use.findings_n, use.broad) for use in report.waivers] == [("used", 1, False)]
    assert report.with_waivers("L2")
    assert not report.with_waivers("L1")
    assert exit_code(report, "L4") == 0
    assert report.digests["waivers"] != ""
    assert report_from_lines(report_lines(report)).waived == report.waived
    assert report_from_lines(report_lines(report)).waivers == report.waivers


@pytest.mark.parametrize(
    ("change", "matches"),
    [
        ({}, True),
        ({"episode": "*"}, True),
        ({"episode": A[:-1] + "?"}, True),
        ({"episode": B}, False),
        ({"episode": A[:-1]}, False),
        ({"stream": "cam"}, True),
        ({"stream": "c*"}, True),
        ({"stream": "[c]am"}, False),
        ({"path": "*.mcap"}, False),
        ({"rule_id": "TM-08"}, False),
    ],
)
def test_patterns(change: dict[str, str], matches: bool) -> None:
    report = judged(waiver(**change))
    assert (report.level == "L4") is matches
    assert report.waivers[0].state == ("used" if matches else "unused")


def test_an_expired_waiver_has_no_effect_and_is_told() -> None:
    for day, state in (("2026-09-21", "expired"), ("2026-09-22", "used")):
        report = judged(waiver(valid_until=day))
        assert report.waivers[0].state == state, "the judgement is of 2026-09-22, the last day counts"
        assert (report.level == "L4") is (state == "used")


def test_a_waiver_of_a_rule_that_must_hold_is_refused() -> None:
    bad_file = {**fixture_row("PV-01"), "episode": A, "sha256_ok": False}
    report = run(PROFILE, dataset(file=[bad_file]), episode(A), waivers=[waiver("PV-01")])
    assert report.level is None
    assert [use.state for use in report.waivers] == ["refused"]
    assert [item.rule_id for item in report.findings] == ["PV-01"]
    assert report.waived == ()


def test_a_waiver_that_names_no_place_or_covers_most_is_broad() -> None:
    units = [episode(f"{number:02d}", stream=[lossy(0.2)]) for number in range(6)]
    for change, broad in (
        ({}, True),
        ({"episode": "*"}, True),
        ({"episode": "0[01]"}, False),
        ({"episode": "0?"}, True),
    ):
        assert run(PROFILE, *units, waivers=[waiver(**change)]).waivers[0].broad is broad
    assert not run(PROFILE, *units, waivers=[waiver(episode="01")]).waivers[0].broad
    for count, covered, broad in ((4, 2, False), (4, 3, True), (3, 3, False)):
        bad = [episode(f"a{n}" if n < covered else f"b{n}", stream=[lossy(0.2)]) for n in range(count)]
        assert run(PROFILE, *bad, waivers=[waiver(episode="a?")]).waivers[0].broad is broad, "more than half of four"


def test_the_digest_tells_waivers_apart_and_is_empty_without_any() -> None:
    digests = [
        judged(*items).digests["waivers"] for items in ((), (waiver(),), (waiver(who="x"),), (waiver(), waiver()))
    ]
    assert digests[0] == ""
    assert len(set(digests)) == 4


def test_waivers_of_warnings_leave_the_mark_alone() -> None:
    frame = {**fixture_row("VS-06"), "luma_mean_p50": 10}
    report = run(PROFILE, episode(A, frame=[frame]), waivers=[waiver("VS-06", episode=A)])
    assert [item.rule_id for item in report.waived] == ["VS-06"]
    assert not report.with_waivers("L4")


UNITS = everything()
MUST = {name for name, rule in load_rulebook().rules.items() if not rule.waivable}


@functools.cache
def plain_report() -> Report:
    return judge(UNITS, all_rules(), CONTEXT)


@settings(deadline=None, max_examples=12)
@given(st.lists(st.sampled_from(sorted(load_rulebook().rules)), min_size=1, max_size=40, unique=True))
def test_waivers_never_change_a_rule_that_must_hold_nor_one_that_they_do_not_name(rule_ids: list[str]) -> None:
    plain, report = plain_report(), judge(UNITS, all_rules(), CONTEXT, waivers=[waiver(name) for name in rule_ids])
    assert {item.rule_id for item in report.waived} <= set(rule_ids) - MUST
    kept = [item for item in plain.findings if item.rule_id in MUST or item.rule_id not in rule_ids]
    assert [item for item in report.findings if item.rule_id in MUST or item.rule_id not in rule_ids] == kept
    for before, after in zip(plain.outcomes, report.outcomes, strict=True):
        if before.rule_id in MUST or before.rule_id not in rule_ids:
            assert after == before
    for scope, level in plain.levels.items():
        assert (None, *LEVELS).index(report.levels[scope]) >= (None, *LEVELS).index(level), "waivers only let be"


def test_a_waiver_without_effect_counts_nothing_and_one_of_anything_is_broad() -> None:
    assert [(use.state, use.findings_n) for use in judged(waiver("PV-01")).waivers] == [("refused", 0)]
    assert [(use.state, use.findings_n) for use in judged(waiver(valid_until="2020-01-01")).waivers] == [("expired", 0)]
    for pattern in ("", "*"):
        assert judged(waiver(episode=pattern)).waivers[0].broad, "of two episodes, where no share counts"


@pytest.mark.parametrize(("stream", "waived_n"), [("joint_states", 1), ("other", 0)])
def test_a_waiver_of_a_stream_covers_findings_about_it_alone(stream: str, waived_n: int) -> None:
    (unit,) = read_fixture(RULES / "KN-01" / "fail" / "joint_state_names_different.jsonl").units
    report = run(profile_of("KN-01"), unit, waivers=[waiver("KN-01", stream=stream)])
    assert (len(report.waived), len(report.findings)) == (waived_n, 1 - waived_n)
