"""Channels of a data file: what each publisher of the contract's streams sends, and what its messages can tell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from embodied_kit.episode.bag_metadata import qos_text
from embodied_kit.messages.definitions import TypeStore
from embodied_kit.model.channel import ChannelInfo
from embodied_kit.model.stream import Endpoint, Sample, Stream
from embodied_recorders.graph.stamps import is_stamped
from embodied_recorders.graph.survey import by_topic
from embodied_recorders.take.ledger import Evidence
from embodied_recorders.transports.base import UNKNOWN_PUBLISHER, Transport

_PICTURES = frozenset({"vision", "spatial"})
_BULK = frozenset({*_PICTURES, "acoustic"})  # they give way where the queue to the writer is full


class Channels:
    """Of one session.

    Args:
        transport: Whose graph shows the publishers.
        streams: Of the contract.
        definitions: Where definitions of types come from.
        distro: ROS distribution of the robot, asked first for definitions; None where its types tell their hashes.
    """

    def __init__(
        self, transport: Transport, streams: Iterable[Stream], definitions: TypeStore, distro: str | None
    ) -> None:
        self._transport, self._definitions, self._distro = transport, definitions, distro
        self._streams: Mapping[str, Stream] = {stream.topic: stream for stream in streams}
        self._endpoints: dict[str, Endpoint] = {}

    def learn(self) -> None:
        """Look up the definitions of what is published now: half a second for the first, nothing for a known one."""
        for topic, group in by_topic(self._transport.endpoints()).items():
            if topic in self._streams:
                hashes = {endpoint.type_hash for endpoint in group}
                for wire_hash in hashes if len(hashes) == 1 else {*hashes, None}:
                    self._definitions.definition(self._streams[topic].ros_type, wire_hash, self._distro)

    def channel(self, sample: Sample) -> ChannelInfo:
        """The channel that a publisher's messages go to, by the first of them."""
        offered = self._offered(sample)
        stream = self._streams[sample.topic]
        hashes = {endpoint.type_hash for endpoint in offered}
        wire_hash = hashes.pop() if len(hashes) == 1 else None
        found = self._definitions.definition(stream.ros_type, wire_hash, self._distro)
        return ChannelInfo(
            topic=sample.topic,
            ros_type=stream.ros_type,
            schema_encoding="ros2msg" if found else "",
            definition=found.text if found else "",
            type_hash=wire_hash or (found.type_hash if found else ""),
            qos_text=qos_text([endpoint.qos for endpoint in offered]) if offered else "",
            publisher=sample.publisher,
            sequence_source="none" if sample.sequence is None else "publisher",
            stream_id=stream.stream_id,
        )

    def evidence(self, sample: Sample) -> Evidence:
        """What a publisher's messages can tell of loss, by the first of them."""
        stream, definition = self._streams[sample.topic], self.channel(sample).definition
        rate_hz = stream.nominal_rate_hz if stream.cadence == "periodic" else None
        return Evidence(
            is_stamped=is_stamped(definition, sample.cdr),
            period_ns=1e9 / rate_hz if rate_hz else None,
            is_picture=stream.modality in _PICTURES,
        )

    def _offered(self, sample: Sample) -> Sequence[Endpoint]:
        """The publisher of a sample, as the graph shows it; every one of its topic where nothing tells which."""
        if sample.publisher == UNKNOWN_PUBLISHER:
            return by_topic(self._transport.endpoints()).get(sample.topic, [])
        if sample.publisher not in self._endpoints:
            self._endpoints.update({endpoint.publisher: endpoint for endpoint in self._transport.endpoints()})
        found = self._endpoints.get(sample.publisher)
        return [found] if found else []

    def is_bulk(self, sample: Sample) -> bool:
        """Whether its stream gives way where the queue to the writer is full."""
        return self._streams[sample.topic].modality in _BULK
