from __future__ import annotations

import re
import string
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report.samples import EPISODES, bad_report, clean_report, outcomes, rulebook, subject
from rich.cells import cell_len

from embodied_kit.language import Language
from embodied_kit.model.report import Finding, Place, Report
from embodied_validators.report import render_text
from embodied_validators.report.layout import Piece, flow, paint
from embodied_validators.report.words import LANGUAGES, catalogue

ANSI = re.compile(r"\x1b\[[0-9;]*m")


def render(report: Report, lang: Language = "en", width: int = 80, *, colour: bool = False) -> str:
    return render_text(report, rulebook(), lang, width, colour, info=subject())


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_bad_dataset_fits_a_screen(lang: Language) -> None:
    lines = render(bad_report(), lang).splitlines()
    assert len(lines) <= 22
    assert max(cell_len(line) for line in lines) <= 80


def test_english_says_everything_on_one_line_a_rule() -> None:
    lines = render(bad_report(), "en", 160).splitlines()
    assert lines[0] == "demo_ds  4 episodes  1 min 12 s  profile sim-preview@0.1"
    lost = next(line for line in lines if "TM-07" in line)
    for part in ("FAIL", "Lost frames", "1 episode, 3 spans", "/cam_front", "7.72 % (limit 5 %)", "15.50–15.83 s"):
        assert part in lost
    assert "      -> Check the camera's USB bandwidth; `embodied-kit rules explain TM-07`" in lines
    gap = next(line for line in lines if "TM-08" in line)
    assert "1.5 s (limit 1 s)" in gap
    assert "3.00–4.50 s" in gap
    assert any(line.startswith("????  KN-14, SM-01  not decided: cadence is not known") for line in lines)
    assert any(line.startswith("warn  VS-06  Exposure") and "23 % (limit 20 %)" in line for line in lines)
    assert lines[-1] == (
        "L1-preview reached. L2 not reached: TM-07, TM-08 failed, KN-01, KN-14, SM-01 undecided.  "
        "report: demo_ds.report.html"
    )


def test_chinese_says_the_same() -> None:
    text = render(bad_report(), "zh", 160)
    for part in (
        "不通过",
        "丢帧率",
        "7.72 %（上限 5 %）",
        "1 分 12 秒",
        "cadence 未知",
        "已达到 L1-preview。未达到 L2：",
    ):
        assert part in text


def test_worst_comes_first_and_higher_levels_are_one_line() -> None:
    lines = render(bad_report(), width=160).splitlines()
    labels = [line.split()[0] for line in lines if line[:1] not in {"", " "}][1:]
    assert labels[:6] == ["FAIL", "FAIL", "????", "????", "warn", "next"]
    assert "next  L3 needs besides: SR-10, TM-06" in lines


def test_findings_of_excluded_episodes_do_not_count() -> None:
    text = render(bad_report(), width=160)
    assert "/cam_wrist" not in text
    assert "Excluded: 019a…893f (camera dropped frames), 1 finding not counted" in text
    counted = render(replace(bad_report(), excluded={}), width=160)
    assert "/cam_wrist" in counted


def test_a_level_that_is_asked_for_shows_its_findings_in_full() -> None:
    text = render_text(bad_report(), rulebook(), "en", 160, info=subject(), level="L3")
    assert "28.1 Hz (at least 29 Hz at L3)" in text
    assert "next" not in text


def test_many_findings_stay_grouped() -> None:
    report = bad_report()
    many = tuple(
        Finding("CT-07", "error", "failed", "L1", Place(EPISODES[0], stream=f"/topic_{n}"), n + 1, 0, "max")
        for n in range(5000)
    )
    text = render(replace(report, findings=report.findings + many))
    assert len(text.splitlines()) <= 25
    assert "5000 streams" in text
    assert "/topic_4999" in text  # the worst one


def test_a_clean_dataset_is_short() -> None:
    lines = render(clean_report()).splitlines()
    assert "No rule has anything to report." in lines
    assert "Everything was seen and opened." in lines
    assert lines[-1].startswith("L4-preview reached.")


def test_shallow_measurement_is_said() -> None:
    coverage = {**clean_report().coverage, "depths": ["index"]}
    text = render(replace(clean_report(), coverage=coverage))
    assert "Not seen: anything deeper than depth index" in text
    assert "Everything was seen" not in text
    assert "What was seen was not counted." in render(replace(clean_report(), coverage={}))


def test_a_stream_that_was_not_seen_is_named_to_its_end() -> None:
    path = f"episodes/{EPISODES[0]}/data_000.mcap#/joint_states"
    place = {"episode": EPISODES[0], "path": path, "reason": "no message could be decoded"}
    report = replace(clean_report(), coverage={**clean_report().coverage, "not_seen_n": 1, "not_seen": [place]})
    assert "Not seen: episodes/019a…890f/data_000.mcap#/joint_states (no message" in render(report, width=160)


def test_a_bare_file_gets_no_level() -> None:
    report = replace(bad_report(), subject_kind="bare", level=None, levels={})
    assert "No level is given to a bare file; against L2: TM-07" in render(report, width=160)


def test_a_warning_that_could_not_be_decided_says_why() -> None:
    finding = Finding("VS-06", "warning", "undetermined", "L1", Place(), reason="too few frames")
    report = replace(bad_report(), findings=(finding,), outcomes=outcomes({}, ()))
    assert re.search(r"VS-06 .*not decided: too few frames", render(report, width=160))


def test_rule_unknown_to_the_tool_is_named() -> None:
    finding = Finding("ZZ-99", "error", "undetermined", "L1", Place(), reason="this tool does not carry the rule")
    report = replace(bad_report(), findings=(finding,), outcomes=outcomes({}, ()))
    assert re.search(r"ZZ-99\s+not decided: this tool does not carry the rule", render(report))
    assert "本工具没有该规则" in render(report, "zh")


def test_colour_changes_nothing_but_colour() -> None:
    plain, coloured = render(bad_report()), render(bad_report(), colour=True)
    assert coloured != plain
    assert ANSI.sub("", coloured) == plain


def test_data_cannot_drive_the_terminal() -> None:
    hostile = "/cam\x1b[2J\x07\n\u202eevil"
    place = Place(EPISODES[0], stream=hostile)
    report = replace(bad_report(), findings=(Finding("TM-08", "error", "failed", "L2", place, 2e9, 1e9, "max", "ns"),))
    text = render(report, width=200)
    assert "/cam\\u001b[2J\\u0007\\u000a\\u202eevil" in text
    assert not set(text) & {"\x1b", "\x07", "\u202e"}


def test_both_languages_have_the_same_placeholders() -> None:
    assert len(catalogue()) > 100
    for key, text in catalogue().items():
        assert set(text) == set(LANGUAGES), key
        fields = [
            sorted(name for _, name, _, _ in string.Formatter().parse(text[lang]) if name is not None)
            for lang in LANGUAGES
        ]
        assert fields[0] == fields[1], key
        assert all(text[lang].strip() for lang in LANGUAGES), key


@given(st.lists(st.text(alphabet="ab 中文，。 ", max_size=60), max_size=8), st.integers(40, 120))
def test_lines_never_exceed_the_width_and_lose_nothing(texts: list[str], width: int) -> None:
    pieces = [Piece(text) for text in texts if text.strip()]
    lines = flow(pieces, width, indent=6)
    written = paint(lines, colour=False)
    assert all(cell_len(line) <= width + 2 for line in written.splitlines())  # closing punctuation may hang
    assert re.sub(r"\s", "", written) == re.sub(r"\s", "", "".join(piece.text for piece in pieces))
