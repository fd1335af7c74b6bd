"""One stream of each kind of sensor, recorded between processes over DDS and read back with readers of others."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from mcap.reader import make_reader
from mcap_ros2.decoder import DecoderFactory
from recorder import support
from recorder.sensors import COUNT, LAB, Sensor, lab_folder, packets, sensors, topics

from embodied_kit.episode.dataset import Dataset
from embodied_kit.measure.api import measure_path
from embodied_kit.messages.definitions import type_hash

pytestmark = pytest.mark.wire
VIDEO = ("h264", "h265")


@dataclass(frozen=True)
class Day:
    """What was sent, what `contract init` wrote of it, what was recorded."""

    sensors: tuple[Sensor, ...]
    robot: support.Robot
    drafted: dict[str, dict[str, object]]
    dataset: Dataset
    episode: Path

    def of(self, topic: str) -> Sensor:
        return next(sensor for sensor in self.sensors if sensor.topic == topic)


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    folder = tmp_path_factory.mktemp("sensors")
    lab = lab_folder(folder / "ws")
    sent = sensors(lab)
    dataset = support.dataset_in(folder, cameras=("cam_h264", "cam_h265", "cam_jpeg_compressed", "cam_raw"))
    contract = folder / "contract.yaml"
    with support.running_robot(folder, list(topics(sent, folder))) as robot:
        here = ["--domain", robot.domain_id]
        drafted = support.run(folder, "contract", "init", "-o", contract, "--robot", "arm_01", *here)
        assert (drafted.returncode, drafted.stderr) == (0, "")
        text = contract.read_text().replace("rate_tolerance: 0.1", "rate_tolerance: 0.8")  # of a machine under test
        contract.write_text(text)
        words = ["record", contract, "--dataset", dataset.root, "--task", "pick", "--duration", 2, "--msgs", lab]
        done = support.run(folder, *words, "--outcome", "success", *here)
        assert (done.returncode, done.stderr) == (0, ""), done.stdout
        (episode_id,) = dataset.episode_ids()
        entries = {entry["topic"]: entry for entry in yaml.safe_load(text)["streams"]}
        yield Day(sent, robot, entries, dataset, dataset.root / "episodes" / episode_id)


@pytest.fixture(scope="module")
def decoded(day: Day) -> dict[str, list[object]]:
    """Messages by topic, by `mcap-ros2-support`."""
    found: dict[str, list[object]] = {}
    with (day.episode / "data_000.mcap").open("rb") as file:
        reader = make_reader(file, decoder_factories=[DecoderFactory()])
        for _, channel, _, message in reader.iter_decoded_messages():
            found.setdefault(channel.topic, []).append(message)
    return found


def test_a_draft_guesses_what_each_sensor_is(day: Day) -> None:
    guessed = {
        topic: (entry["ros_type"], entry["role"], entry["modality"], entry["cadence"], entry["type_hash"])
        for topic, entry in day.drafted.items()
    }
    assert guessed == {
        one.topic: (one.played.ros_type, one.role, one.modality, one.cadence, one.played.type_hash)
        for one in day.sensors
    }
    assert {entry["encoding"] for entry in day.drafted.values()} == {"cdr"}
    assert day.drafted["/imu"]["unit"]["angular_velocity"] == "rad/s"


def test_every_message_is_there_byte_for_byte(day: Day) -> None:
    counts = support.assert_as_sent(day.episode, day.robot)
    assert {topic for topic, _ in counts} == {sensor.topic for sensor in day.sensors}
    assert min(count for (topic, _), count in counts.items() if topic != "/tf_static") > COUNT
    assert sum(count for (topic, _), count in counts.items() if topic == "/tf_static") == 1


@pytest.mark.parametrize("name", VIDEO)
def test_packets_of_a_video_pass_through(day: Day, decoded: Mapping[str, Sequence[object]], name: str) -> None:
    sent = packets(name)
    got = [bytes(message.data) for message in decoded[f"/cam/{name}"]]
    first = sent.index(got[0])
    assert got == [sent[(first + n) % COUNT] for n in range(len(got))]
    assert {message.format for message in decoded[f"/cam/{name}"]} == {name}


def test_definitions_are_whole_and_hash_to_what_was_announced(day: Day) -> None:
    with (day.episode / "data_000.mcap").open("rb") as file:
        summary = make_reader(file).get_summary()
        assert summary is not None
        for channel in summary.channels.values():
            schema, played = summary.schemas[channel.schema_id], day.of(channel.topic).played
            assert (schema.name, schema.encoding, channel.message_encoding) == (played.ros_type, "ros2msg", "cdr")
            assert channel.metadata["topic_type_hash"] == played.type_hash
            assert type_hash(schema.name, schema.data.decode()) == played.type_hash
    hand = next(s.data.decode() for s in summary.schemas.values() if s.name == "lab_msgs/msg/Hand")
    assert hand.startswith(LAB["lab_msgs/msg/Hand"]), "constants, bounds, defaults and comments are kept"
    names = {"lab_msgs/Finger", "lab_core/Contact", "geometry_msgs/Point", "std_msgs/Header", "builtin_interfaces/Time"}
    assert set(re.findall(r"^MSG: (.*)$", hand, re.MULTILINE)) == names


def test_a_decoder_of_others_reads_every_message(day: Day, decoded: Mapping[str, Sequence[object]]) -> None:
    assert set(decoded) == {sensor.topic for sensor in day.sensors}
    hands = decoded["/left_hand/state"]
    assert {(one.grip, one.label[:5], *one.wrist) for one in hands} == {(1, "take ", 1.0, 1.0, 1.0)}
    assert {len(one.fingers) for one in hands} == {1, 2, 3, 4, 5}
    assert {len(one.fingers[-1].contacts) for one in hands} == {0, 1, 2, 3, 4}
    assert {len(one.data) for one in decoded["/left_hand/tactile"]} == {16}
    assert {one.transforms[0].child_frame_id for one in decoded["/tf_static"]} == {"tool"}


def test_the_judge_decodes_messages_and_pictures(day: Day) -> None:
    (facts,) = measure_path(day.episode)
    failures = {(row["topic"], row["decode_failures"]) for row in facts.tables["stream"]}
    assert failures == {(sensor.topic, 0) for sensor in day.sensors}
    topics = {row["stream"]: row["topic"] for row in facts.tables["stream"]}
    frames = {topics[row["stream"]]: row for row in facts.tables["frame"]}
    assert {topic: row["codec"] for topic, row in frames.items()} == {
        "/cam/jpeg/compressed": "jpeg",
        "/cam/raw": "raw",
        "/cam/h264": "h264",
        "/cam/h265": "hevc",
    }
    for topic in ("/cam/jpeg/compressed", "/cam/raw"):
        assert (frames[topic]["failed"], frames[topic]["decoded"]) == (0, frames[topic]["n"])
    for name in VIDEO:  # a take begins where it begins; what comes before its first key frame is not failed but leading
        row = frames[f"/cam/{name}"]
        assert row["failed"] == 0
        assert row["decoded"] + row["leading_n"] == row["n"]
        assert row["leading_n"] < COUNT
    words = ["validate", day.dataset.root, "--select", "CT", "--format", "json"]
    report = json.loads(support.run(day.dataset.root.parent, *words).stdout)
    assert [found for found in report["findings"] if found["rule_id"] in {"CT-06", "CT-07"}] == []
