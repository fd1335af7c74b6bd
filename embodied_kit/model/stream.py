"""What a graph offers and what a transport delivers: endpoints, QoS, streams, samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Reliability = Literal["reliable", "best_effort"]
Durability = Literal["volatile", "transient_local"]
History = Literal["keep_last", "keep_all", "unknown"]
Cadence = Literal["periodic", "on_change", "latched", "event"]
SequenceSource = Literal["publisher", "none"]


@dataclass(frozen=True, slots=True)
class Qos:
    """Quality of service of one endpoint, in ROS 2's own words.

    Attributes:
        depth: KEEP_LAST depth; 0 where history is not keep_last.
        deadline_ns: Offered deadline in ns; None is infinite.
        lifespan_ns: Lifespan in ns; None is infinite.
    """

    reliability: Reliability = "reliable"
    durability: Durability = "volatile"
    history: History = "keep_last"
    depth: int = 10
    deadline_ns: int | None = None
    lifespan_ns: int | None = None


LATCHED = Qos(durability="transient_local", depth=1)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One publisher or subscription seen in the graph.

    Attributes:
        topic: ROS topic name with leading slash.
        ros_type: Full type name, e.g. `sensor_msgs/msg/JointState`.
        type_hash: `RIHS01_...` as the endpoint announced it; None where it announced none (Humble).
        publisher: Global id of the endpoint, 32 lower-case hex digits.
        node: Fully qualified node name; empty where the graph does not tell.
    """

    topic: str
    ros_type: str
    type_hash: str | None
    publisher: str
    node: str
    qos: Qos


@dataclass(frozen=True, slots=True)
class Sample:
    """One message as it crossed the wire.

    Attributes:
        topic: ROS topic name.
        cdr: Serialised message with its 4-byte encapsulation header.
        source_ns: Publisher's stamp, ns since the Unix epoch.
        receive_ns: Recorder's stamp on taking it, ns since the Unix epoch.
        publisher: Global id of the publisher, 32 hex digits; empty where a topic has several and nothing tells whose
            a message is.
        sequence: Publisher's own sequence number; None where the transport has none.
    """

    topic: str
    cdr: bytes
    source_ns: int
    receive_ns: int
    publisher: str
    sequence: int | None


@dataclass(frozen=True, slots=True)
class Stream:
    """One declared stream of a contract.

    Attributes:
        stream_id: Slug, unique in the contract.
        role: What it is for: state, action, observation, transform, description, camera_info, event.
        modality: Word of the vocabulary `modality`.
        nominal_rate_hz: Declared rate in Hz; None unless cadence is periodic.
        rate_tolerance: Accepted relative deviation of the rate in preflight, 0.1 = 10 %.
        clock_id: Clock of its header stamps, a `clocks[]` id; empty where not told.
        sync_group: Streams with one non-empty group claim to be sampled together.
        required: Preflight stops where a required stream is absent.
    """

    stream_id: str
    topic: str
    ros_type: str
    role: str
    modality: str
    cadence: Cadence
    nominal_rate_hz: float | None = None
    rate_tolerance: float = 0.1
    clock_id: str = ""
    sync_group: str = ""
    required: bool = True
