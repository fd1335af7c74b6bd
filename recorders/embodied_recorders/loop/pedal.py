"""Hands-free: buttons of a gamepad (`sensor_msgs/msg/Joy`) and pedals (`std_msgs/msg/Bool`) that command a recorder.

They are heard over a connection of their own, in a thread of its own, over whatever transport the recorder uses, and
need not be in the contract.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Final, cast

from embodied_kit.errors import DataError, UsageError
from embodied_kit.messages.codec import codec
from embodied_kit.messages.definitions import TypeStore
from embodied_kit.model.stream import Qos, Sample
from embodied_recorders.graph.survey import by_topic
from embodied_recorders.loop.control import Recorder, Reply
from embodied_recorders.loop.words import Said, command_of, require_word
from embodied_recorders.transports.base import Transport, matching_qos

JOY: Final = "sensor_msgs/msg/Joy"
BOOL: Final = "std_msgs/msg/Bool"
DEBOUNCE_S: Final = 0.2
_TAKE_S = 0.2
_ANY_QOS: Final = Qos(reliability="best_effort")  # matches every publisher, as long as none is known
_LOOK_PERIOD_S = 1.0


@dataclass(frozen=True)
class Control:
    """One topic whose buttons are words.

    Attributes:
        topic: ROS topic name.
        ros_type: JOY or BOOL.
        words: Index of a button -> word; a Bool is button 0.
    """

    topic: str
    ros_type: str
    words: Mapping[int, str]


def joy(topic: str, buttons: str) -> Control:
    """A gamepad: `joy("/joy", "start=0,stop=1,intervene=4")`.

    Raises:
        UsageError: A word is unknown, an index is none, or a button has two words.
    """
    words: dict[int, str] = {}
    for pair in filter(None, (part.strip() for part in buttons.split(","))):
        word, _, index = pair.partition("=")
        require_word(word.strip())
        if not index.strip().isdecimal() or int(index) in words:
            raise UsageError(
                f"expected word=button with a button of its own for each word, got '{buttons}'",
                remedy="--joy /joy --buttons start=0,stop=1",
            )
        words[int(index)] = word.strip()
    if not words:
        raise UsageError(f"expected buttons of {topic}, got none", remedy="--joy /joy --buttons start=0,stop=1")
    return Control(_topic(topic), JOY, words)


def pedal(wiring: str) -> Control:
    """A pedal: `pedal("/pedal=toggle")`; it sends true when it is pressed and false when it is let go.

    Raises:
        UsageError: It is not TOPIC=WORD, or the word is unknown.
    """
    topic, _, word = wiring.rpartition("=")
    return Control(_topic(topic), BOOL, {0: require_word(word)})


@dataclass
class Presses:
    """Finds the moments at which buttons go down.

    Attributes:
        debounce_s: A button that goes down again sooner than this after a press bounces.
    """

    debounce_s: float = DEBOUNCE_S
    _down: dict[tuple[str, str], frozenset[int]] = field(default_factory=dict)
    _last_ns: dict[tuple[str, int], int] = field(default_factory=dict)

    def of(self, control: Control, sample: Sample) -> list[str]:
        """Words of the buttons that went down with this message, in order of button; every button begins as up.

        Raises:
            DataError: The message is not of the control's type.
        """
        source = (control.topic, sample.publisher)
        down = _buttons_down(control, sample.cdr)
        new, self._down[source] = down - self._down.get(source, frozenset()), down
        return [
            word
            for index, word in sorted(control.words.items())
            if index in new and self._counts((control.topic, index), sample.receive_ns)
        ]

    def _counts(self, button: tuple[str, int], now_ns: int) -> bool:
        last_ns = self._last_ns.get(button)
        if last_ns is not None and abs(now_ns - last_ns) < self.debounce_s * 1e9:  # abs: clocks are set back
            return False
        self._last_ns[button] = now_ns
        return True


@contextmanager
def listening(
    recorder: Recorder,
    controls: Sequence[Control],
    transport: Transport,
    said: Callable[[], Said] = Said,
    heard: Callable[[str, Reply], None] = lambda _word, _reply: None,
) -> Iterator[None]:
    """Carry out what is pressed until the block ends.

    Args:
        recorder: What is commanded.
        controls: What is heard; each topic once.
        transport: Open, used by nobody else; it is closed at the end.
        said: What goes with words, asked at each.
        heard: Told each word and its answer, from the listening thread.

    Raises:
        EnvironmentUnfitError: The transport cannot subscribe.
        UsageError: Two controls share a topic, a topic's name is none, or no take may hold what is said.
    """
    over = threading.Event()
    ears = _Ears(transport, {control.topic: control for control in controls})
    hands = _Hands(recorder, said, heard)
    thread = threading.Thread(target=_listen, args=(ears, hands, over), name="embodied-kit-pedal")
    try:
        if len(ears.controls) != len(controls):
            raise UsageError(f"expected a topic for each control, got {', '.join(c.topic for c in controls)}")
        for word in {word for control in controls for word in control.words.values()}:
            command_of(word, recorder.snapshot(), said())
        ears.look()
        thread.start()
        yield
    finally:
        over.set()
        if thread.ident is not None:
            thread.join()
        transport.close()


@dataclass
class _Ears:
    """Subscriptions to the controls, reliable where their publishers are, and the presses in what they bring."""

    transport: Transport
    controls: Mapping[str, Control]
    _definitions: TypeStore = field(default_factory=TypeStore)
    _presses: Presses = field(default_factory=Presses)
    _asked: dict[str, Qos] = field(default_factory=dict)

    def look(self) -> None:
        """Subscribe, and anew where publishers have come that offer something else."""
        offered = by_topic(self.transport.endpoints())
        for topic, control in self.controls.items():
            publishers = offered.get(topic)
            asked = self._asked.get(topic, _ANY_QOS)
            # Volatile: what was pressed before we listened is no wish.
            wanted = replace(matching_qos([p.qos for p in publishers]), durability="volatile") if publishers else asked
            if self._asked.get(topic) == wanted:
                continue
            if topic in self._asked:
                self.transport.unsubscribe(topic)
            found = self._definitions.definition(control.ros_type, None)
            self.transport.subscribe(topic, control.ros_type, qos=wanted, type_hash=found.type_hash if found else None)
            self._asked[topic] = wanted

    def words(self, timeout_s: float) -> list[str]:
        """What is pressed, waiting for it."""
        return [word for sample in self.transport.take(timeout_s) for word in self._words_of(sample)]

    def forget(self) -> None:
        """Let go what is waiting; buttons that went down stay down."""
        while samples := self.transport.take(0.0):
            for sample in samples:
                self._words_of(sample)

    def _words_of(self, sample: Sample) -> list[str]:
        try:
            return self._presses.of(self.controls[sample.topic], sample)
        except DataError:
            return []  # a message that cannot be read presses nothing


@dataclass(frozen=True)
class _Hands:
    """Has words carried out."""

    recorder: Recorder
    said: Callable[[], Said]
    heard: Callable[[str, Reply], None]

    def press(self, word: str) -> Reply:
        try:
            return self.recorder.ask(command_of(word, self.recorder.snapshot(), self.said()))
        except UsageError as error:  # of what is said now
            return Reply(done=False, text={"en": error.message, "zh": error.message})


def _listen(ears: _Ears, hands: _Hands, over: threading.Event) -> None:
    next_look_s = 0.0
    while not over.is_set():
        if time.monotonic() >= next_look_s:
            ears.look()
            next_look_s = time.monotonic() + _LOOK_PERIOD_S
        answers = [(word, hands.press(word)) for word in ears.words(_TAKE_S)]
        if answers:
            ears.forget()  # what was pressed while the recorder was at it was meant for another moment
        for word, reply in answers:
            hands.heard(word, reply)


def _buttons_down(control: Control, cdr: bytes) -> frozenset[int]:
    message = codec(control.ros_type).decode(cdr)
    states = [message["data"]] if control.ros_type == BOOL else cast("Sequence[int]", message["buttons"])
    return frozenset(index for index, state in enumerate(states) if state)


def _topic(name: str) -> str:
    if not name.strip("/"):
        raise UsageError(f"expected the name of a topic, got '{name}'", remedy="--pedal /pedal=toggle")
    return name if name.startswith("/") else f"/{name}"
