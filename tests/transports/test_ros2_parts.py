"""The transport over rclpy where versions and RMWs differ; `rclpy` is the stand-in, over a real wire."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
from transports.harness import free_domain, payload, rclpy_standin, until

from embodied_kit.errors import EnvironmentUnfitError, UsageError
from embodied_kit.model.stream import LATCHED, Qos, Sample
from embodied_recorders.graph.contract import draft_contract
from embodied_recorders.graph.survey import survey
from embodied_recorders.transports import open_transport
from embodied_recorders.transports.base import MAX_SAMPLES_PER_TAKE, UNKNOWN_PUBLISHER
from embodied_recorders.transports.dds.transport import DdsTransport
from embodied_recorders.transports.ros2.drain import ExecutorDrain, WaitSetDrain
from embodied_recorders.transports.ros2.load import Rclpy, message_class
from embodied_recorders.transports.ros2.publishers import Publishers, gid_text
from embodied_recorders.transports.ros2.qos import profile_of, qos_of
from embodied_recorders.transports.ros2.transport import Ros2Transport

TYPE = "std_msgs/msg/UInt8MultiArray"
RELIABLE = Qos(history="keep_all", depth=0)
TOPIC = "/topic"


@dataclass
class Pair:
    """Our transport over rclpy, and robots without ROS that publish to it."""

    ours: Ros2Transport
    domain_id: int
    robots: list[DdsTransport] = field(default_factory=list)

    def publisher(self, topic: str = TOPIC, qos: Qos = RELIABLE) -> Callable[[range], None]:
        """A robot that publishes the payloads of a range of indices."""
        robot = DdsTransport(self.domain_id, node_name=f"robot_{len(self.robots)}")
        self.robots.append(robot)
        publisher = robot.advertise(topic, TYPE, qos=qos, type_hash=None)

        def publish(indices: range) -> None:
            until(publisher.matched, "our match")
            for index in indices:
                publisher.publish(payload(index, 64))

        return publish

    def subscribe(self, topic: str = TOPIC, qos: Qos = RELIABLE) -> None:
        """Subscribe, and wait until every robot is matched and shows in the graph."""
        self.ours.subscribe(topic, TYPE, qos=qos, type_hash=None)
        until(lambda: self.ours.matched(topic) == len(self.robots), "the match")
        until(lambda: len([e for e in self.ours.endpoints() if e.topic == topic]) == len(self.robots), "the graph")

    def take(self, count: int) -> list[Sample]:
        samples: list[Sample] = []
        until(lambda: samples.extend(self.ours.take(0.2)) or len(samples) >= count, f"{count} samples")
        return samples


@contextmanager
def pair(version: str, **environment: str) -> Iterator[Pair]:
    with ExitStack() as stack:
        stack.enter_context(rclpy_standin(version, **environment))
        domain_id = stack.enter_context(free_domain())
        ours = Ros2Transport(domain_id)
        stack.callback(ours.close)
        made = Pair(ours, domain_id)
        yield made
        for robot in made.robots:
            robot.close()


@pytest.fixture
def jazzy() -> Iterator[Pair]:
    with pair("jazzy") as made:
        yield made


def indices(samples: Sequence[Sample]) -> list[int]:
    return [int.from_bytes(sample.cdr[4:12], "little") for sample in samples]


def test_humble_tells_no_hash_and_no_number_and_matches_by_qos() -> None:
    with pair("humble") as robots:
        publish, _ = robots.publisher(), robots.publisher(qos=Qos("best_effort"))
        robots.ours.subscribe(TOPIC, TYPE, qos=RELIABLE, type_hash=None)
        until(lambda: len(robots.ours.endpoints()) == 2, "the graph")
        assert robots.ours.matched(TOPIC) == 1  # the other offers less than is asked for
        assert [endpoint.type_hash for endpoint in robots.ours.endpoints()] == [None, None]
        publish(range(3))
        samples = robots.take(3)
        assert indices(samples) == [0, 1, 2]
        assert [sample.sequence for sample in samples] == [None] * 3
        assert all(0 <= sample.receive_ns - sample.source_ns < 20_000_000_000 for sample in samples)


@pytest.mark.parametrize("version", ["humble", "jazzy", "jazzy-fastrtps", "kilted", "kilted-fastrtps", "hidden"])
def test_the_only_publisher_of_a_topic_is_that_of_its_messages(version: str) -> None:
    with pair(version) as robots:
        publish = robots.publisher()
        robots.subscribe()
        (endpoint,) = robots.ours.endpoints()
        publish(range(3))
        samples = robots.take(3)
        assert {sample.publisher for sample in samples} == {endpoint.publisher}
        numbers = [1, 2, 3] if "fastrtps" in version else [None] * 3
        assert [sample.sequence for sample in samples] == numbers
        assert len(bytes.fromhex(endpoint.publisher)) == 16


@pytest.mark.parametrize("version", ["jazzy", "jazzy-fastrtps", "kilted"])
def test_of_two_publishers_nothing_is_claimed_where_messages_bear_no_global_id(version: str) -> None:
    with pair(version) as robots:
        publishers = [robots.publisher(), robots.publisher()]
        robots.subscribe()
        for number, publish in enumerate(publishers):
            publish(range(10 * number, 10 * number + 5))
        samples = robots.take(10)
        assert sorted(indices(samples)) == [0, 1, 2, 3, 4, 10, 11, 12, 13, 14]
        assert {sample.publisher for sample in samples} == {UNKNOWN_PUBLISHER}
        assert {sample.sequence for sample in samples} == {None}


def test_from_kilted_on_fast_dds_tells_two_publishers_apart() -> None:
    with pair("kilted-fastrtps") as robots:
        publishers = [robots.publisher(), robots.publisher()]
        robots.subscribe()
        for number, publish in enumerate(publishers):
            publish(range(10 * number, 10 * number + 5))
        by_publisher: dict[str, list[Sample]] = {}
        for sample in robots.take(10):
            by_publisher.setdefault(sample.publisher, []).append(sample)
        assert by_publisher.keys() == {endpoint.publisher for endpoint in robots.ours.endpoints()}
        assert sorted(indices(samples) for samples in by_publisher.values()) == [[0, 1, 2, 3, 4], [10, 11, 12, 13, 14]]
        assert [[s.sequence for s in samples] for samples in by_publisher.values()] == [[1, 2, 3, 4, 5]] * 2


def test_a_version_that_hides_its_wait_set_is_served_by_the_executor() -> None:
    with pair("hidden") as robots:
        assert isinstance(robots.ours._drain, ExecutorDrain)
        publishers = [robots.publisher("/a"), robots.publisher("/b")]
        for topic in ("/a", "/b"):
            robots.ours.subscribe(topic, TYPE, qos=RELIABLE, type_hash=None)
        assert robots.ours.take(0.0) == []
        for publish in publishers:
            publish(range(300))
        samples = robots.take(600)
        assert [indices([s for s in samples if s.topic == topic]) for topic in ("/a", "/b")] == [list(range(300))] * 2
        robots.ours.unsubscribe("/a")
        publishers[1](range(300, 301))
        assert [(sample.topic, *indices([sample])) for sample in robots.take(1)] == [("/b", 300)]


@pytest.mark.parametrize(
    ("version", "before", "after"),
    [
        ("humble", {"messages_lost": 0}, {"messages_lost": 50}),
        ("jazzy-fastrtps", {"messages_lost": 0}, {"messages_lost": 50}),
        ("jazzy", {}, {"messages_lost": 50}),  # Cyclone's 0 says nothing
        ("eventless", {}, {}),
    ],
)
def test_what_the_rmw_says_it_lost_is_counted(version: str, before: dict[str, int], after: dict[str, int]) -> None:
    with pair(version, RCLPY_STANDIN_MAX_SAMPLES="100") as robots:
        publish = robots.publisher()
        robots.subscribe()
        assert _told(robots) == before
        publish(range(150))
        until(lambda: robots.ours._node._node.pump(0.0) or len(_queue(robots)) == 100, "a full queue")
        until(lambda: robots.ours._node._node.pump(0.1) or _lost(robots) == 50, "the rejected ones")
        assert len(robots.take(100)) == 100
        assert _told(robots) == after
        assert robots.ours.losses_by_topic() == ({TOPIC: 50} if after else {})


def _told(robots: Pair) -> dict[str, int]:
    return {name: n for name, n in robots.ours.loss_counters().items() if name != "udp_datagrams_dropped"}


def _queue(robots: Pair) -> Sequence[object]:
    return robots.ours._node._node.subscriptions[TOPIC].queue


def _lost(robots: Pair) -> int:
    return robots.ours._node._node.subscriptions[TOPIC].lost_n


def test_a_flood_is_handed_over_in_pieces_and_all_topics_get_their_turn(jazzy: Pair) -> None:
    publishers = [jazzy.publisher("/a"), jazzy.publisher("/b")]
    for topic in ("/a", "/b"):
        jazzy.ours.subscribe(topic, TYPE, qos=RELIABLE, type_hash=None)
    count = MAX_SAMPLES_PER_TAKE // 2 + 600
    for publish in publishers:
        publish(range(count))
    node = jazzy.ours._node._node
    until(lambda: node.pump(0.1) or all(len(one.queue) == count for one in node.subscriptions.values()), "the flood")
    first = jazzy.ours.take(0.0)
    assert MAX_SAMPLES_PER_TAKE <= len(first) < 2 * count
    assert {sample.topic for sample in first[:512]} == {"/a", "/b"}
    assert len(first) + len(jazzy.take(2 * count - len(first))) == 2 * count


def test_with_nothing_subscribed_a_take_waits_and_comes_back_empty(jazzy: Pair) -> None:
    assert isinstance(jazzy.ours._drain, WaitSetDrain)
    assert jazzy.ours.take(0.01) == []
    jazzy.publisher()
    jazzy.subscribe()
    assert jazzy.ours.take(0.01) == []
    jazzy.ours.unsubscribe(TOPIC)
    assert jazzy.ours.take(0.01) == []


def test_what_rclpy_holds_is_given_back(jazzy: Pair) -> None:
    jazzy.publisher()
    jazzy.subscribe()
    jazzy.ours.take(0.01)
    handle, context = jazzy.ours._subscriptions[TOPIC][0].handle, jazzy.ours._context
    assert (handle.users_n, handle.doomed) == (0, False)
    jazzy.ours.unsubscribe(TOPIC)
    assert handle.doomed
    jazzy.ours.close()
    assert not context.ok()


def test_a_namespaced_node_shows_by_its_full_name() -> None:
    with rclpy_standin("jazzy"), free_domain() as domain_id:
        ours = open_transport("ros2", domain_id=domain_id, node_name="/arm/recorder")
        robot = DdsTransport(domain_id, node_name="watcher")
        ours.advertise(TOPIC, TYPE, qos=LATCHED, type_hash=None)
        found = until(lambda: [e for e in robot.endpoints() if e.topic == TOPIC and e.node], "our endpoint")
        assert [endpoint.node for endpoint in found] == ["/arm/recorder"]
        assert ours.endpoints() == []
        robot.close()
        ours.close()


def test_a_message_that_cannot_be_sent_is_refused(jazzy: Pair) -> None:
    publisher = jazzy.ours.advertise(TOPIC, TYPE, qos=RELIABLE, type_hash=None)
    with pytest.raises(UsageError, match="stamp") as caught:
        publisher.publish(payload(0, 16), 1)
    assert "dds" in caught.value.remedy
    with pytest.raises(UsageError, match="4 bytes that begin 00010000"):
        publisher.publish(b"\x00\x01\x00\x00")


@pytest.mark.parametrize(
    "ros_type", ["arm_msgs/msg/Grip", "std_msgs/msg/Grip", "std_msgs/msg/a_value", "arm::Grip", "arm_msgs", ""]
)
def test_a_type_that_is_not_sourced_names_its_package(ros_type: str, jazzy: Pair) -> None:
    with pytest.raises(EnvironmentUnfitError, match="expected the Python class") as caught:
        jazzy.ours.subscribe(TOPIC, ros_type, qos=RELIABLE, type_hash=None)
    assert f"package {ros_type.partition('/')[0]}" in caught.value.remedy
    assert message_class(TYPE).__name__ == "UInt8MultiArray"


def test_a_survey_goes_on_past_a_type_that_is_not_sourced(jazzy: Pair) -> None:
    jazzy.publisher("/known")
    grip = jazzy.robots[0].advertise("/grip", "arm_msgs/msg/Grip", qos=RELIABLE, type_hash=None)
    until(lambda: len(jazzy.ours.endpoints()) == 2, "the graph")
    seen = {one.topic: one for one in survey(jazzy.ours, discovery_s=0.0, window_s=0.05)}
    assert seen["/known"].refusal is None
    assert "package arm_msgs" in seen["/grip"].refusal.remedy
    assert [stream["topic"] for stream in draft_contract("c", {"r": ""}, seen.values())["streams"]] == ["/known"]
    assert grip.matched() == 0


def test_a_subscription_more_gets_its_place_in_the_wait(jazzy: Pair) -> None:
    publishers = {topic: jazzy.publisher(topic) for topic in ("/a", "/b", "/c")}
    for topic, publish in publishers.items():
        jazzy.ours.subscribe(topic, TYPE, qos=RELIABLE, type_hash=None)
        publish(range(2))
        assert {sample.topic for sample in jazzy.take(2)} == {topic}


def test_names_that_cannot_be_are_refused(jazzy: Pair) -> None:
    with pytest.raises(UsageError, match="subscribe to topic"):
        jazzy.ours.subscribe("topic", TYPE, qos=RELIABLE, type_hash=None)
    with pytest.raises(UsageError, match="invalid node name"):
        Ros2Transport(jazzy.domain_id, node_name="not a name")


@pytest.mark.parametrize(("domain_id", "interface"), [(233, "127.0.0.1"), (0, "eth0")])
def test_what_rclpy_cannot_do_is_refused_before_it_is_looked_for(domain_id: int, interface: str) -> None:
    with pytest.raises(UsageError) as caught:
        Ros2Transport(domain_id, interface=interface)
    assert type(caught.value) is UsageError


def test_without_rclpy_the_remedy_says_what_to_source() -> None:
    if importlib.util.find_spec("rclpy") is not None:
        pytest.skip("a real rclpy is sourced")
    with pytest.raises(EnvironmentUnfitError, match="No module named 'rclpy'") as caught:
        open_transport("ros2", domain_id=0)
    assert "source ROS 2" in caught.value.remedy


@pytest.mark.parametrize(
    "qos",
    [
        Qos("reliable", "volatile", "keep_last", 10),
        Qos("best_effort", "transient_local", "keep_all", 0),
        Qos("reliable", "volatile", "keep_last", 1, deadline_ns=20_000_001, lifespan_ns=3 * 10**9),
    ],
)
def test_qos_goes_there_and_back(qos: Qos) -> None:
    with rclpy_standin("jazzy"):
        assert qos_of(profile_of(Rclpy(), qos)) == qos


def test_what_an_rmw_does_not_tell_of_qos_is_taken_as_the_least() -> None:
    with rclpy_standin("jazzy"):
        module = importlib.import_module("rclpy.qos")
        unknown = {
            "history": module.QoSHistoryPolicy.UNKNOWN,
            "reliability": module.QoSReliabilityPolicy.UNKNOWN,
            "durability": module.QoSDurabilityPolicy.UNKNOWN,
        }
        duration = importlib.import_module("rclpy.duration").Duration
        for endless_ns in (0, 9223372036854775807, 2147483647 * 10**9, 9223372036 * 10**9):
            endless = duration(nanoseconds=endless_ns)
            profile = module.QoSProfile(**unknown, depth=0, deadline=endless, lifespan=endless)
            assert qos_of(profile) == Qos("best_effort", "volatile", "unknown", 0)
        assert profile_of(Rclpy(), Qos(history="unknown", depth=0)).history.name == "SYSTEM_DEFAULT"


@dataclass
class Graph:
    """What a node sees of one topic, and a clock; both set by the test."""

    gids: list[bytes] = field(default_factory=list)
    now_s: float = 100.0
    looks_n: int = 0

    def count_publishers(self, topic: str) -> int:
        return len(self.gids)

    def get_publishers_info_by_topic(self, topic: str) -> list[SimpleNamespace]:
        self.looks_n += 1
        return [SimpleNamespace(endpoint_gid=list(gid)) for gid in self.gids]

    def publisher(self, publishers: Publishers) -> str:
        publishers.look(TOPIC)
        return publishers.publisher_of(TOPIC, {})


A, B = (bytes([number]) * 16 for number in (1, 2))


def test_a_publisher_that_restarts_is_unknown_only_while_both_may_be_meant() -> None:
    graph = Graph([A])
    publishers = Publishers(graph, ids_are_global=False, now_s=lambda: graph.now_s)
    assert graph.publisher(publishers) == A.hex()
    graph.gids, graph.now_s = [], 101.0
    assert graph.publisher(publishers) == A.hex()  # what it sent before it left
    graph.gids, graph.now_s = [B], 102.5
    assert graph.publisher(publishers) == UNKNOWN_PUBLISHER
    graph.now_s = 103.6
    assert graph.publisher(publishers) == B.hex()


def test_the_graph_is_asked_again_only_when_it_changed_or_a_second_is_over() -> None:
    graph = Graph([A])
    publishers = Publishers(graph, ids_are_global=False, now_s=lambda: graph.now_s)
    for _ in range(5):
        graph.publisher(publishers)
    assert graph.looks_n == 1
    graph.gids.append(B)
    assert graph.publisher(publishers) == UNKNOWN_PUBLISHER
    assert graph.looks_n == 2
    graph.now_s += 1.0
    graph.publisher(publishers)
    assert graph.looks_n == 3


def test_an_id_that_comes_with_a_message_holds_even_before_the_graph_shows_it() -> None:
    graph = Graph([A])
    told = {"publisher_gid": {"data": B, "implementation_identifier": "rmw_zenoh_cpp"}}
    for ids_are_global, publisher in ((True, B), (False, A)):
        publishers = Publishers(graph, ids_are_global=ids_are_global, now_s=lambda: graph.now_s)
        publishers.look(TOPIC)
        assert publishers.publisher_of(TOPIC, told) == publisher.hex()


@pytest.mark.parametrize("gid", [[1] * 16, [1] * 16 + [0] * 8, bytes([1]) * 16])
def test_an_id_is_32_digits_in_every_version(gid: Sequence[int]) -> None:
    assert gid_text(gid) == "01" * 16
