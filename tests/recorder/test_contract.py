"""Contracts as files: what is no contract ends in one line; what is drafted is one."""

from __future__ import annotations

from pathlib import Path

import pytest
from recorder import support

from embodied_kit.errors import DataError, UsageError
from embodied_kit.model.stream import Endpoint, Qos
from embodied_kit.spec import check, load_yaml, standard
from embodied_recorders.graph.contract import contract_yaml, draft_contract, load_contract, robots_of, seen_comment
from embodied_recorders.graph.survey import describe
from embodied_recorders.graph.type_hints import HINTS, UNKNOWN, hint_for

GOOD = contract_yaml(support.contract_document())


def test_a_contract_is_read_as_it_is(tmp_path: Path) -> None:
    contract = load_contract(support.contract_file(tmp_path))
    assert contract.document == support.contract_document()
    assert [stream.stream_id for stream in contract.streams] == ["joint_states", "camera", "description", "twins"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "object"),
        (b"just text", "object"),
        (b"a: [1, 2", "line 2"),
        (GOOD.encode() + b"contract_id: again\n", "'contract_id' twice"),
        (GOOD.replace("1.0.0", "9.0.0", 1).encode(), "/schema_version"),
        (GOOD.replace("nominal_rate_hz: 100", "nominal_rate_hz: .nan").encode(), "/streams/0/nominal_rate_hz"),
        (GOOD.replace("stream_id: twins", "stream_id: camera").encode(), "the stream_id camera twice"),
        (GOOD.replace("topic: /twins", "topic: /joint_states").encode(), "the topic /joint_states twice"),
        (GOOD.replace("stream_id: twins", "stream_id: ../../etc").encode(), "/streams/3/stream_id"),
        (GOOD.encode() + b"surprise: 1\n", "surprise"),
        (b"[" * 100_000, "nesting"),
        (b"a: &x [1]\nb: [*x, *x]\n", "alias"),
        (b"!!python/object/apply:os.system ['true']", "tag"),
        (b"\xff\xfe\x00", "UTF-8"),
        (b"#" * 100_000_000, "bytes"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_contract_ends_in_one_line(text: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "contract.yaml"
    assert text != GOOD.encode()
    path.write_bytes(text)
    with pytest.raises(DataError) as caught:
        load_contract(path)
    message = caught.value.message
    assert message.startswith(f"expected a contract in {path}")
    assert words in message
    assert "\n" not in message
    assert len(message) < 600
    assert caught.value.exit_code == 1


@pytest.mark.parametrize("name", ["gone.yaml", "."])
def test_no_file(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read the contract"):
        load_contract(tmp_path / name)


def surveyed(topic: str, ros_type: str) -> object:
    endpoint = Endpoint(topic, ros_type, "RIHS01_" + "0" * 64, "0" * 32, "/n", Qos())
    return describe(topic, [endpoint], {"p": [n * 10**7 for n in range(20)]})


@pytest.mark.parametrize("ros_type", [*HINTS, "my_msgs/msg/Own"])
@pytest.mark.parametrize("topic", ["/x", "/arm/joint_commands", "/cam/depth/image", "/robot_description"])
def test_every_hint_speaks_the_words_of_the_standard(ros_type: str, topic: str) -> None:
    hint = hint_for(ros_type, topic)
    assert hint.role in standard().vocabulary("role").codes
    assert hint.modality in standard().vocabulary("modality").codes
    document = draft_contract("draft", {"arm_01": ""}, [surveyed(topic, ros_type)])
    assert check("contract", document, standard().document_schema("contract", "authoring")) == []
    assert load_yaml(contract_yaml(document).encode()) == document


def test_hints_look_at_names_where_the_type_does_not_tell() -> None:
    assert hint_for("sensor_msgs/msg/JointState", "/joint_commands").role == "action"
    assert hint_for("sensor_msgs/msg/JointState", "/joint_states").role == "state"
    assert hint_for("sensor_msgs/msg/Image", "/depth/image").modality == "spatial"
    assert hint_for("std_msgs/msg/String", "/robot_description").role == "description"
    assert hint_for("geometry_msgs/msg/PoseStamped", "/arm/target_pose").role == "action"
    assert hint_for("sensor_msgs/msg/JointState", "/transaction_arm/joint_states").role == "state"
    assert hint_for("own/msg/Type", "/x") == UNKNOWN
    assert hint_for("std_msgs/msg/Float64MultiArray", "/x") == UNKNOWN


@pytest.mark.parametrize(
    ("ros_type", "topic", "role", "modality"),
    [
        ("std_msgs/msg/Float32MultiArray", "/left_hand/tactile", "observation", "force"),
        ("std_msgs/msg/Float64MultiArray", "/joint_position_controller/commands", "action", "proprioception"),
        ("std_msgs/msg/Float64MultiArray", "/effort_controller/commands", "action", "proprioception"),
        ("lab_msgs/msg/TactileArray", "/left", "observation", "force"),
        ("lab_msgs/msg/FTReading", "/wrist", "observation", "force"),
        ("lab_msgs/msg/HandState", "/left", "state", "proprioception"),
        ("lab_msgs/msg/HandCommand", "/left/cmd", "action", "proprioception"),
        ("lab_msgs/msg/Packet", "/cam_head/depth", "observation", "spatial"),
    ],
)
def test_a_type_that_tells_nothing_is_guessed_by_its_name(ros_type: str, topic: str, role: str, modality: str) -> None:
    hint = hint_for(ros_type, topic)
    assert (hint.role, hint.modality) == (role, modality)


def test_draft_leaves_out_what_no_contract_can_name_twice_or_at_all() -> None:
    topics = ["/a/b", "/a_b", "/rosout", "/parameter_events"]
    quarrel = [Endpoint("/q", f"a/msg/{name}", None, name * 32, "/n", Qos()) for name in "AB"]
    surveys = [surveyed(topic, "a/msg/B") for topic in topics] + [describe("/q", quarrel, {})]
    entries = draft_contract("draft", {}, surveys)["streams"]
    assert [(entry["stream_id"], entry["topic"]) for entry in entries] == [("a_b", "/a/b"), ("a_b_2", "/a_b")]


@pytest.mark.parametrize(
    ("words", "owners"),
    [
        (["left=/left", "right=/right"], {"/left/joint_states": "left", "/right/joint_states": "right", "/tf": None}),
        (["a=/cell", "b=/cell/b"], {"/cell/x": "a", "/cell/b/x": "b", "/cellar/x": None}),
        (["base", "arm=/arm"], {"/odom": "base", "/arm/x": "arm"}),
        (["only"], {"/x": None}),
    ],
)
def test_streams_go_to_the_robot_of_their_namespace(words: list[str], owners: dict[str, str | None]) -> None:
    surveys = [surveyed(topic, support.JOINTS) for topic in owners]
    document = draft_contract("draft", robots_of(words), surveys)
    assert {entry["topic"]: entry.get("robot_id") for entry in document["streams"]} == owners
    assert document["robots"] == [word.partition("=")[0] for word in words]
    assert check("contract", document, standard().document_schema("contract", "authoring")) == []


@pytest.mark.parametrize("words", [["a=left"], ["a="], ["a=/"], ["a=/x", "a=/y"], ["not a slug"]])
def test_robots_that_cannot_be(words: list[str]) -> None:
    with pytest.raises(UsageError):
        robots_of(words)


def test_a_draft_tells_the_qos_that_was_seen() -> None:
    qos = (Qos(), Qos(), Qos(reliability="best_effort", history="keep_all", depth=0))
    endpoints = [Endpoint("/t", "a/msg/B", None, f"{n}" * 32, "/n", one) for n, one in enumerate(qos)]
    text = seen_comment([describe("/t", endpoints, {})])
    assert "# /t: 1 x best_effort volatile keep_all; 2 x reliable volatile keep_last 10" in text
    assert load_yaml((GOOD + text).encode()) == load_yaml(GOOD.encode())
