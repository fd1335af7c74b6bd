"""`validate --format`, `report show` and `report diff` on real samples."""

import json
from pathlib import Path

import pytest
from cli.verbs import run

SAMPLES = Path(__file__).resolve().parents[2] / "sample_episodes"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Kept reports of two samples, by name."""
    folder = tmp_path_factory.mktemp("reports")
    paths = {}
    for name in ("good", "lost_frames"):
        paths[name] = folder / f"{name}.jsonl"
        run("validate", str(SAMPLES / name / "dataset"), "--format", "jsonl", "-o", str(paths[name]))
    return paths


def test_a_kept_report_is_shown_as_it_was(kept: dict[str, Path], tmp_path: Path) -> None:
    fresh = run("validate", str(SAMPLES / "lost_frames" / "dataset")).out
    assert run("report", "show", str(kept["lost_frames"])).out == fresh
    page = tmp_path / "report.html"
    assert run("report", "show", str(kept["lost_frames"]), "--format", "html", "-o", str(page)).code == 0
    assert "丢帧率" in page.read_text(encoding="utf-8")


def test_joined_files_are_several_reports(kept: dict[str, Path], tmp_path: Path) -> None:
    joined = tmp_path / "all.jsonl"
    joined.write_bytes(b"".join(path.read_bytes() for path in kept.values()))
    shown = run("report", "show", str(joined))
    assert shown.code == 0
    assert shown.out.count(" reached.") == 2
    refused = run("report", "show", str(joined), "--format", "html")
    assert refused.code == 1
    assert "expected one report for html, got 2" in refused.err


def test_the_exit_code_tells_what_got_worse(kept: dict[str, Path]) -> None:
    good, bad = str(kept["good"]), str(kept["lost_frames"])
    assert run("report", "diff", good, good).code == 0
    worse = run("report", "diff", good, bad, "--format", "json")
    assert worse.code == 1
    document = json.loads(worse.out)
    assert {item["rule_id"] for item in document["new"]} >= {"TM-07"}
    assert document["levels"][""]["after"] == "L1"
    chinese = run("report", "diff", good, bad, "--lang", "zh")
    assert "丢帧率" in chinese.out
    assert "变差。" in chinese.out


def test_what_cannot_be_compared_is_refused(kept: dict[str, Path], tmp_path: Path) -> None:
    joined = tmp_path / "all.jsonl"
    joined.write_bytes(b"".join(path.read_bytes() for path in kept.values()))
    refused = run("report", "diff", str(joined), str(kept["good"]))
    assert refused.code == 1
    assert "same subjects" in refused.err
    assert run("report", "diff", str(joined), str(joined)).code == 0
    nothing = tmp_path / "nothing.jsonl"
    nothing.write_bytes(b"")
    assert run("report", "show", str(nothing)).code == 1
