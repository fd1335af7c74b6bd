"""Parts of the DDS transport that one process can show: names, limits, loss, and what is said where it cannot work."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from transports.harness import ROOT, free_domain, until

from embodied_kit.errors import EnvironmentUnfitError, UsageError
from embodied_kit.messages.codec import codec
from embodied_kit.messages.definitions import TypeStore
from embodied_kit.model.stream import LATCHED, Qos
from embodied_recorders.transports import TRANSPORTS, open_transport
from embodied_recorders.transports.base import MAX_SAMPLES_PER_TAKE, matching_qos
from embodied_recorders.transports.dds import discovery_info, names
from embodied_recorders.transports.dds.loss import UdpDrops
from embodied_recorders.transports.dds.raw import RawReader, RawWriter
from embodied_recorders.transports.dds.transport import DdsTransport

TYPE = "std_msgs/msg/UInt8MultiArray"
RELIABLE = Qos(history="keep_all", depth=0)
GUID, READER, WRITER = ("0110" + digit * 28 for digit in "abc")
_PACKAGE = st.from_regex(r"[a-z][a-z0-9_]{0,9}", fullmatch=True)
_QOS = st.builds(Qos, st.sampled_from(["reliable", "best_effort"]), st.sampled_from(["volatile", "transient_local"]))


@pytest.fixture
def domain_id() -> Iterator[int]:
    with free_domain() as domain_id:
        yield domain_id


@pytest.fixture
def ours(domain_id: int) -> Iterator[DdsTransport]:
    transport = _opened(domain_id)
    yield transport
    transport.close()


@pytest.fixture
def other(domain_id: int) -> Iterator[DdsTransport]:
    """A second participant in the same domain and process."""
    transport = _opened(domain_id, "/lab/other")
    yield transport
    transport.close()


def _opened(domain_id: int, node_name: str = "ours") -> DdsTransport:
    try:
        return DdsTransport(domain_id, node_name=node_name)
    except EnvironmentUnfitError as error:
        pytest.skip(str(error))


@given(
    package=_PACKAGE,
    kind=st.sampled_from(["msg", "srv", "action"]),
    name=st.from_regex(r"[A-Z]\w{0,9}", fullmatch=True),
)
def test_type_names_come_back(package: str, kind: str, name: str) -> None:
    ros_type = f"{package}/{kind}/{name}"
    assert names.ros_type(names.dds_type(ros_type)) == ros_type


def test_names_on_the_wire() -> None:
    assert names.dds_topic("/ns/joint_states") == "rt/ns/joint_states"
    assert names.ros_topic("rt/ns/joint_states") == "/ns/joint_states"
    assert names.dds_type("sensor_msgs/msg/JointState") == "sensor_msgs::msg::dds_::JointState_"
    assert names.ros_type("Square") == "Square"
    for foreign in ("rq/set_parametersRequest", "rr/set_parametersReply", "Square", "ros_discovery_info"):
        assert names.ros_topic(foreign) is None
    assert names.type_hash_of(b"enclave=/;typehash=RIHS01_ab;") == "RIHS01_ab"
    assert names.type_hash_of(names.type_hash_data("RIHS01_cd")) == "RIHS01_cd"
    for nothing in (b"", b"typehash", b"typehash=;", b"\xff\xfe=RIHS01_ab", names.type_hash_data(None)):
        assert names.type_hash_of(nothing) is None


@given(st.lists(_QOS, min_size=1))
def test_a_matching_qos_asks_no_publisher_for_more_than_it_offers(offered: list[Qos]) -> None:
    asked = matching_qos(offered)
    assert asked.history == "keep_all"
    assert all(asked.reliability == "best_effort" or one.reliability == "reliable" for one in offered)
    assert all(asked.durability == "volatile" or one.durability == "transient_local" for one in offered)
    assert (asked.reliability == "reliable") == all(one.reliability == "reliable" for one in offered)
    assert (asked.durability == "transient_local") == all(one.durability == "transient_local" for one in offered)


@pytest.mark.parametrize("distro", ["humble", "jazzy"])
def test_node_declarations_of_both_gid_sizes_are_read(distro: str) -> None:
    size = {"humble": 24, "jazzy": 16}[distro]
    gid = {guid: {"data": bytes.fromhex(guid).ljust(size, b"\0")} for guid in (GUID, READER, WRITER)}
    nodes = [
        {"node_namespace": "/", "node_name": "a", "reader_gid_seq": [gid[READER]]},
        {"node_namespace": "/arm/left", "node_name": "b", "writer_gid_seq": [gid[WRITER], gid[GUID]]},
    ]
    cdr = codec(discovery_info.ROS_TYPE, distro).encode({"gid": gid[GUID], "node_entities_info_seq": nodes})
    declared = discovery_info.decode(cdr)
    assert declared is not None
    assert declared[0] == GUID
    assert [(node.name, list(node.readers), list(node.writers)) for node in declared[1]] == [
        ("/a", [READER], []),
        ("/arm/left/b", [], [WRITER, GUID]),
    ]


def test_a_node_declaration_that_is_none_is_ignored_and_the_hash_is_of_its_definition() -> None:
    assert discovery_info.decode(b"\x00\x01\x00\x00nothing") is None
    found = TypeStore().definition(discovery_info.ROS_TYPE, discovery_info.TYPE_HASH)
    assert found is not None
    assert found.source == "rosbags:jazzy"


@pytest.mark.wire
def test_our_node_declares_its_endpoints(ours: DdsTransport, other: DdsTransport) -> None:
    publisher = other.advertise("/out", TYPE, qos=RELIABLE, type_hash=None)
    other.subscribe("/in", TYPE, qos=RELIABLE, type_hash=None)
    type_name = names.dds_type(discovery_info.ROS_TYPE)
    reader = RawReader(ours._native, ours._participant, discovery_info.TOPIC, type_name, qos=LATCHED, type_hash=None)

    def heard() -> list[discovery_info.NodeInfo]:
        declared = [discovery_info.decode(cdr) for cdr, _, _ in ours._drain.take(reader)[1]]
        return [node for one in declared if one for node in one[1] if node.readers]

    (node,) = until(heard, "the declaration")
    assert node.name == "/lab/other"
    assert list(node.writers) == [publisher.guid]
    assert list(node.readers) == [other._readers["/in"].guid]


@pytest.mark.wire
def test_services_are_no_endpoints_but_can_be_listed(ours: DdsTransport, other: DdsTransport) -> None:
    request = ("rq/arm/homeRequest", "std_srvs::srv::dds_::Trigger_Request_")
    RawWriter(other._native, other._participant, *request, qos=RELIABLE, type_hash=None)
    other.advertise("/out", TYPE, qos=RELIABLE, type_hash=None)
    until(ours.endpoints, "the topic")
    assert [endpoint.topic for endpoint in ours.endpoints()] == ["/out"]
    services = [one for one in ours.publications() if names.is_service(one.dds_topic)]
    assert [(one.dds_topic, one.dds_type) for one in services] == [request]


@pytest.mark.wire
def test_a_take_is_bounded_and_the_rest_follows(ours: DdsTransport) -> None:
    ours.subscribe("/flood", TYPE, qos=RELIABLE, type_hash=None)
    publisher = ours.advertise("/flood", TYPE, qos=RELIABLE, type_hash=None)
    count = MAX_SAMPLES_PER_TAKE + 1000
    for index in range(count):
        publisher.publish(b"\x00\x01\x00\x00" + index.to_bytes(4, "little"))
    first = ours.take(1.0)
    assert MAX_SAMPLES_PER_TAKE <= len(first) < count
    samples = [*first, *ours.take(1.0)]
    assert [int.from_bytes(sample.cdr[4:8], "little") for sample in samples] == list(range(count))


@pytest.mark.parametrize("cdr", [b"", b"\x00\x01\x00\x00", b"\x00\x00\x00\x00\x00\x00\x00\x07", b"no encapsulation"])
def test_bytes_that_are_no_little_endian_cdr_are_not_sent(ours: DdsTransport, cdr: bytes) -> None:
    publisher = ours.advertise("/out", TYPE, qos=RELIABLE, type_hash=None)
    with pytest.raises(UsageError, match="little-endian CDR"):
        publisher.publish(cdr)


@pytest.mark.skipif(not Path("/proc/self/net/udp").exists(), reason="this kernel keeps no such table")
def test_drops_of_own_sockets_are_counted_exactly_and_those_of_others_are_not() -> None:
    drops = UdpDrops()
    flood = (
        "import socket, sys\n"
        "r = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); r.bind(('127.0.0.1', 0))\n"
        "r.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)\n"
        "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        "[s.sendto(bytes(1000), r.getsockname()) for _ in range(500)]\n"
        "print('flooded', flush=True); sys.stdin.read()\n"
    )
    with subprocess.Popen([sys.executable, "-c", flood], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"flooded\n"
        assert drops.counters() == {"udp_datagrams_dropped": 0}
        process.communicate(timeout=20)
    with _udp_socket() as receiver, _udp_socket() as sender:
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        for _ in range(500):
            sender.sendto(bytes(1000), receiver.getsockname())
        kept = 0
        receiver.setblocking(False)
        while True:
            try:
                receiver.recv(1000)
            except BlockingIOError:
                break
            kept += 1
        assert 0 < kept < 500
        assert drops.counters() == {"udp_datagrams_dropped": 500 - kept}


def _udp_socket() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind(("127.0.0.1", 0))
    return made


def test_the_users_own_configuration_is_obeyed_and_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    absent = '<Domain><General><Interfaces><NetworkInterface name="absent0"/></Interfaces></General></Domain>'
    with free_domain() as domain_id:
        _opened(domain_id).close()
        monkeypatch.setenv("CYCLONEDDS_URI", absent)
        with pytest.raises(EnvironmentUnfitError, match=f"domain {domain_id}"):
            DdsTransport(domain_id)
        assert os.environ["CYCLONEDDS_URI"] == absent
        monkeypatch.delenv("CYCLONEDDS_URI")
        with pytest.raises(EnvironmentUnfitError, match="absent1"):
            DdsTransport(domain_id, interface="absent1")
        assert "CYCLONEDDS_URI" not in os.environ
        _opened(domain_id).close()


@pytest.mark.parametrize("in_file", [False, True])
def test_an_interface_that_the_user_names_too_is_not_taken_twice(
    in_file: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = '<Domain><General><Interfaces><NetworkInterface address="127.0.0.1"/></Interfaces></General></Domain>'
    (tmp_path / "cyclone.xml").write_text(f"<CycloneDDS>{own}</CycloneDDS>", encoding="utf-8")
    monkeypatch.setenv("CYCLONEDDS_URI", f"file://{tmp_path / 'cyclone.xml'}" if in_file else own)
    with free_domain() as domain_id:
        DdsTransport(domain_id).close()


def test_the_domain_is_the_argument_else_the_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    for wrong in (-1, 233):
        with pytest.raises(UsageError, match=str(wrong)):
            open_transport("dds", domain_id=wrong)
    monkeypatch.setenv("ROS_DOMAIN_ID", "seven")
    with pytest.raises(UsageError, match="seven"):
        open_transport("dds")
    with free_domain() as domain_id:
        monkeypatch.setenv("ROS_DOMAIN_ID", str(domain_id))
        here, there = _opened(domain_id), DdsTransport(node_name="there")
        here.advertise("/out", TYPE, qos=RELIABLE, type_hash=None)
        until(there.endpoints, "the endpoint in the environment's domain")
        here.close()
        there.close()


def test_an_unknown_transport_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match=", ".join(TRANSPORTS)):
        open_transport("pigeon")


OPEN = """
import sys
sys.path[:0] = sys.argv[1:]
from embodied_kit.errors import EnvironmentUnfitError
from embodied_recorders.transports import open_transport
assert "embodied_recorders.transports.dds" not in sys.modules
try:
    open_transport("dds", domain_id=1)
except EnvironmentUnfitError as error:
    print(error.message, "|", error.remedy)
"""


@pytest.mark.parametrize(
    ("version", "files", "words"),
    [
        (None, "", "needs the package cyclonedds"),
        ("0.10.5", "", "expected cyclonedds>=11.0.1,<12, got 0.10.5"),
        ("11.0.0", "", "expected cyclonedds>=11.0.1,<12, got 11.0.0"),
        ("12.0.0", "", "expected cyclonedds>=11.0.1,<12, got 12.0.0"),
        ("11.0.1", "cyclonedds/core.py,,\n", "got a source build"),
        ("11.0.1", "cyclonedds.libs/libddsc-0.so,,\n", "does not load"),
    ],
)
def test_an_environment_that_cannot_speak_dds_says_what_to_install(
    tmp_path: Path, version: str | None, files: str, words: str
) -> None:
    site = Path(np.__file__).parents[1]
    for entry in site.iterdir():
        if not entry.name.startswith(("cyclonedds", "__pycache__")) and entry.suffix != ".pth":
            (tmp_path / entry.name).symlink_to(entry)
    if version:
        info = tmp_path / f"cyclonedds-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: cyclonedds\nVersion: {version}\n")
        (info / "RECORD").write_text(files)
        for line in files.splitlines():  # importlib.metadata names only files that exist
            listed = tmp_path / line.partition(",")[0]
            listed.parent.mkdir()
            listed.write_bytes(b"no library")
    paths = [str(tmp_path), str(ROOT), str(ROOT / "recorders")]
    command = [sys.executable, "-I", "-S", "-c", OPEN, *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert words in done.stdout
    assert "pip install 'cyclonedds>=11.0.1,<12'" in done.stdout
