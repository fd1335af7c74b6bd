"""A measurer with a bug: its table is undetermined, everything else is measured, no level is reached."""

from dataclasses import replace
from pathlib import Path

import pytest

from embodied_kit.errors import EnvironmentUnfitError
from embodied_kit.measure import measure_path, unit
from embodied_kit.measure.measurers import MEASURERS, Measurer
from embodied_kit.model.facts import DATASET_SCOPE, Depth, Facts, Row
from embodied_kit.model.report import Context
from embodied_validators.judge import judge
from embodied_validators.profiles import load_profile

SAMPLE = Path(__file__).parents[2] / "sample_episodes" / "good" / "dataset"
CONTEXT = Context(as_of_ns=1_790_100_000_000_000_000)


def failing(table: str, error: Exception) -> list[Measurer]:
    def run(_: object) -> list[Row]:
        raise error

    return [replace(item, run=run) if item.name == table else item for item in MEASURERS]


def measured(monkeypatch: pytest.MonkeyPatch, measurers: list[Measurer], cache: Path | None = None) -> list[Facts]:
    def at(_: Depth) -> list[Measurer]:
        return measurers

    monkeypatch.setattr(unit, "measured_at", at)
    return list(measure_path(SAMPLE, cache=cache))


def test_its_table_is_undetermined_and_the_others_are_measured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    good = {item.scope: item for item in measure_path(SAMPLE)}
    with monkeypatch.context() as patch:
        facts = measured(patch, failing("dim", IndexError("bug")), tmp_path)
    for item in facts:
        if item.scope != DATASET_SCOPE:
            (row,) = item.tables["error"]
            assert (row["tables"], row["reason"]) == (["dim"], "the measure failed: IndexError")
            assert item.tables["dim"] == []
            assert item.tables["stream"] == good[item.scope].tables["stream"]
    report = judge(facts, load_profile("sim-preview@0.1"), CONTEXT)
    assert report.level is None
    assert {"SR-04", "SR-05", "KN-14"} <= {rule for item in report.skipped for rule in item.rules}
    assert list(measure_path(SAMPLE, cache=tmp_path)) == list(good.values()), "what failed is not kept"


def test_a_machine_that_cannot_go_on_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EnvironmentUnfitError):
        measured(monkeypatch, failing("dim", EnvironmentUnfitError("no space left")))
