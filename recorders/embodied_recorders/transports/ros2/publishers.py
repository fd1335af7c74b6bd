"""Who publishes: the endpoints of the graph, and the publisher of a message."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from embodied_kit.model.stream import Endpoint
from embodied_recorders.transports.base import UNKNOWN_PUBLISHER

from .api import EndpointInfo, MessageInfo, Node
from .qos import qos_of

_GUID_BYTES: Final = 16  # rmw's field has 24 in Humble, the rest is zero
_LOOK_PERIOD_S: Final = 1.0
_REMEMBER_S: Final = 2.0
# What RMWs say where nobody announced a node (rmw_cyclonedds, rmw_fastrtps).
_NO_NODE: Final = frozenset({"_CREATED_BY_BARE_DDS_APP_", "_NODE_NAME_UNKNOWN_", "_NODE_NAMESPACE_UNKNOWN_"})


def endpoints(node: Node) -> list[Endpoint]:
    """Publishers in the graph, those of nodes with our own name left out, in order of topic."""
    own = (node.get_name(), node.get_namespace())
    found = [
        _endpoint(topic, info)
        for topic, _ in node.get_topic_names_and_types()
        for info in node.get_publishers_info_by_topic(topic)
        if (info.node_name, info.node_namespace) != own
    ]
    return sorted(found, key=lambda endpoint: (endpoint.topic, endpoint.publisher))


def gid_text(gid: Iterable[int]) -> str:
    """32 hex digits of a publisher's id."""
    return bytes(gid)[:_GUID_BYTES].ljust(_GUID_BYTES, b"\0").hex()


@dataclass
class _Seen:
    """Publishers of one topic, each with when it was found to have left (monotonic s), None while it is there."""

    count: int = -1
    looked_s: float = 0.0
    gone_s: dict[str, float | None] = field(default_factory=dict)
    sole: str = UNKNOWN_PUBLISHER


class Publishers:
    """Tells the publisher of a message: by the id that comes with it, else the only publisher that there is.

    Messages without an id (before Kilted, and over Cyclone DDS, whose number names nobody) are known by their topic's
    publisher as long as there is just one; with two they are of an unknown one. A publisher that has left counts on
    for 2 s, since its messages may still wait. Where one leaves and another comes between two looks (1 s apart at
    most), such messages may bear the id of the first.

    Args:
        node: Ours.
        ids_are_global: Whether the ids that come with messages are those of the graph.
        now_s: Monotonic clock in s.
    """

    def __init__(self, node: Node, *, ids_are_global: bool, now_s: Callable[[], float] = time.monotonic) -> None:
        self._node = node
        self._ids_are_global = ids_are_global
        self._now_s = now_s
        self._seen: dict[str, _Seen] = {}

    def look(self, topic: str) -> None:
        """Bring what is known of a topic up to date, before its messages are told apart."""
        seen = self._seen.setdefault(topic, _Seen())
        now_s, count = self._now_s(), self._node.count_publishers(topic)
        if count == seen.count and now_s - seen.looked_s < _LOOK_PERIOD_S:
            return
        seen.count, seen.looked_s = count, now_s
        here = {gid_text(info.endpoint_gid) for info in self._node.get_publishers_info_by_topic(topic)}
        gone_s = {gid: now_s if at_s is None else at_s for gid, at_s in seen.gone_s.items() if gid not in here}
        newest_s = now_s if here else max(gone_s.values(), default=now_s)
        seen.gone_s = {
            **{gid: at_s for gid, at_s in gone_s.items() if newest_s - at_s < _REMEMBER_S},
            **dict.fromkeys(here),
        }
        seen.sole = next(iter(seen.gone_s)) if len(seen.gone_s) == 1 else UNKNOWN_PUBLISHER

    def forget(self, topic: str) -> None:
        """A subscription ended."""
        self._seen.pop(topic, None)

    def publisher_of(self, topic: str, info: MessageInfo) -> str:
        """32 hex digits, or UNKNOWN_PUBLISHER."""
        seen = self._seen[topic]
        told = info.get("publisher_gid")
        if told is not None:
            gid = gid_text(told["data"])
            if self._ids_are_global or gid in seen.gone_s:
                return gid
        return seen.sole


def _endpoint(topic: str, info: EndpointInfo) -> Endpoint:
    type_hash = str(getattr(info, "topic_type_hash", ""))
    known = not _NO_NODE & {info.node_name, info.node_namespace}
    return Endpoint(
        topic=topic,
        ros_type=info.topic_type,
        type_hash=type_hash if type_hash.startswith("RIHS") else None,
        publisher=gid_text(info.endpoint_gid),
        node=f"{info.node_namespace.rstrip('/')}/{info.node_name}" if known else "",
        qos=qos_of(info.qos_profile),
    )
