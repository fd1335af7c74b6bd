"""What documents declare of streams against what was recorded: nothing is declared away without a row that says so."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from measure.synthetic import START_NS, StreamSpec, Take, robot, streams, write_dataset

from embodied_kit.measure import measure_path
from embodied_kit.measure.columns.timing import MIN_RHYTHM_STEPS, measure_timing
from embodied_kit.model.facts import Depth, Facts

Specs = dict[str, StreamSpec]


def facts_of(root: Path, depth: Depth = "signal") -> Facts:
    return next(iter(measure_path(root, depth=depth)))


def changed(root: Path, change: Callable[[Specs], None], depth: Depth = "signal") -> Facts:
    specs = streams()
    before = {name: dict(spec.entry) for name, spec in specs.items()}
    change(specs)
    assert {name: spec.entry for name, spec in specs.items()} != before
    return facts_of(write_dataset(root, (specs, Take())), depth)


def links(facts: Facts, kind: str) -> dict[str, str]:
    return {str(row["target"]): str(row["state"]) for row in facts.tables["link"] if row["kind"] == kind}


def declare(stream: str, **entry: object) -> Callable[[Specs], None]:
    return lambda specs: specs[stream].entry.update(entry)


@pytest.mark.parametrize(
    ("stream", "entry"),
    [
        ("cam_front", {"role": "event"}),
        ("cam_front", {"modality": "reference"}),
        ("joint_states", {"role": "observation"}),
        ("joint_states", {"modality": "reference"}),
        ("tf", {"role": "event"}),
        ("cam_info", {"modality": "vision"}),
    ],
)
def test_a_stream_declared_as_something_else_is_told(tmp_path: Path, stream: str, entry: dict[str, object]) -> None:
    found = links(changed(tmp_path, declare(stream, **entry)), "stream_kind")
    assert {name for name, state in found.items() if state != "equal"} == {stream}


class OfAnotherType(StreamSpec):
    """A stream of images that is declared as texts."""

    @property
    def ros_type(self) -> str:
        return "sensor_msgs/msg/CompressedImage"


def test_a_type_that_its_messages_do_not_have_is_told(tmp_path: Path) -> None:
    def change(specs: Specs) -> None:
        entry = specs["cam_front"].entry | {"ros_type": "std_msgs/msg/String", "role": "event"}
        specs["cam_front"] = OfAnotherType(entry | {"modality": "reference"}, specs["cam_front"].messages)

    found = links(changed(tmp_path, change), "stream_kind")
    assert {name for name, state in found.items() if state != "equal"} == {"cam_front"}


def test_colour_declared_as_spatial_is_told_once_pixels_are_decoded(tmp_path: Path) -> None:
    found = links(changed(tmp_path, declare("cam_front", modality="spatial"), "full"), "stream_kind")
    assert {name for name, state in found.items() if state != "equal"} == {"cam_front"}


def test_a_topic_or_an_id_that_stands_twice_is_told(tmp_path: Path) -> None:
    found = links(changed(tmp_path, declare("joint_commands", stream_id="joint_states")), "stream_topic")
    assert found["stream_id joint_states"] == "duplicate"


@pytest.mark.parametrize(("role", "stream"), [("state", "joint_states"), ("action", "joint_commands")])
def test_a_role_that_no_stream_has_is_absent(tmp_path: Path, role: str, stream: str) -> None:
    facts = changed(tmp_path, declare(stream, role="observation"))
    assert links(facts, "role") == {"state": "present", "action": "present", role: "absent"}
    assert set(links(facts, "joint_state_names").values()) == {"missing" if role == "state" else "equal"}


def test_a_clock_that_nobody_described_is_told(tmp_path: Path) -> None:
    def change(specs: Specs) -> None:
        specs["joint_states"].entry["clock_id"] = "host"
        specs["cam_front"].entry["clock_id"] = "camera"

    assert links(changed(tmp_path, change), "clock") == {"host": "equal", "camera": "dangling"}


def rewritten(root: Path, change: Callable[[Any], None], name: str = "episodes/*/episode.json") -> None:
    (path,) = root.glob(name)
    document = json.loads(path.read_bytes())
    change(document)
    assert document != json.loads(path.read_bytes())
    path.write_text(json.dumps(document))


@pytest.mark.parametrize(
    ("change", "target", "state"),
    [
        (lambda document: document["streams"][0].update(cadence="event"), "streams.joint_states", "different"),
        (lambda document: document["streams"].pop(0), "streams.joint_states", "missing"),
        (lambda document: document["streams"].append({"stream_id": "more"}), "streams.more", "unexpected"),
        (lambda document: document.update(end_ns=document["start_ns"]), "end_ns", "different"),
        (lambda document: document.update(origin="imported", start_ns="0"), "start_ns", "different"),
    ],
)
def test_episode_json_repeats_what_its_recording_carries(
    tmp_path: Path, change: Callable[[Any], None], target: str, state: str
) -> None:
    root = write_dataset(tmp_path, (streams(), Take()))
    assert set(links(facts_of(root), "embedded_claim").values()) == {"equal"}
    rewritten(root, change)
    found = links(facts_of(root), "embedded_claim")
    assert {name: value for name, value in found.items() if value != "equal"} == {target: state}
    assert set(links(facts_of(root), "embedded_capture").values()) == {"equal"}  # imported or not


def test_a_robot_that_the_recording_does_not_carry_is_told(tmp_path: Path) -> None:
    root = write_dataset(tmp_path, (streams(), Take()))
    rewritten(root, lambda document: document.update(robot_ids=["arm", "other"]))
    assert links(facts_of(root), "embedded_robot") == {"arm": "equal", "other": "missing"}


@pytest.mark.parametrize(
    ("change", "camera", "calibrated"),
    [
        ({"calibration_ids": ["c1"], "x_note": "nothing"}, "equal", "equal"),
        ({"cameras": []}, "missing", "equal"),
        ({"calibration_ids": []}, "equal", "missing"),
    ],
)
def test_an_image_stream_without_camera_or_calibration_is_told(
    tmp_path: Path, change: Mapping[str, object], camera: str, calibrated: str
) -> None:
    root = write_dataset(tmp_path, (streams(), Take()))
    rewritten(root, lambda document: document.update(change), "robots/arm/robot.json")
    facts = facts_of(root)
    assert links(facts, "camera_declared")["cam_front"] == camera
    assert links(facts, "camera_calibrated")["cam_front"] == calibrated
    assert robot()["cameras"] != change.get("cameras")


def regular(steps: np.ndarray) -> float:
    stamps = START_NS + np.cumsum(steps).astype(np.int64)
    return measure_timing(lambda: [stamps], None).regular_ratio


def test_what_ticks_is_told_from_what_happens() -> None:
    draw = np.random.default_rng(5)
    period = 33_333_333
    steps = np.full(2000, period)
    assert regular(steps) == 1
    assert regular(steps[:MIN_RHYTHM_STEPS]) == 0  # 20 stamps, 19 steps
    assert regular(steps + draw.normal(0, 0.3 * period, 2000)) > 0.85
    assert regular(np.where(draw.random(2000) < 0.2, 2 * period, steps)) > 0.6  # one in six is lost
    assert regular(draw.exponential(period, 20_000)) < 0.3
    bursts = np.concatenate([steps[:30], [50 * period]] * 20)
    assert regular(bursts) < 0.5
