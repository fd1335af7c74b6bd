"""The graph while a session runs, over a real middleware: late streams, publishers that do not fit, come and go."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

import pytest
from recorder import support
from recorder.robot import message
from recorder.support import JOINT_STREAM, attachments, dataset_in, problems_of, read, stream
from transports.harness import free_domain, until

from embodied_kit.canonical import parse_json
from embodied_kit.episode.datafile import FileWriter
from embodied_kit.model.json import JsonObject
from embodied_kit.model.stream import Qos
from embodied_recorders.loop.control import Command, Reply, Start, Stop
from embodied_recorders.loop.controller import Controller
from embodied_recorders.take.documents import TakeOptions, TakeResult
from embodied_recorders.take.session import Session
from embodied_recorders.transports import open_transport
from embodied_recorders.transports.base import Publisher, Transport

pytestmark = pytest.mark.wire
SUCCESS = TakeResult("success", outcome_source="operator")
LATE = stream("late", "/late", support.JOINTS, 100, required=False)
_HASH = support.STORE.definition(support.JOINTS, None).type_hash


@dataclass
class Robot:
    """A node of the robot: what it publishes at each turn."""

    graph: Transport
    publishers: list[Publisher]
    sent_n: int = 0

    def joins(self, topic: str, qos: Qos, ros_type: str = support.JOINTS) -> None:
        type_hash = _HASH if ros_type == support.JOINTS else None
        self.publishers.append(self.graph.advertise(topic, ros_type, qos=qos, type_hash=type_hash))

    def send(self) -> None:
        for publisher in self.publishers:
            publisher.publish(message("joint", self.sent_n, time.time_ns()))
        self.sent_n += 1


class Desk:
    """A controller on a domain of its own; robots in the same process, each a participant."""

    def __init__(self, folder: Path, domain_id: int, *streams: dict[str, object]) -> None:
        self.domain_id = domain_id
        self.dataset = dataset_in(folder)
        self.graph = open_transport("dds", domain_id=domain_id)
        contract = support.contract(*streams)
        session = Session(self.graph, self.dataset, contract, support.STORE, "ho-test", new_sink=FileWriter)
        self.controller = Controller(session, TakeOptions("pick"))
        self.robots: list[Robot] = []

    def robot(self, topic: str, qos: Qos, ros_type: str = support.JOINTS) -> Robot:
        robot = Robot(open_transport("dds", domain_id=self.domain_id, node_name="robot"), [])
        robot.joins(topic, qos, ros_type)
        self.robots.append(robot)
        return robot

    def gone(self, robot: Robot) -> None:
        self.robots.remove(robot)
        robot.graph.close()

    def until(self, condition: Callable[[], object], what: str) -> None:
        def turned() -> object:
            for robot in self.robots:
                robot.send()
            self.controller.step()
            return condition()

        until(turned, what)

    def ask(self, command: Command) -> Reply:
        future: Future[Reply] = Future()
        self.controller._commands.put((command, future))
        self.controller.step()
        return future.result(0)

    def state(self, topic: str) -> object:
        (found,) = [one for one in self.controller.snapshot().streams if one.topic == topic]
        return found

    def event(self, name: str) -> bool:
        assert self.controller._running is not None
        return name in [event["name"] for event in self.controller._running.events]

    def saved(self) -> tuple[Path, JsonObject]:
        assert self.ask(Stop(SUCCESS)).done
        self.until(lambda: self.controller.snapshot().state == "armed", "the take")
        folder = self.dataset.root / "episodes" / self.dataset.episode_ids()[-1]
        assert problems_of(folder)["closing"] == []
        return folder, parse_json(attachments(folder)["closing.json"]).value


@pytest.fixture
def domain_id() -> Iterator[int]:
    with free_domain() as domain:
        yield domain


def opened(desk: Desk) -> Desk:
    desk.robot("/joint_states", Qos())
    desk.until(lambda: desk.controller.snapshot().state == "armed", "an armed recorder")
    return desk


def closed(desk: Desk) -> None:
    for robot in [*desk.robots]:
        desk.gone(robot)
    desk.controller.session.close()
    desk.graph.close()


def test_a_stream_that_comes_late_is_recorded(tmp_path: Path, domain_id: int) -> None:
    desk = opened(Desk(tmp_path, domain_id, JOINT_STREAM, LATE))
    assert desk.state("/late").band == "absent"
    assert desk.ask(Start()).done
    desk.robot("/late", Qos())
    desk.until(lambda: desk.state("/late").n > 20, "messages of the late stream")
    folder, closing = desk.saved()
    assert sum(one.topic == "/late" for one in read(folder)) > 20
    assert [event["name"] for event in closing["events"]] == ["publisher_joined"]
    first = {entry["stream_id"]: int(entry["first_receive_ns"]) for entry in closing["streams"]}
    assert first["joint_states"] < first["late"] < int(closing["end_ns"])
    closed(desk)


def test_a_newcomer_that_does_not_match_is_told_and_received_from_the_next_take_on(
    tmp_path: Path, domain_id: int
) -> None:
    desk = opened(Desk(tmp_path, domain_id, JOINT_STREAM))
    assert desk.ask(Start()).done
    desk.robot("/joint_states", Qos(reliability="best_effort"))
    desk.until(lambda: desk.event("stream_unfit"), "the event")
    (problem,) = desk.controller.snapshot().problems
    assert problem["en"] == "/joint_states: QoS reliability: 1 of 2 publishers matched"
    assert "QoS reliability" in problem["zh"]
    assert desk.state("/joint_states").band == "bad"
    _, closing = desk.saved()
    assert [event["name"] for event in closing["events"]] == ["publisher_joined", "stream_unfit"]
    assert "reliability" in closing["events"][-1]["text"]
    desk.until(lambda: desk.graph.matched("/joint_states") == 2, "both to match")
    desk.until(lambda: desk.controller.snapshot().problems == [], "no problem")
    assert desk.ask(Start()).done
    closed(desk)


def test_another_type_on_a_topic_is_told_and_keeps_a_take_from_beginning(tmp_path: Path, domain_id: int) -> None:
    desk = opened(Desk(tmp_path, domain_id, JOINT_STREAM))
    stranger = desk.robot("/joint_states", Qos(), support.IMAGE)
    stranger.publishers.clear()
    desk.until(lambda: desk.controller.snapshot().state == "idle", "an idle recorder")
    assert "another type: sensor_msgs/msg/Image" in desk.controller.snapshot().problems[0]["en"]
    assert not desk.ask(Start()).done
    desk.gone(stranger)
    desk.until(lambda: desk.controller.snapshot().state == "armed", "an armed recorder")
    closed(desk)


def test_a_publisher_that_leaves_and_comes_back_is_noted(tmp_path: Path, domain_id: int) -> None:
    desk = opened(Desk(tmp_path, domain_id, JOINT_STREAM))
    assert desk.ask(Start()).done
    desk.until(lambda: desk.state("/joint_states").n > 10, "messages")
    desk.gone(desk.robots[0])
    desk.until(lambda: desk.event("publisher_left"), "it to leave")
    desk.robot("/joint_states", Qos())
    desk.until(lambda: desk.event("publisher_returned"), "it to come back")
    before_n = desk.state("/joint_states").n
    desk.until(lambda: desk.state("/joint_states").n > before_n + 10, "messages")
    _, closing = desk.saved()
    assert [event["name"] for event in closing["events"]] == ["publisher_left", "publisher_returned"]
    assert len(closing["streams"]) == 2
    closed(desk)


def test_a_start_waits_for_a_match_where_a_stream_sends_nothing_yet(tmp_path: Path, domain_id: int) -> None:
    desk = Desk(tmp_path, domain_id, stream("event", "/event", support.JOINTS, None))
    desk.until(lambda: desk.controller.snapshot().problems, "a look")
    assert desk.controller.snapshot().state == "idle"
    assert not desk.ask(Start()).done
    desk.robot("/event", Qos()).publishers.clear()
    desk.until(lambda: desk.controller.snapshot().state == "armed", "an armed recorder")
    assert desk.graph.matched("/event") == 1
    assert desk.ask(Start()).done
    closed(desk)
