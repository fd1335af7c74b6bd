"""Which ROS node owns which endpoint, and ours declared to the others."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence

from embodied_kit.model.stream import LATCHED

from . import discovery_info, names
from .discovery_info import NodeInfo
from .native import Native
from .raw import BATCH, Drain, RawReader, RawWriter


class Nodes:
    """Speaks and hears `ros_discovery_info`.

    Args:
        native: The library.
        participant: Our participant, which must outlive this and frees its endpoints.
        node_name: Our node's name, with or without a namespace.
    """

    def __init__(self, native: Native, participant: int, node_name: str) -> None:
        self._participant_guid = native.guid(participant)
        self._node_name = node_name if node_name.startswith("/") else f"/{node_name}"
        topic, type_name = discovery_info.TOPIC, names.dds_type(discovery_info.ROS_TYPE)
        self._writer = RawWriter(native, participant, topic, type_name, qos=LATCHED, type_hash=discovery_info.TYPE_HASH)
        self._reader = RawReader(native, participant, topic, type_name, qos=LATCHED, type_hash=discovery_info.TYPE_HASH)
        self._drain = Drain(native)
        self._node_of_writer: dict[str, Mapping[str, str]] = {}

    def announce(self, readers: Sequence[str], writers: Sequence[str]) -> None:
        """Declare our node with the GUIDs of its endpoints."""
        info = discovery_info.encode(self._participant_guid, [NodeInfo(self._node_name, readers, writers)])
        self._writer.write(info, time.time_ns())

    def hear(self) -> None:
        """Take in what the others have declared since the last call."""
        count = BATCH
        while count == BATCH:
            count, messages = self._drain.take(self._reader)
            for cdr, _, _ in messages:
                if declared := discovery_info.decode(cdr):
                    participant, nodes = declared
                    self._node_of_writer[participant] = {guid: node.name for node in nodes for guid in node.writers}

    def keep_only(self, present: Collection[str]) -> None:
        """Forget participants that are not present any more; call `hear` before asking who is."""
        for participant in self._node_of_writer.keys() - set(present):
            del self._node_of_writer[participant]

    def node_of(self, participant: str, writer: str) -> str:
        """Fully qualified name of the node that owns a writer; empty where nobody told."""
        return self._node_of_writer.get(participant, {}).get(writer, "")
