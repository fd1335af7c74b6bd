"""A small dataset made in a known way: every number that is measured of it can be told beforehand."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import simplejpeg

from embodied_kit.mcap.compress import Compression
from embodied_kit.mcap.writer import McapWriter
from embodied_kit.messages.codec import codec
from embodied_kit.messages.definitions import TypeStore

EPISODE_ID = "0192f0c1-8a3b-7c1d-9e2f-0123456789ab"
OTHER_ID = "0192f0c1-8a3b-7c1d-9e2f-0123456789ac"
DATASET_ID = "0192f0c1-0000-7000-8000-00000000da7a"
START_NS = 1_790_000_000_000_000_000
SECOND_NS = 1_000_000_000
DURATION_S = 4
JOINTS = ("j1", "j2", "grip")
DELAY_NS = 1_000_000
URDF = (
    b'<robot name="arm">'
    b'<joint name="j1" type="revolute"><parent link="base"/><child link="l1"/></joint>'
    b'<joint name="j2" type="revolute"><parent link="l1"/><child link="l2"/></joint>'
    b'<joint name="grip" type="prismatic"><parent link="l2"/><child link="finger"/></joint></robot>'
)


@dataclass
class Message:
    """One message on its way into a file; a change to a list of them is a fault."""

    topic: str
    stamp_ns: int
    fields: dict[str, object]
    log_ns: int
    sequence: int = 0


@dataclass
class StreamSpec:
    """One stream: how it is declared, and its messages."""

    entry: dict[str, object]
    messages: list[Message] = field(default_factory=list)

    @property
    def topic(self) -> str:
        return str(self.entry["topic"])

    @property
    def ros_type(self) -> str:
        return str(self.entry["ros_type"])


@functools.cache
def definition(ros_type: str) -> bytes:
    found = TypeStore().definition(ros_type, None, "jazzy")
    assert found is not None
    return found.text.encode()


def stamp(stamp_ns: int) -> dict[str, object]:
    return {"sec": stamp_ns // SECOND_NS, "nanosec": stamp_ns % SECOND_NS}


def header(stamp_ns: int, frame: str = "base") -> dict[str, object]:
    return {"stamp": stamp(stamp_ns), "frame_id": frame}


def grid(rate_hz: float, duration_s: float = DURATION_S) -> list[int]:
    period = SECOND_NS / rate_hz
    return [START_NS + round(i * period) for i in range(int(duration_s * rate_hz))]


def joint_values(stamp_ns: int) -> np.ndarray:
    t = (stamp_ns - START_NS) / SECOND_NS
    return np.array([0.5 * np.sin(t), 0.3 * np.cos(t), 0.02 + 0.01 * np.sin(2 * t)])


def joint_message(stamp_ns: int, offset: float = 0.0) -> dict[str, object]:
    values = joint_values(stamp_ns) + offset
    return {"header": header(stamp_ns), "name": list(JOINTS), "position": values, "velocity": values, "effort": []}


def colour_image(index: int, size: tuple[int, int] = (48, 64)) -> np.ndarray:
    rows, columns = np.mgrid[0 : size[0], 0 : size[1]]
    base = (rows * 3 + columns * 2 + 5 * index) % 200 + 20
    return np.stack([base, base, base], -1).astype(np.uint8)


def jpeg_message(stamp_ns: int, image: np.ndarray) -> dict[str, object]:
    data = simplejpeg.encode_jpeg(np.ascontiguousarray(image), quality=90)
    return {"header": header(stamp_ns, "cam"), "format": "jpeg", "data": np.frombuffer(data, np.uint8)}


def depth_message(stamp_ns: int, index: int, value: int = 700) -> dict[str, object]:
    pixels = np.full((24, 32), value, "<u2")
    pixels[0, : 8 + index % 4] = 0
    return {
        "header": header(stamp_ns, "depth"),
        "height": 24,
        "width": 32,
        "encoding": "16UC1",
        "is_bigendian": 0,
        "step": 64,
        "data": pixels.view(np.uint8).reshape(-1),
    }


def pose_message(stamp_ns: int) -> dict[str, object]:
    t = (stamp_ns - START_NS) / SECOND_NS
    half = 0.1 * t
    return {
        "header": header(stamp_ns),
        "pose": {
            "position": {"x": 0.1 * t, "y": 0.2, "z": 0.3},
            "orientation": {"x": 0.0, "y": 0.0, "z": float(np.sin(half)), "w": float(np.cos(half))},
        },
    }


def tf_message(stamp_ns: int) -> dict[str, object]:
    pairs = [("world", "base"), ("base", "tool"), ("base", "cam")]
    return {"transforms": [{"header": header(stamp_ns, parent), "child_frame_id": child} for parent, child in pairs]}


def camera_info_message(stamp_ns: int) -> dict[str, object]:
    matrix = np.array([60.0, 0, 32, 0, 60, 24, 0, 0, 1])
    return {
        "header": header(stamp_ns, "cam"),
        "height": 48,
        "width": 64,
        "distortion_model": "plumb_bob",
        "d": np.zeros(5),
        "k": matrix,
    }


def periodic(entry: dict[str, object], make: Callable[[int, int], dict[str, object]]) -> StreamSpec:
    rate = float(str(entry["nominal_rate_hz"]))
    spec = StreamSpec(entry)
    for index, stamp_ns in enumerate(grid(rate)):
        spec.messages.append(Message(spec.topic, stamp_ns, make(index, stamp_ns), stamp_ns + DELAY_NS, index + 1))
    return spec


def declared(
    stream_id: str, topic: str, ros_type: str, role: str, rate_hz: float | None, **more: object
) -> dict[str, object]:
    entry: dict[str, object] = {"stream_id": stream_id, "topic": topic, "ros_type": ros_type, "role": role}
    entry |= {"modality": "proprioception", "cadence": "periodic" if rate_hz else "latched", "required": True}
    entry |= {"nominal_rate_hz": rate_hz} if rate_hz else {}
    return entry | more


def streams() -> dict[str, StreamSpec]:
    """The streams of a clean take of 4 s."""
    joint_unit = {"position": "rad", "velocity": "rad/s", "effort": "N.m"}
    joint, jpeg = "sensor_msgs/msg/JointState", "sensor_msgs/msg/CompressedImage"
    info, tree = "sensor_msgs/msg/CameraInfo", "tf2_msgs/msg/TFMessage"
    found = [
        periodic(
            declared("joint_states", "/joint_states", joint, "state", 100, unit=joint_unit, sync_group="arm"),
            lambda _, t: joint_message(t),
        ),
        periodic(
            declared("joint_commands", "/joint_commands", joint, "action", 100, unit=joint_unit),
            lambda _, t: joint_message(t, 0.001),
        ),
        periodic(
            declared("ee_pose", "/ee_pose", "geometry_msgs/msg/PoseStamped", "state", 50, unit="m", sync_group="arm"),
            lambda _, t: pose_message(t),
        ),
        periodic(
            declared("cam_front", "/cam_front/image/compressed", jpeg, "observation", 10, modality="vision"),
            lambda i, t: jpeg_message(t, colour_image(i)),
        ),
        periodic(
            declared("cam_info", "/cam_front/camera_info", info, "camera_info", 10, modality="reference"),
            lambda _, t: camera_info_message(t),
        ),
        periodic(
            declared("depth", "/depth/image", "sensor_msgs/msg/Image", "observation", 5, modality="spatial", unit="mm"),
            lambda i, t: depth_message(t, i),
        ),
        periodic(declared("tf", "/tf", tree, "transform", 20, modality="reference"), lambda _, t: tf_message(t)),
    ]
    return {str(spec.entry["stream_id"]): spec for spec in found}


def robot() -> dict[str, object]:
    camera = {"stream_id": "cam_front", "resolution": [64, 48], "codec": "jpeg", "bit_depth": 8, "quality": 90}
    return {
        "schema_version": "1.0.0",
        "robot_id": "arm",
        "urdf_uri": "arm.urdf",
        "urdf_sha256": hashlib.sha256(URDF).hexdigest(),
        "joint_names": list(JOINTS),
        "control_rate_hz": 100,
        "cameras": [camera, {"stream_id": "depth", "resolution": [32, 24], "depth_unit": "mm"}],
        "calibration_ids": ["c1"],
    }


def calibration() -> dict[str, object]:
    camera = {
        "stream_id": "cam_front",
        "resolution": [64, 48],
        "intrinsics": {"fx": 60.0, "fy": 60.0, "cx": 32.0, "cy": 24.0},
        "distortion_model": "plumb_bob",
        "distortion": [0.0] * 5,
    }
    return {"schema_version": "1.0.0", "calibration_id": "c1", "robot_id": "arm", "cameras": [camera]}


def encoded(document: dict[str, object]) -> bytes:
    return json.dumps(document, indent=1).encode()


def capture(specs: Iterable[StreamSpec], episode_id: str) -> dict[str, object]:
    return {
        "schema_version": "1.0.0",
        "dataset_id": DATASET_ID,
        "episode_id": episode_id,
        "contract": {"contract_id": "table", "streams": [spec.entry for spec in specs]},
        "robots": [robot()],
        "calibrations": [calibration()],
        "clocks": [{"clock_id": "host"}],
    }


def closing(specs: Iterable[StreamSpec], episode_id: str) -> dict[str, object]:
    losses = [{"stream_id": spec.entry["stream_id"], "loss": {"queue": 0}} for spec in specs]
    return {
        "schema_version": "1.0.0",
        "episode_id": episode_id,
        "start_ns": str(START_NS),
        "end_ns": str(START_NS + DURATION_S * SECOND_NS),
        "streams": losses,
    }


@dataclass(frozen=True)
class Take:
    """How the data files of an episode are written."""

    episode_id: str = EPISODE_ID
    files_n: int = 1
    compression: Compression = "zstd"
    embed: bool = True
    undeclared: tuple[StreamSpec, ...] = ()
    chunk_bytes: int = 64 * 1024


def write_data(folder: Path, specs: dict[str, StreamSpec], take: Take) -> list[Path]:
    """Data files of one episode, messages in order of log time, cut into parts of equal numbers."""
    messages = [message for spec in (*specs.values(), *take.undeclared) for message in spec.messages]
    messages.sort(key=lambda message: message.log_ns)
    paths = []
    for number in range(take.files_n):
        path = folder / f"data_{number:03d}.mcap"
        part = messages[number * len(messages) // take.files_n : (number + 1) * len(messages) // take.files_n]
        with McapWriter(path, compression=take.compression, chunk_bytes=take.chunk_bytes) as writer:
            if take.embed:
                writer.attach("capture.json", "application/json", encoded(capture(specs.values(), take.episode_id)))
                writer.attach("robots/arm/arm.urdf", "application/xml", URDF)
                writer.attach("robots/arm/calibration/c1.json", "application/json", encoded(calibration()))
            channels = {}
            for spec in (*specs.values(), *take.undeclared):
                schema = writer.add_schema(spec.ros_type, "ros2msg", definition(spec.ros_type))
                metadata = {"publisher_gid": "ab" * 16, "sequence_source": "publisher", "offered_qos_profiles": ""}
                channels[spec.topic] = (writer.add_channel(spec.topic, schema, metadata=metadata), codec(spec.ros_type))
            for message in part:
                channel, encoder = channels[message.topic]
                data = encoder.encode(message.fields)
                writer.write(channel, message.log_ns, message.stamp_ns, message.sequence, data)
            if take.embed and number == take.files_n - 1:
                writer.attach("closing.json", "application/json", encoded(closing(specs.values(), take.episode_id)))
        paths.append(path)
    return paths


def episode_document(folder: Path, specs: dict[str, StreamSpec], take: Take) -> dict[str, object]:
    files = [
        {"path": path.name, "size": path.stat().st_size, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
        for path in sorted(folder.glob("data_*.mcap"))
    ]
    entries = [{**spec.entry, "messages_n": len(spec.messages)} for spec in specs.values()]
    return {
        "schema_version": "1.0.0",
        "episode_id": take.episode_id,
        "dataset_id": DATASET_ID,
        "task_id": "pick",
        "collection_id": "default",
        "series_id": "default",
        "robot_ids": ["arm"],
        "start_time": "2026-09-21T14:13:20Z",
        "end_time": "2026-09-21T14:13:24Z",
        "start_ns": str(START_NS),
        "end_ns": str(START_NS + DURATION_S * SECOND_NS),
        "duration_s": float(DURATION_S),
        "origin": "recorded",
        "capture_sha256": hashlib.sha256(encoded(capture(specs.values(), take.episode_id))).hexdigest(),
        "closing_sha256": hashlib.sha256(encoded(closing(specs.values(), take.episode_id))).hexdigest(),
        "streams": entries,
        "files": files,
        "lineage": [],
    }


def write_episode(root: Path, specs: dict[str, StreamSpec], take: Take = Take()) -> Path:
    folder = root / "episodes" / take.episode_id
    folder.mkdir(parents=True)
    write_data(folder, specs, take)
    (folder / "episode.json").write_bytes(encoded(episode_document(folder, specs, take)))
    return folder


def write_dataset(root: Path, *episodes: tuple[dict[str, StreamSpec], Take]) -> Path:
    """A dataset whose every link holds."""
    dataset = {
        "schema_version": "1.0.0",
        "dataset_id": DATASET_ID,
        "original_time": "2026-09-21T14:13:20Z",
        "last_modified_time": "2026-09-22T00:00:00+08:00",
        "collections": [{"collection_id": "default"}],
        "series": [{"series_id": "default", "collection_id": "default"}],
    }
    (root / "robots" / "arm" / "calibration").mkdir(parents=True)
    (root / "dataset.json").write_bytes(encoded(dataset))
    (root / "governance.json").write_bytes(encoded({"schema_version": "1.0.0"}))
    (root / "tasks.json").write_bytes(encoded({"schema_version": "1.0.0", "tasks": [{"task_id": "pick"}]}))
    (root / "robots" / "arm" / "robot.json").write_bytes(encoded(robot()))
    (root / "robots" / "arm" / "arm.urdf").write_bytes(URDF)
    (root / "robots" / "arm" / "calibration" / "c1.json").write_bytes(encoded(calibration()))
    for specs, take in episodes or ((streams(), Take()),):
        write_episode(root, specs, take)
    return root
