"""Key expressions of rmw_zenoh: where data lies, and the liveliness tokens by which nodes and endpoints are known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, cast

import xxhash

from embodied_kit.model.stream import Qos
from embodied_recorders.transports.dds.names import dds_type, ros_type

from .qos import qos_of, qos_text

EntityKind = Literal["MP", "MS"]
"""Publisher and subscription; there are also NN (node), SS and SC (service and client)."""
_SPACE: Final = "@ros2_lv"
_ENDPOINT_FIELDS_N: Final = 13
_NO_HASH: Final = "TypeHashNotSupported"
_ROOT_ENCLAVE: Final = "%"


@dataclass(frozen=True, slots=True)
class Node:
    """Our node, as its tokens name it.

    Attributes:
        zid: Id of the zenoh session.
        name: Fully qualified, e.g. `/lab/recorder`.
    """

    domain_id: int
    zid: str
    name: str

    def token(self) -> str:
        """Token of the node itself."""
        return f"{self._prefix('0')}/NN/{self._suffix()}"

    def endpoint_token(
        self, kind: EntityKind, entity_id: int, topic: str, type_name: str, *, type_hash: str | None, qos: Qos
    ) -> str:
        """Token of one of its endpoints; `type_name` is the ROS one, `entity_id` is unique in the session."""
        described = f"{_mangled(topic)}/{dds_type(type_name)}/{type_hash or _NO_HASH}/{qos_text(qos)}"
        return f"{self._prefix(str(entity_id))}/{kind}/{self._suffix()}/{described}"

    def _prefix(self, entity_id: str) -> str:
        return f"{_SPACE}/{self.domain_id}/{self.zid}/0/{entity_id}"

    def _suffix(self) -> str:
        namespace, _, name = self.name.rpartition("/")
        return f"{_ROOT_ENCLAVE}/{_mangled(namespace or '/')}/{name}"


@dataclass(frozen=True, slots=True)
class Entity:
    """One publisher or subscription, as its token tells.

    Attributes:
        zid: Id of the zenoh session that it belongs to.
        node: Fully qualified name of its node.
        gid: 32 hex digits, the hash of the token.
    """

    kind: EntityKind
    zid: str
    node: str
    topic: str
    ros_type: str
    type_hash: str | None
    qos: Qos
    gid: str


def all_tokens(domain_id: int) -> str:
    """Key expression of every token of a domain."""
    return f"{_SPACE}/{domain_id}/**"


def entity_of(token: str) -> Entity | None:
    """What a token tells; None for nodes, services and what rmw_zenoh would not understand."""
    fields = token.split("/")
    if len(fields) != _ENDPOINT_FIELDS_N or fields[5] not in {"MP", "MS"}:
        return None
    _, namespace, node, topic, type_name, type_hash, policies = (_plain(part) for part in fields[6:])
    qos = qos_of(policies)
    if qos is None:
        return None
    return Entity(
        kind=cast("EntityKind", fields[5]),
        zid=fields[2],
        node=f"{namespace.rstrip('/')}/{node}",
        topic=topic,
        ros_type=ros_type(type_name),
        type_hash=type_hash if type_hash.startswith("RIHS") else None,
        qos=qos,
        gid=gid_of(token),
    )


def gid_of(token: str) -> str:
    """Global id of an entity: XXH3-128 of its token, low half first, both little-endian."""
    return xxhash.xxh3_128_digest(token.encode())[::-1].hex()


def data_key(domain_id: int, topic: str, type_name: str, type_hash: str | None) -> str:
    """Key on which a topic's messages are put."""
    return f"{domain_id}/{topic.strip('/')}/{dds_type(type_name)}/{type_hash or _NO_HASH}"


def data_keys(domain_id: int, topic: str, type_name: str) -> str:
    """Key expression of a topic's messages of one type, whatever their hash."""
    return f"{domain_id}/{topic.strip('/')}/{dds_type(type_name)}/*"


def _mangled(name: str) -> str:
    return name.replace("/", "%")


def _plain(text: str) -> str:
    return text.replace("%", "/")
