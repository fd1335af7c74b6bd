"""The committed sample datasets are judged as expected.json says, and come out the same when they are made again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from embodied_validators.judge import exit_code
from sample_episodes import make

SAMPLES = Path(__file__).parents[2] / "sample_episodes"
NAMES = sorted(path.parent.name for path in SAMPLES.glob("*/expected.json"))
FOUND_BY = {
    "clock_jump": {"TM-01"},
    "frozen_camera": {"VS-04"},
    "lost_frames": {"TM-07", "TM-09", "SR-10"},
    "nan_force": {"SR-04"},
    "truncated_file": {"CT-01", "PV-01", "ST-12"},
    "wrong_depth_unit": {"DG-01"},
    "good": {"TM-14"},
}
CUT_TAKE = {"SM-05", "DS-10"}  # the outcome of a take that goes on is not known, nor are there outcomes to count
SIMULATION = {"ST-01", "DS-08"}  # from L4: no exposure time; a warning: one task
SHORT = {"DS-14", "KN-10", "VS-12", "TM-13"}  # warnings: nothing was exported; a window is too short for lag and drift


def test_every_sample_is_there() -> None:
    assert NAMES == sorted(make.SAMPLES) == sorted(FOUND_BY)
    total = sum(path.stat().st_size for path in SAMPLES.rglob("*") if path.is_file())
    assert total <= 6_000_000


@pytest.mark.parametrize("name", NAMES)
def test_it_is_judged_as_expected(name: str) -> None:
    report = make.judged(SAMPLES / name / "dataset")
    expected = json.loads((SAMPLES / name / "expected.json").read_bytes())
    assert make.expectation(report) == expected
    assert set(expected["failed"]) - CUT_TAKE - SIMULATION == FOUND_BY[name]
    assert exit_code(report, "L2") == (0 if expected["level"] == "L2" else 1)


def test_each_episode_has_segments_of_its_window() -> None:
    episodes = list(SAMPLES.glob("*/dataset/episodes/*/episode.json"))
    assert len(episodes) > len(NAMES)
    for path in episodes:
        layer = path.parents[2] / "annotations" / "skills" / f"{path.parent.name}.json"
        assert json.loads(layer.read_bytes())["skill_segments"], path


def test_the_good_one_reaches_l2() -> None:
    expected = json.loads((SAMPLES / "good" / "expected.json").read_bytes())
    assert expected["level"] == "L2"
    assert set(expected["undetermined"]) <= SHORT
    blocking = {rule: what["from_level"] for rule, what in expected["failed"].items() if rule not in SIMULATION}
    assert set(blocking.values()) <= {"L3", "L4"}


def test_a_sample_comes_out_the_same_byte_for_byte(tmp_path: Path) -> None:
    for folder in ("first", "second"):
        make.make("nan_force", tmp_path / folder)
    first, second = (contents(tmp_path / folder) for folder in ("first", "second"))
    assert first == second
    assert set(first) == set(
        contents(SAMPLES / "nan_force" / "dataset")
    )  # of the same files; another machine may round


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
