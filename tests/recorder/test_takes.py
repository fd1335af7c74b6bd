"""Takes over a real middleware: two episodes of a robot in another process, held against the robot's own log."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import yaml
from mcap.reader import make_reader
from mcap_ros2.decoder import DecoderFactory
from recorder import support
from recorder.support import assert_as_sent, attachments, problems_of, read
from rosbags.rosbag2 import Reader

from embodied_kit.canonical import load_json, parse_json, sha256_file, sha256_hex
from embodied_kit.episode.dataset import Dataset
from embodied_kit.episode.rebuild import rebuild
from embodied_recorders.graph.preflight import Preflight, PreflightRow
from embodied_recorders.take.documents import TakeOptions, TakeResult
from embodied_recorders.take.session import Recorded, Session
from embodied_recorders.transports import open_transport

pytestmark = pytest.mark.wire
ENOUGH = 120


@dataclass(frozen=True)
class Takes:
    """Two takes, and the robot that they are of."""

    robot: support.Robot
    dataset: Dataset
    rows: tuple[PreflightRow, ...]
    done: tuple[Recorded, ...]


class Enough:
    """Ends a take once so many messages of a topic were received."""

    def __init__(self, topic: str, count: int) -> None:
        self.topic, self.left = topic, count

    def __call__(self, samples: object) -> str:
        self.left -= sum(sample.topic == self.topic for sample in samples)
        return "operator" if self.left <= 0 else ""


@pytest.fixture(scope="module")
def takes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Takes]:
    folder = tmp_path_factory.mktemp("takes")
    dataset = support.dataset_in(folder)
    with support.running_robot(folder) as robot:
        graph = open_transport("dds", domain_id=robot.domain_id)
        session = Session(graph, dataset, support.contract(), support.STORE, "ho-test")
        rows = Preflight(session.contract, graph, session.idle, discovery_s=20.0).look()
        options = TakeOptions("pick", operator_pseudonym="op-" + "0" * 32, acquisition_mode="teleop_leader")
        results = [TakeResult("failure", "grasp_missed", "operator", "operator"), TakeResult("success", "", "operator")]
        done = [
            session.record(options, Enough("/joint_states", ENOUGH), lambda _p, r=result: r, lambda _p: None)
            for result in results
        ]
        session.close()
        graph.close()
        yield Takes(robot, dataset, rows, tuple(done))


@pytest.fixture(params=[0, 1], ids=["first", "second"])
def take(takes: Takes, request: pytest.FixtureRequest) -> Recorded:
    return takes.done[request.param]


def test_preflight_finds_every_stream_fit(takes: Takes) -> None:
    assert [(row.stream.stream_id, row.problem) for row in takes.rows] == [
        ("joint_states", None),
        ("camera", None),
        ("description", None),
        ("twins", None),
    ]
    assert [len(row.publishers) for row in takes.rows] == [1, 1, 1, 2]


def test_every_stream_holds_what_its_publisher_sent(takes: Takes, take: Recorded) -> None:
    counts = assert_as_sent(take.folder, takes.robot)
    by_topic = {topic: [n for (name, _), n in counts.items() if name == topic] for topic, _ in counts}
    assert by_topic["/joint_states"][0] >= ENOUGH
    assert by_topic["/camera/image"][0] > 1
    assert by_topic["/robot_description"] == [1]
    assert len(by_topic["/twins"]) == 2
    assert sum(counts.values()) == take.messages_n


def test_takes_do_not_overlap(takes: Takes) -> None:
    first, second = (read(done.folder) for done in takes.done)
    stamps = [
        {(m.publisher, m.publish_ns) for m in part if m.topic != "/robot_description"} for part in (first, second)
    ]
    assert not stamps[0] & stamps[1]
    assert takes.done[0].closing["end_ns"] < takes.done[1].closing["start_ns"]


def test_both_times_are_told_and_in_order(take: Recorded) -> None:
    messages = read(take.folder)
    assert min(message.publish_ns for message in messages) > 0
    assert all(message.log_ns >= message.publish_ns for message in messages)
    start_ns, end_ns = int(str(take.closing["start_ns"])), int(str(take.closing["end_ns"]))
    assert all(start_ns <= message.log_ns <= end_ns for message in messages)
    assert {message.sequence for message in messages} == {0}


def test_latched_messages_come_first_in_every_take(take: Recorded) -> None:
    messages = read(take.folder)
    assert messages[0].topic == "/robot_description"
    assert str(messages[0].log_ns) == take.closing["start_ns"]
    assert [message.topic for message in messages].count("/robot_description") == 1


def test_messages_decode_with_the_definitions_in_the_file(take: Recorded) -> None:
    with (take.folder / "data_000.mcap").open("rb") as file:
        reader = make_reader(file, validate_crcs=True, decoder_factories=[DecoderFactory()])
        decoded = [(c.topic, value) for _, c, _, value in reader.iter_decoded_messages(log_time_order=False)]
    joints = [value.position[0] for topic, value in decoded if topic == "/joint_states"]
    assert joints == [joints[0] + index for index in range(len(joints))]
    assert {value.data for topic, value in decoded if topic == "/robot_description"} == {"text 0"}
    assert {(value.width, value.height, len(value.data)) for topic, value in decoded if topic == "/camera/image"} == {
        (8, 6, 144)
    }


def test_channels_carry_the_metadata_of_the_profile(takes: Takes, take: Recorded) -> None:
    with (take.folder / "data_000.mcap").open("rb") as file:
        reader = make_reader(file)
        summary, header = reader.get_summary(), reader.get_header()
    assert header.profile == "ros2"
    assert len(summary.channels) == 5
    for channel in summary.channels.values():
        schema = summary.schemas[channel.schema_id]
        known = support.STORE.definition(schema.name, channel.metadata["topic_type_hash"])
        assert known is not None
        assert (channel.message_encoding, schema.encoding) == ("cdr", "ros2msg")
        assert schema.data.decode() == known.text
        (qos,) = yaml.safe_load(channel.metadata["offered_qos_profiles"])
        assert qos["reliability"] == 1
        assert qos["durability"] == (1 if channel.topic == "/robot_description" else 2)
        assert channel.metadata["sequence_source"] == "none"
        sent = takes.robot.sent(channel.topic)
        assert channel.metadata["publisher_gid"] in {one.publisher for one in sent}
    ids = {channel.topic: channel.metadata["stream_id"] for channel in summary.channels.values()}
    assert ids == {entry["topic"]: entry["stream_id"] for entry in support.STREAMS}


def test_rosbag2_readers_open_the_folder(take: Recorded) -> None:
    messages = read(take.folder)
    with Reader(take.folder) as reader:
        assert reader.message_count == len(messages)
        counts = {topic: info.msgcount for topic, info in reader.topics.items()}
        data = sorted((connection.topic, stamp_ns, cdr) for connection, stamp_ns, cdr in reader.messages())
    assert counts == {t: sum(m.topic == t for m in messages) for t in {m.topic for m in messages}}
    # rosbags follows one channel a topic; rosbag2 itself and the mcap package follow all.
    single = sorted((m.topic, m.log_ns, m.cdr) for m in messages if m.topic != "/twins")
    assert [row for row in data if row[0] != "/twins"] == single
    with (take.folder / "data_000.mcap").open("rb") as file:
        (record,) = [record for record in make_reader(file).iter_metadata() if record.name == "rosbag2"]
    assert record.metadata["serialized_metadata"] == (take.folder / "metadata.yaml").read_text()
    information = yaml.safe_load(record.metadata["serialized_metadata"])["rosbag2_bagfile_information"]
    stamps = [message.log_ns for message in messages]
    assert information["starting_time"] == {"nanoseconds_since_epoch": min(stamps)}
    assert information["duration"] == {"nanoseconds": max(stamps) - min(stamps)}
    for topic in information["topics_with_message_count"]:
        profiles = yaml.safe_load(topic["topic_metadata"]["offered_qos_profiles"])
        assert len(profiles) == (2 if topic["topic_metadata"]["name"] == "/twins" else 1)


def test_documents_stand_first_and_last_and_satisfy_the_standard(take: Recorded) -> None:
    names = list(attachments(take.folder))
    assert names == ["capture.json", "robots/arm_01/arm.urdf", "robots/arm_01/calibration/c1.json", "closing.json"]
    assert {kind: problems for kind, problems in problems_of(take.folder).items() if problems} == {}
    with (take.folder / "data_000.mcap").open("rb") as file:
        summary = make_reader(file).get_summary()
    first_chunk = min(index.chunk_start_offset for index in summary.chunk_indexes)
    places = {index.name: index.offset for index in summary.attachment_indexes}
    assert places["capture.json"] < first_chunk
    assert places["closing.json"] > max(index.chunk_start_offset for index in summary.chunk_indexes)


def test_episode_document_names_files_and_digests(takes: Takes, take: Recorded) -> None:
    document = load_json(take.folder / "episode.json")
    embedded = attachments(take.folder)
    assert document["capture_sha256"] == sha256_hex(embedded["capture.json"])
    assert document["closing_sha256"] == sha256_hex(embedded["closing.json"])
    on_disk = {path.name for path in take.folder.iterdir()}
    assert on_disk == {"episode.json"} | {str(entry["path"]) for entry in document["files"]}
    for entry in document["files"]:
        path = take.folder / str(entry["path"])
        assert (entry["sha256"], entry["size"]) == (sha256_file(path), path.stat().st_size)
    assert document["episode_id"] == take.folder.name
    assert take.folder.parent == takes.dataset.root / "episodes"
    assert [s["messages_n"] for s in document["streams"]] == [
        sum(message.topic == s["topic"] for message in read(take.folder)) for s in document["streams"]
    ]
    assert (document["operator_pseudonym"], document["acquisition_mode"]) == ("op-" + "0" * 32, "teleop_leader")
    assert document["origin"] == "recorded"


def test_closing_document_tells_outcome_and_counts(takes: Takes, take: Recorded) -> None:
    closing = parse_json(attachments(take.folder)["closing.json"]).value
    assert closing == take.closing
    failed = take is takes.done[0]
    assert closing["outcome"] == ("failure" if failed else "success")
    assert closing.get("failure_cause") == ("grasp_missed" if failed else None)
    assert closing["stop_reason"] == "operator"
    messages = read(take.folder)
    for entry in closing["streams"]:
        mine = [m for m in messages if (m.topic, m.publisher) == (entry["topic"], entry["publisher"])]
        assert entry["received_n"] == len(mine)
        assert entry["first_source_ns"] == str(mine[0].publish_ns)
        assert entry["last_source_ns"] == str(mine[-1].publish_ns)
        assert entry["first_receive_ns"] == str(mine[0].log_ns)
        missing_n = entry["loss"]["header_stamp"]
        assert (missing_n == "not_observable") == (entry["stream_id"] == "description")
        assert entry["loss"] == {
            "publisher_sequence": "not_observable",
            "header_stamp": missing_n,
            "transport": "not_observable",
            "queue": 0,
        }
    assert len(closing["streams"]) == 5


@pytest.mark.parametrize("lost", [["episode.json"], ["episode.json", "metadata.yaml"]])
def test_the_data_file_alone_rebuilds_the_rest(lost: list[str], takes: Takes, take: Recorded) -> None:
    before = {path.name: path.read_bytes() for path in take.folder.iterdir()}
    for name in lost:
        (take.folder / name).unlink()
    assert sorted(rebuild(takes.dataset.root)) == [take.folder / name for name in lost]
    assert {path.name: path.read_bytes() for path in take.folder.iterdir()} == before
    assert rebuild(takes.dataset.root) == []


def test_totals_of_the_open_dataset_follow(takes: Takes) -> None:
    totals = takes.dataset.document()["totals"]
    assert totals["episodes"] == 2
    assert totals["messages"] == sum(done.messages_n for done in takes.done)
    assert totals["size_bytes"] == sum(
        entry["size"] for done in takes.done for entry in load_json(done.folder / "episode.json")["files"]
    )


def test_nothing_is_left_where_takes_are_staged(takes: Takes) -> None:
    assert support.staged(takes.dataset) == []
