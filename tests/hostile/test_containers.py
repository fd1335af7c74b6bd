"""MCAP files built to hurt: bounded memory and time, a finding, no level, at every depth and in every form."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hostile.containers import CONTAINERS
from hostile.kit import GOOD, Program, well_behaved

REALDATA = Path(__file__).resolve().parents[3] / "shared" / "realdata"


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_hostile_file_is_judged_with_findings_and_no_level(name: str, program: Program, tmp_path: Path) -> None:
    path = tmp_path / "take.mcap"
    path.write_bytes(CONTAINERS[name]())
    for words in (("--depth", "full"), ("--depth", "index")):
        ran = well_behaved(program.run("validate", path, "--format", "json", *words))
        assert ran.code in (0, 1, 3)
        assert ran.report()["verdict"]["level"] is None
        assert ran.report()["findings"]
    if any(word in name for word in ("no number", "near", "reason", "jpeg", "image", "names", "statistics", "chain")):
        ran = well_behaved(program.run("validate", path, "--depth", "signal", "--format", "html", "--lang", "zh"))
        assert ran.code in (0, 1, 3)


def test_a_hostile_file_is_imported_whole_or_refused_in_one_line(program: Program, tmp_path: Path) -> None:
    robot, target = next(GOOD.glob("robots/*/robot.json")), tmp_path / "set"
    assert program.run("dataset", "init", target, "--robot", robot).code == 0
    whole = next(GOOD.glob("episodes/*/*.mcap")).read_bytes()
    cuts = {f"cut at {size}": whole[:size] for size in (0, 8, 300_000, len(whole) - 9)}
    imported = 0
    for data in (*(build() for build in CONTAINERS.values()), *cuts.values(), whole):
        path = tmp_path / "take.mcap"
        path.write_bytes(data)
        ran = well_behaved(program.run("import", "rosbag2", path, "--dataset", target, "--robot", robot))
        imported += ran.code == 0
        assert ran.code in (0, 1)
        assert len(ran.errors.splitlines()) <= 2
        assert ran.errors.startswith("error: ") == (ran.code == 1)
        assert len(list((target / "episodes").glob("*"))) == imported
        assert not list(target.rglob("*.partial"))
        assert not list(target.glob(".embodied/recording/*"))
    assert ran.code == 0


def test_a_file_cut_anywhere_is_told_so(program: Program, tmp_path: Path) -> None:
    whole = next(GOOD.glob("episodes/*/*.mcap")).read_bytes()
    choice = random.Random(5)  # noqa: S311  # seeded
    edges = [8, 9, 30, len(whole) - 1, len(whole) - 8, len(whole) - 9, len(whole) - 37]
    for size in edges + [choice.randrange(len(whole)) for _ in range(12)]:
        path = tmp_path / "take.mcap"
        path.write_bytes(whole[:size])
        ran = program.judged(path, "--depth", choice.choice(["index", "signal"]))
        assert (ran.code, "CT-01" in ran.rules()) == (1, True), size


@pytest.mark.skipif(not REALDATA.exists(), reason="the folder of real recordings is not here")
def test_real_bags_are_judged_at_every_depth(program: Program) -> None:
    folders = {path.parent for path in REALDATA.glob("rosbag2*/**/*.*") if path.suffix in (".mcap", ".db3")}
    assert folders
    for path in sorted(folders):
        for depth in ("index", "signal", "full"):
            ran = well_behaved(program.run("validate", path, "--depth", depth, "--format", "json"))
            assert ran.code in (0, 1, 3)
            assert ran.report()["verdict"]["level"] is None
            assert ran.rules("undetermined"), path
            if any(path.glob("*.db3")):
                assert ran.code in (1, 3)
