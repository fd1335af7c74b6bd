"""The recorder's one loop: commands become transitions, samples become counts and takes.

    idle -> armed -> recording -> closing -> armed ... -> closed

Whoever asks (keys, console, service, pedal) does so from a thread of its own; all work is done by the thread in `run`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from embodied_kit.episode.layout import writing
from embodied_kit.episode.quarantine import discard, restore
from embodied_kit.errors import EmbodiedKitError, EnvironmentUnfitError, WriteFaultError
from embodied_kit.language import Texts
from embodied_kit.model.stream import Sample
from embodied_recorders.loop import answers
from embodied_recorders.loop.aftermath import Aftermath
from embodied_recorders.loop.beside import Judge, Rescuer
from embodied_recorders.loop.control import (
    ClosingState,
    Command,
    Describe,
    Discard,
    Intervene,
    Label,
    Mark,
    Next,
    Reply,
    Shutdown,
    Snapshot,
    Start,
    State,
    Stop,
    Undo,
)
from embodied_recorders.loop.description import Description
from embodied_recorders.loop.mailbox import Mailbox
from embodied_recorders.loop.showing import ClosingWatch, closing_step, disk_and_clock
from embodied_recorders.loop.surroundings import Surroundings
from embodied_recorders.loop.takelist import take_state
from embodied_recorders.take.documents import TakeOptions, TakeResult
from embodied_recorders.take.ledger import counter_difference
from embodied_recorders.take.running import Running
from embodied_recorders.take.session import Session
from embodied_recorders.writing.patience import patiently
from embodied_recorders.writing.room import Room

_IDLE_S = 0.02
_SNAPSHOT_PERIOD_NS = 200_000_000
_GRAPH_PERIOD_NS = 1_000_000_000
_RETRY_PERIOD_NS = 1_000_000_000
_FINAL_REASONS = frozenset({"disk_floor", "write_error", "transport", "sigint", "sigterm"})  # nobody is left to answer
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
    _commands: Mailbox = field(default_factory=Mailbox)
    _state: State = "idle"
    _running: Running | None = None
    _result: TakeResult | None = None
    _closing_watch: ClosingWatch = field(default_factory=ClosingWatch)
    _shutdown: bool = False
    _fault: WriteFaultError | None = None
    _room: Room = field(default_factory=Room)
    _next_try_ns: int = 0
    _next_snapshot_ns: int = 0
    _next_graph_ns: int = 0

    def __post_init__(self) -> None:
        self._clock = self.session.clock
        self._around = Surroundings(self.session)
        self._description = Description(self.options, self.session.dataset)
        self._after = Aftermath(self.judge, self.rescuer)
        self._post_roll_ns = round(self.session.contract.post_roll_s * 1e9)
        self._snapshot = self._made_snapshot()

    # The ways in: any thread.

    def ask(self, command: Command) -> Reply:
        """Have a command carried out by the receiving thread, and wait for the answer."""
        if self._state == "closed":
            return Reply(done=False, text=answers.ENDED)
        return self._commands.ask(command)

    def snapshot(self) -> Snapshot:
        """The newest snapshot."""
        return self._snapshot

    def image(self, stream_id: str) -> bytes | None:
        """Newest message (CDR) of an image stream, of a video the newest key frame; None where none came."""
        return self._around.image(stream_id)

    # The loop: one thread.

    def idle(self, timeout_s: float) -> Sequence[Sample]:
        """Keep up with the graph while no take runs; before `run`, for what is looked at first."""
        return self._around.idle(timeout_s)

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
                last = replace(self._snapshot, take=None, closing=None, takes=self._after.shown(self._around.now_s()))
                self._snapshot = replace(last, state="closed", asks_label=False)
                self._commands.close(Reply(done=False, text=answers.ENDED))

    def step(self) -> None:
        """One turn: commands, samples, transitions, and now and then a snapshot."""
        self._carry_out_commands()
        if self._running is not None:
            self._receive(self._running)
        else:
            self.idle(_IDLE_S)
        self._look_around()

    def _carry_out_commands(self) -> None:
        while (asked := self._commands.next()) is not None:
            command, future = asked
            try:
                with writing(self.session.dataset.root):
                    reply = self._carry_out(command)
            except EmbodiedKitError as error:
                if isinstance(command, Start) and isinstance(error, EnvironmentUnfitError):
                    self.failure = error
                reply = Reply(done=False, text=answers.told(error, self.chinese))
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
                return self._noted(answers.MARKED, lambda running: running.mark(name, text))
            case Intervene(on):
                return self._noted(answers.INTERVENTION[on], lambda running: running.intervene(on=on))
            case Describe():
                return self._describe(command)
            case Shutdown(reason):
                return self._end(reason)

    def _receive(self, running: Running) -> None:
        """Samples of a running take, and its end where something says so."""
        rolled = bool(running.stop_reason) and running.since_stop_ns >= self._post_roll_ns
        if rolled and (self._result is None or self._clock.monotonic_ns() < self._next_try_ns):
            self.idle(_IDLE_S)  # nothing is missing but the label, or a disk that can be written
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
        self._around.hear(samples)
        is_long = self.duration_s is not None and running.elapsed_s >= self.duration_s
        running.stop(self.stop_when(samples) or ("duration" if is_long else ""))
        if running.stop_reason and self._state == "recording":
            self._closing(self.unasked or (TakeResult() if running.stop_reason in _FINAL_REASONS else None))

    def _meanwhile(self) -> None:
        """While a disk is waited for."""
        self.idle(_IDLE_S)
        self._commands.refuse(answers.not_now(self._state))
        self._look_around()

    def _look_around(self) -> None:
        now_ns = self._clock.monotonic_ns()
        if now_ns >= self._next_graph_ns:
            self._next_graph_ns = now_ns + _GRAPH_PERIOD_NS
            for change in self._around.look(recording=self._running is not None):
                if self._running is not None and self._state == "recording":
                    self._running.mark_graph(change.name, change.text)
            self._after.rescue(now_ns, may_begin=self._state in {"idle", "armed"} and self._room.may_be_written)
        if now_ns < self._next_snapshot_ns:
            return
        self._next_snapshot_ns = now_ns + _SNAPSHOT_PERIOD_NS
        if self._state in {"idle", "armed"}:
            self._state = "armed" if self._around.is_ready and self._room.may_be_written else "idle"
        self._after.hear(now_ns / 1e9)
        self._snapshot = self._made_snapshot()

    # Transitions.

    def _start(self, options: TakeOptions) -> Reply:
        if self._state != "armed":
            return answers.not_now(self._state)
        self._running = self.session.begin(options, self._around.preroll())
        self._description.begin(options)
        self._result = None
        self._state = "recording"
        self._around.begin()
        self._after.begun(self._running)
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
        return Reply(done=True, text=answers.LABELLED, episode_id=self._running.file.episode_id)

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
        running.say(self._description.completed(self._result, running.opening.capture).said())

    def _roll_out(self) -> bool:
        """Receive until the take in `closing`, whose label is known, is saved; False where the disk refuses."""
        while self._running is not None and self._fault is None:
            self._receive(self._running)
            self._commands.refuse(answers.not_now(self._state))
            self._look_around()
        return self._running is None

    def _finish(self, running: Running) -> None:
        """Save the take; where the disk refuses, it stays in `closing` and is tried again."""
        result = self._description.completed(self._result, running.opening.capture)
        result = replace(result, stop_reason=running.stop_reason)
        self._snapshot = self._made_snapshot()
        try:
            done = self.session.finish(running, result, self._meanwhile)
        except WriteFaultError as error:
            self.failure = self._fault = error
            self._next_try_ns = self._clock.monotonic_ns() + _RETRY_PERIOD_NS
            return
        except EmbodiedKitError as error:
            self._failed(running, error)
            return
        self.failure = done.fault or self.failure
        is_discarded = self._result is _DISCARDED
        self._after.takes.add(running, "saved", result.outcome, result.stop_reason)
        self._ended()
        if not is_discarded:
            self._after.closed(done.episode_id, done.folder, self._around.now_s())

    def _failed(self, running: Running, error: EmbodiedKitError) -> None:
        """The take is lost to this session, not to the disk: `recover` brings back what was written."""
        self.failure = error
        self._after.failed(running, answers.told(error, self.chinese))
        self._ended()

    def _ended(self) -> None:
        self._running, self._result, self._fault, self._next_try_ns = None, None, None, 0
        self._state = "armed"

    def _discard(self, reason: str, episode_id: str) -> Reply:
        if self._running is not None and episode_id in {"", self._running.file.episode_id}:
            episode_id = self._running.file.episode_id
            self._running.stop("operator")
            self._closing(_DISCARDED)
            if not self._roll_out():
                return answers.not_now(self._state)
        wanted = episode_id or self._after.takes.last_saved()
        if not wanted:
            return Reply(done=False, text=answers.NO_TAKE)
        self._moving(lambda now_ns: discard(self.session.dataset, wanted, reason, now_ns))
        self._after.takes.change(wanted, state="discarded", reason=reason)
        return Reply(done=True, text=answers.DISCARDED, episode_id=wanted)

    def _undo(self, episode_id: str) -> Reply:
        wanted = episode_id or self._after.takes.last_discarded()
        folder = self._moving(lambda now_ns: restore(self.session.dataset, wanted, now_ns))
        self._after.takes.change(folder.name, state="saved", reason="")
        self._after.closed(folder.name, folder, self._around.now_s())
        return Reply(done=True, text=answers.RESTORED, episode_id=folder.name)

    def _moving(self, move: Callable[[int], Path]) -> Path:
        """Move an episode; a take that runs is received meanwhile, and what closes is shown as closing."""
        state, now_ns = self._state, self._clock.now_ns()
        if self._running is not None:
            return move(now_ns)
        self._state = "closing"
        try:
            return patiently(lambda: move(now_ns), self._meanwhile)
        finally:
            self._state = state

    def _describe(self, said: Describe) -> Reply:
        self._description.hear(said)
        if self._running is not None:
            self._note_result(self._running)
        return Reply(done=True, text=answers.DESCRIBED)

    def _noted(self, said: Texts, note: Callable[[Running], None]) -> Reply:
        if self._running is None or self._state != "recording":
            return answers.not_now(self._state)
        note(self._running)
        return Reply(done=True, text=said, episode_id=self._running.file.episode_id)

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
        now_s, running = self._around.now_s(), self._running
        counters = self.session.transport.loss_counters()
        self._room = self.session.room()
        return Snapshot(
            time_ns=self._clock.now_ns(),
            state=self._state,
            task_id=self._description.options.task_id,
            streams=self._around.streams(running),
            machine=disk_and_clock(self.session, self._room, running),
            problems=[*self._faults(), *self._around.problems()],
            asks_label=self._state == "closing" and running is not None and self._result is None,
            intervening=running is not None and running.intervening,
            take=take_state(running, "recording" if self._state == "recording" else "closing") if running else None,
            takes=self._after.shown(now_s),
            transport_counters={} if running is None else counter_difference(running.opening.counters, counters),
            described=self._description.shown(),
            closing=self._closing_state(running, now_s) if self._state == "closing" else None,
            judging=self._after.judging,
            refused=self._commands.refused,
            refused_s=self._commands.refused_s,
        )

    def _closing_state(self, running: Running | None, now_s: float) -> ClosingState:
        left_ns = self._post_roll_ns - running.since_stop_ns if running else 0
        step = closing_step(running, left_ns, is_labelled=self._result is not None, is_refused=self._fault is not None)
        return self._closing_watch.look(step, running.file.episode_id if running else "", now_s)

    def _faults(self) -> Sequence[Texts]:
        fault = self._fault or (self._running.fault if self._running else None) or self._room.fault
        silent = [answers.SILENT_DISK] if self._room.silent_s else []
        return silent if fault is None else [answers.told(fault, self.chinese), *silent]
