"""What an operator can ask of a recorder, and what a recorder shows: plain records, whatever the way in.

Keys, the console, ROS services and pedals put commands into a Controller and read its Snapshot; none knows another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

from embodied_kit.language import Texts
from embodied_kit.model.json import JsonObject
from embodied_recorders.loop.beside import Verdict
from embodied_recorders.take.documents import TakeOptions, TakeResult

State = Literal["idle", "armed", "recording", "closing", "closed"]
TakeEnd = Literal["recording", "closing", "saved", "discarded", "failed", "recovered"]
Band = Literal["ok", "warn", "bad", "silent", "absent"]
ClosingStep = Literal["post_roll", "label", "writing", "placing", "refused", "moving"]
Judging = Literal["off", "on", "ended"]


@dataclass(frozen=True)
class Start:
    """Begin a take.

    Attributes:
        options: What is said of it; None takes what the session was told.
    """

    options: TakeOptions | None = None


@dataclass(frozen=True)
class Stop:
    """End the take that runs.

    Attributes:
        result: What is said of it; None leaves the take in `closing` until a Label says it.
    """

    result: TakeResult | None = None


@dataclass(frozen=True)
class Label:
    """Say what the take in `closing` was; it is saved then."""

    result: TakeResult


@dataclass(frozen=True)
class Next:
    """End the take that runs and begin another.

    Attributes:
        result: What is said of the one that ends.
        options: What is said of the other; None takes what the session was told.
    """

    result: TakeResult
    options: TakeOptions | None = None


@dataclass(frozen=True)
class Discard:
    """Put a take into quarantine: the one that runs, else the last one; nothing is deleted.

    Attributes:
        reason: Why, without personal information.
        episode_id: Which; empty for the one that runs or the last.
    """

    reason: str
    episode_id: str = ""


@dataclass(frozen=True)
class Undo:
    """Bring a discarded take back: the last one, or the one that is named."""

    episode_id: str = ""


@dataclass(frozen=True)
class Mark:
    """Something happened now: an event of the take that runs; `name` is a slug."""

    name: str
    text: str = ""


@dataclass(frozen=True)
class Intervene:
    """A person takes over from a policy now, or hands back."""

    on: bool


@dataclass(frozen=True)
class Describe:
    """Say who operates and where, of the take that is open and of those that follow; what is empty stays as it was.

    Attributes:
        operator_pseudonym: Keyed hash of the operator, never a name.
        operator_skill_level: Word of the vocabulary.
        scene: As of TakeOptions.
    """

    operator_pseudonym: str = ""
    operator_skill_level: str = ""
    scene: JsonObject = field(default_factory=dict)


@dataclass(frozen=True)
class Shutdown:
    """End the session; a take that runs is saved.

    Attributes:
        reason: Word of the vocabulary `stop_reason`.
    """

    reason: str = "operator"


Command: TypeAlias = Start | Stop | Label | Next | Discard | Undo | Mark | Intervene | Describe | Shutdown


@dataclass(frozen=True)
class StreamState:
    """One stream of the contract as it is now; counts are of the take that runs, rates of the last seconds.

    Attributes:
        rate_hz: Messages per s of its slowest publisher; None below two messages.
        age_s: Since the last message; None before the first.
        max_gap_s: Longest silence within the take.
        lost_n: Messages known to be lost by publishers' numbers; None where nobody numbers them.
        queue_dropped_n: Messages that the recorder's own queue dropped.
        queue_high_bytes: Most bytes that ever waited in its queue.
        stale_n: Messages whose header stamp did not advance.
        duplicate_n: Messages with the bytes of the one before.
        problem: What is wrong in words, language -> text; empty where nothing is.
        missing_n: Periods in which no message came, by the header stamps; None where those tell nothing.
        ros_type: Full type name of its messages.
    """

    stream_id: str
    topic: str
    modality: str
    required: bool
    nominal_rate_hz: float | None
    publishers_n: int
    n: int = 0
    bytes_n: int = 0
    rate_hz: float | None = None
    age_s: float | None = None
    max_gap_s: float | None = None
    lost_n: int | None = None
    queue_dropped_n: int = 0
    queue_high_bytes: int = 0
    stale_n: int = 0
    duplicate_n: int = 0
    band: Band = "absent"
    problem: Texts = field(default_factory=dict)
    missing_n: int | None = None
    ros_type: str = ""


@dataclass(frozen=True)
class TakeState:
    """One take: the one that runs, or one that has ended.

    Attributes:
        reason: Why it stopped, why it was discarded or why it failed.
        verdict: The deepest that has come; None before the first.
        awaited_s: Since a verdict, or a deeper one, is awaited; None where none will come.
        problem: Why it failed or how it came back, language -> text; empty for every other.
        stood_still_s: How long the recorder did not run meanwhile, as after a Ctrl-Z.
    """

    episode_id: str
    state: TakeEnd
    elapsed_s: float
    messages_n: int
    bytes_n: int
    outcome: str = ""
    reason: str = ""
    verdict: Verdict | None = None
    awaited_s: float | None = None
    problem: Texts = field(default_factory=dict)
    stood_still_s: float = 0.0


@dataclass(frozen=True)
class ClosingState:
    """What the state `closing` is at.

    Attributes:
        step: It records on; waits for a label; finishes the data file; puts it among the episodes; asks a disk again
            that refuses; moves a take into quarantine, or back.
        seconds: Since that began; `left_s` of the post-roll; `waiting_bytes` are queued and not written yet.
    """

    step: ClosingStep
    seconds: float = 0.0
    left_s: float | None = None
    waiting_bytes: int = 0


@dataclass(frozen=True)
class Described:
    """Who operates and where, as takes say it now: where `scene` is empty, `task_scene`; `scenes` are those known."""

    operator_pseudonym: str = ""
    operator_skill_level: str = ""
    scene: JsonObject = field(default_factory=dict)
    task_scene: JsonObject = field(default_factory=dict)
    scenes: Sequence[JsonObject] = ()


@dataclass(frozen=True)
class MachineState:
    """Disk and clock.

    Attributes:
        free_bytes: Free on the dataset's disk.
        floor_bytes: Recording stops cleanly before less is free.
        seconds_left: Until the floor at the present rate; None while nothing is written.
        clock_synchronised: None where the system cannot tell.
        clock_max_error_ns: Kernel's bound; None where the system cannot tell.
    """

    free_bytes: int
    floor_bytes: int
    seconds_left: float | None
    clock_synchronised: bool | None
    clock_max_error_ns: int | None


@dataclass(frozen=True)
class Snapshot:
    """All that an operator sees at one moment.

    Attributes:
        time_ns: When, ns since the Unix epoch.
        problems: What keeps the session from being armed, and what else is amiss; language -> text.
        asks_label: Whether the take in `closing` waits for its Label.
        closing: What `closing` is at; None in every other state.
        judging: Whether takes are judged: `off` by choice, `ended` where the judge is gone.
        refused: The last command that was not carried out, by whatever way it came; `refused_s` is its age.
        intervening: Whether a person has taken over.
        takes: Takes that have ended, newest last.
        transport_counters: Growth of the transport's loss counters over the take.
    """

    time_ns: int
    state: State
    task_id: str
    streams: Sequence[StreamState]
    machine: MachineState
    problems: Sequence[Texts] = ()
    asks_label: bool = False
    intervening: bool = False
    take: TakeState | None = None
    takes: Sequence[TakeState] = ()
    transport_counters: Mapping[str, int] = field(default_factory=dict)
    described: Described = field(default_factory=Described)
    closing: ClosingState | None = None
    judging: Judging = "off"
    refused: Reply | None = None
    refused_s: float = 0.0


@dataclass(frozen=True)
class Reply:
    """Answer to a command: whether it was carried out, and in words what it did or why not, language -> text."""

    done: bool
    text: Texts
    episode_id: str = ""


class Recorder(Protocol):
    """What a way in needs of the controller; every method is safe for threads."""

    def ask(self, command: Command) -> Reply:
        """Have a command carried out by the receiving thread, and wait for the answer."""
        ...

    def snapshot(self) -> Snapshot:
        """The newest snapshot; some are made each second."""
        ...

    def image(self, stream_id: str) -> bytes | None:
        """Newest message (CDR) of an image stream, of a video the newest key frame; None where none came."""
        ...
