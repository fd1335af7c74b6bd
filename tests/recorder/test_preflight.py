"""Preflight against a robot in another process: each way to be unfit is named, with its remedy."""

from __future__ import annotations

from pathlib import Path

import pytest
from recorder import support
from recorder.support import JOINT_STREAM, stream

from embodied_kit.model.stream import Endpoint, Qos
from embodied_recorders.graph.fitness import ABSENT, OFF_RATE, SILENT, WRONG_HASH, WRONG_TYPE
from embodied_recorders.graph.preflight import Preflight
from embodied_recorders.graph.survey import describe, rate_hz
from embodied_recorders.transports import open_transport

FALSE_HASH = "RIHS01_" + "0" * 64
STREAMS = {
    "fit": (JOINT_STREAM, None),
    "absent": (stream("a", "/nowhere", support.TEXT, None), ABSENT),
    "wrong_type": (stream("t", "/camera/image", support.JOINTS, 10), WRONG_TYPE),
    "several_types": (stream("q", "/quarrel", support.TEXT, 5), WRONG_TYPE),
    "wrong_hash": (
        stream("h", "/robot_description", support.TEXT, None, cadence="latched", type_hash=FALSE_HASH),
        WRONG_HASH,
    ),
    "silent": (stream("s", "/silent", support.TEXT, 5), SILENT),
    "off_rate": (stream("r", "/twins", support.JOINTS, 1000, rate_tolerance=0.1), OFF_RATE),
    "may_be_absent": (stream("m", "/nowhere_too", support.TEXT, None, required=False), ABSENT),
}


@pytest.mark.wire
def test_each_fault_is_named_with_its_remedy(tmp_path: Path) -> None:
    contract = support.contract(*(entry for entry, _ in STREAMS.values()))
    with support.running_robot(tmp_path) as robot:
        graph = open_transport("dds", domain_id=robot.domain_id)
        rows = dict(
            zip(STREAMS, Preflight(contract, graph, graph.take, discovery_s=5.0).look(window_s=2.0), strict=True)
        )
        graph.close()
    for name, (_, problem) in STREAMS.items():
        assert (rows[name].remedy, name) == (problem.remedy if problem else None, name)
        assert rows[name].blocks == (problem is not None and name != "may_be_absent")
    assert "sensor_msgs/msg/Image" in rows["wrong_type"].problem["en"]
    assert "JointState, std_msgs" in rows["several_types"].problem["zh"]
    assert "RIHS01_" in rows["wrong_hash"].problem["en"]
    assert "1000 Hz" in rows["off_rate"].problem["zh"]
    assert len(rows["off_rate"].publishers) == 2


def endpoint(durability: str = "volatile", ros_type: str = "a/msg/B", type_hash: str | None = None) -> Endpoint:
    return Endpoint("/t", ros_type, type_hash, "0" * 32, "/n", Qos(durability=durability))


@pytest.mark.parametrize(
    ("stamps_ms", "durability", "cadence"),
    [
        ([0, 10, 20, 30, 40, 50], "volatile", "periodic"),
        ([0, 10, 20, 33, 40, 50, 60, 70], "volatile", "periodic"),
        ([0, 10, 90, 95, 300, 310], "volatile", "on_change"),
        ([0, 10, 20], "volatile", "on_change"),
        ([], "volatile", "on_change"),
        ([5, 5, 5, 5, 5, 5], "volatile", "on_change"),
        ([0], "transient_local", "latched"),
        ([], "transient_local", "latched"),
        ([0, 10, 20, 30, 40, 50], "transient_local", "periodic"),
    ],
)
def test_cadence_of_a_moment(stamps_ms: list[int], durability: str, cadence: str) -> None:
    stamps_ns = [stamp * 1_000_000 for stamp in stamps_ms]
    assert describe("/t", [endpoint(durability)], {"p": stamps_ns}).cadence == cadence


def test_the_busiest_publisher_tells_the_rate() -> None:
    stamps = {"slow": [0, 10**9], "fast": [n * 10**7 for n in range(50)]}
    seen = describe("/t", [endpoint(), endpoint()], stamps)
    assert (seen.rate_hz, seen.n) == (100.0, 52)
    assert rate_hz([7]) is None
    assert rate_hz([7, 7]) is None


def test_publishers_that_disagree_are_told_apart() -> None:
    seen = describe("/t", [endpoint(ros_type="a/msg/B", type_hash="x"), endpoint(ros_type="a/msg/A")], {})
    assert (seen.ros_type, seen.agreed, seen.type_hash) == ("a/msg/A|a/msg/B", False, None)
