"""A channel of an episode's data files: one publisher of one topic, with its full definition."""

from __future__ import annotations

from dataclasses import dataclass

from embodied_kit.model.stream import Qos


@dataclass(frozen=True)
class ChannelInfo:
    """What a data file says of one channel.

    Attributes:
        definition: Full text of the type and all that it uses (MCAP schema encoding `ros2msg`); empty if unknown.
        type_hash: `RIHS01_...`; empty where none is known.
        publisher: Global id, 32 hex digits; empty where not known (imported bags).
        sequence_source: Who numbered the messages: publisher, or none.
        stream_id: The contract's stream; empty where undeclared.
    """

    topic: str
    ros_type: str
    definition: str
    type_hash: str
    qos: tuple[Qos, ...]
    publisher: str
    sequence_source: str
    stream_id: str
