"""The transport over ROS 2's own wire protocol (DDS), without ROS."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Final

from embodied_kit.errors import EnvironmentUnfitError
from embodied_kit.model.stream import Endpoint, Qos, Sample
from embodied_recorders.transports.base import (
    MAX_BYTES_PER_TAKE,
    MAX_SAMPLES_PER_TAKE,
    WAIT_SLICE_S,
    require_open,
    subscription_of,
)
from embodied_recorders.transports.domain import ros_domain

from . import config, names
from .graph import Graph, Publication
from .loss import UdpDrops
from .native import Native
from .nodes import Nodes
from .raw import BATCH, Drain, RawReader, RawWriter
from .selftest import proven
from .service import ServiceServer

_ENCLAVE: Final = b"enclave=/;"


class DdsTransport:
    """One DDS participant that shows up in the graph as one ROS node. For one thread.

    `Sample.receive_ns` is `time.time_ns()` at the moment its batch was taken, so it holds the time spent waiting to be
    taken; `Sample.sequence` is None, DDS keeps it to itself. `Sample.cdr` is the payload as it crossed the wire, so up
    to 3 bytes of padding follow a message whose length is no multiple of 4. Big-endian publishers are not supported.
    Participants of one domain in one process share the configuration of the first.

    Args:
        domain_id: ROS domain, 0 to 232; None takes ROS_DOMAIN_ID, else 0.
        interface: Address or name of the network interface; loopback unless told otherwise.
        node_name: Name shown to other nodes, with or without a namespace.
        peers: Further hosts on which to look for participants.

    Raises:
        EnvironmentUnfitError: `cyclonedds` is missing or unusable here, or the interface does not exist.
        UsageError: No such domain.
    """

    name = "dds"

    def __init__(
        self,
        domain_id: int | None = None,
        *,
        interface: str = config.LOOPBACK,
        node_name: str = "embodied_recorder",
        peers: Sequence[str] = (),
    ) -> None:
        domain = ros_domain(domain_id)
        self._native = native = proven()
        self._losses = UdpDrops()
        with config.applied(interface, peers):
            self._participant = _join(native, domain, interface)
        self._open = True
        self._guid = native.guid(self._participant)
        self._graph = Graph(native, self._participant)
        self._waitset = native.call("dds_create_waitset", self._participant)
        self._drain = Drain(native)
        self._readers: dict[str, RawReader] = {}
        self._writers: list[RawWriter] = []
        self._servers: list[ServiceServer] = []
        self._nodes = Nodes(native, self._participant, node_name)
        self._announce()

    def endpoints(self) -> Sequence[Endpoint]:
        """Publishers of topics in the graph now, our own left out, in order of topic; services are left out too."""
        self._refresh()
        found = []
        for publication in self._graph.publications():
            topic = names.ros_topic(publication.dds_topic)
            if topic is not None and publication.participant != self._guid:
                found.append(
                    _endpoint(publication, topic, self._nodes.node_of(publication.participant, publication.guid))
                )
        return sorted(found, key=lambda endpoint: (endpoint.topic, endpoint.publisher))

    def publications(self) -> Sequence[Publication]:
        """Every DDS writer in the graph now, as the wire names it: services, actions, other programs, our own."""
        self._refresh()
        return self._graph.publications()

    def subscribe(self, topic: str, ros_type: str, *, qos: Qos, type_hash: str | None) -> None:
        """Begin to receive a topic's messages raw, from every publisher, with nothing overwritten (KEEP_ALL).

        Args:
            topic: ROS topic name.
            ros_type: Full type name.
            qos: Its reliability and durability are asked for; a publisher that offers less does not match.
            type_hash: Hash that the publisher announced.
        """
        if topic in self._readers:
            return
        self._check_open()
        reader = RawReader(
            self._native,
            self._participant,
            names.dds_topic(topic),
            names.dds_type(ros_type),
            qos=qos,
            type_hash=type_hash,
        )
        self._readers[topic] = reader
        self._native.call("dds_waitset_attach", self._waitset, reader.condition, 0)
        self._announce()

    def unsubscribe(self, topic: str) -> None:
        """Stop receiving a topic; what was not taken is lost.

        Raises:
            UsageError: Not subscribed.
        """
        reader = self._subscribed(topic)
        self._native.call("dds_waitset_detach", self._waitset, reader.condition)
        del self._readers[topic]
        reader.close()
        self._announce()

    def matched(self, topic: str) -> int:
        """Publishers matched by our subscription to the topic.

        Raises:
            UsageError: Not subscribed.
        """
        return self._subscribed(topic).matched()

    def take(self, timeout_s: float) -> Sequence[Sample]:
        """Every sample that has arrived, waiting up to `timeout_s` for the first; order is kept per publisher.

        One call returns about 8192 samples or 64 MiB at most; the rest stays for the next.
        """
        self._check_open()
        deadline = time.monotonic() + timeout_s
        while True:
            wait_s = min(max(deadline - time.monotonic(), 0.0), WAIT_SLICE_S)
            if self._native.call("dds_waitset_wait", self._waitset, None, 0, int(wait_s * 1e9)):
                samples = self._drained()
                if samples:
                    return samples
            if time.monotonic() >= deadline:
                return []

    def advertise(self, topic: str, ros_type: str, *, qos: Qos, type_hash: str | None) -> DdsPublisher:
        """Open a publisher; it stays open until the transport closes."""
        self._check_open()
        writer = RawWriter(
            self._native,
            self._participant,
            names.dds_topic(topic),
            names.dds_type(ros_type),
            qos=qos,
            type_hash=type_hash,
        )
        self._writers.append(writer)
        self._announce()
        return DdsPublisher(writer)

    def serve(self, service: str, ros_type: str) -> ServiceServer:
        """Offer a ROS service to callers on rmw_cyclonedds, until the transport closes."""
        self._check_open()
        server = ServiceServer(self._native, self._participant, service, ros_type)
        self._servers.append(server)
        self._announce()
        return server

    def loss_counters(self) -> Mapping[str, int]:
        """`udp_datagrams_dropped`: datagrams (not messages) dropped at this process's own sockets; Linux only."""
        return self._losses.counters()

    def losses_by_topic(self) -> Mapping[str, int]:
        """Nothing: DDS keeps to itself which messages it lost, and a datagram names no topic."""
        return {}

    def close(self) -> None:
        """Leave the graph and free everything; closing twice is harmless."""
        if self._open:
            self._open = False
            for writer in self._writers:
                writer.close()
            self._native.call("dds_delete", self._participant)

    def _drained(self) -> list[Sample]:
        """Samples of every reader, batch by batch in turn, until all are empty or a limit is reached."""
        samples: list[Sample] = []
        n_bytes = 0
        waiting = dict(self._readers)
        known, learn = self._graph.guid_of_handle, self._graph.publisher
        while waiting and len(samples) < MAX_SAMPLES_PER_TAKE and n_bytes < MAX_BYTES_PER_TAKE:
            for topic, reader in list(waiting.items()):
                count, messages = self._drain.take(reader)
                receive_ns = time.time_ns()
                for cdr, source_ns, handle in messages:
                    publisher = known.get(handle) or learn(handle)
                    samples.append(Sample(topic, cdr, source_ns, receive_ns, publisher, None))
                    n_bytes += len(cdr)
                if count < BATCH:
                    del waiting[topic]
        return samples

    def _refresh(self) -> None:
        self._check_open()
        self._nodes.hear()
        self._graph.refresh()
        self._nodes.keep_only(self._graph.participants())

    def _announce(self) -> None:
        services = [server.guids for server in self._servers]
        readers = [*(reader.guid for reader in self._readers.values()), *(reader for reader, _ in services)]
        self._nodes.announce(readers, [*(writer.guid for writer in self._writers), *(writer for _, writer in services)])

    def _subscribed(self, topic: str) -> RawReader:
        self._check_open()
        return subscription_of(self._readers, topic)

    def _check_open(self) -> None:
        require_open(self._open)


class DdsPublisher:
    """An open publisher of serialised messages; lives as long as its transport."""

    def __init__(self, writer: RawWriter) -> None:
        self._writer = writer
        self.guid = writer.guid

    def publish(self, cdr: bytes, source_ns: int | None = None) -> None:
        """Send one serialised message.

        Args:
            cdr: Message with its 4-byte encapsulation header, little-endian.
            source_ns: Source stamp in ns since the Unix epoch, kept to the nanosecond; None takes the present.

        Raises:
            UsageError: Not little-endian CDR, or the transport is closed.
            EnvironmentUnfitError: A reliable subscriber has not acknowledged for 10 s.
        """
        self._writer.write(cdr, time.time_ns() if source_ns is None else source_ns)

    def matched(self) -> int:
        """Number of subscriptions matched now."""
        return self._writer.matched()


def _join(native: Native, domain: int, interface: str) -> int:
    """A participant with the user data that ROS nodes have."""
    with native.qos() as policy:
        policy("userdata", _ENCLAVE, len(_ENCLAVE))
        try:
            return native.call("dds_create_participant", domain, policy.address, None)
        except EnvironmentUnfitError as error:
            raise EnvironmentUnfitError(
                f"joining ROS domain {domain} on interface {interface} failed: {error}",
                remedy="see that the interface is up (`ip addr`), and what CYCLONEDDS_URI asks for",
            ) from error


def _endpoint(publication: Publication, topic: str, node: str) -> Endpoint:
    return Endpoint(
        topic=topic,
        ros_type=names.ros_type(publication.dds_type),
        type_hash=publication.type_hash,
        publisher=publication.guid,
        node=node,
        qos=publication.qos,
    )
