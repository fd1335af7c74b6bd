"""The robot's own annotations, and the statistics of its dataset: what a clean simulation has to say, and no more."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from chain.conftest import CLEAN_TAKE
from chain.lab import CONTEXT, Run

from embodied_kit.measure import default_cache, measure_path
from embodied_kit.model.facts import DATASET_SCOPE
from embodied_kit.model.report import Report
from embodied_kit.spec import standard
from embodied_recorders.sim.annotate import SKILLS
from embodied_validators.judge import judge
from embodied_validators.profiles import load_profile
from embodied_validators.rulebook import load_rulebook

OURS = [name for name in load_rulebook().rules if name[:2] in ("DS", "SM")]
LAYER = "annotations/skills"


@pytest.fixture(scope="module")
def profile_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All rules on semantics and on the dataset, beside those of the preview."""
    (source,) = (path for path in standard().profile_files() if path.stem == "sim-preview@0.1")
    data = yaml.safe_load(source.read_text("utf-8"))
    path = tmp_path_factory.mktemp("profile") / "all.yaml"
    path.write_text(yaml.safe_dump({**data, "rules": sorted({*data["rules"], *OURS})}, allow_unicode=True), "utf-8")
    return path


def spoken(report: Report, *scopes: str) -> dict[str, str]:
    """Rule of ours -> state, for all that has something to say."""
    found = {}
    for finding in report.findings:
        if finding.rule_id in OURS and (finding.place.episode or DATASET_SCOPE) in scopes:
            found[finding.rule_id] = finding.state
    return found


def document(run: Run, take: int) -> Mapping[str, Any]:
    return json.loads((run.root / LAYER / f"{run.episode(take)}.json").read_bytes())


def test_the_segments_are_the_phases_of_the_robots_log(run: Run) -> None:
    phases = [event for event in run.events if event["event"] == "phase" and event["take"] == CLEAN_TAKE]
    segments = document(run, CLEAN_TAKE)["skill_segments"]
    assert [item["skill_code"] for item in segments] == [SKILLS[phase["phase"]].code for phase in phases]
    assert [item["end_ns"] for item in segments] == [phase["end_ns"] for phase in phases]
    assert [item["start_ns"] for item in segments[1:]] == [phase["start_ns"] for phase in phases[1:]]
    assert segments[0]["start_ns"] == str(run.recorded[CLEAN_TAKE - 1].closing["start_ns"])


def test_a_clean_take_and_its_dataset_say_what_one_scripted_task_cannot_answer(run: Run, profile_path: Path) -> None:
    report = judge(run.facts, load_profile(str(profile_path)), CONTEXT)
    assert spoken(report, DATASET_SCOPE, run.episode(CLEAN_TAKE)) == {
        "DS-08": "failed",  # one task
        "DS-09": "undetermined",  # no feasible distance is declared
        "DS-14": "undetermined",  # nobody has exported it
    }
    asked = {
        item.rule_id
        for item in report.outcomes
        if item.scope in (DATASET_SCOPE, run.episode(CLEAN_TAKE)) and "passed" in item.states.values()
    }
    assert {"SM-07", "SM-08", "SM-09", "SM-10", "SM-11", "SM-14", "DS-01", "DS-03", "DS-04", "DS-13"} <= asked


@pytest.fixture
def layer_path(run: Run) -> Iterator[Path]:
    """The clean take's document in the layer, put back afterwards."""
    path = run.root / LAYER / f"{run.episode(CLEAN_TAKE)}.json"
    data = path.read_bytes()
    yield path
    path.write_bytes(data)


def test_only_the_layer_changed_and_only_the_layer_speaks(run: Run, profile_path: Path, layer_path: Path) -> None:
    value = json.loads(layer_path.read_bytes())
    first, second = value["skill_segments"][1:3]
    second["start_ns"] = str(int(first["end_ns"]) - 1)
    second["skill_code"] = "hover"
    layer_path.write_text(json.dumps(value), "utf-8")
    report = judge(measure_path(run.root, cache=default_cache()), load_profile(str(profile_path)), CONTEXT)
    assert spoken(report, run.episode(CLEAN_TAKE)) == {"SM-07": "failed", "SM-10": "failed"}
    (finding,) = (found for found in report.findings if found.rule_id == "SM-07")
    assert (finding.level, finding.measured, finding.place.index) == ("L3", 1, 2)
    assert report.levels[run.episode(CLEAN_TAKE)] == "L2"
