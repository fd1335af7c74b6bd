"""Levels over real recordings: the least episode counts, exclusions lift it, and a verdict needs facts alone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from chain.conftest import TAKE_OF
from chain.lab import CONTEXT, PROFILE, Run, answers, expected_answers

from embodied_kit.episode.dataset import Dataset
from embodied_kit.measure import default_cache, measure_path
from embodied_kit.model.facts import DATASET_SCOPE
from embodied_kit.model.report import Report
from embodied_kit.model.rule import LEVELS
from embodied_validators.judge import exit_code, judge
from embodied_validators.profiles import load_profile

REPOSITORY = Path(__file__).parents[2]
JUDGE_ALONE = """
import json, sys
opened = []
sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" else None)
from pathlib import Path
from embodied_kit.measure import read_facts
from embodied_validators.context import make_context
from embodied_validators.judge import judge
from embodied_validators.profiles import load_profile
facts, episode, as_of, *profiles = sys.argv[1:]
units = read_facts(Path(facts).read_bytes().splitlines(keepends=True))
levels = [judge(units, load_profile(name), make_context(int(as_of))).levels[episode] for name in profiles]
print(json.dumps({"levels": levels, "recordings": [p for p in opened if p.endswith((".mcap", ".db3"))],
                  "facts": facts in opened}))
"""


def below(level: str) -> str | None:
    index = LEVELS.index(level)
    return LEVELS[index - 1] if index else None


def profile_copy(folder: Path, **changes: object) -> Path:
    """The released profile as one of somebody's own, with changes."""
    profile = load_profile(PROFILE)
    data = {
        "profile_id": "own-preview",
        "version": "0.1",
        "status": "preview",
        "title": dict(profile.title),
        "description": dict(profile.title),
        "rules": [rule.rule_id for rule in profile.rules],
        "parameters": dict(profile.parameters),
    }
    path = folder / "changed.yaml"
    path.write_text(yaml.safe_dump({**data, **changes}, allow_unicode=True), "utf-8")
    return path


def test_a_fault_takes_its_episode_below_the_level_of_its_rule(run: Run) -> None:
    for fault, take in TAKE_OF.items():
        first = min(expected_answers()[fault].values())
        assert run.report.levels[run.episode(take)] == below(first), fault


def test_eight_percent_of_lost_frames_are_not_l2(run: Run) -> None:
    finding = next(f for f in run.report.findings if f.rule_id == "TM-07")
    assert (finding.place.episode, finding.level) == (run.episode(TAKE_OF["drop_frames"]), "L2")
    assert finding.required == 0.05 < finding.measured < 0.1
    assert finding.spans_n > 0


def test_the_least_episode_decides_and_exclusions_lift_the_level(run: Run, tmp_path: Path) -> None:
    root = tmp_path / "ds"
    shutil.copytree(run.root, root, copy_function=os.link)
    dataset = Dataset.open(root)
    assert run.report.level is None
    assert excluding(dataset, run, ["nan", "clock_jump"]).level == "L1"
    assert excluding(dataset, run, ["drop_frames", "stuck_joint", "late_stream"]).level == "L2"
    report = excluding(dataset, run, ["frozen_camera"])
    assert report.level == "L3"
    assert exit_code(report, "L3") == 0
    assert exit_code(report, "L4") == 1
    assert set(report.excluded) == {run.episode(take) for take in TAKE_OF.values()}
    assert answers(report, run.episode(TAKE_OF["nan"])) == expected_answers()["nan"]  # listed still


def excluding(dataset: Dataset, run: Run, faults: list[str]) -> Report:
    for fault in faults:
        dataset.exclude(run.episode(TAKE_OF[fault]), fault, CONTEXT.as_of_ns)
    return judge(measure_path(dataset.root, cache=default_cache()), load_profile(PROFILE), CONTEXT)


def test_another_limit_is_another_verdict_and_no_recording_is_opened(run: Run, tmp_path: Path) -> None:
    facts = tmp_path / "facts.jsonl"
    facts.write_bytes(run.facts_bytes)
    limits = {"TM-07": {"limits": {"lost_ratio": {"L2": {"value": 0.1, "origin": "engineering"}}}}}
    lenient = profile_copy(tmp_path, overrides=limits)
    episode = run.episode(TAKE_OF["drop_frames"])
    said = alone(facts, episode, PROFILE, str(lenient))
    assert said == {"levels": ["L1", "L2"], "recordings": [], "facts": True}


def alone(facts: Path, episode: str, *profiles: str) -> dict[str, object]:
    """Judge in a process that notes every file it opens."""
    paths = [str(REPOSITORY), str(REPOSITORY / "recorders"), str(REPOSITORY / "validators")]
    done = subprocess.run(
        [sys.executable, "-c", JUDGE_ALONE, str(facts), episode, str(CONTEXT.as_of_ns), *profiles],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        check=True,
    )
    return json.loads(done.stdout)


def test_the_hook_would_see_a_recording_that_is_opened(run: Run, tmp_path: Path) -> None:
    episode = run.episode(1)
    recording = run.root / "episodes" / episode / "data_000.mcap"
    with pytest.raises(subprocess.CalledProcessError) as failure:
        alone(recording, episode, PROFILE)  # an MCAP in place of facts: opened, noted, and refused
    assert b"Error" in failure.value.stderr


def test_a_rule_that_the_tool_lacks_is_undetermined(run: Run, tmp_path: Path) -> None:
    rules = [rule.rule_id for rule in load_profile(PROFILE).rules]
    report = judge(run.facts, load_profile(profile_copy(tmp_path, rules=[*rules, "ZZ-99"])), CONTEXT)
    (finding,) = [finding for finding in report.findings if finding.rule_id == "ZZ-99"]
    assert (finding.state, finding.level) == ("undetermined", "L1")
    assert report.level is report.levels[DATASET_SCOPE] is None
