"""The DDS transport against programs that share none of its code: typed `cyclonedds`, Fast DDS, Cyclone 0.10 tools."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
from transports.harness import REAL_RCLPY, Process, free_domain, padded, payload, rclpy_of, start_peer, until

from embodied_kit.errors import EnvironmentUnfitError
from embodied_kit.messages.codec import codec
from embodied_kit.messages.definitions import TypeStore
from embodied_kit.model.stream import LATCHED, Qos, Sample
from embodied_recorders.transports.dds.config import domain_xml
from embodied_recorders.transports.dds.transport import DdsTransport

pytestmark = pytest.mark.wire

TYPE = "std_msgs/msg/UInt8MultiArray"
STRING = "std_msgs/msg/String"
HASH = "RIHS01_df668c740482bbd48fb39d76a70dfd4bd59db1288021743503259e948f6b1a18"
RELIABLE = Qos(history="keep_all", depth=0)
HERE = Path(__file__).parent
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
    process = Process([sys.executable, HERE / "idl_peer.py", str(domain_id)])
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


def test_a_killed_publisher_is_missed_when_its_lease_ends(ours: DdsTransport, domain_id: int) -> None:
    short_lease = "<Domain><Discovery><LeaseDuration>1s</LeaseDuration></Discovery></Domain>"
    peer = start_peer(CYCLONEDDS_URI=short_lease)
    peer.ask("open", key="peer", transport="dds", domain_id=domain_id, node_name="doomed")
    peer.ask("advertise", key="peer", topic="/doomed", qos={})
    until(lambda: [endpoint.node for endpoint in ours.endpoints()] == ["/doomed"], "the endpoint and its node")
    peer.kill()
    until(lambda: not ours.endpoints(), "the departure")


def compiled_fast_dds(folder: Path) -> list[str]:
    """Echo over Fast DDS, another vendor's DDS: rmw_fastrtps' library."""
    _need("g++", "/usr/include/fastdds/dds/domain/DomainParticipant.hpp", "libfastrtps-dev")
    _run("g++", "-std=c++17", HERE / "fastdds_peer" / "echo.cpp", "-o", folder / "echo", "-lfastrtps", "-lfastcdr")
    return [str(folder / "echo")]


def compiled_cyclone_0_10(folder: Path) -> list[str]:
    """Echo over the system's Cyclone DDS 0.10, typed by its own IDL compiler: rmw_cyclonedds' library."""
    _need("gcc", "/usr/include/dds/dds.h", "cyclonedds-dev")
    _need("idlc", "/usr/include/dds/dds.h", "cyclonedds-tools")
    _run("idlc", "-t", "-o", folder, HERE / "cyclone_peer" / "ros_string.idl")
    sources = (HERE / "cyclone_peer" / "echo.c", folder / "ros_string.c")
    _run("gcc", *sources, "-I", folder, "-o", folder / "echo", "-lddsc")
    return [str(folder / "echo")]


def _need(program: str, header: str, package: str) -> None:
    if shutil.which(program) is None or not Path(header).exists():
        pytest.skip(f"{program} or {header} is absent (Debian, Ubuntu: apt install {package})")


def _run(*command: str | Path) -> None:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module", params=[compiled_fast_dds, compiled_cyclone_0_10])
def echo_program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    compiled: Callable[[Path], list[str]] = request.param
    return compiled(tmp_path_factory.mktemp(compiled.__name__))


@pytest.fixture
def echo(echo_program: list[str], domain_id: int) -> Iterator[None]:
    environment = os.environ | {"CYCLONEDDS_URI": domain_xml()}
    with subprocess.Popen([*echo_program, str(domain_id), HASH], stdin=subprocess.PIPE, env=environment) as process:
        yield
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(20) == 0


def test_another_dds_gets_our_bytes_and_stamps_and_sends_them_back(ours: DdsTransport, echo: None) -> None:
    publisher = ours.advertise("/to_peer", STRING, qos=RELIABLE, type_hash=HASH)
    ours.subscribe("/from_peer", STRING, qos=RELIABLE, type_hash=None)
    until(lambda: publisher.matched() and ours.matched("/from_peer"), "both matches")
    messages = [codec(STRING).encode({"data": text}) for text in TEXTS]
    samples: list[Sample] = []
    for step, message in enumerate(messages):
        # One at a time: the peer may still be learning of us, and its buffers are its own affair.
        def back(message: bytes = message, stamp: int = SOURCE_NS + step, have: int = len(samples)) -> bool:
            publisher.publish(message, stamp)
            samples.extend(ours.take(0.5))
            return len(samples) > have

        until(back, f"message {step}")
    texts = [codec(STRING).decode(sample.cdr)["data"] for sample in samples]
    assert sorted(set(texts), key=texts.index) == TEXTS
    for sample, text in zip(samples, texts, strict=True):
        step = TEXTS.index(text)
        assert abs(sample.source_ns - SOURCE_NS - step) <= 1  # RTPS stamps count 2**-32 s; each vendor rounds its way
        assert sample.cdr[4:].startswith(messages[step][4:])
        assert len(sample.cdr) - len(messages[step]) in {0, 1, 2, 3}


def test_the_graph_of_another_dds_is_read_and_what_it_latched_arrives_late(ours: DdsTransport, echo: None) -> None:
    found = until(lambda: {e.topic: e for e in ours.endpoints() if len(ours.endpoints()) == 2}, "its publishers")
    assert set(found) == {"/latched", "/from_peer"}
    assert found["/latched"].ros_type == STRING
    assert found["/latched"].type_hash == HASH
    assert found["/from_peer"].type_hash is None
    assert found["/latched"].qos.durability == "transient_local"
    cyclone = found["/latched"].publisher.startswith("0110")
    assert found["/latched"].qos.history == ("keep_all" if cyclone else "unknown")
    ours.subscribe("/latched", STRING, qos=LATCHED, type_hash=HASH)
    samples: list[Sample] = []
    until(lambda: samples.extend(ours.take(0.2)) or samples, "the latched message")
    assert [codec(STRING).decode(sample.cdr) for sample in samples] == [{"data": "hello"}]
    assert samples[0].publisher == found["/latched"].publisher


@pytest.mark.parametrize("version", [REAL_RCLPY])
def test_a_robot_on_rclpy_is_heard_by_a_recorder_without_ros(version: str) -> None:
    """Fast DDS may tell of a match before its first message goes through: the stream begins when one came."""
    with rclpy_of(version), free_domain() as domain_id:
        robot, ours = start_peer(), DdsTransport(domain_id, node_name="recorder")

        def sent(first: int, count: int, size: int) -> object:
            return robot.ask("publish", key="arm", topic="/stream", first=first, count=count, size=size)

        def later() -> list[Sample]:
            return [one for one in ours.take(0.2) if one.cdr[4:12] != bytes(8)]

        robot.ask("open", key="arm", transport="ros2", domain_id=domain_id, node_name="arm")
        for topic, qos in (("/latched", LATCHED), ("/stream", RELIABLE)):
            robot.ask("advertise", key="arm", topic=topic, qos=asdict(qos))
        robot.ask("publish", key="arm", topic="/latched", first=7, count=1, size=100)
        found = until(lambda: [e for e in ours.endpoints() if e.topic == "/stream" and e.node], "the endpoint")
        assert [(one.ros_type, one.node) for one in found] == [(TYPE, "/arm")]
        known = TypeStore().definition(TYPE, None)
        assert known is not None
        assert found[0].type_hash in {known.type_hash, None}  # Humble tells none
        ours.subscribe("/latched", TYPE, qos=LATCHED, type_hash=found[0].type_hash)
        assert [one.cdr for one in until(lambda: ours.take(0.2), "what is latched")] == [payload(7, 100)]
        ours.subscribe("/stream", TYPE, qos=RELIABLE, type_hash=found[0].type_hash)
        until(lambda: sent(0, 1, 16) and ours.take(0.2), "the stream")
        got: list[Sample] = []
        for first, count, size in ((1, 100, 1021), (101, 5, 3_000_000)):
            sent(first, count, size)
            until(lambda: got.extend(later()) or len(got) >= first + count - 1, "the messages")  # noqa: B023
        sizes = [1021] * 100 + [3_000_000] * 5
        assert [one.cdr for one in got] == [padded(payload(1 + n, size)) for n, size in enumerate(sizes)]
        assert {one.publisher for one in got} == {found[0].publisher}
        robot.stop()
        ours.close()
