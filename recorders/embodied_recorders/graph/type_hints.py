"""What a ROS type usually carries: role, modality and units (REP-103); only a draft uses it, a person decides."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType


@dataclass(frozen=True)
class TypeHint:
    """Usual meaning of a message type.

    Attributes:
        role: Word of the vocabulary `role`.
        modality: Word of the vocabulary `modality`.
        unit: Field -> UCUM code.
    """

    role: str
    modality: str
    unit: Mapping[str, str]


_NONE: Mapping[str, str] = MappingProxyType({})
_POSE = MappingProxyType({"position": "m", "orientation": "1"})
_JOINT = MappingProxyType({"position": "rad", "velocity": "rad/s", "effort": "N.m"})
_WRENCH = MappingProxyType({"force": "N", "torque": "N.m"})
_TWIST = MappingProxyType({"linear": "m/s", "angular": "rad/s"})
_IMU = MappingProxyType({"orientation": "1", "angular_velocity": "rad/s", "linear_acceleration": "m/s2"})
_TRANSFORM = MappingProxyType({"translation": "m", "rotation": "1"})

_VISION = TypeHint("observation", "vision", _NONE)
_SPATIAL = TypeHint("observation", "spatial", _NONE)
_SOUND = TypeHint("observation", "acoustic", _NONE)
_TOUCH = TypeHint("observation", "force", _NONE)
_BODY = TypeHint("state", "proprioception", _NONE)
_COMMAND = TypeHint("action", "proprioception", _NONE)
_EVENT = TypeHint("event", "reference", _NONE)

UNKNOWN = TypeHint("observation", "reference", _NONE)
HINTS: Mapping[str, TypeHint] = MappingProxyType(
    {
        "sensor_msgs/msg/JointState": TypeHint("state", "proprioception", _JOINT),
        "sensor_msgs/msg/MultiDOFJointState": _BODY,
        "trajectory_msgs/msg/JointTrajectory": _COMMAND,
        "geometry_msgs/msg/Pose": TypeHint("state", "proprioception", _POSE),
        "geometry_msgs/msg/PoseStamped": TypeHint("state", "proprioception", _POSE),
        "geometry_msgs/msg/Twist": TypeHint("action", "proprioception", _TWIST),
        "geometry_msgs/msg/TwistStamped": TypeHint("action", "proprioception", _TWIST),
        "geometry_msgs/msg/Wrench": TypeHint("observation", "force", _WRENCH),
        "geometry_msgs/msg/WrenchStamped": TypeHint("observation", "force", _WRENCH),
        "nav_msgs/msg/Odometry": _BODY,
        "sensor_msgs/msg/Joy": _COMMAND,
        "sensor_msgs/msg/Imu": TypeHint("observation", "inertial", _IMU),
        "sensor_msgs/msg/CompressedImage": _VISION,
        "sensor_msgs/msg/Image": _VISION,
        "foxglove_msgs/msg/CompressedVideo": _VISION,
        "ffmpeg_image_transport_msgs/msg/FFMPEGPacket": _VISION,
        "sensor_msgs/msg/PointCloud2": _SPATIAL,
        "sensor_msgs/msg/LaserScan": _SPATIAL,
        "sensor_msgs/msg/Range": _SPATIAL,
        "sensor_msgs/msg/CameraInfo": TypeHint("camera_info", "reference", _NONE),
        "audio_common_msgs/msg/AudioData": _SOUND,
        "audio_common_msgs/msg/AudioDataStamped": _SOUND,
        "foxglove_msgs/msg/RawAudio": _SOUND,
        "tf2_msgs/msg/TFMessage": TypeHint("transform", "reference", _TRANSFORM),
        "std_msgs/msg/String": _EVENT,
        "std_msgs/msg/Empty": _EVENT,
    }
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def _words(name: str) -> frozenset[str]:
    """Lower-case words of a topic or of a type's own name: `/left_hand/cmd`, `TactileArray`."""
    return frozenset(word.lower() for word in _WORD.findall(name))


_COMMANDS = _words("command commands cmd action actions target targets goal setpoint desired reference")
_DEPTH = _words("depth compresseddepth")
# What the words of a name tell where its type does not: of the first row that shares one.
_BY_WORD: tuple[tuple[frozenset[str], TypeHint], ...] = (
    (_words("tactile taxel taxels touch skin pressure force torque wrench ft"), _TOUCH),
    (_words("audio sound mic microphone"), _SOUND),
    (_words("imu accelerometer gyro gyroscope"), TypeHint("observation", "inertial", _NONE)),
    (_words("depth points pointcloud cloud lidar scan"), _SPATIAL),
    (_words("camera cam image video rgb"), _VISION),
    (_words("joint joints gripper hand finger arm leg base odom encoder motor motors"), _BODY),
)


def hint_for(ros_type: str, topic: str) -> TypeHint:
    """Usual meaning of a topic, from its type and the words in its name."""
    words = _words(topic)
    if "robot_description" in topic:
        return TypeHint("description", "reference", _NONE)
    hint = HINTS.get(ros_type)
    if hint is None:
        hint = _by_words(_words(ros_type.rpartition("/")[2]) | words)
    if hint.modality == "vision" and words & _DEPTH:
        return replace(hint, modality="spatial")
    if words & _COMMANDS and (hint.role == "state" or hint is UNKNOWN):
        return replace(hint, role="action", modality="proprioception")
    return hint


def _by_words(words: frozenset[str]) -> TypeHint:
    return next((hint for known, hint in _BY_WORD if known & words), UNKNOWN)
