"""The topic `ros_discovery_info`, by which ROS 2 tells which node owns which DDS endpoint (rmw_dds_common)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

from embodied_kit.errors import DataError
from embodied_kit.messages.codec import codec

TOPIC: Final = "ros_discovery_info"
ROS_TYPE: Final = "rmw_dds_common/msg/ParticipantEntitiesInfo"
# Of jazzy's definition; Humble, whose gids have 24 bytes, announces none.
TYPE_HASH: Final = "RIHS01_91a0593bacdcc50ea9bdcf849a938b128412cc1ea821245c663bcd26f83c295e"
_DISTROS_BY_GID_SIZE: Final = ("jazzy", "humble")
_GID_HEX: Final = 32


@dataclass(frozen=True, slots=True)
class NodeInfo:
    """One node and the GUIDs of its endpoints, 32 hex digits each."""

    name: str
    readers: Sequence[str]
    writers: Sequence[str]


def encode(participant: str, nodes: Sequence[NodeInfo]) -> bytes:
    """CDR of the message by which a participant declares its nodes (16-byte gids, as since Iron)."""
    return codec(ROS_TYPE).encode({"gid": _gid(participant), "node_entities_info_seq": [_entities(n) for n in nodes]})


def decode(cdr: bytes) -> tuple[str, Sequence[NodeInfo]] | None:
    """Participant and its nodes; None where the bytes are neither the 16-byte nor Humble's 24-byte form."""
    for distro in _DISTROS_BY_GID_SIZE:
        try:
            message = codec(ROS_TYPE, distro).decode(cdr)
        except DataError:
            continue
        nodes = cast("Sequence[Mapping[str, object]]", message["node_entities_info_seq"])
        return _hex(message["gid"]), [_node(node) for node in nodes]
    return None


def _entities(node: NodeInfo) -> Mapping[str, object]:
    namespace, _, name = node.name.rpartition("/")
    return {
        "node_namespace": namespace or "/",
        "node_name": name,
        "reader_gid_seq": [_gid(guid) for guid in node.readers],
        "writer_gid_seq": [_gid(guid) for guid in node.writers],
    }


def _node(entities: Mapping[str, object]) -> NodeInfo:
    namespace = str(entities["node_namespace"]).rstrip("/")
    readers, writers = (cast("Sequence[object]", entities[key]) for key in ("reader_gid_seq", "writer_gid_seq"))
    return NodeInfo(f"{namespace}/{entities['node_name']}", [_hex(gid) for gid in readers], [_hex(g) for g in writers])


def _gid(guid: str) -> Mapping[str, object]:
    return {"data": bytes.fromhex(guid)}


def _hex(gid: object) -> str:
    data = cast("Mapping[str, bytes]", gid)["data"]
    return bytes(data).hex()[:_GID_HEX]
