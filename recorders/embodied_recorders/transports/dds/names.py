"""ROS 2 names as DDS carries them, and the key-value text in USER_DATA (rmw conventions)."""

from __future__ import annotations

_TOPIC_PREFIX = "rt/"
_SERVICE_PREFIXES = ("rq/", "rr/")


def dds_topic(topic: str) -> str:
    """`/joint_states` -> `rt/joint_states`."""
    return f"rt{topic}" if topic.startswith("/") else f"{_TOPIC_PREFIX}{topic}"


def ros_topic(name: str) -> str | None:
    """`rt/joint_states` -> `/joint_states`; None for services, actions' services and names that are not ROS's."""
    return name[len(_TOPIC_PREFIX) - 1 :] if name.startswith(_TOPIC_PREFIX) else None


def is_service(name: str) -> bool:
    """Whether a DDS topic carries requests or replies of a ROS service."""
    return name.startswith(_SERVICE_PREFIXES)


def dds_type(ros_type: str) -> str:
    """`sensor_msgs/msg/JointState` -> `sensor_msgs::msg::dds_::JointState_`."""
    namespace, _, name = ros_type.rpartition("/")
    return f"{namespace.replace('/', '::')}::dds_::{name}_"


def ros_type(name: str) -> str:
    """`sensor_msgs::msg::dds_::JointState_` -> `sensor_msgs/msg/JointState`; other names stay as they are."""
    namespace, separator, last = name.rpartition("::dds_::")
    if not separator or not last.endswith("_"):
        return name
    return f"{namespace.replace('::', '/')}/{last[:-1]}"


def type_hash_data(type_hash: str | None) -> bytes:
    """USER_DATA that announces a type hash; empty without one."""
    return f"typehash={type_hash};".encode() if type_hash else b""


def type_hash_of(user_data: bytes) -> str | None:
    """The type hash announced in USER_DATA, None where there is none."""
    for pair in user_data.split(b";"):
        key, _, value = pair.partition(b"=")
        if key == b"typehash" and value.startswith(b"RIHS"):
            return value.decode("ascii", "replace")
    return None
