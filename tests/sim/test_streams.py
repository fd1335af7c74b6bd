"""What is published, read back by `rosbags`, without a wire and faster than real time."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import simplejpeg
from sim.memory import EPOCH_NS, STORE, Kept, grouped, published

from embodied_recorders.sim import SimOptions, robot, streams, urdf
from embodied_recorders.sim.cameras import FRONT
from embodied_recorders.sim.plan import TAKE_MS
from embodied_recorders.sim.streams import TOPICS

SECONDS = 1.0


@pytest.fixture(scope="module")
def log_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sim") / "log.jsonl"


@pytest.fixture(scope="module")
def sent(log_path: Path) -> dict[str, Kept]:
    """A second from the middle of the reset into the first phase."""
    options = SimOptions(seed=4, duration_s=SECONDS, lead_s=0.2, gap_s=0.2, log=str(log_path))
    return published(options, cameras=True)


def test_every_topic_is_offered_with_its_type_hash_and_qos(sent: dict[str, Kept]) -> None:
    assert set(sent) == {topic.name for topic in TOPICS}
    for topic in TOPICS:
        kept = sent[topic.name]
        assert kept.type_hash == STORE.hash_rihs01(topic.ros_type)
        latched = topic.cadence in {"latched", "event"}
        assert kept.qos.durability == ("transient_local" if latched else "volatile")
        assert kept.qos.reliability == "reliable"


def test_each_periodic_topic_keeps_its_rate_on_an_exact_grid(sent: dict[str, Kept]) -> None:
    for topic in TOPICS:
        if topic.rate_hz is None:
            continue
        stamps = sent[topic.name].stamps_ns()
        assert len(stamps) == round(topic.rate_hz * SECONDS), topic.name
        grid = EPOCH_NS + np.round(np.arange(len(stamps)) * 1e9 / topic.rate_hz).astype(np.int64)
        assert np.abs(stamps - grid).max() <= 500_000, topic.name
        assert not np.any((stamps - EPOCH_NS) % 1_000_000), topic.name


def test_messages_are_the_bytes_that_rosbags_would_write(sent: dict[str, Kept]) -> None:
    for name, kept in sent.items():
        cdr = kept.messages[-1][0]
        assert bytes(STORE.serialize_cdr(STORE.deserialize_cdr(cdr, kept.ros_type), kept.ros_type)) == cdr, name


def test_joint_messages_name_all_joints_and_carry_state_and_command(sent: dict[str, Kept]) -> None:
    states, commands = sent[streams.JOINT_STATES].decoded(), sent[streams.JOINT_COMMANDS].decoded()
    for message in (states[0], states[-1], commands[-1]):
        assert message.name == list(robot.JOINT_NAMES)
    assert {len(states[-1].position), len(states[-1].velocity), len(states[-1].effort)} == {8}
    assert len(commands[-1].effort) == 0
    lag = np.array([s.position for s in states]) - np.array([c.position for c in commands])
    assert np.abs(lag).max() < 0.02
    positions = np.array([s.position for s in states])
    assert np.ptp(positions[:, 0]) > 0.01
    unchanged = (np.diff(positions, axis=0) == 0).mean(axis=0)
    assert unchanged.max() < 0.8  # an encoder at rest still flickers


def test_the_pose_is_that_of_the_joints_of_the_same_stamp(sent: dict[str, Kept]) -> None:
    states = dict(
        zip(sent[streams.JOINT_STATES].stamps_ns().tolist(), sent[streams.JOINT_STATES].decoded(), strict=True)
    )
    turns = []
    for stamp, pose in zip(sent[streams.EE_POSE].stamps_ns().tolist(), sent[streams.EE_POSE].decoded(), strict=True):
        assert pose.header.frame_id == "base_link"
        at, q = pose.pose.position, pose.pose.orientation
        expected, _ = robot.tcp_pose(states[stamp].position)
        assert np.abs(np.array([at.x, at.y, at.z]) - expected).max() < 1e-12
        turns.append([q.x, q.y, q.z, q.w])
    assert np.abs(np.linalg.norm(turns, axis=1) - 1).max() < 1e-12
    assert np.sum(np.array(turns[1:]) * turns[:-1], axis=1).min() > 0.99  # no sign flips


def test_the_frames_form_one_tree_from_base_link(sent: dict[str, Kept]) -> None:
    moving = sent[streams.TF].decoded()[-1].transforms
    fixed = sent[streams.TF_STATIC].decoded()[0].transforms
    parents = {t.child_frame_id: t.header.frame_id for t in [*moving, *fixed]}
    assert len(parents) == len(moving) + len(fixed)
    assert set(parents.values()) - set(parents) == {"base_link"}
    used = {topic.frame_id for topic in TOPICS if topic.frame_id}
    assert used <= {*parents, "base_link"}


def test_images_carry_what_their_headers_say(sent: dict[str, Kept]) -> None:
    for name in (streams.FRONT_IMAGE, streams.WRIST_IMAGE):
        jpegs = [message.data.tobytes() for message in sent[name].decoded()]
        assert len(set(jpegs)) == len(jpegs)
        assert simplejpeg.decode_jpeg(jpegs[0]).shape == (240, 320, 3)
    depth = sent[streams.DEPTH_IMAGE].decoded()[0]
    assert (depth.width, depth.height, depth.encoding, depth.step) == (320, 240, "16UC1", 640)
    assert 0.3 < np.median(depth.data.view("<u2")) / 1000 < 3.0  # millimetres
    info = sent[streams.DEPTH_INFO].decoded()[0]
    assert (info.width, info.height, info.header.frame_id) == (320, 240, FRONT.frame_id)
    assert info.k.tolist() == [FRONT.fx, 0, FRONT.cx, 0, FRONT.fy, FRONT.cy, 0, 0, 1]


def test_what_is_latched_describes_the_robot_and_the_phase(sent: dict[str, Kept]) -> None:
    assert sent[streams.ROBOT_DESCRIPTION].decoded()[0].data == urdf()
    assert json.loads(sent[streams.DESCRIPTION].decoded()[0].data)["robot"]["robot_id"] == "sim_arm"
    phases = [json.loads(message.data) for message in sent[streams.PHASE].decoded()]
    assert [(phase["take"], phase["phase"]) for phase in phases] == [(0, "idle"), (1, "reset"), (1, "approach")]
    assert phases[1]["end_ns"] == phases[2]["start_ns"] == str(EPOCH_NS + 400_000_000)


def test_the_log_holds_exactly_what_was_published(sent: dict[str, Kept], log_path: Path) -> None:
    lines = [json.loads(line) for line in log_path.read_text().splitlines()]
    logged = grouped(lines)
    assert set(logged) == set(sent)
    for name, kept in sent.items():
        assert [one[0] for one in logged[name]] == list(range(len(kept.messages)))
        assert [one[2] for one in logged[name]] == [source for _, source in kept.messages]
        if kept.ros_type != "std_msgs/msg/String":
            assert [one[1] for one in logged[name]] == kept.stamps_ns().tolist()
    events = [line["event"] for line in lines if "event" in line]
    assert events.count("objects") == 10
    assert events.count("phase") == 3
    cube = next(line["cube"] for line in lines if line.get("event") == "objects")
    assert cube["xyz_m"][2] == pytest.approx(0.02, abs=1e-3)


def test_the_same_options_publish_the_same_bytes() -> None:
    options = SimOptions(seed=9, duration_s=0.3, lead_s=0.0, gap_s=0.1)
    first, second = published(options, cameras=True), published(options, cameras=True)
    assert {name: kept.messages for name, kept in first.items()} == {
        name: kept.messages for name, kept in second.items()
    }


def test_the_outcome_of_a_take_stands_in_the_log_and_on_the_phase_topic(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    sent = published(SimOptions(seed=2, takes=1, lead_s=0.0, gap_s=0.1, log=str(log)), cameras=False)
    takes = [json.loads(line) for line in log.read_text().splitlines() if '"event": "take"' in line]
    assert [(take["take"], take["outcome"], take["failure_cause"]) for take in takes] == [(1, "success", None)]
    assert int(takes[0]["end_ns"]) - int(takes[0]["start_ns"]) == TAKE_MS * 1_000_000
    last = json.loads(sent[streams.PHASE].decoded()[-1].data)
    assert last["phase"] == "end"
    assert last["last_take"]["outcome"] == "success"
