"""One suite for every transport, against a peer in another process."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace

import pytest
from transports.harness import (
    REAL_RCLPY,
    Process,
    digest,
    free_domain,
    padded,
    payload,
    rclpy_of,
    reachable,
    start_peer,
    until,
)

from embodied_kit.errors import EnvironmentUnfitError, UsageError
from embodied_kit.messages.definitions import TypeStore
from embodied_kit.model.stream import LATCHED, Qos, Sample
from embodied_recorders.transports import TRANSPORTS, open_transport
from embodied_recorders.transports.base import UNKNOWN_PUBLISHER as UNKNOWN
from embodied_recorders.transports.base import Transport, matching_qos

pytestmark = pytest.mark.wire

TYPE = "std_msgs/msg/UInt8MultiArray"
HASH = "RIHS01_" + "5a" * 32
RELIABLE = Qos(history="keep_all", depth=0)
SOURCE_NS = 1_712_345_678_987_654_321


@dataclass(frozen=True)
class Row:
    """A transport under test, and what is left to it.

    Attributes:
        standin: Version of the stand-in of rclpy below it; empty for the real thing.
        sets_stamps: A publisher may give the source stamp; otherwise the middleware does.
        any_hash: A publisher announces the hash it is given; otherwise that of the type that is sourced, or none.
        knows_publishers: The publisher of a message is told though a topic has several.
    """

    transport: str
    standin: str = ""
    sets_stamps: bool = True
    any_hash: bool = True
    knows_publishers: bool = True

    @property
    def id(self) -> str:
        return f"{self.transport}-{self.standin}".rstrip("-")


def rclpy_row(standin: str = "") -> Row:
    return Row("ros2", standin, sets_stamps=False, any_hash=False, knows_publishers=False)


ROWS = (Row("dds"), rclpy_row("jazzy"), rclpy_row(), Row("zenoh"))


@pytest.fixture(scope="module")
def peers() -> Iterator[dict[str, Process]]:
    processes: dict[str, Process] = {}
    yield processes
    for process in processes.values():
        process.stop()


@dataclass
class Wire:
    """Our transport, and the peer that speaks the same one in the same domain."""

    row: Row
    domain_id: int
    ours: Transport
    process: Process
    environment: dict[str, str]

    def peer(self, do: str, key: str = "peer", **arguments: object) -> object:
        return self.process.ask(do, key=key, **arguments)["answer"]

    def open_peer(self, key: str = "peer") -> None:
        known = {"transport": self.row.transport, "domain_id": self.domain_id, "environment": self.environment}
        self.peer("open", key, node_name=f"{key}_node", **known)

    def require_own_stamps(self) -> None:
        if not self.row.sets_stamps:
            pytest.skip("publishers of this transport cannot set the source stamp; it refuses one (test_ros2_parts)")

    def announced(self) -> set[str | None]:
        """Hashes that a publisher may announce."""
        if self.row.any_hash:
            return {HASH}
        known = TypeStore().definition(TYPE, None)
        return {known.type_hash if known else None, *([] if self.row.standin else [None])}

    def they_advertise(self, topic: str, qos: Qos = RELIABLE, key: str = "peer") -> None:
        self.peer("advertise", key, topic=topic, qos=asdict(qos), type_hash=HASH)

    def we_subscribe(self, topic: str, qos: Qos = RELIABLE, publishers: Sequence[str] = ("peer",)) -> None:
        """Subscribe and wait until both sides know."""
        self.ours.subscribe(topic, TYPE, qos=qos, type_hash=HASH)
        until(lambda: self.ours.matched(topic) == len(publishers), "our match")
        for key in publishers:
            until(lambda key=key: self.peer("matched_subscribers", key, topic=topic), "the peer's match")

    def take(self, count: int) -> list[Sample]:
        """`count` samples; more is an error, fewer fails after a while."""
        samples: list[Sample] = []
        until(lambda: samples.extend(self.ours.take(0.2)) or len(samples) >= count, f"{count} samples")
        samples.extend(self.ours.take(0.05))
        assert len(samples) == count
        return samples


def param(row: Row) -> object:
    """The real rclpy is asked for by `-m ros2`."""
    return pytest.param(row, id=row.id, marks=REAL_RCLPY.marks if row.id == "ros2" else [])


@pytest.fixture(params=[param(row) for row in ROWS])
def wire(request: pytest.FixtureRequest, peers: dict[str, Process], monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    row: Row = request.param
    with ExitStack() as around:
        if row.transport == "ros2":
            around.enter_context(rclpy_of(row.standin))
        domain_id = around.enter_context(free_domain())
        try:
            environment = around.enter_context(reachable(row.transport))
            for name, value in environment.items():
                monkeypatch.setenv(name, value)
            ours = open_transport(row.transport, domain_id=domain_id, node_name="our_node")
        except EnvironmentUnfitError as error:
            pytest.skip(f"transport {row.id}: {error}")
        if row.id not in peers:
            peers[row.id] = start_peer()
        wire = Wire(row, domain_id, ours, peers[row.id], environment)
        wire.open_peer()
        yield wire
        wire.process.ask("close_all")
        ours.close()


def test_every_transport_has_a_row() -> None:
    assert {row.transport for row in ROWS} == set(TRANSPORTS)


def publishers_of(transport: Transport, topic: str) -> Callable[[], list[str]]:
    return lambda: [one.publisher for one in transport.endpoints() if one.topic == topic]


def nodes_of(transport: Transport, topic: str) -> list[str]:
    return sorted(one.node for one in transport.endpoints() if one.topic == topic)


def test_the_graph_tells_topic_type_hash_qos_publisher_and_node(wire: Wire) -> None:
    qos = Qos("best_effort", "transient_local", "keep_last", 7, deadline_ns=500_000_000, lifespan_ns=3_000_000_000)
    wire.they_advertise("/ns/stream", qos)
    found = until(lambda: [e for e in wire.ours.endpoints() if e.topic == "/ns/stream" and e.node], "the endpoint")
    assert len(found) == 1
    assert found[0].ros_type == TYPE
    assert found[0].type_hash in wire.announced()
    told = found[0].qos
    assert (replace(told, history=qos.history, depth=qos.depth) if told.history == "unknown" else told) == qos
    assert found[0].node == "/peer_node"
    wire.we_subscribe("/ns/stream", qos)
    wire.peer("publish", topic="/ns/stream", first=0, count=1, size=64)
    assert wire.take(1)[0].publisher == found[0].publisher
    assert len(bytes.fromhex(found[0].publisher)) == 16


def test_our_own_publishers_are_left_out_of_the_graph(wire: Wire) -> None:
    wire.ours.advertise("/own", TYPE, qos=RELIABLE, type_hash=HASH)
    wire.they_advertise("/theirs")
    until(publishers_of(wire.ours, "/theirs"), "the peer's endpoint")
    topics = {endpoint.topic for endpoint in wire.ours.endpoints()}
    assert topics - {"/parameter_events", "/rosout"} == {"/theirs"}  # those two are every rclpy node's


@pytest.mark.parametrize("size", [12, 13, 14, 15, 16, 1021, 70_001])
def test_bytes_arrive_unchanged_both_ways(wire: Wire, size: int) -> None:
    wire.they_advertise("/in")
    wire.we_subscribe("/in")
    wire.peer("publish", topic="/in", first=1, count=3, size=size)
    assert [padded(sample.cdr) for sample in wire.take(3)] == [padded(payload(index, size)) for index in (1, 2, 3)]

    wire.peer("subscribe", topic="/out", qos=asdict(RELIABLE))
    publisher = wire.ours.advertise("/out", TYPE, qos=RELIABLE, type_hash=HASH)
    until(lambda: publisher.matched() and wire.peer("matched_publishers", topic="/out"), "both matches")
    for index in (1, 2, 3):
        publisher.publish(payload(index, size), SOURCE_NS + index if wire.row.sets_stamps else None)
    got: list[list[object]] = []
    until(lambda: got.extend(wire.peer("take", timeout_s=0.2)) or len(got) >= 3, "our messages at the peer")
    assert [one[:2] for one in got] == [["/out", digest(padded(payload(i, size)))] for i in (1, 2, 3)]
    if wire.row.sets_stamps:
        assert [one[2] for one in got] == [SOURCE_NS + index for index in (1, 2, 3)]


def test_source_stamps_are_kept_to_the_nanosecond(wire: Wire) -> None:
    wire.require_own_stamps()
    wire.they_advertise("/stamped")
    wire.we_subscribe("/stamped")
    wire.peer("publish", topic="/stamped", first=0, count=1000, size=16, source_ns=SOURCE_NS)
    samples = wire.take(1000)
    assert [sample.source_ns for sample in samples] == list(range(SOURCE_NS, SOURCE_NS + 1000))
    assert all(sample.receive_ns > SOURCE_NS for sample in samples)


def test_a_message_without_a_stamp_carries_the_present(wire: Wire) -> None:
    wire.they_advertise("/now")
    wire.we_subscribe("/now")
    wire.peer("publish", topic="/now", first=0, count=1, size=16)
    (sample,) = wire.take(1)
    assert 0 <= sample.receive_ns - sample.source_ns < 20_000_000_000


def test_a_burst_is_neither_overwritten_nor_reordered(wire: Wire) -> None:
    wire.they_advertise("/burst")
    wire.we_subscribe("/burst")
    wire.peer("publish", topic="/burst", first=0, count=5000, size=256)  # nothing is taken meanwhile
    samples = wire.take(5000)
    assert [index_of(sample) for sample in samples] == list(range(5000))
    assert wire.ours.loss_counters().get("udp_datagrams_dropped", 0) == 0


def test_order_is_that_of_publishing_though_stamps_run_backwards(wire: Wire) -> None:
    wire.require_own_stamps()
    wire.they_advertise("/backwards")
    wire.we_subscribe("/backwards")
    for step in range(4):
        wire.peer("publish", topic="/backwards", first=step, count=1, size=16, source_ns=SOURCE_NS - step)
    assert [sample.source_ns for sample in wire.take(4)] == [SOURCE_NS - step for step in range(4)]


def test_who_joins_late_gets_what_is_latched(wire: Wire) -> None:
    latched = Qos("reliable", "transient_local", "keep_last", 2)
    wire.they_advertise("/latched", latched)
    wire.peer("publish", topic="/latched", first=0, count=5, size=100)
    wire.we_subscribe("/latched", latched)
    assert [sample.cdr for sample in wire.take(2)] == [payload(3, 100), payload(4, 100)]


def test_who_joins_late_gets_nothing_of_a_volatile_topic(wire: Wire) -> None:
    wire.they_advertise("/volatile")
    wire.open_peer("witness")
    wire.peer("subscribe", "witness", topic="/volatile", qos=asdict(RELIABLE))
    until(lambda: wire.peer("matched_subscribers", topic="/volatile"), "the witness's match")
    wire.peer("publish", topic="/volatile", first=0, count=5, size=100)
    seen: list[object] = []  # what the witness has is no longer on its way, to nobody
    until(lambda: seen.extend(wire.peer("take", "witness", timeout_s=0.2)) or len(seen) == 5, "the witness's messages")
    wire.peer("close", "witness")
    until(lambda: not wire.peer("matched_subscribers", topic="/volatile"), "the witness's leaving")
    wire.we_subscribe("/volatile")
    wire.peer("publish", topic="/volatile", first=9, count=1, size=100)
    assert [sample.cdr for sample in wire.take(1)] == [payload(9, 100)]


def test_messages_of_3_mb_arrive_whole(wire: Wire) -> None:
    wire.they_advertise("/big")
    wire.we_subscribe("/big")
    wire.peer("publish", topic="/big", first=0, count=10, size=3_000_000)
    assert [digest(sample.cdr) for sample in wire.take(10)] == [digest(payload(i, 3_000_000)) for i in range(10)]


def index_of(sample: Sample) -> int:
    return int.from_bytes(sample.cdr[4:12], "little")


def test_two_publishers_of_one_topic_are_told_apart(wire: Wire) -> None:
    wire.open_peer("second")
    for key in ("peer", "second"):
        wire.they_advertise("/shared", key=key)
    wire.we_subscribe("/shared", publishers=("peer", "second"))
    for step in range(50):
        wire.peer("publish", "peer", topic="/shared", first=step, count=1, size=32)
        wire.peer("publish", "second", topic="/shared", first=1000 + step, count=1, size=32)
    samples = wire.take(100)
    for first, key in ((0, "peer"), (1000, "second")):
        mine = [sample for sample in samples if first <= index_of(sample) < first + 1000]
        assert [index_of(sample) for sample in mine] == list(range(first, first + 50)), key
        told = {sample.publisher for sample in mine}
        assert len(told) == 1, key
    told = {sample.publisher for sample in samples}
    assert told == set(publishers_of(wire.ours, "/shared")()) or (not wire.row.knows_publishers and told == {UNKNOWN})
    until(lambda: nodes_of(wire.ours, "/shared") == ["/peer_node", "/second_node"], "the node names")


def test_one_subscription_matches_publishers_of_unlike_qos(wire: Wire) -> None:
    offered = [Qos("reliable", "transient_local", "keep_last", 5), Qos("best_effort", "volatile", "keep_last", 5)]
    wire.open_peer("second")
    for key, qos in zip(("peer", "second"), offered, strict=True):
        wire.they_advertise("/unlike", qos, key)
    until(lambda: len(publishers_of(wire.ours, "/unlike")()) == 2, "both endpoints")
    found = [endpoint.qos for endpoint in wire.ours.endpoints() if endpoint.topic == "/unlike"]
    wire.we_subscribe("/unlike", matching_qos(found), publishers=("peer", "second"))
    for key in ("peer", "second"):
        wire.peer("publish", key, topic="/unlike", first=1, count=1, size=32)
    assert len({sample.publisher for sample in wire.take(2)} - {UNKNOWN}) in (
        {2} if wire.row.knows_publishers else {0, 2}
    )


def test_a_publisher_that_leaves_is_missed_and_its_messages_are_kept(wire: Wire) -> None:
    wire.they_advertise("/leaving")
    wire.we_subscribe("/leaving")
    (publisher,) = publishers_of(wire.ours, "/leaving")()
    wire.peer("publish", topic="/leaving", first=0, count=3, size=16)
    samples = list(wire.take(2 + 1))
    wire.peer("publish", topic="/leaving", first=3, count=3, size=16)
    until(lambda: wire.peer("close") or True, "the peer to leave")
    until(lambda: not publishers_of(wire.ours, "/leaving")() and not wire.ours.matched("/leaving"), "the departure")
    samples += wire.take(3)
    assert [sample.cdr for sample in samples] == [payload(index, 16) for index in range(6)]
    assert {sample.publisher for sample in samples} == {publisher}


def test_after_unsubscribing_nothing_comes_and_subscribing_again_works(wire: Wire) -> None:
    wire.they_advertise("/paused")
    wire.we_subscribe("/paused")
    wire.ours.unsubscribe("/paused")
    until(lambda: wire.peer("matched_subscribers", topic="/paused") == 0, "the peer to notice")
    wire.peer("publish", topic="/paused", first=0, count=3, size=16)
    assert wire.ours.take(0.3) == []
    wire.we_subscribe("/paused")
    wire.peer("publish", topic="/paused", first=7, count=1, size=16)
    assert [sample.cdr for sample in wire.take(1)] == [payload(7, 16)]


def test_several_topics_are_taken_together(wire: Wire) -> None:
    topics = [f"/many/t{number}" for number in range(20)]
    for topic in topics:
        wire.they_advertise(topic)
        wire.we_subscribe(topic)
    for number, topic in enumerate(topics):
        wire.peer("publish", topic=topic, first=number, count=2, size=40)
    got = {topic: [s.cdr for s in samples] for topic, samples in _by_topic(wire.take(40)).items()}
    assert got == {topic: [payload(n, 40), payload(n + 1, 40)] for n, topic in enumerate(topics)}


def test_a_second_subscription_changes_nothing(wire: Wire) -> None:
    wire.they_advertise("/once")
    wire.we_subscribe("/once")
    wire.ours.subscribe("/once", TYPE, qos=LATCHED, type_hash=None)
    assert wire.ours.matched("/once") == 1
    wire.peer("publish", topic="/once", first=3, count=2, size=16)
    assert [sample.cdr for sample in wire.take(2)] == [payload(3, 16), payload(4, 16)]


def test_misuse_is_refused(wire: Wire) -> None:
    with pytest.raises(UsageError, match="/never"):
        wire.ours.unsubscribe("/never")
    with pytest.raises(UsageError, match="/never"):
        wire.ours.matched("/never")


def test_closing_twice_is_harmless_and_use_after_it_is_refused(wire: Wire) -> None:
    publisher = wire.ours.advertise("/out", TYPE, qos=RELIABLE, type_hash=None)
    wire.ours.close()
    wire.ours.close()
    with pytest.raises(UsageError, match="closed"):
        wire.ours.take(0.0)
    with pytest.raises(UsageError, match="closed"):
        publisher.publish(payload(0, 16))


def _by_topic(samples: Sequence[Sample]) -> dict[str, list[Sample]]:
    grouped: dict[str, list[Sample]] = {}
    for sample in samples:
        grouped.setdefault(sample.topic, []).append(sample)
    return grouped
