"""rosbag2's metadata.yaml (version 8), so that `ros2 bag info` and `ros2 bag play` open an episode folder.

Source of the form: ros2/rosbag2, rosbag2_storage/yaml.hpp; versions 6 to 8 write QoS as a string of integers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import yaml

from embodied_kit.model.channel import ChannelInfo
from embodied_kit.model.json import JsonObject, JsonValue
from embodied_kit.model.stream import Qos

METADATA_VERSION = 8
_NS_PER_S = 1_000_000_000
_FOREVER = {"sec": 9223372036, "nsec": 854775807}
_HISTORY = {"unknown": 0, "keep_last": 1, "keep_all": 2}
_RELIABILITY = {"reliable": 1, "best_effort": 2}
_DURABILITY = {"transient_local": 1, "volatile": 2}
_AUTOMATIC = 1


@dataclass(frozen=True)
class BagTopic:
    """One topic of a bag.

    Attributes:
        qos_text: `offered_qos_profiles` as in the channel metadata.
        messages_n: Messages over all files.
    """

    topic: str
    ros_type: str
    type_hash: str
    qos_text: str
    messages_n: int


@dataclass(frozen=True)
class BagFile:
    """One data file; times are log times in ns since the Unix epoch."""

    path: str
    start_ns: int
    end_ns: int
    messages_n: int


def qos_text(profiles: Sequence[Qos]) -> str:
    """`offered_qos_profiles`: YAML list of the publishers' QoS in rosbag2's integer form."""
    return yaml.safe_dump([_qos(profile) for profile in profiles], sort_keys=False).rstrip("\n")


def bag_metadata(topics: Sequence[BagTopic], files: Sequence[BagFile], custom: JsonObject) -> str:
    """metadata.yaml of a bag.

    Args:
        topics: Every topic once.
        files: In order.
        custom: String map that rosbag2 carries along.
    """
    start_ns = min((file.start_ns for file in files if file.messages_n), default=0)
    end_ns = max((file.end_ns for file in files if file.messages_n), default=0)
    information: dict[str, JsonValue] = {
        "version": METADATA_VERSION,
        "storage_identifier": "mcap",
        "duration": {"nanoseconds": end_ns - start_ns},
        "starting_time": {"nanoseconds_since_epoch": start_ns},
        "message_count": sum(file.messages_n for file in files),
        "topics_with_message_count": [_topic(topic) for topic in topics],
        "compression_format": "",
        "compression_mode": "",
        "relative_file_paths": [file.path for file in files],
        "files": [_file(file) for file in files],
        "custom_data": custom,
        "ros_distro": "",
    }
    return yaml.safe_dump({"rosbag2_bagfile_information": information}, sort_keys=False, allow_unicode=True)


def episode_metadata(episode_id: str, files: Sequence[BagFile], counts: Sequence[tuple[ChannelInfo, int]]) -> str:
    """metadata.yaml of an episode.

    Args:
        episode_id: Its id.
        files: In order.
        counts: Messages of each channel; one that lies in several files may come several times.
    """
    messages: Counter[str] = Counter()
    by_topic: dict[str, dict[ChannelInfo, None]] = {}
    for channel, count in counts:
        messages[channel.topic] += count
        by_topic.setdefault(channel.topic, {})[channel] = None
    topics = []
    for topic, channels in by_topic.items():
        first, *_ = channels
        qos = "\n".join(channel.qos_text for channel in channels if channel.qos_text)
        topics.append(BagTopic(topic, first.ros_type, first.type_hash, qos, messages[topic]))
    return bag_metadata(topics, files, {"episode_id": episode_id})


def _topic(topic: BagTopic) -> JsonObject:
    return {
        "topic_metadata": {
            "name": topic.topic,
            "type": topic.ros_type,
            "serialization_format": "cdr",
            "offered_qos_profiles": topic.qos_text,
            "type_description_hash": topic.type_hash,
        },
        "message_count": topic.messages_n,
    }


def _file(file: BagFile) -> JsonObject:
    return {
        "path": file.path,
        "starting_time": {"nanoseconds_since_epoch": file.start_ns},
        "duration": {"nanoseconds": file.end_ns - file.start_ns},
        "message_count": file.messages_n,
    }


def _qos(qos: Qos) -> JsonObject:
    return {
        "history": _HISTORY[qos.history],
        "depth": qos.depth,
        "reliability": _RELIABILITY[qos.reliability],
        "durability": _DURABILITY[qos.durability],
        "deadline": _duration(qos.deadline_ns),
        "lifespan": _duration(qos.lifespan_ns),
        "liveliness": _AUTOMATIC,
        "liveliness_lease_duration": dict(_FOREVER),
        "avoid_ros_namespace_conventions": False,
    }


def _duration(value_ns: int | None) -> JsonObject:
    if value_ns is None:
        return dict(_FOREVER)
    return {"sec": value_ns // _NS_PER_S, "nsec": value_ns % _NS_PER_S}
