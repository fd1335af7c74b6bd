"""Definitions and single messages against hashes and decoders made by others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mcap.reader import make_reader
from mcap_ros2._dynamic import generate_dynamic

from embodied_kit.errors import DataError
from embodied_kit.messages.codec import Codec, codec
from embodied_kit.messages.definitions import SEPARATOR, TypeStore, type_hash

REAL_BAGS = Path(__file__).resolve().parents[3] / "shared" / "realdata" / "rosbag2_testbags"

# As `ros2 topic info --verbose` prints them (Iron to Lyrical).
REAL_HASHES = {
    "sensor_msgs/msg/JointState": "RIHS01_a13ee3a330e346c9d87b5aa18d24e11690752bd33a0350f11c5882bc9179260e",
    "sensor_msgs/msg/CompressedImage": "RIHS01_15640771531571185e2efc8a100baf923961a4d15d5569652e6cb6691e8e371a",
    "sensor_msgs/msg/Image": "RIHS01_d31d41a9a4c4bc8eae9be757b0beed306564f7526c88ea6a4588fb9582527d47",
    "sensor_msgs/msg/CameraInfo": "RIHS01_b3dfd68ff46c9d56c80fd3bd4ed22c7a4ddce8c8348f2f59c299e73118e7e275",
    "geometry_msgs/msg/PoseStamped": "RIHS01_10f3786d7d40fd2b54367835614bff85d4ad3b5dab62bf8bca0cc232d73b4cd8",
    "geometry_msgs/msg/WrenchStamped": "RIHS01_8dc3deaf06b2ab281f9f9a742a8961c328ca7cec16e3fd6586d3a5c83fa78f77",
    "geometry_msgs/msg/TwistStamped": "RIHS01_5f0fcd4f81d5d06ad9b4c4c63e3ea51b82d6ae4d0558f1d475229b1121db6f64",
    "tf2_msgs/msg/TFMessage": "RIHS01_e369d0f05a23ae52508854b66f6aa0437f3449d652e8cbf22d5abe85d020f087",
    "std_msgs/msg/String": "RIHS01_df668c740482bbd48fb39d76a70dfd4bd59db1288021743503259e948f6b1a18",
    # Holds a `char[16]`, which rosidl hashes as uint8.
    "rmw_dds_common/msg/ParticipantEntitiesInfo": (
        "RIHS01_91a0593bacdcc50ea9bdcf849a938b128412cc1ea821245c663bcd26f83c295e"
    ),
}
OTHER_HASH = "RIHS01_" + "0" * 64

ARM = """\
# How the arm feels, in the lab's own words.
uint8 IDLE=0
uint8 MOVING = 1  # on its way
string UNIT="N m"
std_msgs/Header header
Finger[<=5] fingers
char grade 65
string<=8 label "none"
float64[3] torque
"""
FINGER = "float32 force 0.5\r\nuint8[] tactile\r\n"


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    messages = tmp_path / "src" / "deep" / "lab_msgs" / "msg"
    messages.mkdir(parents=True)
    (messages / "Arm.msg").write_text(ARM, encoding="utf-8")
    (messages / "Finger.msg").write_bytes(FINGER.encode())
    return tmp_path


@pytest.mark.parametrize("ros_type", sorted(REAL_HASHES))
def test_the_definition_for_a_real_hash_is_found_and_hashes_to_it(ros_type: str) -> None:
    found = TypeStore().definition(ros_type, REAL_HASHES[ros_type])
    assert found is not None
    assert found.type_hash == REAL_HASHES[ros_type] == type_hash(ros_type, found.text)
    assert found.source.startswith("rosbags:")
    assert ros_type in generate_dynamic(ros_type, found.text)


def test_a_hash_that_no_text_has_finds_nothing() -> None:
    assert TypeStore().definition("std_msgs/msg/String", OTHER_HASH) is None
    assert TypeStore().definition("lab_msgs/msg/Arm", None) is None


def test_without_a_hash_the_distribution_decides_and_else_only_agreement() -> None:
    gid = "rmw_dds_common/msg/Gid"  # 24 bytes up to Humble, 16 since Iron
    store = TypeStore()
    assert store.definition(gid, None) is None
    humble, jazzy = store.definition(gid, None, "humble"), store.definition(gid, None, "jazzy")
    assert humble is not None
    assert jazzy is not None
    assert (humble.text.split()[0], humble.source) == ("char[24]", "rosbags:humble")
    assert (jazzy.text.split()[0], jazzy.source) == ("char[16]", "rosbags:jazzy")
    assert store.definition(gid, humble.type_hash, "jazzy") == humble
    agreed = store.definition("sensor_msgs/msg/JointState", None)
    assert agreed is not None
    assert agreed.type_hash == REAL_HASHES["sensor_msgs/msg/JointState"]


@pytest.mark.parametrize(
    ("ros_type", "fields"),
    [
        ("foxglove_msgs/msg/CompressedVideo", ["timestamp", "frame_id", "data", "format"]),
        ("foxglove_msgs/msg/RawAudio", ["timestamp", "data", "format", "sample_rate", "number_of_channels"]),
        (
            "ffmpeg_image_transport_msgs/msg/FFMPEGPacket",
            ["header", "width", "height", "encoding", "pts", "flags", "is_bigendian", "data"],
        ),
        (
            "audio_common_msgs/msg/AudioInfo",
            ["channels", "sample_rate", "sample_format", "bitrate", "coding_format"],
        ),
    ],
)
def test_packages_that_robots_often_add_are_known(ros_type: str, fields: list[str]) -> None:
    found = TypeStore().definition(ros_type, None)
    assert found is not None
    assert found.source == "shipped"
    assert TypeStore().definition(ros_type, found.type_hash, "humble") == found
    assert [line.split()[1] for line in found.text.partition(SEPARATOR)[0].splitlines()] == fields
    assert ros_type in generate_dynamic(ros_type, found.text)


@pytest.mark.parametrize("name", ["AudioData", "AudioDataStamped"])
def test_a_name_that_two_packages_bear_is_believed_by_its_hash_alone(name: str, lab: Path) -> None:
    ros_type = f"audio_common_msgs/msg/{name}"
    assert TypeStore().definition(ros_type, None) is None
    plain = "uint8[] data\n"
    typed = "float32[] float32_data\nint32[] int32_data\nint32[] int24_data\nint16[] int16_data\n"
    typed += "int8[] int8_data\nuint8[] uint8_data\n"
    for data in (plain, typed):
        text = {"AudioData": data}.get(name) or (
            f"std_msgs/Header header\naudio_common_msgs/AudioData audio\n{SEPARATOR}\nMSG: std_msgs/Header\n"
            f"builtin_interfaces/Time stamp\nstring frame_id\n{SEPARATOR}\nMSG: audio_common_msgs/AudioData\n{data}"
        )
        found = TypeStore().definition(ros_type, type_hash(ros_type, text))
        assert found is not None
        assert data in found.text
    folder = lab / "audio_common_msgs" / "msg"
    folder.mkdir(parents=True)
    (folder / "AudioData.msg").write_text(plain, encoding="utf-8")
    named = TypeStore([lab]).definition("audio_common_msgs/msg/AudioData", None)
    assert named is not None
    assert (named.text, named.source) == (plain, "lab")


def test_a_lab_type_may_use_a_shipped_one(lab: Path) -> None:
    (lab / "src" / "deep" / "lab_msgs" / "msg" / "Clip.msg").write_text("foxglove_msgs/CompressedVideo[] frames\n")
    found = TypeStore([lab]).definition("lab_msgs/msg/Clip", None)
    assert found is not None
    assert "MSG: foxglove_msgs/CompressedVideo\nbuiltin_interfaces/Time timestamp\n" in found.text


def test_a_lab_type_keeps_its_own_text_and_brings_what_it_uses(lab: Path) -> None:
    found = TypeStore([lab]).definition("lab_msgs/msg/Arm", None)
    assert found is not None
    assert found.source == "lab"
    head, *parts = found.text.split(SEPARATOR + "\n")
    assert head == ARM
    names = [part.partition("\n")[0] for part in parts]
    assert names == ["MSG: std_msgs/Header", "MSG: lab_msgs/Finger", "MSG: builtin_interfaces/Time"]
    assert parts[1] == "MSG: lab_msgs/Finger\n" + FINGER.replace("\r\n", "\n")
    assert TypeStore([lab]).definition("lab_msgs/msg/Arm", found.type_hash) == found
    assert TypeStore([lab]).definition("lab_msgs/msg/Arm", OTHER_HASH) is None
    generate_dynamic("lab_msgs/msg/Arm", found.text)


def test_a_hash_sees_fields_and_bounds_but_not_constants_defaults_and_comments(lab: Path) -> None:
    arm = "lab_msgs/msg/Arm"
    found = TypeStore([lab]).definition(arm, None)
    assert found is not None
    for old, new in (("MOVING = 1", "MOVING = 2"), ("grade 65", "grade 66"), ("# How", "# Why"), ("char ", "uint8 ")):
        changed = found.text.replace(old, new)
        assert changed != found.text
        assert type_hash(arm, changed) == found.type_hash
    for old, new in (("[<=5]", "[<=6]"), ("<=8", "<=9"), ("torque", "torques"), ("float32 force", "float64 force")):
        changed = found.text.replace(old, new)
        assert changed != found.text
        assert type_hash(arm, changed) != found.type_hash


def test_a_lab_type_that_shadows_a_standard_one_yields_to_the_wire(lab: Path) -> None:
    folder = lab / "std_msgs" / "msg"
    folder.mkdir(parents=True)
    (folder / "String.msg").write_text("string data\nuint8 extra\n", encoding="utf-8")
    store = TypeStore([lab])
    own, real = store.definition("std_msgs/msg/String", None), REAL_HASHES["std_msgs/msg/String"]
    assert own is not None
    assert own.source == "lab"
    assert own.type_hash != real
    wire = store.definition("std_msgs/msg/String", real)
    assert wire is not None
    assert wire.source != "lab"


@pytest.mark.parametrize("text", ["unknown_msgs/Thing thing\n", "wstring wide\n", "wat\n"])
def test_a_text_that_cannot_be_hashed_is_an_error_and_no_definition(tmp_path: Path, text: str) -> None:
    with pytest.raises(DataError):
        type_hash("lab_msgs/msg/Odd", text)
    folder = tmp_path / "lab_msgs" / "msg"
    folder.mkdir(parents=True)
    (folder / "Odd.msg").write_text(text, encoding="utf-8")
    assert TypeStore([tmp_path]).definition("lab_msgs/msg/Odd", None) is None


@pytest.mark.skipif(not REAL_BAGS.is_dir(), reason="the real recordings are not beside this checkout")
def test_texts_in_real_recordings_hash_to_what_their_recorder_wrote() -> None:
    checked = 0
    for path in sorted(REAL_BAGS.rglob("*.mcap")):
        with path.open("rb") as stream:
            summary = make_reader(stream).get_summary()
        for channel in summary.channels.values() if summary else ():
            schema = summary.schemas[channel.schema_id]
            if "/msg/" in schema.name and (real := channel.metadata.get("topic_type_hash")):
                assert type_hash(schema.name, schema.data.decode()) == real
                checked += 1
    assert checked >= 5


def test_what_is_encoded_is_what_another_decoder_reads_and_what_we_decode() -> None:
    ros_type = "sensor_msgs/msg/JointState"
    message = {
        "header": {"stamp": {"sec": 12, "nanosec": 34}, "frame_id": "base_link"},
        "name": ["shoulder", "腕"],
        "position": [0.5, -1.25],
        "effort": np.array([1, 2], np.int16),
    }
    cdr = codec(ros_type).encode(message)
    assert cdr[:4] == b"\x00\x01\x00\x00"
    found = TypeStore().definition(ros_type, REAL_HASHES[ros_type])
    assert found is not None
    read = generate_dynamic(ros_type, found.text)[ros_type](cdr)
    assert (read.header.stamp.sec, read.header.stamp.nanosec, read.header.frame_id) == (12, 34, "base_link")
    assert (list(read.name), list(read.position)) == (["shoulder", "腕"], [0.5, -1.25])
    assert (list(read.velocity), list(read.effort)) == ([], [1.0, 2.0])
    decoded = codec(ros_type).decode(cdr)
    assert decoded["header"] == message["header"]
    assert decoded["name"] == message["name"]
    assert np.array_equal(np.asarray(decoded["effort"]), [1.0, 2.0])
    assert codec(ros_type).encode(decoded) == cdr


def test_fields_left_out_are_zero_also_in_nested_and_fixed_arrays() -> None:
    decoded = codec("sensor_msgs/msg/CameraInfo").decode(codec("sensor_msgs/msg/CameraInfo").encode({}))
    assert decoded["distortion_model"] == ""
    assert np.array_equal(np.asarray(decoded["k"]), np.zeros(9))
    transforms = codec("tf2_msgs/msg/TFMessage")
    decoded = transforms.decode(transforms.encode({"transforms": [{"child_frame_id": "hand"}]}))
    (transform,) = decoded["transforms"]
    assert transform["child_frame_id"] == "hand"
    assert transform["transform"]["rotation"] == {"x": 0.0, "y": 0.0, "z": 0.0, "w": 0.0}


def test_bytes_fill_an_image(lab: Path) -> None:
    pixels = bytes(range(256)) * 3
    image = codec("sensor_msgs/msg/Image")
    as_bytes = image.encode({"data": pixels})
    assert as_bytes == image.encode({"data": np.frombuffer(pixels, np.uint8).reshape(16, 16, 3)})
    assert bytes(np.asarray(image.decode(as_bytes)["data"])) == pixels


def test_a_codec_of_a_text_serves_a_lab_type(lab: Path) -> None:
    found = TypeStore([lab]).definition("lab_msgs/msg/Arm", None)
    assert found is not None
    arm = Codec("lab_msgs/msg/Arm", found.text)
    cdr = arm.encode({"fingers": [{"force": 1.5, "tactile": [1, 2]}, {}], "torque": [1, 2, 3], "label": "left"})
    read = generate_dynamic("lab_msgs/msg/Arm", found.text)["lab_msgs/msg/Arm"](cdr)
    assert [finger.force for finger in read.fingers] == [1.5, 0.0]
    assert (list(read.torque), read.label) == ([1.0, 2.0, 3.0], "left")


@pytest.mark.parametrize(
    "message",
    [
        {"nam": []},
        {"name": "shoulder"},
        {"name": [1]},
        {"position": ["far"]},
        {"header": 3},
        {"header": {"stamp": {"sec": 1.5}}},
        {"header": {"stamp": {"sec": 2**31}}},
    ],
)
def test_a_message_of_another_shape_is_refused(message: dict[str, object]) -> None:
    with pytest.raises(DataError):
        codec("sensor_msgs/msg/JointState").encode(message)


def test_fixed_lengths_and_unknown_types_are_refused() -> None:
    with pytest.raises(DataError, match="9 values"):
        codec("sensor_msgs/msg/CameraInfo").encode({"k": [1.0]})
    with pytest.raises(DataError, match="lab_msgs/msg/Arm"):
        codec("lab_msgs/msg/Arm")
    with pytest.raises(DataError, match="noetic"):
        codec("std_msgs/msg/String", "noetic")


@pytest.mark.parametrize("cdr", [b"", b"\x00\x01\x00", b"\x00\x01\x00\x00\xff\xff\xff\xffabc", b"\x00\x01\x00\x00" * 9])
def test_bytes_that_are_no_message_are_refused(cdr: bytes) -> None:
    with pytest.raises(DataError):
        codec("std_msgs/msg/String").decode(cdr)
