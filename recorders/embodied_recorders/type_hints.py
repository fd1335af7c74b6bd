"""What a ROS type usually carries: role, modality and units (REP-103); only a draft uses it, a person decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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

UNKNOWN = TypeHint("observation", "reference", _NONE)
HINTS: Mapping[str, TypeHint] = MappingProxyType(
    {
        "sensor_msgs/msg/JointState": TypeHint("state", "proprioception", _JOINT),
        "trajectory_msgs/msg/JointTrajectory": TypeHint("action", "proprioception", _NONE),
        "geometry_msgs/msg/PoseStamped": TypeHint("state", "proprioception", _POSE),
        "geometry_msgs/msg/TwistStamped": TypeHint("action", "proprioception", _TWIST),
        "geometry_msgs/msg/WrenchStamped": TypeHint("observation", "force", _WRENCH),
        "nav_msgs/msg/Odometry": TypeHint("state", "proprioception", _NONE),
        "sensor_msgs/msg/Imu": TypeHint("observation", "inertial", _IMU),
        "sensor_msgs/msg/CompressedImage": TypeHint("observation", "vision", _NONE),
        "sensor_msgs/msg/Image": TypeHint("observation", "vision", _NONE),
        "foxglove_msgs/msg/CompressedVideo": TypeHint("observation", "vision", _NONE),
        "sensor_msgs/msg/PointCloud2": TypeHint("observation", "spatial", _NONE),
        "sensor_msgs/msg/LaserScan": TypeHint("observation", "spatial", _NONE),
        "sensor_msgs/msg/CameraInfo": TypeHint("camera_info", "reference", _NONE),
        "audio_common_msgs/msg/AudioData": TypeHint("observation", "acoustic", _NONE),
        "tf2_msgs/msg/TFMessage": TypeHint("transform", "reference", _TRANSFORM),
        "std_msgs/msg/String": TypeHint("event", "reference", _NONE),
    }
)


def hint_for(ros_type: str, topic: str) -> TypeHint:
    """Usual meaning of a topic, from its type and the words in its name."""
    hint = HINTS.get(ros_type, UNKNOWN)
    if ros_type == "sensor_msgs/msg/JointState" and any(word in topic for word in ("command", "action", "target")):
        return TypeHint("action", hint.modality, hint.unit)
    if ros_type == "sensor_msgs/msg/Image" and "depth" in topic:
        return TypeHint(hint.role, "spatial", hint.unit)
    if "robot_description" in topic:
        return TypeHint("description", hint.modality, hint.unit)
    return hint
