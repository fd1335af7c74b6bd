"""The recorder's one loop: commands become transitions, samples become counts and takes.

    idle -> armed -> recording -> closing -> armed ... -> closed

Whoever asks (keys, console, service, pedal) does so from a thread of its own; all work is done by the thread in `run`.
"""

from __future__ import annotations

import queue
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass, field, replace

from embodied_kit.episode.layout import writing
from embodied_kit.episode.quarantine import discard, restore
from embodied_kit.errors import EmbodiedKitError, EnvironmentUnfitError, WriteFaultError
from embodied_kit.model.stream import Sample
from embodied_recorders import answers
from embodied_recorders.control import (
    Command,
    Describe,
    Discard,
    Intervene,
    Judge,
    Label,
    Mark,
    Next,
    Reply,
    Rescuer,
    Shutdown,
    Snapshot,
    Start,
    State,
    Stop,
    TakeEnd,
    Texts,
    Undo,
)
from embodied_recorders.description import Description
from embodied_recorders.documents import TakeOptions, TakeResult
from embodied_recorders.ledger import counter_difference
from embodied_recorders.live import LiveStreams
from embodied_recorders.preroll import PreRoll
from embodied_recorders.room import Room, room_of
from embodied_recorders.running import Running
from embodied_recorders.session import Session
from embodied_recorders.showing import disk_and_clock
from embodied_recorders.takelist import TakeList, take_state
from embodied_recorders.watch import GraphWatch

_IDLE_S = 0.02
_SNAPSHOT_PERIOD_NS = 200_000_000
_GRAPH_PERIOD_NS = 1_000_000_000
_ANSWER_S = 60.0
_RETRY_PERIOD_NS = 1_000_000_000
_SHORTEST_RESCUE_NS, _LONGEST_RESCUE_NS = 2_000_000_000, 60_000_000_000  # between two tries; each waits twice as long
_FINAL_REASONS = frozenset(
    {"disk_floor", "write_error", "transport", "sigint", "sigterm"}
)  # nobody is left to say an outcome
_DISCARDED = TakeResult("aborted", outcome_source="operator")


@dataclass
class Controller:
    """Drives a Session by commands; `ask`, `snapshot` and `image` are safe for threads.

    Attributes:
        session: Its transport is subscribed to the contract's streams.
        options: What takes say of themselves unless a Start, or a Describe, says otherwise.
        judge: Judges closed takes beside the recording; None for no verdicts.
        rescuer: Brings failed takes back beside the recording; None leaves them to the next session.
        stop_when: Asked after each batch of a running take; a non-empty reason ends it.
        duration_s: Longest take in s; None for no limit.
        unasked: Said of takes that end by themselves; None asks, where somebody is left to answer.
        chinese: Translates an error's sentence.
        failure: Why the last take failed or could not begin, or what the disk refused; None where all went well.
    """

    session: Session
    options: TakeOptions
    judge: Judge | None = None
    rescuer: Rescuer | None = None
    stop_when: Callable[[Sequence[Sample]], str] = lambda _samples: ""
    duration_s: float | None = None
    unasked: TakeResult | None = None
    chinese: Callable[[str], str] = str
    failure: EmbodiedKitError | None = None
    _commands: queue.SimpleQueue[tuple[Command, Future[Reply]]] = field(default_factory=queue.SimpleQueue)
    _state: State = "idle"
    _running: Running | None = None
    _result: TakeResult | None = None
    _takes: TakeList = field(default_factory=TakeList)
    _shutdown: bool = False
    _fault: WriteFaultError | None = None
    _unrescued: set[str] = field(default_factory=set)
    _next_rescue_ns: int = 0
    _rescue_period_ns: int = _SHORTEST_RESCUE_NS
    _room: Room = field(default_factory=Room)
    _next_try_ns: int = 0
    _next_snapshot_ns: int = 0
    _next_graph_ns: int = 0

    def __post_init__(self) -> None:
        contract = self.session.contract
        self._clock = self.session.clock
        self._live = LiveStreams(contract)
        self._watch = GraphWatch(contract, self.session.transport)
        self._ledger = self.session.new_ledger()  # of what comes between takes; a take has its own
        self._preroll = PreRoll(contract.pre_roll_s)
        self._description = Description(self.options, self.session.dataset)
        self._post_roll_ns = round(contract.post_roll_s * 1e9)
        self._snapshot = self._made_snapshot()

    # The ways in: any thread.

    def ask(self, command: Command) -> Reply:
        """Have a command carried out by the receiving thread, and wait for the answer."""
        if self._state == "closed":
            return Reply(done=False, text=answers.ENDED)
        future: Future[Reply] = Future()
        self._commands.put((command, future))
        try:
            return future.result(_ANSWER_S)
        except FutureTimeoutError:
            return Reply(done=False, text=answers.ENDED)

    def snapshot(self) -> Snapshot:
        """The newest snapshot."""
        return self._snapshot

    def image(self, stream_id: str) -> bytes | None:
        """Newest message (CDR) of an image stream, of a video the newest key frame; None where none came."""
        return self._live.image(stream_id)

    # The loop: one thread.

    def idle(self, timeout_s: float) -> Sequence[Sample]:
        """Keep up with the graph while no take runs; before `run`, for what is looked at first."""
        samples = self.session.idle(timeout_s)
        self._preroll.add(samples, self._clock.now_ns())
        self._ledger.add(samples)
        self._live.add(samples, self._clock.monotonic_ns() / 1e9)
        return samples

    def run(self) -> None:
        """Work until a Shutdown; a take that runs then is saved."""
        try:
            while not self._shutdown:
                self.step()
        finally:
            self._state = "closed"
            try:
                self.session.close()
            finally:  # whatever ended the loop, whoever watches learns that it has ended
                self._snapshot = replace(
                    self._snapshot, state="closed", take=None, asks_label=False, takes=self._takes.takes
                )
                self._answer_the_rest()

    def step(self) -> None:
        """One turn: commands, samples, transitions, and now and then a snapshot."""
        self._carry_out_commands()
        if self._running is not None:
            self._receive(self._running)
        else:
            self._between()
        self._look_around()

    def _carry_out_commands(self) -> None:
        while True:
            try:
                command, future = self._commands.get_nowait()
            except queue.Empty:
                return
            try:
                with writing(self.session.dataset.root):
                    reply = self._carry_out(command)
            except EmbodiedKitError as error:
                if isinstance(command, Start) and isinstance(error, EnvironmentUnfitError):
                    self.failure = error
                reply = Reply(done=False, text=self._told(error))
            self._snapshot = self._made_snapshot()
            future.set_result(reply)

    def _carry_out(self, command: Command) -> Reply:
        match command:
            case Start(options):
                return self._start(options or self._description.options)
            case Stop(result):
                return self._stop("operator", result)
            case Label(result):
                return self._label(result)
            case Next(result, options):
                return self._next(result, options or self._description.options)
            case Discard(reason, episode_id):
                return self._discard(reason, episode_id)
            case Undo(episode_id):
                return self._undo(episode_id)
            case Mark(name, text):
                return self._noted(lambda running: running.mark(name, text))
            case Intervene(on):
                return self._noted(lambda running: running.intervene(on=on))
            case Describe():
                return self._describe(command)
            case Shutdown(reason):
                return self._end(reason)

    def _receive(self, running: Running) -> None:
        """Samples of a running take, and its end where something says so."""
        rolled = bool(running.stop_reason) and running.since_stop_ns >= self._post_roll_ns
        if rolled and (self._result is None or self._clock.monotonic_ns() < self._next_try_ns):
            self._between()  # nothing is missing but the label, or a disk that can be written
            return
        if rolled:
            self._finish(running)
            return
        try:
            with writing(self.session.dataset.root):
                samples = self.session.turn(running)
        except EmbodiedKitError as error:
            self._failed(running, error)
            return
        self._live.add(samples, self._clock.monotonic_ns() / 1e9)
        running.stop(self.stop_when(samples) or self._time_is_up(running))
        if running.stop_reason and self._state == "recording":
            self._closing(self.unasked or (TakeResult() if running.stop_reason in _FINAL_REASONS else None))

    def _time_is_up(self, running: Running) -> str:
        return "duration" if self.duration_s is not None and running.elapsed_s >= self.duration_s else ""

    def _between(self) -> None:
        self.idle(_IDLE_S)

    def _look_around(self) -> None:
        now_ns = self._clock.monotonic_ns()
        if now_ns >= self._next_graph_ns:
            self._next_graph_ns = now_ns + _GRAPH_PERIOD_NS
            self._look_at_the_graph()
            self._rescue(now_ns)
        if now_ns < self._next_snapshot_ns:
            return
        self._next_snapshot_ns = now_ns + _SNAPSHOT_PERIOD_NS
        if self._state in {"idle", "armed"}:
            self._state = "idle" if self._room.fault or self._live.blocking(now_ns / 1e9) else "armed"
        self._takes.hear(self.judge.finished() if self.judge else ())
        self._snapshot = self._made_snapshot()

    def _look_at_the_graph(self) -> None:
        seen = self._watch.look(recording=self._running is not None)
        self._live.see(seen)
        if self._running is not None and self._state == "recording":
            for change in seen.changes:
                self._running.mark(change.name, change.text)

    def _rescue(self, now_ns: int) -> None:
        """Have failed takes brought back, between takes, once the disk is there; tell what became of them."""
        if self.rescuer is None:
            return
        for one in self.rescuer.finished():
            if one.episode_id not in self._unrescued:
                continue
            self._takes.explain(one.episode_id, "recovered" if one.folder else "failed", one.text)
            if one.is_settled:
                self._unrescued.discard(one.episode_id)
            if one.folder and self.judge is not None:
                self.judge.submit(one.episode_id, one.folder)
        if self._unrescued and self._running is None and not self._room.fault and now_ns >= self._next_rescue_ns:
            self._next_rescue_ns = now_ns + self._rescue_period_ns
            self._rescue_period_ns = min(2 * self._rescue_period_ns, _LONGEST_RESCUE_NS)
            self.rescuer.begin()

    # Transitions.

    def _start(self, options: TakeOptions) -> Reply:
        if self._state != "armed":
            return answers.not_now(self._state)
        self._running = self.session.begin(options, self._preroll.take())
        self._description.begin(options)
        self._result = None
        self._state = "recording"
        self._live.begin()
        self._ledger = self.session.new_ledger()
        if self.judge is not None:
            self.judge.follow(self._running.file.episode_id, str(self._running.file.staging))
        return Reply(done=True, text=answers.STARTED, episode_id=self._running.file.episode_id)

    def _stop(self, reason: str, result: TakeResult | None) -> Reply:
        if self._running is None or self._state != "recording":
            return answers.not_now(self._state)
        self._running.stop(reason)
        self._closing(result)
        return Reply(done=True, text=answers.STOPPED, episode_id=self._running.file.episode_id)

    def _label(self, result: TakeResult) -> Reply:
        if self._running is None or self._state != "closing":
            return answers.not_now(self._state)
        self._result = result
        self._note_result(self._running)
        return Reply(done=True, text=answers.SAVED, episode_id=self._running.file.episode_id)

    def _next(self, result: TakeResult, options: TakeOptions) -> Reply:
        reply = self._stop("operator", result)
        if not reply.done:
            return reply
        return self._start(options) if self._roll_out() else answers.not_now(self._state)

    def _closing(self, result: TakeResult | None) -> None:
        self._state = "closing"
        self._result = result
        if result is not None and self._running is not None:
            self._note_result(self._running)

    def _note_result(self, running: Running) -> None:
        """Whatever happens now, `recover` knows what was said."""
        running.say(self._full_result(running).said())

    def _full_result(self, running: Running) -> TakeResult:
        return self._description.completed(self._result or TakeResult(), running.opening.capture)

    def _roll_out(self) -> bool:
        """Receive until the take in `closing`, whose label is known, is saved; False where the disk refuses."""
        while self._running is not None and self._fault is None:
            self._receive(self._running)
        return self._running is None

    def _finish(self, running: Running) -> None:
        """Save the take; where the disk refuses, it stays in `closing` and is tried again."""
        result = replace(self._full_result(running), stop_reason=running.stop_reason)
        try:
            done = self.session.finish(running, result, self._between)
        except WriteFaultError as error:
            self.failure = self._fault = error
            self._next_try_ns = self._clock.monotonic_ns() + _RETRY_PERIOD_NS
            return
        except EmbodiedKitError as error:
            self._failed(running, error)
            return
        self.failure = done.fault or self.failure
        is_discarded = self._result is _DISCARDED
        self._ended(running, "saved", result.outcome, result.stop_reason)
        if self.judge is not None and not is_discarded:
            self.judge.submit(done.episode_id, str(done.folder))

    def _failed(self, running: Running, error: EmbodiedKitError) -> None:
        """The take is lost to this session, not to the disk: `recover` brings back what was written."""
        self.failure = error
        self._ended(running, "failed", "", f"{error.message}; {error.remedy}")
        self._takes.explain(running.file.episode_id, "failed", self._told(error))
        self._unrescued.add(running.file.episode_id)
        if self.judge is not None:
            self.judge.forget(running.file.episode_id)
        self._next_rescue_ns, self._rescue_period_ns = 0, _SHORTEST_RESCUE_NS

    def _ended(self, running: Running, state: TakeEnd, outcome: str, reason: str) -> None:
        self._takes.add(running, state, outcome, reason)
        self._running, self._result, self._fault, self._next_try_ns = None, None, None, 0
        self._state = "armed"

    def _discard(self, reason: str, episode_id: str) -> Reply:
        if self._running is not None and episode_id in {"", self._running.file.episode_id}:
            episode_id = self._running.file.episode_id
            self._running.stop("operator")
            self._closing(_DISCARDED)
            if not self._roll_out():
                return answers.not_now(self._state)
        wanted = episode_id or self._takes.last_saved()
        if not wanted:
            return Reply(done=False, text=answers.NO_TAKE)
        discard(self.session.dataset, wanted, reason, self._clock.now_ns())
        self._takes.change(wanted, state="discarded", reason=reason)
        return Reply(done=True, text=answers.DISCARDED, episode_id=wanted)

    def _undo(self, episode_id: str) -> Reply:
        folder = restore(self.session.dataset, episode_id, self._clock.now_ns())
        self._takes.change(folder.name, state="saved", reason="")
        if self.judge is not None:
            self.judge.submit(folder.name, str(folder))
        return Reply(done=True, text=answers.RESTORED, episode_id=folder.name)

    def _describe(self, said: Describe) -> Reply:
        self._description.hear(said)
        if self._running is not None:
            self._note_result(self._running)
        return Reply(done=True, text=answers.DESCRIBED)

    def _noted(self, note: Callable[[Running], None]) -> Reply:
        if self._running is None or self._state != "recording":
            return answers.not_now(self._state)
        note(self._running)
        return Reply(done=True, text=answers.MARKED, episode_id=self._running.file.episode_id)

    def _end(self, reason: str) -> Reply:
        self._shutdown = True
        if self._running is not None:
            self._running.stop(reason)
            self._closing(self._result or self.unasked or TakeResult())
            self._post_roll_ns = 0
            if not self._roll_out() and self._running is not None and self._fault is not None:
                self._failed(self._running, self._fault)
        return Reply(done=True, text=answers.ENDED)

    # What is shown.

    def _made_snapshot(self) -> Snapshot:
        now_s, running = self._clock.monotonic_ns() / 1e9, self._running
        counters = self.session.transport.loss_counters()
        ledger = running.ledger if running else self._ledger
        self._live.count(ledger.totals(), running.file.queue_counts() if running else {}, now_s)
        self._room = room_of(self.session.dataset.root)
        return Snapshot(
            time_ns=self._clock.now_ns(),
            state=self._state,
            task_id=self.options.task_id,
            streams=self._live.states(now_s),
            machine=disk_and_clock(self.session, self._room, running),
            problems=[*self._faults(), *self._live.blocking(now_s), *self._live.unfit(now_s)],
            asks_label=self._state == "closing" and self._result is None,
            intervening=running is not None and running.intervening,
            take=take_state(running, "recording" if self._state == "recording" else "closing") if running else None,
            takes=self._takes.takes,
            transport_counters={} if running is None else counter_difference(running.opening.counters, counters),
            described=self._description.shown(),
        )

    def _faults(self) -> Sequence[Texts]:
        fault = self._fault or (self._running.fault if self._running else None) or self._room.fault
        return [] if fault is None else [self._told(fault)]

    def _told(self, error: EmbodiedKitError) -> Texts:
        """What is wrong and what to do."""
        words = [error.message, *([error.remedy] if error.remedy else [])]
        return {"en": "; ".join(words), "zh": "；".join(map(self.chinese, words))}

    def _answer_the_rest(self) -> None:
        while not self._commands.empty():
            self._commands.get()[1].set_result(Reply(done=False, text=answers.ENDED))
