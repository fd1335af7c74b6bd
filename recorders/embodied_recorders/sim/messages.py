"""Messages of one shape, encoded once and then only filled in: 1 kHz leaves no time for more."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np

from embodied_kit.errors import DataError
from embodied_kit.messages.codec import Message, codec
from embodied_recorders.sim import robot
from embodied_recorders.sim.cameras import Camera
from embodied_recorders.sim.rotation import FloatArray, Quat, Vec3

_STAMP = struct.Struct("<iI")
_STAMP_MARK = (0x13572468, 0x2468ACE1)  # found again in the encoded template
_ENCAPSULATION_BYTES = 4
SECOND_NS = 1_000_000_000


def _header(frame_id: str) -> Message:
    return {"stamp": {"sec": _STAMP_MARK[0], "nanosec": _STAMP_MARK[1]}, "frame_id": frame_id}


def _marks(count: int, block: int = 0) -> list[float]:
    """Values that occur nowhere else in a template."""
    return [1.0e17 + 1.0e6 * block + 64.0 * number for number in range(count)]


class Template:
    """One encoded message with places to fill in.

    Args:
        ros_type: Full type name.
        message: The message, with `_header` and `_marks` where something is to be filled in.
        counts: Length of each block of doubles, in the order of their `_marks`.

    Attributes:
        blocks: Views of the blocks of doubles inside the message.
    """

    def __init__(self, ros_type: str, message: Message, counts: Sequence[int] = ()) -> None:
        self._data = bytearray(codec(ros_type).encode(message))
        self._stamps = _places(self._data, _STAMP.pack(*_STAMP_MARK))
        self.blocks: list[FloatArray] = []
        for block, count in enumerate(counts):
            places = _places(self._data, struct.pack(f"<{count}d", *_marks(count, block)))
            if len(places) != 1:
                raise DataError(f"expected one place for block {block} of {ros_type}, got {len(places)}")
            self.blocks.append(np.frombuffer(self._data, "<f8", count, places[0]))

    def encode(self, stamp_ns: int) -> bytes:
        """The message as it is filled in now, every stamp in it set to `stamp_ns` since the Unix epoch."""
        for place in self._stamps:
            _STAMP.pack_into(self._data, place, *divmod(stamp_ns, SECOND_NS))
        return bytes(self._data)


def _places(data: bytearray, mark: bytes) -> list[int]:
    places = []
    at = data.find(mark)
    while at >= 0:
        places.append(at)
        at = data.find(mark, at + 1)
    return places


def joint_template(*, effort: bool) -> Template:
    """sensor_msgs/msg/JointState of all joints; blocks are position, velocity and, if wanted, effort."""
    count = len(robot.JOINTS)
    fields = ("position", "velocity", "effort") if effort else ("position", "velocity")
    blocks = {field: _marks(count, block) for block, field in enumerate(fields)}
    message = {"header": _header(""), "name": list(robot.JOINT_NAMES), **blocks}
    return Template("sensor_msgs/msg/JointState", message, [count] * len(fields))


def wrench_template() -> Template:
    """geometry_msgs/msg/WrenchStamped in ft_frame; the block is force then torque, N and N m."""
    x, y, z, tx, ty, tz = _marks(6)
    wrench = {"force": {"x": x, "y": y, "z": z}, "torque": {"x": tx, "y": ty, "z": tz}}
    return Template("geometry_msgs/msg/WrenchStamped", {"header": _header(robot.FT_FRAME), "wrench": wrench}, [6])


def pose_template() -> Template:
    """geometry_msgs/msg/PoseStamped of the tcp in base_link; the block is x y z in m and the quaternion xyzw."""
    x, y, z, *turn = _marks(7)
    pose = {"position": {"x": x, "y": y, "z": z}, "orientation": _quaternion(turn)}
    return Template("geometry_msgs/msg/PoseStamped", {"header": _header(robot.BASE), "pose": pose}, [7])


def tf_template() -> Template:
    """tf2_msgs/msg/TFMessage of the moving links; a block a joint: x y z in m and the quaternion xyzw."""
    transforms = [_transform(joint.parent, joint.child, _marks(7, block)) for block, joint in enumerate(robot.JOINTS)]
    return Template("tf2_msgs/msg/TFMessage", {"transforms": transforms}, [7] * len(transforms))


def tf_static(stamp_ns: int) -> bytes:
    """tf2_msgs/msg/TFMessage of the frames that do not move."""
    transforms = [
        _transform(fixed.parent, fixed.child, [*map(float, fixed.origin), *fixed.quat]) for fixed in robot.FIXED
    ]
    return Template("tf2_msgs/msg/TFMessage", {"transforms": transforms}).encode(stamp_ns)


def fill_tf(template: Template, positions: FloatArray) -> None:
    """Write the pose of each moving link for joint positions (8,) into the template of `tf_template`."""
    for block, joint, position in zip(template.blocks, robot.JOINTS, positions.tolist(), strict=True):
        place, turn = robot.joint_pose(joint, position)
        block[:] = (*place, *turn)


def fill_pose(template: Template, place: Vec3, turn: Quat) -> None:
    """Write a pose into the template of `pose_template`."""
    template.blocks[0][:] = (*place, *turn)


def text(content: str) -> bytes:
    """std_msgs/msg/String."""
    return codec("std_msgs/msg/String").encode({"data": content})


def camera_info_template(camera: Camera) -> Template:
    """sensor_msgs/msg/CameraInfo of an ideal camera: plumb_bob with no distortion."""
    fx, fy, cx, cy = map(float, (camera.fx, camera.fy, camera.cx, camera.cy))
    message = {
        "header": _header(camera.frame_id),
        "height": camera.height,
        "width": camera.width,
        "distortion_model": "plumb_bob",
        "d": [0.0] * 5,
        "k": [fx, 0.0, cx, 0.0, fy, cy, 0.0, 0.0, 1.0],
        "r": [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
        "p": [fx, 0.0, cx, 0.0, 0.0, fy, cy, 0.0, 0.0, 0.0, 1.0, 0.0],
    }
    return Template("sensor_msgs/msg/CameraInfo", message)


class ImageMessage:
    """An image message whose header is encoded once and whose data, the last field, is appended.

    Args:
        ros_type: sensor_msgs/msg/CompressedImage or sensor_msgs/msg/Image.
        frame_id: Optical frame.
        fields: What stands between header and data.
    """

    def __init__(self, ros_type: str, frame_id: str, fields: Message) -> None:
        template = Template(ros_type, {"header": _header(frame_id), **fields, "data": b""})
        # The codec ends an empty sequence with its length, the last four bytes.
        self._head = bytearray(template.encode(0)[:-4])

    def encode(self, stamp_ns: int, data: bytes) -> bytes:
        """The message with its stamp in ns since the Unix epoch and its data."""
        _STAMP.pack_into(self._head, _ENCAPSULATION_BYTES, *divmod(stamp_ns, SECOND_NS))
        return b"".join((self._head, len(data).to_bytes(4, "little"), data))


def jpeg_message(camera: Camera) -> ImageMessage:
    """sensor_msgs/msg/CompressedImage holding JPEG."""
    return ImageMessage("sensor_msgs/msg/CompressedImage", camera.frame_id, {"format": "jpeg"})


def depth_message(camera: Camera) -> ImageMessage:
    """sensor_msgs/msg/Image of encoding 16UC1: millimetres (REP-118), 0 where nothing was measured."""
    shape = {"height": camera.height, "width": camera.width, "step": 2 * camera.width}
    return ImageMessage("sensor_msgs/msg/Image", camera.frame_id, {**shape, "encoding": "16UC1", "is_bigendian": 0})


def _quaternion(turn: Sequence[float]) -> Message:
    return dict(zip("xyzw", turn, strict=True))


def _transform(parent: str, child: str, values: Sequence[float]) -> Message:
    translation = dict(zip("xyz", values[:3], strict=True))
    return {
        "header": _header(parent),
        "child_frame_id": child,
        "transform": {"translation": translation, "rotation": _quaternion(values[3:])},
    }
