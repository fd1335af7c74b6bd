"""What a take needs besides its streams: a clock, room on disk, socket buffers, and robots that are described."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from embodied_kit.episode.robots import RobotFolder
from embodied_kit.episode.urdf import read_urdf
from embodied_kit.errors import DataError
from embodied_kit.language import Texts
from embodied_kit.messages.codec import codec
from embodied_kit.model.contract import Contract
from embodied_kit.model.json import JsonObject, JsonValue
from embodied_kit.model.stream import Endpoint, Stream
from embodied_recorders.graph.machine import (
    CheckRow,
    CheckState,
    clock,
    existing,
    socket_buffer,
    socket_buffer_limit,
)
from embodied_recorders.graph.survey import Arrivals

_JOINT_STATE = "sensor_msgs/msg/JointState"
CLOCK_TOPIC = "/clock"
_SHORT_S = 600.0  # less room than this for takes without a limit deserves a word
_MOST_NAMED = 4
_ADD_ROBOT = {
    "en": "name its robot.json when the dataset is made: embodied-kit dataset init --robot",
    "zh": "创建数据集时给出其 robot.json：embodied-kit dataset init --robot",
}
_ROBOTS = {"en": "robots", "zh": "机器人"}
_NAME_ROBOTS = {
    "en": "write `robots: [my_arm]` in the contract, robot_id of robot.json: its URDF and calibration go with takes",
    "zh": "在约定中写 `robots: [my_arm]`：即 robot.json 的 robot_id，其 URDF 与标定随采集保存",
}
_NAME_URDF = {
    "en": "put a URDF beside robot.json and name it in urdf_uri",
    "zh": "将 URDF 放在 robot.json 旁，并在 urdf_uri 中写明",
}
_RIGHT_URDF = {"en": "take the URDF of this very robot", "zh": "请使用这台机器人自己的 URDF"}
_CALIBRATE = {
    "en": "calibrate them (calibration/NAME.json beside robot.json), and call them alike: stream_id of the contract is"
    " stream_id in its cameras[]",
    "zh": "请标定（在 robot.json 旁放置 calibration/NAME.json），并使约定中的 stream_id 与其 cameras[] 中的一致",
}
Seen = Mapping[str, Mapping[str, Arrivals]]


@dataclass(frozen=True)
class ReadyRow:
    """As CheckRow, with a remedy that is no command, language -> text; empty where all is well."""

    state: CheckState
    what: Texts
    found: Texts
    remedy: Texts = field(default_factory=dict)


@dataclass(frozen=True)
class NextTake:
    """Where the next take would be written.

    Attributes:
        folder: In the file system whose free space counts.
        longest_s: Longest take in s; None for no limit.
    """

    folder: Path
    longest_s: float | None


def readiness(
    contract: Contract,
    endpoints: Iterable[Endpoint],
    seen: Seen,
    window_s: float,
    take: NextTake,
    robots: Sequence[RobotFolder] | None,
    *,
    over_udp: bool,
) -> tuple[CheckRow | ReadyRow, ...]:
    """Every check, in order of display.

    Args:
        contract: What is to be recorded.
        endpoints: Publishers in the graph.
        seen: What arrived in a window, by topic and publisher.
        window_s: Length of that window, s.
        take: Where the next take would go.
        robots: Robots as the dataset or the command line describes them; None where nobody says.
        over_udp: Whether messages come through UDP sockets of this process.
    """
    rows: list[CheckRow | ReadyRow] = [clock(), sim_time(endpoints)]
    rows += [socket_buffer_limit(), socket_buffer()] if over_udp else []
    rows.append(disk_budget(contract, seen, window_s, take))
    return (*rows, *(() if robots is None else robot_rows(contract, robots, seen)))


def sim_time(endpoints: Iterable[Endpoint]) -> ReadyRow:
    """Nobody publishes simulated time."""
    what = {"en": "simulated time", "zh": "仿真时间"}
    if all(one.topic != CLOCK_TOPIC for one in endpoints):
        return ReadyRow("ok", what, {"en": "no /clock publisher", "zh": "没有 /clock 发布者"})
    found = {
        "en": "/clock is published: nodes with use_sim_time stamp by it",
        "zh": "有 /clock 发布者：use_sim_time 的节点按其打时间戳",
    }
    remedy = {
        "en": "stop it on a real robot: ros2 param get NODE use_sim_time must say false",
        "zh": "真实机器人上请停止该发布者：ros2 param get NODE use_sim_time 应为 false",
    }
    return ReadyRow("warn", what, found, remedy)


def disk_budget(contract: Contract, seen: Seen, window_s: float, take: NextTake) -> ReadyRow:
    """The next take fits on the disk and leaves the floor, at the rate just measured and before compression."""
    what = {"en": "disk for the next take", "zh": "下一次采集的磁盘余量"}
    bytes_n = sum(one.bytes_n for group in seen.values() for one in group.values())
    rate = bytes_n / window_s if window_s else 0.0
    room = shutil.disk_usage(existing(take.folder)).free - contract.min_free_bytes
    remedy = {
        "en": "free disk space (df -h), shorten takes, or lower limits.min_free_bytes",
        "zh": "腾出磁盘空间（df -h）、缩短采集，或调低 limits.min_free_bytes",
    }
    per_s = f"{rate / 1e6:.2f} MB/s"
    if take.longest_s is not None:
        need = rate * take.longest_s
        numbers = f"{per_s} x {take.longest_s:g} s = {need / 1e9:.2f} GB, {max(room, 0) / 1e9:.2f} GB"
        found = {"en": f"{numbers} above the floor", "zh": f"{numbers} 可用（已扣除下限）"}
        return ReadyRow("ok", what, found) if need <= room and room > 0 else ReadyRow("fail", what, found, remedy)
    if room <= 0:
        return ReadyRow("fail", what, {"en": "below the floor", "zh": "低于下限"}, remedy)
    seconds = room / rate if rate else float("inf")
    minutes = f"{seconds / 60:.0f}" if rate else "-"
    found = {"en": f"{per_s}, room for {minutes} min", "zh": f"{per_s}，可录 {minutes} 分钟"}
    return ReadyRow("ok", what, found) if seconds >= _SHORT_S else ReadyRow("warn", what, found, remedy)


def robot_rows(contract: Contract, robots: Sequence[RobotFolder], seen: Seen) -> Iterator[ReadyRow]:
    """Each robot of the contract is described, its URDF has the joints that are seen, each camera is calibrated.

    What other robots have does not count: a take holds the description of its own.
    """
    if not contract.robots:
        yield ReadyRow("warn", _ROBOTS, {"en": "the contract names none", "zh": "约定未写明"}, _NAME_ROBOTS)
        return
    known = {robot.robot_id: robot for robot in robots if robot.robot_id in contract.robots}
    for robot_id in contract.robots:
        what = {"en": f"robot {robot_id}", "zh": f"机器人 {robot_id}"}
        if robot_id not in known:
            yield ReadyRow("fail", what, {"en": "not described", "zh": "没有描述"}, _ADD_ROBOT)
            continue
        yield urdf_row(known[robot_id], _joints_seen(contract, robot_id, seen))
    cameras = [stream for stream in contract.streams if _is_camera(stream)]
    if cameras:
        yield calibration_row(cameras, list(known.values()))


def urdf_row(robot: RobotFolder, joints: Mapping[str, Sequence[str]]) -> ReadyRow:
    """The robot's URDF has every joint.

    Args:
        robot: Its description.
        joints: Names of joints, by the topic that has them.
    """
    what = {"en": f"URDF of {robot.robot_id}", "zh": f"{robot.robot_id} 的 URDF"}
    name = robot.robot.get("urdf_uri")
    if not isinstance(name, str) or name not in robot.files:
        return ReadyRow("fail", what, {"en": "none", "zh": "没有"}, _NAME_URDF)
    try:
        urdf = read_urdf(robot.files[name])
    except DataError as error:
        return ReadyRow("fail", what, {"en": error.message, "zh": f"无法读取 {name}"}, _NAME_URDF)
    there = {*urdf.joints, *urdf.mimics}
    strange = {topic: [joint for joint in names if joint not in there] for topic, names in joints.items()}
    for topic, names in strange.items():
        if names:
            listed = _listed(names)
            found = {"en": f"{topic} has joints that it lacks: {listed}", "zh": f"{topic} 中的关节不在其中：{listed}"}
            return ReadyRow("fail", what, found, _RIGHT_URDF)
    return ReadyRow("ok", what, {"en": f"{name}, {len(there)} joints", "zh": f"{name}，{len(there)} 个关节"})


def calibration_row(cameras: Sequence[Stream], robots: Sequence[RobotFolder]) -> ReadyRow:
    """Every camera stream has a calibration; one that may be absent may lack it."""
    what = {"en": "calibration of cameras", "zh": "相机标定"}
    calibrated = {
        str(camera.get("stream_id"))
        for robot in robots
        for calibration in robot.calibrations
        for camera in _objects(calibration.get("cameras"))
    }
    missing = [camera.stream_id for camera in cameras if camera.stream_id not in calibrated]
    if missing:
        found = {"en": f"none of {_listed(missing)}", "zh": f"缺少 {_listed(missing)}"}
        if others := sorted(calibrated - {camera.stream_id for camera in cameras}):
            found["en"] += f"; there is one of {_listed(others)}"
            found["zh"] += f"；已有 {_listed(others)}"
        is_needed = any(camera.required for camera in cameras if camera.stream_id in missing)
        return ReadyRow("fail" if is_needed else "warn", what, found, _CALIBRATE)
    return ReadyRow("ok", what, {"en": f"{len(cameras)} cameras", "zh": f"{len(cameras)} 个相机"})


def _is_camera(stream: Stream) -> bool:
    return stream.modality == "vision" and stream.role == "observation"


def _joints_seen(contract: Contract, robot_id: str, seen: Seen) -> dict[str, Sequence[str]]:
    """Joint names in the newest JointState of each topic of a robot."""
    owners = {str(e.get("topic")): e.get("robot_id") for e in _objects(contract.document.get("streams"))}
    names: dict[str, Sequence[str]] = {}
    for stream in contract.streams:
        owner = owners.get(stream.topic) or (robot_id if len(contract.robots) == 1 else None)
        if stream.ros_type != _JOINT_STATE or owner != robot_id:
            continue
        newest = [one.newest for one in seen.get(stream.topic, {}).values() if one.newest is not None]
        if newest:
            names[stream.topic] = _joint_names(newest[-1].cdr)
    return names


def _joint_names(cdr: bytes) -> Sequence[str]:
    try:
        names = codec(_JOINT_STATE).decode(cdr)["name"]
    except DataError:
        return []
    return [str(name) for name in names] if isinstance(names, Sequence) else []


def _objects(value: JsonValue) -> list[JsonObject]:
    items = value if isinstance(value, Sequence) and not isinstance(value, str) else ()
    return [item for item in items if isinstance(item, Mapping)]


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f", +{more}" if more > 0 else "")
