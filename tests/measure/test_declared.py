"""What documents declare of streams against what was recorded: nothing is declared away without a row that says so."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from measure import synthetic
from measure.synthetic import (
    JOINTS,
    START_NS,
    StreamSpec,
    Take,
    declared,
    joint_message,
    periodic,
    pose_message,
    robot,
    streams,
    write_dataset,
)

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
    def change(specs: Specs) -> None:
        del specs["ee_pose"]
        declare(stream, role="observation")(specs)

    facts = changed(tmp_path, change)
    assert links(facts, "role") == {"state": "present", "action": "present", role: "absent"}
    assert set(links(facts, "joint_state_names").values()) == {"missing" if role == "state" else "equal"}


JOINT, ARRAY, POSE = "sensor_msgs/msg/JointState", "std_msgs/msg/Float64MultiArray", "geometry_msgs/msg/PoseStamped"


def test_a_pose_on_the_end_effectors_topic_is_the_robots_own(tmp_path: Path) -> None:
    specs = streams()
    assert specs["ee_pose"].topic == "/ee_pose"
    assert links(facts_of(write_dataset(tmp_path / "own", (specs, Take()))), "stream_kind")["ee_pose"] == "equal"
    found = changed(tmp_path / "other", declare("ee_pose", role="observation"))
    assert links(found, "stream_kind")["ee_pose"] == "different"


def commands(names: tuple[str, ...], ros_type: str = JOINT) -> StreamSpec:
    """Commands to joints of these names, as JointState or as an array whose names are declared."""

    def message(stamp_ns: int) -> dict[str, object]:
        if ros_type == JOINT:
            return joint_message(stamp_ns, 0.001) | {"name": list(names)}
        layout = {"dim": [], "data_offset": 0}
        return {"layout": layout, "data": joint_message(stamp_ns, 0.001)["position"]}

    entry = declared("joint_commands", "/joint_commands", ros_type, "action", 100, unit="rad", names=list(names))
    return periodic(entry, lambda _, stamp_ns: message(stamp_ns))


@pytest.mark.parametrize("ros_type", [JOINT, ARRAY])
@pytest.mark.parametrize(("names", "paired"), [(JOINTS, len(JOINTS)), (tuple(f"lead_{name}" for name in JOINTS), 0)])
def test_commands_are_held_against_states_of_the_same_names(
    tmp_path: Path, names: tuple[str, ...], paired: int, ros_type: str
) -> None:
    found = changed(tmp_path, lambda specs: specs.update(joint_commands=commands(names, ros_type)))
    pairs = [row for row in found.tables["pair"] if row["kind"] == "command_state"]
    assert len(pairs) == paired
    assert links(found, "joint_command_names") == {"joint_commands": "equal" if paired else "different"}


def test_an_array_is_one_of_joints_where_its_values_are(tmp_path: Path) -> None:
    def recorded(root: Path, change: Callable[[Any], Any]) -> dict[str, str]:
        spec = commands((), ARRAY)
        for message in spec.messages:
            message.fields["data"] = change(np.asarray(message.fields["data"]))
        return links(changed(root, lambda specs: specs.update(joint_commands=spec)), "joint_command_names")

    assert recorded(tmp_path / "joints", lambda data: data) == {"joint_commands": "missing"}
    assert recorded(tmp_path / "among", lambda data: np.append(data, 9.0)) == {"joint_commands": "missing"}
    assert recorded(tmp_path / "others", lambda data: data * 3 + 1) == {}
    assert recorded(tmp_path / "nothing", lambda data: data * np.nan) == {}


def test_joint_commands_that_are_promised_and_not_there_are_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(synthetic, "robot", lambda: robot() | {"action_representation": "joint_absolute"})
    assert links(facts_of(write_dataset(tmp_path / "with", (streams(), Take()))), "joint_command_names") == {
        "joint_commands": "equal"
    }
    specs = streams()
    specs["joint_commands"].entry["role"] = "observation"
    root = write_dataset(tmp_path / "without", (specs, Take()))
    assert links(facts_of(root), "joint_command_names") == {"role action": "missing"}


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


def acted(**more: object) -> Callable[[Any], None]:
    return lambda document: document.update({"acquisition_mode": "autonomous", **more})


@pytest.mark.parametrize(
    ("change", "state"),
    [
        (acted(), "unshown"),
        (acted(operator_skill_level="not_applicable", intervention_segments=[]), "unshown"),
        (acted(acquisition_mode="sim"), "equal"),
        (acted(operator_skill_level="expert"), "different"),
        (acted(intervention_segments=[{"start_ns": "1", "end_ns": "2"}]), "different"),
        (acted(acquisition_mode="sim", operator_skill_level="expert"), "different"),
        (acted(acquisition_mode="sim", operator_skill_level="expert", operator_pseudonym="op-5f2c9a7e1b3d"), "equal"),
        (acted(acquisition_mode="teleop_leader", operator_skill_level="expert"), None),
    ],
)
def test_an_operator_whom_nobody_declares_is_told(
    tmp_path: Path, change: Callable[[Any], None], state: str | None
) -> None:
    root = write_dataset(tmp_path, (streams(), Take()))
    rewritten(root, change)
    assert links(facts_of(root), "operator").get("acquisition_mode") == state


@pytest.mark.parametrize(
    ("topic", "steered"),
    [
        ("/leader/joint_states", True),
        ("/teleop_left/pose", True),
        ("/spacenav/twist", True),
        ("/vr/right_hand", True),
        ("/reader/joint_states", False),
        ("/overview/pose", False),
    ],
)
def test_topics_that_hands_steer_are_known_by_their_words(tmp_path: Path, topic: str, *, steered: bool) -> None:
    specs = streams()
    specs["more"] = periodic(
        declared("more", topic, POSE, "observation", 50), lambda _, stamp_ns: pose_message(stamp_ns)
    )
    root = write_dataset(tmp_path, (specs, Take()))
    rewritten(root, acted())
    (row,) = (row for row in facts_of(root).tables["link"] if row["kind"] == "operator")
    assert (row["state"], row["found"]) == (("different", topic) if steered else ("unshown", None))


@pytest.mark.parametrize(
    ("dataset", "episode", "mode", "state"),
    [
        ("real", "real", "script", {"dataset.json": "equal"}),
        ("real", "sim", "sim", {"dataset.json": "different"}),
        ("sim", "real", "script", {"dataset.json": "different"}),
        ("augmented", "real", "script", {"dataset.json": "equal"}),
        ("real", "real", "sim", {"dataset.json": "equal", "acquisition_mode": "different"}),
    ],
)
def test_an_episode_comes_from_where_its_dataset_does(
    tmp_path: Path, dataset: str, episode: str, mode: str, state: dict[str, str]
) -> None:
    root = write_dataset(tmp_path, (streams(), Take()))
    rewritten(root, lambda document: document.update(data_origin=episode, acquisition_mode=mode))
    rewritten(root, lambda document: document.update(data_origin=dataset, x_note="changed"), "dataset.json")
    assert links(facts_of(root), "data_origin") == state


@pytest.mark.parametrize(
    ("origin", "method", "truth", "board"),
    [
        ("sim", "simulation_truth", "equal", None),
        ("real", "simulation_truth", "different", None),
        ("sim", "charuco", None, "different"),
        ("real", "charuco", None, None),
    ],
)
def test_a_calibration_comes_from_where_the_data_do(
    tmp_path: Path, origin: str, method: str, truth: str | None, board: str | None
) -> None:
    root = write_dataset(tmp_path, (streams(), Take()))
    rewritten(root, lambda document: document.update(data_origin=origin, x_note="changed"), "dataset.json")
    rewritten(root, lambda document: document.update(method=method), "robots/*/calibration/*.json")
    whole = list(measure_path(root, depth="signal"))[-1]
    assert links(whole, "calibration_origin").get("method") == truth
    assert links(whole, "data_origin").get("method") == board


def test_streams_of_persons_are_told_where_the_set_is_said_to_hold_none(tmp_path: Path) -> None:
    specs = streams()
    specs["cam_front"].entry["contains_pi"] = True
    root = write_dataset(tmp_path, (specs, Take()))
    rewritten(root, lambda document: document.update(contains_personal_info=False), "governance.json")
    assert links(facts_of(root), "deid_target") == {"cam_front": "unexpected"}


@pytest.mark.parametrize(
    ("name", "carried", "told"),
    [
        ("operator_pseudonym", {"operator_pseudonym": "Li Wei"}, "op-5f2c9a7e1b3d"),
        ("clock_source", {"clocks": [{"clock_id": "host", "source": "system"}]}, "ptp"),
        ("sync_method", {"clocks": [{"clock_id": "host", "sync_method": "none"}]}, "hw_trigger"),
    ],
)
def test_what_the_recording_says_of_clock_and_operator_is_not_said_otherwise_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, carried: dict[str, object], told: str
) -> None:
    whole = synthetic.capture
    monkeypatch.setattr(synthetic, "capture", lambda specs, episode: whole(specs, episode) | carried)
    root = write_dataset(tmp_path, (streams(), Take()))
    rewritten(root, lambda document: document.update({name: told}))
    assert links(facts_of(root), "embedded_claim")[name] == "different"


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
