"""Buttons and pedals: what counts as a press, what a press means, and takes driven by them from another process."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from recorder.running import running_controller
from transports.harness import REAL_RCLPY, Process, free_domain, rclpy_of, reachable, until

from embodied_kit.canonical import load_json
from embodied_kit.episode.quarantine import quarantined
from embodied_kit.errors import DataError, UsageError
from embodied_kit.messages.codec import codec
from embodied_kit.model.stream import Qos, Sample
from embodied_recorders.loop.control import (
    Command,
    Discard,
    Intervene,
    Label,
    MachineState,
    Mark,
    Next,
    Reply,
    Snapshot,
    Start,
    State,
    Stop,
    Undo,
)
from embodied_recorders.loop.pedal import BOOL, JOY, Control, Presses, joy, listening, pedal
from embodied_recorders.loop.words import WORDS, Said, command_of
from embodied_recorders.take.documents import TakeResult
from embodied_recorders.transports import open_transport
from embodied_recorders.transports.memory import MemoryTransport

GAMEPAD = Path(__file__).with_name("gamepad.py")
TOPICS = {"/joy": JOY, "/pedal": BOOL}
BUTTONS = "start=0,stop=1,success=2,failure=3,discard=4,undo=5,next=6,mark=7"


def joy_sample(seconds: float, *down: int, publisher: str = "a") -> Sample:
    cdr = codec(JOY).encode({"buttons": [int(index in down) for index in range(8)]})
    return Sample("/joy", cdr, 0, 10**18 + round(seconds * 1e9), publisher, None)


def pressed(*samples: Sample, control: Control | None = None) -> list[str]:
    presses = Presses()
    return [word for sample in samples for word in presses.of(control or joy("joy", BUTTONS), sample)]


def test_a_button_that_is_held_presses_once() -> None:
    assert pressed(joy_sample(0), joy_sample(1, 0), joy_sample(2, 0), joy_sample(3), joy_sample(4, 0)) == ["start"] * 2


def test_a_button_that_bounces_presses_once() -> None:
    bounce = [joy_sample(1, 0), joy_sample(1.02), joy_sample(1.04, 0), joy_sample(1.1), joy_sample(1.19, 0)]
    assert pressed(*bounce) == ["start"]
    assert pressed(*bounce, joy_sample(1.3), joy_sample(1.4, 0)) == ["start"] * 2


def test_a_clock_that_is_set_back_mutes_no_button() -> None:
    assert pressed(joy_sample(100, 0), joy_sample(50), joy_sample(51, 0)) == ["start"] * 2


def test_buttons_are_apart_and_so_are_gamepads() -> None:
    assert pressed(joy_sample(1, 0), joy_sample(1.01, 0, 1), joy_sample(1.02, 0, 1, 2)) == ["start", "stop", "success"]
    two = [joy_sample(1, 0), joy_sample(2, publisher="b"), joy_sample(3, 0), joy_sample(4, publisher="b")]
    assert pressed(*two) == ["start"]  # b's buttons, all up, are not a's let go
    assert pressed(joy_sample(1, 9), control=joy("/joy", "mark=9")) == []  # it has eight


def test_a_pedal_is_pressed_when_it_turns_true() -> None:
    states = [False, True, True, False, True]
    samples = [
        Sample("/pedal", codec(BOOL).encode({"data": state}), 0, 10**18 + second * 10**9, "a", None)
        for second, state in enumerate(states)
    ]
    assert pressed(*samples, control=pedal("/pedal=toggle")) == ["toggle"] * 2


def test_what_is_no_joy_is_an_error() -> None:
    with pytest.raises(DataError):
        pressed(Sample("/joy", b"\0\1\0\0\1", 0, 0, "a", None))


@pytest.mark.parametrize(
    ("buttons", "told"),
    [
        ("begin=0", "expected a word of start"),
        ("start=x", "a button of its own"),
        ("start=1,stop=1", "of its own"),
        ("", "none"),
    ],
)
def test_wirings_that_mean_nothing_are_refused(buttons: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        joy("/joy", buttons)
    for wiring in ("toggle", "=toggle", "/pedal=", "/pedal"):
        with pytest.raises(UsageError):
            pedal(wiring)


def shown(state: State = "recording", *, intervening: bool = False) -> Snapshot:
    return Snapshot(0, state, "pick", (), MachineState(0, 0, None, None, None), intervening=intervening)


SAID = Said(failure_cause="grasp_missed", discard_reason="slipped", mark_name="contact", mark_text="t")
SUCCESS = TakeResult("success", outcome_source="operator")


@pytest.mark.parametrize(
    ("word", "snapshot", "command"),
    [
        ("start", shown("armed"), Start()),
        ("stop", shown(), Stop()),
        ("toggle", shown("armed"), Start()),
        ("toggle", shown(), Stop()),
        ("success", shown(), Stop(SUCCESS)),
        ("success", shown("closing"), Label(SUCCESS)),
        ("failure", shown(), Stop(TakeResult("failure", "grasp_missed", "operator"))),
        ("partial", shown("closing"), Label(TakeResult("partial", outcome_source="operator"))),
        ("discard", shown(), Discard("slipped")),
        ("undo", shown("armed"), Undo()),
        ("next", shown(), Next(SUCCESS)),
        ("mark", shown(), Mark("contact", "t")),
        ("intervene", shown(), Intervene(on=True)),
        ("intervene", shown(intervening=True), Intervene(on=False)),
    ],
)
def test_a_word_means_what_fits_the_moment(word: str, snapshot: Snapshot, command: Command) -> None:
    assert command_of(word, snapshot, SAID) == command


def test_other_words_are_refused() -> None:
    with pytest.raises(UsageError, match=", ".join(WORDS)):
        command_of("begin", shown(), SAID)


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("failure", Said(failure_cause="bad luck")),
        ("next", Said(next_outcome="splendid")),
        ("mark", Said(mark_name="Door opens")),
    ],
)
def test_what_no_take_may_hold_is_refused_and_other_words_are_not(word: str, said: Said) -> None:
    with pytest.raises(UsageError, match="expected"):
        command_of(word, shown(), said)
    assert command_of("stop", shown(), said) == Stop()


class Desk:
    """A recorder that is commanded from another process."""

    def __init__(self, gamepad: Process) -> None:
        self._gamepad = gamepad
        self.heard: list[tuple[str, bool]] = []

    def hear(self, word: str, reply: Reply) -> None:
        self.heard.append((word, reply.done))

    def press(self, *messages: dict[str, object], topic: str = "/joy", ros_type: str = JOY) -> None:
        """Messages that hold one press, and its answer."""
        n = len(self.heard)
        assert self._gamepad.ask("press", topic=topic, type=ros_type, messages=messages)
        until(lambda: len(self.heard) > n, "the press")

    def button(self, index: int) -> None:
        self.press({"buttons": [int(one == index) for one in range(8)]}, {"buttons": [0] * 8})


@contextmanager
def desk(transport: str, tmp_path: Path) -> Iterator[tuple[Desk, object]]:
    with reachable(transport) as environment, free_domain() as domain_id, pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        gamepad = Process([sys.executable, GAMEPAD, transport, str(domain_id), json.dumps(TOPICS)], dict(os.environ))
        made = Desk(gamepad)
        try:
            with running_controller(tmp_path) as running:
                ears = open_transport(transport, domain_id=domain_id, node_name="embodied_recorder_pedal")
                until(lambda: {one.topic for one in ears.endpoints()} >= TOPICS.keys(), "the gamepad")
                controls = [joy("/joy", BUTTONS), pedal("/pedal=toggle")]
                with listening(running.controller, controls, ears, lambda: SAID, made.hear):
                    yield made, running
        finally:
            gamepad.stop()


@pytest.mark.wire
@pytest.mark.parametrize("transport", ["dds", "zenoh"])
def test_takes_driven_by_a_gamepad_and_a_pedal(transport: str, tmp_path: Path) -> None:
    with desk(transport, tmp_path) as (hands, running):
        hands.button(1)
        assert hands.heard == [("stop", False)]  # there is no take
        hands.button(0)
        assert running.until("recording").take is not None
        hands.button(7)
        hands.press({"data": True}, {"data": False}, topic="/pedal", ros_type=BOOL)
        assert running.until("closing").asks_label
        hands.button(3)
        running.until("armed")
        (kept,) = running.dataset.episode_ids()
        document = load_json(running.dataset.root / "episodes" / kept / "episode.json")
        assert (document["outcome"], document["failure_cause"]) == ("failure", "grasp_missed")
        hands.button(4)
        assert [one.reason for one in quarantined(running.dataset)] == ["slipped"]
        hands.button(5)
        assert running.dataset.episode_ids() == [kept]
    assert hands.heard[1:] == [(word, True) for word in ("start", "mark", "toggle", "failure", "discard", "undo")]


@pytest.mark.wire
@pytest.mark.parametrize("version", ["jazzy", REAL_RCLPY])
def test_takes_driven_by_a_pedal_over_rclpy(tmp_path: Path, version: str) -> None:
    with rclpy_of(version), desk("ros2", tmp_path) as (hands, running):
        hands.press({"data": True}, topic="/pedal", ros_type=BOOL)
        running.until("recording")
        assert hands.heard == [("toggle", True)]


def test_two_controls_of_one_topic_are_refused(tmp_path: Path) -> None:
    with free_domain() as domain_id, running_controller(tmp_path) as running:
        ears = open_transport("dds", domain_id=domain_id)
        with (
            pytest.raises(UsageError, match="a topic for each control"),
            listening(running.controller, [pedal("/p=start"), pedal("/p=stop")], ears),
        ):
            pass


def test_what_no_take_may_hold_is_refused_at_once(tmp_path: Path) -> None:
    with (
        running_controller(tmp_path) as running,
        pytest.raises(UsageError, match="failure_cause"),
        listening(running.controller, [pedal("/p=failure")], MemoryTransport(time.time_ns), lambda: Said("bad luck")),
    ):
        pass


def test_a_pedal_that_comes_later_and_offers_less_is_heard(tmp_path: Path) -> None:
    with running_controller(tmp_path) as running:
        graph = MemoryTransport(time.time_ns)
        heard: list[str] = []
        with listening(running.controller, [pedal("/p=start")], graph, heard=lambda word, _reply: heard.append(word)):
            late = graph.advertise("/p", BOOL, qos=Qos("best_effort"), type_hash=None)
            until(late.matched, "our match")
            late.publish(b"\0\1\0\0")  # no Bool
            late.publish(codec(BOOL).encode({"data": True}))
            running.until("recording")
    assert heard == ["start"]
