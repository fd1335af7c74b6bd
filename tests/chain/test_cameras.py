"""What cameras of the simulated robot show fits its joints, its depth and its calibration; an exchanged one is told."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from chain.conftest import CLEAN_TAKE
from chain.lab import Run

from embodied_kit.measure import default_cache, measure_path
from embodied_kit.model.facts import Facts


def test_depth_lies_on_colour_and_no_camera_is_swapped(run: Run) -> None:
    registration = run.row(CLEAN_TAKE, "pair", kind="registration")
    assert (registration["a"], registration["b"]) == ("cam_front", "cam_front_depth")
    assert registration["offset_mm"] < 5
    swap = run.row(CLEAN_TAKE, "pair", kind="swap")
    assert swap["swapped"] is False
    assert swap["own_score"] > 3 * swap["swapped_score"]
    assert run.row(CLEAN_TAKE, "pair", kind="view_similar")["similar_ratio"] == 0
    for stream in ("cam_front", "cam_wrist"):
        image = run.row(CLEAN_TAKE, "frame", stream=stream)
        assert image["jpeg_quality_p05"] == pytest.approx(80, abs=1)
        assert 1 <= image["motion_blur_px_p95"] < 2
        motion = run.row(CLEAN_TAKE, "pair", kind="motion_video", a=stream)
        assert motion["correlation"] > 0.2
        assert abs(motion["lag_ms"]) <= 34


def remeasured(run: Run, tmp_path: Path, change: dict[str, str], cx_off: float = 0.0) -> Facts:
    """The clean take beside a calibration in which streams are renamed and the front camera's cx is off."""
    episode = run.episode(CLEAN_TAKE)
    others = {item.name for item in (run.root / "episodes").iterdir()} - {episode}
    root = tmp_path / "ds"
    shutil.copytree(run.root, root, ignore=lambda folder, names: others & set(names))
    (path,) = root.glob("robots/*/calibration/*.json")
    document = json.loads(path.read_bytes())
    for camera in document["cameras"]:
        camera["stream_id"] = change.get(camera["stream_id"], camera["stream_id"])
        camera["intrinsics"]["cx"] += cx_off if camera["stream_id"] == "cam_front" else 0.0
    path.write_text(json.dumps(document))
    return next(facts for facts in measure_path(root, cache=default_cache()) if facts.scope == episode)


def pair(facts: Facts, kind: str) -> Mapping[str, Any]:
    (row,) = (row for row in facts.tables["pair"] if row["kind"] == kind)
    return row


def test_exchanged_calibrations_are_told_without_reading_the_recording_again(run: Run, tmp_path: Path) -> None:
    facts = remeasured(run, tmp_path, {"cam_front": "cam_wrist", "cam_wrist": "cam_front"})
    assert pair(facts, "swap")["swapped"] is True
    assert {row["serial_ok"] for row in facts.tables["geometry"] if row["stream"] != "cam_front_depth"} == {False}


def test_a_principal_point_that_is_off_is_a_registration_that_is_off(run: Run, tmp_path: Path) -> None:
    row = pair(remeasured(run, tmp_path, {}, cx_off=8.0), "registration")
    assert row["offset_px"] == pytest.approx(8, abs=1)
    assert row["offset_mm"] > 10
