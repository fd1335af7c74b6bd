"""The zenoh transport against a publisher that shares none of its code, routers that are absent, peers that die."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import zenoh
from transports.harness import ROOT, free_domain, payload, reachable, start_peer, until
from transports.test_zenoh_parts import old_form

from embodied_kit.errors import EnvironmentUnfitError, UsageError
from embodied_kit.messages.definitions import TypeStore
from embodied_kit.model.stream import Qos, Sample, Stream
from embodied_recorders.graph import machine
from embodied_recorders.take.ledger import Ledger
from embodied_recorders.transports import open_transport, zenoh_router
from embodied_recorders.transports.zenoh.transport import ZenohTransport

pytestmark = pytest.mark.wire

TYPE = "std_msgs/msg/UInt8MultiArray"
STRING = "std_msgs/msg/String"
STRING_HASH = "RIHS01_df668c740482bbd48fb39d76a70dfd4bd59db1288021743503259e948f6b1a18"
RELIABLE = Qos(history="keep_all", depth=0)
GID = bytes(range(16))
OVERRIDE = "ZENOH_CONFIG_OVERRIDE"


@pytest.fixture
def router(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Endpoint of a router, which everybody in this process is told of."""
    with reachable("zenoh") as environment:
        monkeypatch.setenv(OVERRIDE, environment[OVERRIDE])
        yield json.loads(environment[OVERRIDE].partition("=")[2])[0]


@pytest.fixture
def ours(router: str) -> Iterator[ZenohTransport]:
    with free_domain() as domain_id:
        transport = ZenohTransport(domain_id, node_name="/lab/recorder")
        yield transport
        transport.close()


@pytest.fixture
def stranger(router: str) -> Iterator[zenoh.Session]:
    """A session made by zenoh's own API alone."""
    config = zenoh.Config()
    config.insert_json5("mode", '"client"')
    config.insert_json5("connect/endpoints", json.dumps([router]))
    session = zenoh.open(config)
    yield session
    session.close()


def taken(transport: ZenohTransport, count: int) -> list[Sample]:
    samples: list[Sample] = []
    until(lambda: samples.extend(transport.take(0.1)) or len(samples) >= count, f"{count} samples")
    return samples


def heard_by(stranger: zenoh.Session, ours: ZenohTransport, topic: str) -> zenoh.Publisher:
    """A stranger's publisher of a topic that we subscribe to, once zenoh has matched them."""
    ours.subscribe(topic, STRING, qos=RELIABLE, type_hash=STRING_HASH)
    domain_id = ours._domain_id
    key = f"{domain_id}{topic}/std_msgs::msg::dds_::String_/{STRING_HASH}"
    publisher = stranger.declare_publisher(key, congestion_control=zenoh.CongestionControl.BLOCK)
    until(lambda: publisher.matching_status.matching, "the match")
    return publisher


def attached(sequence: int, source_ns: int = 5) -> bytes:
    return sequence.to_bytes(8, "little") + source_ns.to_bytes(8, "little") + b"\x10" + GID


def test_numbers_that_a_publisher_skips_are_an_exact_loss(ours: ZenohTransport, stranger: zenoh.Session) -> None:
    publisher = heard_by(stranger, ours, "/gaps")
    sent = [1, 2, 3, 7, 8, 20]
    for number in sent:
        publisher.put(payload(number, 16), attachment=attached(number))
    samples = taken(ours, len(sent))
    assert [(one.sequence, one.publisher) for one in samples] == [(number, GID.hex()) for number in sent]
    ledger = Ledger()
    ledger.add(samples)
    (entry,) = ledger.entries([Stream("gaps", "/gaps", STRING, "state", "other", "on_change")], {})
    assert entry["received_n"] == 6
    untold = dict.fromkeys(("header_stamp", "transport"), "not_observable")
    assert entry["loss"] == {"publisher_sequence": 3 + 11, **untold, "queue": 0}


def test_the_older_attachment_is_read_and_a_message_without_one_is_counted(
    ours: ZenohTransport, stranger: zenoh.Session
) -> None:
    publisher = heard_by(stranger, ours, "/forms")
    publisher.delete()
    publisher.put(payload(0, 16))
    publisher.put(payload(1, 16), attachment=b"of another kind")
    publisher.put(payload(2, 16), attachment=old_form(9, 1_712_345_678_987_654_321, GID))
    (sample,) = taken(ours, 1)
    assert (sample.cdr, sample.sequence, sample.source_ns) == (payload(2, 16), 9, 1_712_345_678_987_654_321)
    assert sample.publisher == GID.hex()
    assert ours.loss_counters() == {"queue_messages_dropped": 0, "unattached_messages_dropped": 2}


def test_what_the_queue_cannot_hold_is_counted_and_seen_in_the_numbers(router: str, stranger: zenoh.Session) -> None:
    with free_domain() as domain_id:
        ours = ZenohTransport(domain_id, queue_bytes=1000)
        publisher = heard_by(stranger, ours, "/flood")
        for number in range(1, 51):
            publisher.put(payload(number, 100), attachment=attached(number))
        until(lambda: ours.loss_counters()["queue_messages_dropped"] == 40, "forty drops")
        assert [one.sequence for one in taken(ours, 10)] == list(range(1, 11))
        publisher.put(payload(51, 100), attachment=attached(51))
        assert [one.sequence for one in taken(ours, 1)] == [51]
        assert ours.loss_counters()["queue_messages_dropped"] == 40
        assert ours.losses_by_topic() == {"/flood": 40}
        ours.close()


def test_our_endpoints_are_told_as_rmw_zenoh_tells_them(ours: ZenohTransport, stranger: zenoh.Session) -> None:
    heard: set[str] = set()
    lock = threading.Lock()

    def hear(sample: zenoh.Sample) -> None:
        with lock:
            heard.add(str(sample.key_expr))

    domain_id, zid = ours._domain_id, ours._session.zid()
    ours.subscribe("/in", STRING, qos=Qos(depth=5), type_hash=STRING_HASH)
    publisher = ours.advertise(
        "/ns/out", STRING, qos=Qos("reliable", "transient_local", depth=1), type_hash=STRING_HASH
    )
    handler = zenoh.handlers.Callback(hear, indirect=False)
    stranger.liveliness().declare_subscriber("@ros2_lv/**", handler, history=True)
    prefix, lab = f"@ros2_lv/{domain_id}/{zid}/0", "%/%lab/recorder"
    expected = {
        f"{prefix}/0/NN/{lab}",
        f"{prefix}/1/MS/{lab}/%in/std_msgs::msg::dds_::String_/{STRING_HASH}/::,5:,:,:,,",
        f"{prefix}/2/MP/{lab}/%ns%out/std_msgs::msg::dds_::String_/{STRING_HASH}/:1:,1:,:,:,,",
    }
    until(lambda: len(heard) >= 3, "three tokens")
    assert heard == expected
    got: list[tuple[bytes, bytes]] = []
    key = f"{domain_id}/ns/out/std_msgs::msg::dds_::String_/{STRING_HASH}"
    stranger.declare_subscriber(
        key,
        zenoh.handlers.Callback(lambda s: got.append((s.payload.to_bytes(), s.attachment.to_bytes())), indirect=False),
    )

    def arrived() -> bool:
        publisher.publish(payload(1, 16), 77)
        return bool(got)

    until(arrived, "our message at the stranger")
    cdr, attachment = got[0]
    assert cdr == payload(1, 16)
    assert int.from_bytes(attachment[:8], "little") >= 1
    assert attachment[8:] == (77).to_bytes(8, "little") + b"\x10" + bytes.fromhex(publisher.guid)


@pytest.mark.parametrize(
    ("qos", "waits"),
    [(RELIABLE, True), (Qos(depth=5), False), (Qos("best_effort", history="keep_all", depth=0), False)],
)
def test_only_a_reliable_publisher_that_keeps_all_waits_for_the_network(
    qos: Qos, waits: bool, ours: ZenohTransport, stranger: zenoh.Session
) -> None:
    got: list[zenoh.CongestionControl] = []
    handler = zenoh.handlers.Callback(lambda sample: got.append(sample.congestion_control), indirect=False)
    stranger.declare_subscriber(f"{ours._domain_id}/wait/**", handler)
    publisher = ours.advertise("/wait", STRING, qos=qos, type_hash=None)
    until(lambda: publisher.publish(payload(0, 16)) or got, "a message")
    assert got[0] == (zenoh.CongestionControl.BLOCK if waits else zenoh.CongestionControl.DROP)


def test_a_killed_publisher_is_missed_at_once(ours: ZenohTransport) -> None:
    peer = start_peer()
    peer.ask("open", key="peer", transport="zenoh", domain_id=ours._domain_id, node_name="doomed")
    peer.ask("advertise", key="peer", topic="/doomed", qos={})
    until(lambda: [endpoint.node for endpoint in ours.endpoints()] == ["/doomed"], "the endpoint and its node")
    ours.subscribe("/doomed", TYPE, qos=RELIABLE, type_hash=None)
    assert ours.matched("/doomed") == 1
    peer.kill()
    until(lambda: not ours.endpoints() and not ours.matched("/doomed"), "the departure", patience_s=5.0)


def test_what_a_dead_router_swallows_is_known_when_another_takes_its_place(
    router: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with reachable("zenoh") as free:
        pass
    monkeypatch.setenv(OVERRIDE, free[OVERRIDE])
    endpoint = json.loads(free[OVERRIDE].partition("=")[2])[0]
    ledger = Ledger()
    with ExitStack() as first:
        first.enter_context(zenoh_router(endpoint))
        robot = ZenohTransport(1)
        recorder = ZenohTransport(1, interface=endpoint)  # a client, which has nobody else
        publisher = robot.advertise("/x", STRING, qos=RELIABLE, type_hash=None)
        recorder.subscribe("/x", STRING, qos=RELIABLE, type_hash=None)
        until(lambda: publisher.matched() and recorder.matched("/x"), "the match")
        publisher.publish(payload(0, 16))
        ledger.add(taken(recorder, 1))
    until(lambda: not recorder.endpoints() and not publisher.matched(), "the router's death")
    for index in range(10):
        publisher.publish(payload(index, 16))
    with zenoh_router(endpoint):
        until(lambda: publisher.matched() and recorder.matched("/x"), "the next router")
        publisher.publish(payload(1, 16))
        ledger.add(taken(recorder, 1))
        recorder.close()
        robot.close()
    (count,) = ledger.counts.values()
    assert (count.received_n, count.sequence_lost_n) == (2, 10)


def test_another_type_of_the_topic_is_neither_matched_nor_received(ours: ZenohTransport, router: str) -> None:
    theirs = ZenohTransport(ours._domain_id, interface=router)  # from another machine: a client of the router
    ours.subscribe("/quarrel", STRING, qos=RELIABLE, type_hash=None)
    wrong = theirs.advertise("/quarrel", TYPE, qos=RELIABLE, type_hash=None)
    right = theirs.advertise("/quarrel", STRING, qos=RELIABLE, type_hash=None)
    until(lambda: len(ours.endpoints()) == 2 and right.matched(), "both publishers")
    assert (ours.matched("/quarrel"), wrong.matched(), right.matched()) == (1, 0, 1)
    wrong.publish(payload(1, 16))
    right.publish(payload(2, 16))
    assert [sample.cdr for sample in taken(ours, 1)] == [payload(2, 16)]
    theirs.close()


def test_a_type_is_defined_by_the_hash_that_its_publisher_tells(ours: ZenohTransport, router: str) -> None:
    theirs = ZenohTransport(ours._domain_id)
    theirs.advertise("/text", STRING, qos=RELIABLE, type_hash=STRING_HASH)
    theirs.advertise("/own", STRING, qos=RELIABLE, type_hash="RIHS01_" + "1" * 64)
    found = until(lambda: {e.topic: e for e in ours.endpoints() if len(ours.endpoints()) == 2}, "both publishers")
    definition = TypeStore().definition(STRING, found["/text"].type_hash)
    assert definition is not None
    assert definition.text.strip() == "string data"
    assert TypeStore().definition(STRING, found["/own"].type_hash) is None
    theirs.close()


def test_a_name_that_is_no_topic_is_refused(ours: ZenohTransport) -> None:
    for wrong in ("", "/", "/a//b", "/a/*", "/a/**", "/a b", "/a$*"):
        with pytest.raises(UsageError, match="name of a topic"):
            ours.subscribe(wrong, STRING, qos=RELIABLE, type_hash=None)
        with pytest.raises(UsageError, match="name of a topic"):
            ours.advertise(wrong, STRING, qos=RELIABLE, type_hash=None)


@pytest.mark.parametrize("interface", ["127.0.0.1", "tcp/127.0.0.1:1"], ids=["peer", "client"])
def test_without_a_router_the_remedy_is_to_start_one(interface: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(OVERRIDE, 'connect/endpoints=["tcp/127.0.0.1:1"]')
    monkeypatch.setenv("ZENOH_ROUTER_CHECK_ATTEMPTS", "1")
    with pytest.raises(EnvironmentUnfitError, match=r"router at tcp/127\.0\.0\.1:1, got no answer") as caught:
        open_transport("zenoh", domain_id=1, interface=interface)
    assert "embodied-kit robot router" in caught.value.remedy
    assert "rmw_zenohd" in caught.value.remedy


def test_a_robot_may_be_started_before_its_router(router: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with reachable("zenoh") as free:
        pass
    monkeypatch.setenv(OVERRIDE, free[OVERRIDE])
    monkeypatch.setenv("ZENOH_ROUTER_CHECK_ATTEMPTS", "-1")
    with free_domain() as domain_id:
        robot = open_transport("zenoh", domain_id=domain_id)
        robot.advertise("/early", TYPE, qos=RELIABLE, type_hash=None)
        assert robot.endpoints() == []
        with zenoh_router(json.loads(free[OVERRIDE].partition("=")[2])[0]):
            recorder = open_transport("zenoh", domain_id=domain_id)
            until(recorder.endpoints, "the robot")
            recorder.close()
        robot.close()


@pytest.mark.parametrize("wrong", ["connect/endpoints", "no/such/key=1", "mode=peer", "connect/endpoints=[1]"])
def test_a_wrong_override_is_refused_with_an_example(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(OVERRIDE, wrong)
    with pytest.raises(UsageError, match="expected key=value;key=value") as caught:
        open_transport("zenoh", domain_id=1)
    assert wrong in caught.value.message
    assert "cargo" not in caught.value.message  # zenoh names places in its own source
    assert OVERRIDE in caught.value.remedy


def test_the_users_own_files_and_numbers_are_read(
    router: str, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "session.json5"
    file.write_text(json.dumps({"mode": "client", "connect": {"endpoints": [router]}}))
    monkeypatch.delenv(OVERRIDE)
    monkeypatch.setenv("ZENOH_SESSION_CONFIG_URI", str(file))
    open_transport("zenoh", domain_id=1).close()
    file.write_text("{mode: 7}")
    with pytest.raises(UsageError, match=r"expected a zenoh configuration in .*session\.json5"):
        open_transport("zenoh", domain_id=1)
    monkeypatch.delenv("ZENOH_SESSION_CONFIG_URI")
    monkeypatch.setenv("ZENOH_ROUTER_CHECK_ATTEMPTS", "often")
    with pytest.raises(UsageError, match="'often'"):
        open_transport("zenoh", domain_id=1)


def test_an_interface_that_is_not_there_is_refused() -> None:
    with pytest.raises(EnvironmentUnfitError, match="absent0"):
        open_transport("zenoh", domain_id=1, interface="absent0")


def test_doctor_says_whether_a_router_answers(router: str, monkeypatch: pytest.MonkeyPatch) -> None:
    row = machine.zenoh()
    assert row.state == "ok"
    assert row.found["en"].endswith("a router on tcp 7447 answers; not verified against rmw_zenoh here")
    assert row.found["zh"].endswith("未在此与 rmw_zenoh 核实")
    monkeypatch.setenv(OVERRIDE, 'connect/endpoints=["tcp/127.0.0.1:1"]')
    row = machine.zenoh()
    assert row.state == "warn"
    assert "no router on tcp 7447; not verified" in row.found["en"]
    assert row.remedy.endswith("embodied-kit robot router")


def test_the_router_verb_serves_until_it_is_told_to_stop(router: str) -> None:
    taken_port = [sys.executable, "-m", "embodied_kit", "robot", "router", "--listen", router]
    done = subprocess.run(taken_port, capture_output=True, text=True, check=False, timeout=60, cwd=ROOT)
    assert done.returncode == 4
    assert "in use" in done.stderr
    with reachable("zenoh") as free:
        endpoint = json.loads(free[OVERRIDE].partition("=")[2])[0]
    command = [*taken_port[:-1], endpoint]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == f"zenoh router at {endpoint}; Ctrl-C stops it\n"
        with pytest.raises(EnvironmentUnfitError, match="in use"), zenoh_router(endpoint):
            pass
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
