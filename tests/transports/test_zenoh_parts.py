"""What stands on zenoh's wire, byte by byte, and environments that cannot speak zenoh."""

from __future__ import annotations

import struct
import subprocess
import sys

import pytest
import zenoh
from transports.harness import ROOT

from embodied_kit.model.stream import Qos
from embodied_recorders.transports.zenoh.attachment import Attachment, attachment_bytes, attachment_of
from embodied_recorders.transports.zenoh.qos import qos_of, qos_text
from embodied_recorders.transports.zenoh.tokens import Entity, Node, data_key, data_keys, entity_of, gid_of

GID = bytes(range(16))
HASH = "RIHS01_" + "0f" * 32
TOKEN = f"@ros2_lv/3/abc123/0/7/MP/%/%lab/arm/%ns%joints/sensor_msgs::msg::dds_::JointState_/{HASH}/2::,10:,:,:,,"


def test_a_gid_is_the_hash_of_the_token_low_half_first() -> None:
    assert gid_of("") == "7f498d4624c30160d8984701d306aa99"  # XXH3-128 of nothing, as its specification tells
    assert gid_of(TOKEN) != gid_of(TOKEN + ",")


def test_a_token_tells_who_publishes_what_and_how() -> None:
    qos = Qos("best_effort", "volatile", "keep_last", 10)
    expected = Entity("MP", "abc123", "/lab/arm", "/ns/joints", "sensor_msgs/msg/JointState", HASH, qos, gid_of(TOKEN))
    assert entity_of(TOKEN) == expected
    node = Node(3, "abc123", "/lab/arm")
    assert node.token() == "@ros2_lv/3/abc123/0/0/NN/%/%lab/arm"
    assert node.endpoint_token("MP", 7, "/ns/joints", expected.ros_type, type_hash=HASH, qos=qos) == TOKEN
    in_root = Node(3, "abc123", "/arm").endpoint_token("MS", 1, "/t", "a/msg/B", type_hash=None, qos=Qos(depth=42))
    assert in_root == "@ros2_lv/3/abc123/0/1/MS/%/%/arm/%t/a::msg::dds_::B_/TypeHashNotSupported/::,:,:,:,,"
    found = entity_of(in_root)
    assert found is not None
    assert (found.kind, found.node, found.topic, found.type_hash) == ("MS", "/arm", "/t", None)


@pytest.mark.parametrize(
    "token",
    [
        "",
        "@ros2_lv/3/abc123/0/0/NN/%/%lab/arm",
        TOKEN.replace("/MP/", "/SS/"),
        TOKEN.rpartition("/")[0],
        TOKEN + "/more",
        TOKEN.replace("2::,10:,:,:,,", "x"),
        TOKEN.replace("2::,10:,:,:,,", "2::,1e9:,:,:,,"),
    ],
)
def test_a_token_of_something_else_or_of_nonsense_tells_of_no_endpoint(token: str) -> None:
    assert entity_of(token) is None


QOS = [
    (Qos("reliable", "volatile", "keep_last", 42), "::,:,:,:,,"),
    (Qos("best_effort", "transient_local", "keep_all", 0), "2:1:2,:,:,:,,"),
    (Qos(depth=1, deadline_ns=500_000_000, lifespan_ns=3_000_000_001), "::,1:0,500000000:3,1:,,"),
]


@pytest.mark.parametrize(("qos", "text"), QOS)
def test_qos_is_told_as_what_differs_from_the_default(qos: Qos, text: str) -> None:
    assert qos_text(qos) == text
    assert qos_of(text) == qos


def test_qos_of_others_is_read_in_every_form() -> None:
    infinite = "9223372036,854775807"
    assert qos_of(f"1:2:1,5:{infinite}:0,0:1,{infinite}") == Qos("reliable", "volatile", "keep_last", 5)
    half = qos_of("::,:9223372036,1:,:,,")  # a part that equals the default's part is left out
    assert half is not None
    assert half.deadline_ns == 9223372036 * 10**9 + 1
    unknown = qos_of("3:3:3,4:,:,:,,")
    assert unknown == Qos("reliable", "volatile", "unknown", 0)


def test_data_lies_under_domain_topic_type_and_hash() -> None:
    assert data_key(3, "/ns/t", "a/msg/B", HASH) == f"3/ns/t/a::msg::dds_::B_/{HASH}"
    assert data_key(3, "/t", "a/msg/B", None) == "3/t/a::msg::dds_::B_/TypeHashNotSupported"
    wanted = zenoh.KeyExpr(data_keys(3, "/t", "a/msg/B"))
    assert wanted.intersects(zenoh.KeyExpr(data_key(3, "/t", "a/msg/B", HASH)))
    for other in (
        data_key(3, "/t", "a/msg/C", HASH),
        data_key(3, "/t/t", "a/msg/B", HASH),
        data_key(4, "/t", "a/msg/B", HASH),
    ):
        assert not wanted.intersects(zenoh.KeyExpr(other))


def old_form(sequence: int, source_ns: int, gid: bytes) -> bytes:
    """With the fields' names, as releases before April 2025 wrote it."""
    named = [(b"sequence_number", struct.pack("<q", sequence)), (b"source_timestamp", struct.pack("<q", source_ns))]
    named.append((b"source_gid", bytes([len(gid)]) + gid))
    return b"".join(bytes([len(name)]) + name + value for name, value in named)


def test_both_forms_of_the_attachment_are_read() -> None:
    new = attachment_bytes(5, 1_712_345_678_987_654_321, GID)
    assert len(new) == 33
    assert new == (5).to_bytes(8, "little") + (1_712_345_678_987_654_321).to_bytes(8, "little") + b"\x10" + GID
    wanted = Attachment(5, 1_712_345_678_987_654_321, GID.hex())
    assert attachment_of(new) == attachment_of(old_form(*wanted[:2], GID)) == wanted


@pytest.mark.parametrize(
    "data",
    [
        b"",
        attachment_bytes(1, 1, GID)[:-1],
        attachment_bytes(1, 1, GID) + b"\0",
        attachment_bytes(1, 1, GID).replace(b"\x10" + GID, b"\x0f" + GID),
        old_form(1, 1, GID).replace(b"source_gid", b"source_gif"),
        old_form(1, 1, GID[:-1]),
    ],
)
def test_another_attachment_is_none(data: bytes) -> None:
    assert attachment_of(data) is None


OPEN = """
import importlib.abc, importlib.metadata, sys
sys.path[:0] = sys.argv[3:]
blocked, version = sys.argv[1:3]
class Block(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == blocked:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Block())
if version:
    importlib.metadata.version = lambda name: version
from embodied_kit.errors import EnvironmentUnfitError
from embodied_recorders.graph.machine import zenoh
from embodied_recorders.transports import open_transport
assert "zenoh" not in sys.modules
try:
    open_transport("zenoh", domain_id=1)
except EnvironmentUnfitError as error:
    print(error.message, "|", error.remedy)
row = zenoh()
print(row.state, "|", row.found["en"], "|", row.remedy)
"""


@pytest.mark.parametrize(
    ("blocked", "version", "words", "found"),
    [
        ("zenoh", "", "the transport zenoh needs the extra 'zenoh'", "eclipse-zenoh not installed"),
        ("xxhash", "", "the transport zenoh needs the extra 'zenoh'", "eclipse-zenoh not installed"),
        ("", "1.9.3", "expected eclipse-zenoh>=1.10,<2, got 1.9.3", "eclipse-zenoh 1.9.3, "),
        ("", "2.0.0", "expected eclipse-zenoh>=1.10,<2, got 2.0.0", "eclipse-zenoh 2.0.0, "),
    ],
)
def test_an_environment_that_cannot_speak_zenoh_says_what_to_install(
    blocked: str, version: str, words: str, found: str
) -> None:
    paths = [str(ROOT), str(ROOT / "recorders")]
    command = [sys.executable, "-c", OPEN, blocked, version, *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    said, row = done.stdout.splitlines()
    assert said == f"{words} | pip install 'embodied_kit[zenoh]'"
    assert row.startswith(f"warn | {found}")
    assert row.endswith("| pip install 'embodied_kit[zenoh]'")
