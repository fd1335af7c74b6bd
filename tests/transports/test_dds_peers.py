"""The DDS transport against programs that share none of its code: typed `cyclonedds`, Fast DDS, Cyclone 0.10 tools."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from embodied_kit.errors import EnvironmentUnfitError
from embodied_kit.messages.codec import codec
from embodied_kit.model.stream import Qos
from embodied_recorders.transports.dds.transport import DdsTransport
from transports.harness import Process, free_domain, until

pytestmark = pytest.mark.wire

STRING = "std_msgs/msg/String"
HASH = "RIHS01_df668c740482bbd48fb39d76a70dfd4bd59db1288021743503259e948f6b1a18"
RELIABLE = Qos(history="keep_all", depth=0)
SOURCE_NS = 1_712_345_678_987_654_321
TEXTS = ["", "a", "ab", "abc", "机器人", "x" * 100_000]


@pytest.fixture
def domain_id() -> Iterator[int]:
    with free_domain() as domain_id:
        yield domain_id


@pytest.fixture
def ours(domain_id: int) -> Iterator[DdsTransport]:
    try:
        transport = DdsTransport(domain_id, node_name="/lab/recorder")
    except EnvironmentUnfitError as error:
        pytest.skip(str(error))
    yield transport
    transport.close()


@pytest.fixture
def idl_peer(domain_id: int) -> Iterator[Process]:
    if importlib.util.find_spec("cyclonedds") is None:
        pytest.skip("the package cyclonedds is not installed")
    process = Process([sys.executable, Path(__file__).with_name("idl_peer.py"), str(domain_id)])
    yield process
    process.stop()


def test_a_typed_writer_with_xtypes_information_is_recorded(ours: DdsTransport, idl_peer: Process) -> None:
    ours.subscribe("/from_idl", STRING, qos=RELIABLE, type_hash=HASH)
    until(lambda: ours.matched("/from_idl") and idl_peer.ask("matched")["answer"], "both matches")
    idl_peer.ask("publish", texts=TEXTS, source_ns=SOURCE_NS)
    samples = []
    until(lambda: samples.extend(ours.take(0.2)) or len(samples) >= len(TEXTS), "all texts")
    assert [codec(STRING).decode(sample.cdr)["data"] for sample in samples] == TEXTS
    assert {sample.source_ns for sample in samples} == {SOURCE_NS}
    (endpoint,) = ours.endpoints()
    assert (endpoint.topic, endpoint.ros_type, endpoint.type_hash, endpoint.node) == ("/from_idl", STRING, None, "")
    assert endpoint.publisher == samples[0].publisher


def test_a_typed_reader_with_xtypes_information_reads_us(ours: DdsTransport, idl_peer: Process) -> None:
    publisher = ours.advertise("/to_idl", STRING, qos=RELIABLE, type_hash=HASH)
    until(publisher.matched, "the match")
    received: list[list[object]] = []

    def hears() -> bool:
        received.extend(idl_peer.ask("received")["answer"])
        return len(received) >= len(TEXTS)

    for step, text in enumerate(TEXTS):
        publisher.publish(codec(STRING).encode({"data": text}), SOURCE_NS + step)
    until(hears, "our texts at the peer")
    assert received == [[text, SOURCE_NS + step] for step, text in enumerate(TEXTS)]
    seen = {topic: rest for topic, *rest in idl_peer.ask("publications")["answer"]}
    assert seen["rt/to_idl"] == ["std_msgs::msg::dds_::String_", f"typehash={HASH};"]
