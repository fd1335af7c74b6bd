"""A channel of an episode's data files: one publisher of one topic, with its full definition."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ChannelInfo:
    """What a data file says of one channel.

    Attributes:
        schema_encoding: `ros2msg` or `ros2idl`; empty where the definition is unknown.
        definition: Full text of the type and all that it uses; empty if unknown.
        type_hash: `RIHS01_...`; empty where none is known.
        qos_text: `offered_qos_profiles`, YAML in rosbag2's integer form; empty where not known.
        publisher: Global id, 32 hex digits; empty where not known (imported bags).
        sequence_source: Who numbered the messages: publisher, or none.
        stream_id: The contract's stream; empty where undeclared.
    """

    topic: str
    ros_type: str
    schema_encoding: str
    definition: str
    type_hash: str
    qos_text: str
    publisher: str
    sequence_source: str
    stream_id: str
