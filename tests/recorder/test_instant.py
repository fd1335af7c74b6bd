"""The judging process beside the recorder: what it says of sound and of bad takes, and what becomes of it."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from recorder.support import ROOT
from transports.harness import until

from embodied_kit.cli.recording.instant import InstantJudge
from embodied_kit.cli.recording.verdictlines import verdict_lines
from embodied_kit.cli.texts import Texts
from embodied_kit.episode.layout import data_file
from embodied_recorders.loop.beside import Verdict, VerdictLine
from embodied_validators.rulebook import load_rulebook

SAMPLES = ROOT / "sample_episodes"
DATA = data_file(0)


@pytest.fixture
def judge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InstantJudge]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    made = InstantJudge(SAMPLES / "good" / "dataset")
    yield made
    made.close()


def only_episode(sample: str) -> Path:
    return max((SAMPLES / sample / "dataset" / "episodes").iterdir())


def heard(judge: InstantJudge, n: int) -> list[tuple[str, Verdict]]:
    found: list[tuple[str, Verdict]] = []

    def enough() -> bool:
        found.extend(judge.finished())
        return len(found) >= n

    until(enough, "a verdict", 120)
    return found


def test_three_verdicts_each_of_a_good_and_a_bad_take_first_ones_first(judge: InstantJudge) -> None:
    good, bad = only_episode("good"), only_episode("lost_frames")
    judge.submit("good", str(good))
    judge.submit("bad", str(bad))
    found = heard(judge, 6)
    assert [name for name, _ in found][-4:] == ["bad", "good", "bad", "good"], "first ones first, then the newest"
    assert [verdict.whole for _, verdict in found] == [False] * 4 + [True] * 2
    first, quick, whole = (verdict for name, verdict in found if name == "good")
    assert [(verdict.level, verdict.failed) for verdict in (first, quick, whole)] == [("", ()), ("", ()), ("L4", ())]
    undecided = [{line.rule for line in verdict.undetermined} for verdict in (first, quick, whole)]
    assert [{"TM-07", "VS-01"} & rules for rules in undecided] == [{"TM-07", "VS-01"}, {"VS-01"}, set()]
    known, *later = (verdict for name, verdict in found if name == "bad")
    assert [line.rule for line in known.failed] == ["SM-05"]
    for verdict in later:
        lines = {line.rule: line for line in verdict.failed}
        assert {"TM-07", "TM-09", "SM-05"} <= lines.keys()
        assert (lines["TM-07"].level, lines["TM-07"].place.split()[0]) == ("L2", "cam_front")
        assert lines["SM-05"].place == "episode.json /outcome"
        assert lines["TM-07"].title["zh"]
        assert lines["TM-07"].fix["zh"]
    assert later[-1].level == "L1"


def test_a_take_that_was_read_as_it_grew_has_its_last_verdict_without_one_in_between(
    judge: InstantJudge, tmp_path: Path
) -> None:
    good, staging = only_episode("good"), tmp_path / "staging"
    staging.mkdir()
    data, partial = (good / DATA).read_bytes(), staging / f"{DATA}.partial"
    judge.follow("good", str(staging))
    partial.write_bytes(data[:700_000])
    shutil.copy(good / "episode.json", staging)
    shutil.copy(good / "metadata.yaml", staging)
    with partial.open("ab") as file:
        file.write(data[700_000:])
    partial.rename(staging / DATA)
    judge.submit("good", str(staging.rename(tmp_path / good.name)))
    found = heard(judge, 2)
    assert [(verdict.whole, verdict.level) for _, verdict in found] == [(False, ""), (True, "L4")]
    assert judge.finished() == []


def test_a_take_that_was_given_up_is_let_go(judge: InstantJudge, tmp_path: Path) -> None:
    for name in ("lost", "lost too", "discarded"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{DATA}.partial").write_bytes(b"")
        judge.follow(name, str(tmp_path / name))
    judge.submit("good", str(only_episode("good")))
    heard(judge, 3)
    threads = {path.read_text().strip() for path in Path(f"/proc/{judge.process_id}/task").glob("*/comm")}
    assert sum(name.startswith("embodied-kit-fo") for name in threads) <= 1


def test_a_folder_that_cannot_be_judged_is_a_verdict_in_words(judge: InstantJudge, tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    judge.submit("a", str(tmp_path / "nothing"))
    ((_, first),) = heard(judge, 1)
    assert "expected a dataset, an episode" in first.problem["en"]
    assert "应为" in first.problem["zh"]
    shutil.copytree(only_episode("good"), tmp_path / "again")
    judge.submit("b", str(tmp_path / "again"))
    assert [verdict.problem for _, verdict in heard(judge, 1)] == [{}]


def test_a_judge_that_died_says_so_once_a_take(judge: InstantJudge) -> None:
    os.kill(judge.process_id, signal.SIGKILL)
    judge.submit("a", str(only_episode("good")))
    (found,) = heard(judge, 1)
    assert found[0] == "a"
    assert "has ended" in found[1].problem["en"]
    assert judge.finished() == []


LINE = VerdictLine(
    "TM-07", {"en": "Lost frames", "zh": "丢帧"}, {"en": "Check. More.", "zh": "检查。更多。"}, "cam 2 s", "L2"
)
IMAGES = VerdictLine("VS-01", {"en": "Sharp", "zh": "清晰"}, {"en": "f", "zh": "f"})


@pytest.mark.parametrize(
    ("verdict", "language", "lines"),
    [
        (Verdict("L2", seconds=1.24), "en", ["Take 1: verdict after 1.2 s: L2; no rule failed"]),
        (Verdict("L2", seconds=1.24), "zh", ["Take 1：1.2 秒后校验结果：L2；没有不符合的规则"]),
        (
            Verdict("", (LINE,), (IMAGES,), whole=False),
            "en",
            [
                "Take 1: verdict after 0.0 s: L1 still possible; 1 rules undecided so far",
                "  FAIL TM-07 Lost frames (needed for L2)  cam 2 s  -> Check",
            ],
        ),
        (
            Verdict("L1", (LINE,), (IMAGES,), (IMAGES,)),
            "zh",
            [
                "Take 1：0.0 秒后校验结果：L1；不符合：TM-07",
                "  不符合 TM-07 丢帧（L2 所需）  cam 2 s  -> 检查",
                "  警告 VS-01 清晰",
                "  未判定 VS-01 清晰",
            ],
        ),
        (
            Verdict("", (replace(LINE, level="L1"),), whole=False),
            "en",
            [
                "Take 1: verdict after 0.0 s: no level; 0 rules undecided so far",
                "  FAIL TM-07 Lost frames (needed for L1)  cam 2 s  -> Check",
            ],
        ),
        (Verdict(problem={"en": "broken", "zh": "坏了"}), "zh", ["Take 1：无校验结果：坏了"]),
    ],
)
def test_a_verdict_in_words(verdict: Verdict, language: str, lines: list[str]) -> None:
    assert verdict_lines("Take 1", verdict, Texts(language)) == lines


def test_no_remedy_is_cut_within_a_command_or_an_aside() -> None:
    for rule in load_rulebook().rules.values():
        verdict = Verdict("L1", [VerdictLine(rule.rule_id, rule.title, rule.fix, "", "L2")])
        for language in ("en", "zh"):
            line = verdict_lines("Take 1", verdict, Texts(language))[1]
            assert line.count("`") % 2 == 0, line
            assert (line.count("("), line.count("（")) == (line.count(")"), line.count("）")), line
            assert rule.fix[language].startswith(line.rpartition("  -> ")[2])
    outcome = load_rulebook().rules["SM-05"]
    line = verdict_lines("", Verdict("L1", [VerdictLine("SM-05", outcome.title, outcome.fix)]), Texts("en"))[1]
    assert line.endswith("-> Record with `embodied-kit record ... --outcome success` (or failure, partial, aborted)")


def test_what_was_told_is_not_told_again() -> None:
    assert verdict_lines("Take 1", Verdict("L1", (LINE,)), Texts("en"), told=["TM-07"]) == [
        "Take 1: verdict after 0.0 s: L1; failed: TM-07"
    ]


def test_many_failures_are_cut() -> None:
    many = [replace(LINE, rule=f"TM-{n:02}") for n in range(11)]
    lines = verdict_lines("Take 1", Verdict("", many), Texts("en"))
    assert lines[-1] == "  FAIL also: TM-08, TM-09, TM-10"
    assert len(lines) == 10
