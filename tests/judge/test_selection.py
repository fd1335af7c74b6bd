"""Choosing rules by prefix: which ids it leaves, and that no level is ever claimed under a choice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from judge.test_judge import A, dataset, episode, lossy, profile_of, run

from embodied_kit.errors import UsageError
from embodied_validators.judge import exit_code, report_from_lines, report_lines
from embodied_validators.rulebook import load_rulebook
from embodied_validators.selection import chosen, select_rules

IDS = ("ST-01", "ST-02", "ST-11", "TM-01", "TM-07", "VS-03")


@pytest.mark.parametrize(
    ("select", "ignore", "left"),
    [
        ("", "", IDS),
        ("ALL", "", IDS),
        ("TM", "", ("TM-01", "TM-07")),
        ("tm, st-0", "", ("ST-01", "ST-02", "TM-01", "TM-07")),
        ("TM,ST-0", "VS", ("ST-01", "ST-02", "TM-01", "TM-07")),
        ("", "ST", ("TM-01", "TM-07", "VS-03")),
        ("ST-11", "ST", ("ST-11",)),
        ("ST", "ST-1", ("ST-01", "ST-02")),
        ("ST", "ST", ()),
        ("T", "ALL", ("TM-01", "TM-07")),
    ],
)
def test_the_longest_beginning_decides(select: str, ignore: str, left: tuple[str, ...]) -> None:
    assert chosen(IDS, select, ignore) == left


@given(st.sampled_from(sorted(load_rulebook().rules)), st.integers(1, 5))
def test_any_beginning_of_an_id_selects_it_and_ignoring_the_whole_id_drops_it(rule_id: str, length: int) -> None:
    ids = tuple(load_rulebook().rules)
    selected = chosen(ids, rule_id[:length], "")
    assert rule_id in selected
    assert all(other.startswith(rule_id[:length]) for other in selected)
    assert chosen(ids, rule_id[:length], rule_id) == tuple(other for other in selected if other != rule_id)


def test_a_beginning_of_nothing_is_refused() -> None:
    for select, ignore in (("QQ", ""), ("", "TM-8"), ("7", "")):
        with pytest.raises(UsageError, match="beginning of a rule id"):
            chosen(IDS, select, ignore)
    with pytest.raises(UsageError, match="leaves a rule"):
        select_rules(profile_of("TM-07"), "TM", "TM")


def test_no_level_is_claimed_under_a_choice() -> None:
    whole = profile_of("TM-07", "TM-08", "VS-03", "ST-01")
    profile = select_rules(whole, "tm", "TM-08")
    assert [rule.rule_id for rule in profile.rules] == ["TM-07"]
    assert profile.digest != whole.digest
    report = run(profile, episode(A, stream=[lossy(0)]), dataset())
    assert (report.level, set(report.levels.values())) == (None, {None})
    assert report.selection == "select TM ignore TM-08"
    assert report_from_lines(report_lines(report)).selection == report.selection
    assert select_rules(whole, "", " ") is whole


@pytest.mark.parametrize(("ratio", "codes"), [(0.0, (0, 0, 0)), (0.03, (0, 0, 1)), (0.2, (1, 1, 1)), (None, (3, 3, 3))])
def test_the_exit_code_of_a_choice_is_that_of_its_rules(ratio: float | None, codes: tuple[int, int, int]) -> None:
    report = run(select_rules(profile_of("TM-07", "CT-01"), "TM", ""), episode(A, stream=[lossy(ratio)]))
    assert (exit_code(report), exit_code(report, "L2"), exit_code(report, "L3")) == codes
    assert exit_code(report, "L1") == 0
