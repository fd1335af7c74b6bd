"""What differs between versions of rclpy and between RMWs."""

import os
from dataclasses import dataclass

FASTRTPS, CYCLONE = "rmw_fastrtps_cpp", "rmw_cyclonedds_cpp"


@dataclass(frozen=True)
class Version:
    """One version over one RMW.

    Attributes:
        hashes: Endpoint infos have `topic_type_hash`, subscriptions `get_publisher_count`, callbacks may take two.
        gid_size: RMW_GID_STORAGE_SIZE.
        info_has_sequence: The message info has the keys of sequence numbers.
        info_has_gid: It has `publisher_gid`.
        lost_events: The RMW supports `message_lost`.
        private: The compiled half shows its wait set.
        lifecycle: lifecycle_msgs is installed.
        answers_wrong_transitions: A transition that the state does not have is an answer, not an exception.
    """

    rmw: str
    hashes: bool = True
    gid_size: int = 16
    info_has_sequence: bool = True
    info_has_gid: bool = False
    lost_events: bool = True
    private: bool = True
    lifecycle: bool = True
    answers_wrong_transitions: bool = False


VERSIONS = {
    "humble": Version(FASTRTPS, hashes=False, gid_size=24, info_has_sequence=False),
    "jazzy": Version(CYCLONE),
    "jazzy-fastrtps": Version(FASTRTPS),
    "kilted": Version(CYCLONE, info_has_gid=True, answers_wrong_transitions=True),
    "kilted-fastrtps": Version(FASTRTPS, info_has_gid=True, answers_wrong_transitions=True),
    "hidden": Version(CYCLONE, private=False),
    "bare": Version(CYCLONE, lifecycle=False),
    "eventless": Version("rmw_email_cpp", lost_events=False),
}
VERSION = VERSIONS[os.environ.get("RCLPY_STANDIN", "jazzy")]
MAX_SAMPLES = int(os.environ.get("RCLPY_STANDIN_MAX_SAMPLES", "0"))
