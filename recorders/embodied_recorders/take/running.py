"""A take while it runs: maps samples to channels, counts them, and notes what happens meanwhile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from embodied_kit.canonical import pretty_bytes
from embodied_kit.episode.datafile import OutMessage
from embodied_kit.episode.take import TakeFile
from embodied_kit.errors import EnvironmentUnfitError, WriteFaultError
from embodied_kit.model.channel import ChannelInfo
from embodied_kit.model.json import JsonObject
from embodied_kit.model.stream import Sample
from embodied_recorders.graph.clock import Clock
from embodied_recorders.take.ledger import Ledger

_SEQUENCE_MASK = 2**32 - 1  # MCAP has 32 bits for it
MOST_GRAPH_EVENTS = 256  # a take; a publisher that dies each second would fill its documents
LEFT_OUT = "graph_events_left_out"
STANDSTILL_NS = 2_000_000_000  # a busy machine holds nobody up for so long
CLOCK_STEP_NS = 100_000_000  # NTP slews what is smaller (ntpd steps from 128 ms), and a busy machine reads no worse


@dataclass(frozen=True)
class Progress:
    """A take so far: seconds, messages, bytes, and why it stopped (empty while it runs)."""

    elapsed_s: float
    messages_n: int
    bytes_n: int
    stop_reason: str = ""


@dataclass(frozen=True)
class Opening:
    """What was said and known when a take began.

    Attributes:
        capture: The capture document, and its bytes as attached.
        clock: The recorder's entry of `clocks[]`.
        counters: The transport's loss counters then.
        losses: Its losses by topic then, where it can tell them.
    """

    capture: JsonObject
    capture_bytes: bytes
    clock: JsonObject
    counters: Mapping[str, int]
    losses: Mapping[str, int] = field(default_factory=dict)


@dataclass
class Running:
    """One take from its first message to its last; times are ns since the Unix epoch.

    Attributes:
        start_ns: Start of the span; messages of a pre-roll come before it.
        end_ns: End of the span once it is known; messages of a post-roll come after it.
        stop_reason: Word of the vocabulary `stop_reason`; empty while the take runs.
        fault: What the disk refused, if it did.
        closing: The closing document once it is composed; a second try to finish keeps it.
        stood_still_s: How long nothing was received because the recorder itself did not run.
    """

    file: TakeFile
    opening: Opening
    channel_for: Callable[[Sample], ChannelInfo]
    is_bulk: Callable[[Sample], bool]
    clock: Clock
    start_ns: int
    ledger: Ledger = field(default_factory=Ledger)
    bytes_n: int = 0
    end_ns: int | None = None
    stop_reason: str = ""
    fault: WriteFaultError | None = None
    closing: JsonObject | None = None
    stood_still_s: float = 0.0
    events: list[JsonObject] = field(default_factory=list)
    _graph_events_n: int = 0
    _interventions: list[tuple[int, int | None]] = field(default_factory=list)
    _channels: dict[tuple[str, str], int] = field(default_factory=dict)
    _file_bytes_n: int = 0
    _file_since_ns: int = 0
    _clock_offset_ns: int = 0
    _stopped_ns: int = 0
    _seen_ns: int = 0

    def __post_init__(self) -> None:
        self._started_ns = self._file_since_ns = self._seen_ns = self.clock.monotonic_ns()
        self._clock_offset_ns = self.clock.now_ns() - self._started_ns

    def replay(self, samples: Iterable[Sample], time_ns: int) -> None:
        """Write remembered latched messages first; they are received anew at the start of the file."""
        self.add([Sample(s.topic, s.cdr, s.source_ns, time_ns, s.publisher, s.sequence) for s in samples])

    def add(self, samples: Sequence[Sample]) -> None:
        """Count samples and hand them to the writer; a refusal of the disk is remembered."""
        try:
            rows = [
                OutMessage(
                    self._channel(s),
                    s.receive_ns,
                    max(0, s.source_ns),
                    (s.sequence or 0) & _SEQUENCE_MASK,
                    s.cdr,
                )
                for s in samples
            ]
            self.ledger.add(samples)
            self.bytes_n += sum(len(sample.cdr) for sample in samples)
            self.file.write(rows)
        except WriteFaultError as error:
            self.fault = error

    def is_file_full(self, max_bytes: int | None, max_s: float | None) -> bool:
        """Whether the data file has reached a limit: bytes of messages, or s."""
        held_bytes = self.bytes_n - self._file_bytes_n
        held_s = (self.clock.monotonic_ns() - self._file_since_ns) / 1e9
        return (max_bytes is not None and held_bytes >= max_bytes) or (max_s is not None and held_s >= max_s)

    def go_on(self, attachments: Mapping[str, bytes], latched: Sequence[Sample]) -> None:
        """Go on in another data file, which repeats what is latched; a refusal of the disk is remembered."""
        now_ns = self.clock.now_ns()
        self._file_bytes_n, self._file_since_ns = self.bytes_n, self.clock.monotonic_ns()
        capture = {**self.opening.capture, "file_index": self.file.file_index + 1}
        repeated = {topic: str(n) for topic, n in Counter(sample.topic for sample in latched).items()}
        try:
            self.file.next_file(pretty_bytes(capture), attachments, repeated, now_ns)
        except WriteFaultError as error:
            self.fault = error
            return
        self.replay(latched, now_ns)

    def progress(self, reason: str = "") -> Progress:
        """How far it is."""
        return Progress(self.elapsed_s, sum(self.file.counts), self.bytes_n, reason)

    @property
    def elapsed_s(self) -> float:
        """Length of the span so far, s."""
        return ((self._stopped_ns or self.clock.monotonic_ns()) - self._started_ns) / 1e9

    @property
    def since_stop_ns(self) -> int:
        """Time since the span ended, whatever the clock was set to meanwhile; 0 while it runs."""
        return self.clock.monotonic_ns() - self._stopped_ns if self._stopped_ns else 0

    def stop(self, reason: str) -> None:
        """End the span now, where there is a reason; the first one stands."""
        if reason and not self.stop_reason:
            self.stop_reason = reason
            self._stopped_ns = self.clock.monotonic_ns()
            self.end_ns = max(self.clock.now_ns(), self.start_ns)  # a clock may be set back meanwhile
            self._note("stopped", {"end_ns": str(self.end_ns), "stop_reason": reason})

    def say(self, result: JsonObject) -> None:
        """Keep what was said of the take while it still closes: fields of the closing document."""
        self._note("said", result)

    def mark(self, name: str, text: str = "") -> None:
        """Note an event of now; `name` is a slug."""
        self.events.append({"time_ns": str(self.clock.now_ns()), "name": name, **({"text": text} if text else {})})
        self._note("event", self.events[-1])

    def mark_graph(self, name: str, text: str) -> None:
        """Note what happened in the graph; of too many, one event says how many were left out from there on."""
        self._graph_events_n += 1
        left_out_n = self._graph_events_n - MOST_GRAPH_EVENTS
        if left_out_n <= 0:
            self.mark(name, text)
        elif left_out_n == 1:
            self.mark(LEFT_OUT, "1 or more")  # of which the journal knows; the closing document tells the number
        else:
            at = next(place for place, event in enumerate(self.events) if event["name"] == LEFT_OUT)
            self.events[at] = {**self.events[at], "text": str(left_out_n)}

    def intervene(self, *, on: bool) -> None:
        """A person takes over now, or hands back; said twice, it changes nothing."""
        if on == self.intervening:
            return
        now_ns = self.clock.now_ns()
        if on:
            self._interventions.append((now_ns, None))
        else:
            start_ns, _ = self._interventions.pop()
            self._interventions.append((start_ns, max(now_ns, start_ns)))
        self._note("intervention", {"time_ns": str(now_ns), "on": on})

    @property
    def intervening(self) -> bool:
        """Whether a person has taken over."""
        return bool(self._interventions) and self._interventions[-1][1] is None

    def interventions(self, end_ns: int) -> list[JsonObject]:
        """`intervention_segments[]`, none beyond the end of the span; one that is open ends there."""
        spans = [(start, end_ns if end is None else min(end, end_ns)) for start, end in self._interventions]
        return [{"start_ns": str(start), "end_ns": str(end)} for start, end in spans if start <= end]

    def watch_clock(self) -> int:
        """Note where the clock was set since the last call; the step in ns, 0 for none."""
        offset_ns = self.clock.now_ns() - self.clock.monotonic_ns()
        step_ns, self._clock_offset_ns = offset_ns - self._clock_offset_ns, offset_ns
        if abs(step_ns) < CLOCK_STEP_NS:
            return 0
        self.mark("clock_step", f"{step_ns / 1e9:+.3f} s")
        return step_ns

    def watch_standstill(self) -> None:
        """Note where long passed since the last call: Ctrl-Z, or a machine that was held up."""
        now_ns = self.clock.monotonic_ns()
        still_ns, self._seen_ns = now_ns - self._seen_ns, now_ns
        if still_ns >= STANDSTILL_NS:
            self.stood_still_s += still_ns / 1e9
            self.mark("standstill", f"{still_ns / 1e9:.1f} s")

    def _note(self, kind: str, fields: JsonObject) -> None:
        try:
            self.file.note(kind, fields)
        except WriteFaultError as error:
            self.fault = error
        except EnvironmentUnfitError:
            pass  # the writer died, which the next messages tell

    def _channel(self, sample: Sample) -> int:
        key = (sample.topic, sample.publisher)
        found = self._channels.get(key)
        if found is None:
            found = self._channels[key] = self.file.add_channel(self.channel_for(sample), bulk=self.is_bulk(sample))
        return found
