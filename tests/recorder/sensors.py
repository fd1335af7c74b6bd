"""One stream of each kind of sensor that labs record, as messages that a robot process plays."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from measure.test_video import H264, H265, encoded
from PIL import Image
from recorder.robot import Played
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from embodied_kit.messages.definitions import TypeStore, type_hash

LAB = {
    "lab_msgs/msg/Hand": """\
# What the hand feels.
uint8 OPEN=0
uint8 CLOSED = 1  # around something
string UNIT="N"
std_msgs/Header header
Finger[<=5] fingers
uint8 grip
string<=16 label "none"
float64[3] wrist
""",
    "lab_msgs/msg/Finger": "float32 force\nfloat32[<=16] taxels\nlab_core/Contact[] contacts\n",
    "lab_core/msg/Contact": "geometry_msgs/Point where\nbool slipping false\n",
}
AUDIO = "audio_common_msgs/msg/AudioData"
RATE_HZ = 20
COUNT = 12
"""Messages of each stream; a robot plays them over and over."""


@dataclass(frozen=True)
class Sensor:
    """A stream as it is sent, and what a draft should make of it."""

    topic: str
    role: str
    modality: str
    cadence: str
    rate_hz: float
    played: Played


def lab_folder(folder: Path) -> Path:
    """The lab's own messages as a ROS workspace has them."""
    for ros_type, text in LAB.items():
        package, _, name = ros_type.split("/")
        path = folder / "src" / package / "msg" / f"{name}.msg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder / "src"


def sensors(folder: Path) -> tuple[Sensor, ...]:
    """Every stream; `folder` holds the lab's .msg files."""
    make = Maker(folder)
    hear, see, stand = ("observation", "acoustic"), ("observation", "vision"), ("transform", "reference")
    return (
        make.sensor("/cam/jpeg/compressed", see, "sensor_msgs/msg/CompressedImage", make.jpeg),
        make.sensor("/cam/raw", see, "sensor_msgs/msg/Image", make.raw_image),
        make.sensor("/cam/h264", see, "foxglove_msgs/msg/CompressedVideo", make.video("h264")),
        make.sensor("/cam/h265", see, "foxglove_msgs/msg/CompressedVideo", make.video("h265")),
        make.sensor("/lidar/points", ("observation", "spatial"), "sensor_msgs/msg/PointCloud2", make.points),
        make.sensor("/imu", ("observation", "inertial"), "sensor_msgs/msg/Imu", make.imu),
        make.sensor("/wrist/wrench", ("observation", "force"), "geometry_msgs/msg/WrenchStamped", make.wrench),
        make.sensor("/joint_states", ("state", "proprioception"), "sensor_msgs/msg/JointState", make.joints),
        make.sensor("/ee_pose", ("state", "proprioception"), "geometry_msgs/msg/PoseStamped", make.pose),
        make.sensor("/tf", stand, "tf2_msgs/msg/TFMessage", make.transforms, stamp_at=8),
        make.sensor("/tf_static", stand, "tf2_msgs/msg/TFMessage", make.transforms, latched=True, stamp_at=8),
        make.sensor("/mic/audio", hear, AUDIO, make.sound, stamp_at=None),
        make.sensor(
            "/left_hand/tactile",
            ("observation", "force"),
            "std_msgs/msg/Float32MultiArray",
            make.tactile,
            stamp_at=None,
        ),
        make.sensor("/left_hand/state", ("state", "proprioception"), "lab_msgs/msg/Hand", make.hand),
    )


def topics(sent: Iterable[Sensor], folder: Path) -> Iterator[dict[str, object]]:
    """Topics of a robot that plays them, from files in a folder."""
    for number, sensor in enumerate(sent):
        file = folder / f"{number}.json"
        sensor.played.write(file)
        latched = sensor.cadence == "latched"
        entry = {"topic": sensor.topic, "kind": "played", "rate_hz": sensor.rate_hz, "latched": latched}
        yield entry | {"file": str(file)}


def packets(name: str) -> list[bytes]:
    """Packets of a short video, `h264` or `h265`."""
    encoder, options = {"h264": ("libx264", H264), "h265": ("libx265", H265)}[name]
    return encoded(encoder, options)[:COUNT]


class Maker:
    """Makes messages with rosbags, whose encoder is not ours."""

    def __init__(self, folder: Path) -> None:
        self._definitions = TypeStore([folder])
        self._store = get_typestore(Stores.ROS2_JAZZY)
        self._random = np.random.default_rng(5)
        for ros_type in ("foxglove_msgs/msg/CompressedVideo", "lab_msgs/msg/Hand"):
            found = self._definitions.definition(ros_type, None)
            if found is not None:
                self._store.register(get_types_from_msg(found.text, ros_type))
        self._store.register(get_types_from_msg("uint8[] data\n", AUDIO))

    def sensor(
        self,
        topic: str,
        meaning: tuple[str, str],
        ros_type: str,
        make: object,
        *,
        latched: bool = False,
        stamp_at: int | None = 4,
    ) -> Sensor:
        count = 1 if latched else COUNT
        messages = tuple(bytes(self._store.serialize_cdr(make(index), ros_type)) for index in range(count))
        found = self._definitions.definition(ros_type, None)
        announced = found.type_hash if found else type_hash(AUDIO, "uint8[] data\n")
        played = Played(ros_type, announced, stamp_at, messages)
        return Sensor(topic, *meaning, "latched" if latched else "periodic", 0 if latched else RATE_HZ, played)

    def _new(self, ros_type: str, *values: object) -> object:
        return self._store.types[ros_type](*values)

    def _header(self) -> object:
        return self._new("std_msgs/msg/Header", self._new("builtin_interfaces/msg/Time", 0, 0), "base")

    def _xyz(self, kind: str = "Vector3") -> object:
        return self._new(f"geometry_msgs/msg/{kind}", *map(float, self._random.normal(size=3)))

    def _upright(self) -> object:
        return self._new("geometry_msgs/msg/Quaternion", 0.0, 0.0, 0.0, 1.0)

    def _picture(self, index: int) -> np.ndarray:
        picture = self._random.integers(0, 255, (48, 64, 3), np.uint8)
        picture[:, index : index + 8] = 200
        return picture

    def jpeg(self, index: int) -> object:
        file = io.BytesIO()
        Image.fromarray(self._picture(index)).save(file, "jpeg", quality=90)
        data = np.frombuffer(file.getvalue(), np.uint8)
        return self._new("sensor_msgs/msg/CompressedImage", self._header(), "jpeg", data)

    def raw_image(self, index: int) -> object:
        data = self._picture(index).reshape(-1)
        return self._new("sensor_msgs/msg/Image", self._header(), 48, 64, "rgb8", 0, 192, data)

    def video(self, name: str) -> object:
        sent = packets(name)

        def make(index: int) -> object:
            stamp = self._new("builtin_interfaces/msg/Time", 0, 0)
            data = np.frombuffer(sent[index], np.uint8)
            return self._new("foxglove_msgs/msg/CompressedVideo", stamp, "cam", data, name)

        return make

    def points(self, _index: int) -> object:
        fields = [self._new("sensor_msgs/msg/PointField", name, 4 * n, 7, 1) for n, name in enumerate("xyz")]
        data = np.frombuffer(self._random.normal(size=300).astype("<f4").tobytes(), np.uint8)
        return self._new("sensor_msgs/msg/PointCloud2", self._header(), 1, 100, fields, False, 12, 1200, data, True)

    def imu(self, _index: int) -> object:
        unknown = np.zeros(9)
        turn, pull = self._xyz(), self._xyz()
        return self._new("sensor_msgs/msg/Imu", self._header(), self._upright(), unknown, turn, unknown, pull, unknown)

    def wrench(self, _index: int) -> object:
        felt = self._new("geometry_msgs/msg/Wrench", self._xyz(), self._xyz())
        return self._new("geometry_msgs/msg/WrenchStamped", self._header(), felt)

    def joints(self, index: int) -> object:
        position = np.array([0.01 * index, -0.5])
        return self._new("sensor_msgs/msg/JointState", self._header(), ["j1", "j2"], position, position, position)

    def pose(self, _index: int) -> object:
        where = self._new("geometry_msgs/msg/Pose", self._xyz("Point"), self._upright())
        return self._new("geometry_msgs/msg/PoseStamped", self._header(), where)

    def transforms(self, _index: int) -> object:
        move = self._new("geometry_msgs/msg/Transform", self._xyz(), self._upright())
        return self._new(
            "tf2_msgs/msg/TFMessage",
            [self._new("geometry_msgs/msg/TransformStamped", self._header(), "tool", move)],
        )

    def sound(self, _index: int) -> object:
        samples = (self._random.normal(size=800) * 3000).astype("<i2")
        return self._new(AUDIO, np.frombuffer(samples.tobytes(), np.uint8))

    def tactile(self, _index: int) -> object:
        shape = [self._new("std_msgs/msg/MultiArrayDimension", name, 4, 4) for name in ("row", "column")]
        layout = self._new("std_msgs/msg/MultiArrayLayout", shape, 0)
        return self._new("std_msgs/msg/Float32MultiArray", layout, self._random.random(16, np.float32))

    def hand(self, index: int) -> object:
        contact = self._new("lab_core/msg/Contact", self._xyz("Point"), bool(index % 2))
        taxels = self._random.random(16, np.float32)
        fingers = [self._new("lab_msgs/msg/Finger", 0.5 * n, taxels, [contact] * n) for n in range(index % 5 + 1)]
        return self._new("lab_msgs/msg/Hand", self._header(), fingers, 1, f"take {index}", np.ones(3))
