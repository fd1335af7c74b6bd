"""The controller, turn by turn: transitions, rolls, labels, quarantine, marks, a disk that fails."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cli.verbs import run
from mcap.reader import make_reader
from recorder import support
from recorder.support import JOINT_STREAM, attachments, dataset_in, problems_of, read, staged, stream

from embodied_kit.canonical import load_json, parse_json
from embodied_kit.episode import take as take_module
from embodied_kit.episode.datafile import ClosedFile, FileWriter
from embodied_kit.episode.dataset import Dataset
from embodied_kit.episode.journal import journal_path, read_journal
from embodied_kit.episode.quarantine import quarantined
from embodied_kit.episode.rebuild import rebuild
from embodied_kit.errors import EnvironmentUnfitError, WriteFaultError
from embodied_kit.model.json import JsonObject
from embodied_kit.model.stream import LATCHED, Qos, Sample
from embodied_recorders.graph.clock import ClockState
from embodied_recorders.loop.beside import Verdict, VerdictLine
from embodied_recorders.loop.control import (
    Command,
    Describe,
    Discard,
    Intervene,
    Label,
    Mark,
    Next,
    Reply,
    Shutdown,
    Start,
    Stop,
    Undo,
)
from embodied_recorders.loop.controller import Controller
from embodied_recorders.take.documents import TakeOptions, TakeResult
from embodied_recorders.take.running import MOST_GRAPH_EVENTS
from embodied_recorders.take.session import Session
from embodied_recorders.transports.memory import MemoryTransport
from embodied_recorders.writing import room
from embodied_recorders.writing.room import Room

STREAMS = (JOINT_STREAM, stream("description", "/robot_description", support.TEXT, None, cadence="latched"))
CDR = b"\0\1\0\0\5\0\0\0text\0\0\0\0"
SUCCESS = TakeResult("success", outcome_source="operator")
PERIOD_NS = 10_000_000
EPOCH_NS = 1_790_000_000_000_000_000


@dataclass
class SteppedClock:
    """Goes on by what is paused, so that a test says how much time goes by; `stepped_ns` is what a person set it by."""

    elapsed_ns: int = 0
    stepped_ns: int = 0

    def now_ns(self) -> int:
        return EPOCH_NS + self.elapsed_ns + self.stepped_ns

    def monotonic_ns(self) -> int:
        return 1 + self.elapsed_ns

    def pause(self, seconds: float) -> None:
        self.elapsed_ns += PERIOD_NS

    def state(self) -> ClockState:
        return ClockState(None, None)

    def sample(self) -> JsonObject:
        return {"monotonic_ns": str(self.monotonic_ns()), "realtime_ns": str(self.now_ns())}


@dataclass
class Graph(MemoryTransport):
    """A joint state at each turn, as long as the robot is on."""

    on: bool = True
    joints: object = None

    def take(self, timeout_s: float) -> Sequence[Sample]:
        if self.on and self.joints is not None:
            self.joints.publish(CDR)
        return super().take(timeout_s)


@dataclass
class Scripted:
    """A judge that answers at once."""

    submitted: list[str] = field(default_factory=list)
    alive: bool = True
    followed: dict[str, str] = field(default_factory=dict)

    def follow(self, episode_id: str, staging: str) -> None:
        assert Path(staging).is_dir()
        self.followed[episode_id] = staging

    def forget(self, episode_id: str) -> None:
        pass

    def submit(self, episode_id: str, folder: str) -> None:
        assert (Path(folder) / "episode.json").is_file()
        self.submitted.append(episode_id)

    def finished(self) -> Sequence[tuple[str, Verdict]]:
        found, self.submitted = [(name, Verdict("L2")) for name in self.submitted], []
        return found

    def close(self) -> None:
        pass


class Desk:
    """A controller on a memory graph and a clock of the test's."""

    def __init__(self, folder: Path, **more: object) -> None:
        self.dataset: Dataset = dataset_in(folder)
        document = {**support.contract_document(*STREAMS, **more.pop("limits", {})), "rolls": more.pop("rolls", {})}
        self.clock = SteppedClock()
        self.graph = Graph(self.clock.now_ns)
        self.graph.joints = self.graph.advertise("/joint_states", support.JOINTS, qos=Qos(), type_hash=None)
        latched = self.graph.advertise("/robot_description", support.TEXT, qos=LATCHED, type_hash=None)
        latched.publish(CDR)
        contract = support.contract_from(document)
        for entry in contract.streams:
            self.graph.subscribe(entry.topic, entry.ros_type, qos=Qos(), type_hash=None)
        new_sink = more.pop("new_sink", FileWriter)
        session = Session(
            self.graph, self.dataset, contract, support.STORE, "ho-test", new_sink=new_sink, clock=self.clock
        )
        self.controller = Controller(session, TakeOptions("pick"), **more)
        self.turn(30)

    def turn(self, n: int = 1) -> None:
        for _ in range(n):
            self.controller.step()

    def until(self, state: str) -> None:
        for _ in range(1000):
            if self.controller.snapshot().state == state:
                return
            self.turn()
        raise AssertionError(f"{state} not reached: {self.controller.snapshot()}")

    def ask(self, command: Command) -> Reply:
        future: Future[Reply] = Future()
        self.controller._commands.put((command, future))
        self.turn()
        return future.result(0)

    def take(self, turns: int = 50) -> str:
        started = self.ask(Start())
        assert started.done, started
        self.turn(turns)
        assert self.ask(Stop(SUCCESS)).done
        self.until("armed")
        return started.episode_id

    def closing(self, episode_id: str) -> JsonObject:
        document = parse_json(attachments(self.dataset.root / "episodes" / episode_id)["closing.json"]).value
        assert document is not None
        return document


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_take_from_start_to_saved(desk: Desk) -> None:
    assert desk.controller.snapshot().state == "armed"
    started = desk.ask(Start())
    desk.turn(40)
    shown = desk.controller.snapshot()
    assert (shown.state, shown.take.episode_id) == ("recording", started.episode_id)
    assert 30 <= shown.take.messages_n <= 45
    assert desk.dataset.episode_ids() == []
    assert desk.ask(Stop(SUCCESS)).done
    desk.until("armed")
    assert desk.dataset.episode_ids() == [started.episode_id]
    take = desk.controller.snapshot().takes[-1]
    assert (take.state, take.outcome, take.reason) == ("saved", "success", "operator")
    assert load_json(desk.dataset.root / "episodes" / started.episode_id / "episode.json")["outcome"] == "success"


def test_a_stop_without_a_label_waits_for_it(desk: Desk) -> None:
    started = desk.ask(Start())
    desk.turn(20)
    assert desk.ask(Stop()).done
    desk.turn(20)
    shown = desk.controller.snapshot()
    assert (shown.state, shown.asks_label) == ("closing", True)
    said = TakeResult(
        "failure", "grasp_missed", "operator", operator_pseudonym="op-" + "1" * 32, scene={"scene_type": "factory"}
    )
    assert desk.ask(Label(said)).done
    desk.until("armed")
    document = load_json(desk.dataset.root / "episodes" / started.episode_id / "episode.json")
    assert (document["outcome"], document["failure_cause"]) == ("failure", "grasp_missed")
    assert (document["operator_pseudonym"], document["scene"]) == ("op-" + "1" * 32, {"scene_type": "factory"})
    found = problems_of(desk.dataset.root / "episodes" / started.episode_id)
    assert (found["closing"], found["episode"]) == ([], [])


def test_who_and_where_hold_for_the_open_take_and_those_that_follow(desk: Desk) -> None:
    scene = {"scene_id": "b1", "scene_type": "office"}
    assert desk.controller.snapshot().described.scenes == ()
    first = desk.ask(Start()).episode_id
    desk.turn(20)
    assert desk.ask(Describe("op-" + "2" * 32, scene=scene)).done
    assert read_journal(journal_path(desk.dataset.root, first))[-1]["scene"] == scene
    assert desk.ask(Stop(SUCCESS)).done
    desk.until("armed")
    assert desk.ask(Describe(operator_skill_level="expert")).done
    second = desk.take()
    shown = desk.controller.snapshot().described
    assert (shown.operator_skill_level, shown.scene, shown.scenes) == ("expert", scene, (scene,))
    documents = [load_json(desk.dataset.root / "episodes" / name / "episode.json") for name in (first, second)]
    assert [one["operator_pseudonym"] for one in documents] == ["op-" + "2" * 32] * 2
    assert [one.get("operator_skill_level") for one in documents] == [None, "expert"]
    assert [one["scene"] for one in documents] == [scene, scene]
    assert [one["outcome"] for one in documents] == ["success", "success"]
    assert "scene" not in desk.closing(second)
    found = problems_of(desk.dataset.root / "episodes" / first)
    assert (found["closing"], found["episode"]) == ([], [])


@pytest.mark.parametrize("command", [Stop(SUCCESS), Label(SUCCESS), Next(SUCCESS), Mark("x"), Intervene(on=True)])
def test_what_needs_a_take_is_refused_without_one(desk: Desk, command: Command) -> None:
    reply = desk.ask(command)
    assert not reply.done
    assert "armed" in reply.text["en"]
    assert "armed" in reply.text["zh"]


def test_a_second_start_is_refused(desk: Desk) -> None:
    first = desk.ask(Start())
    assert not desk.ask(Start()).done
    desk.turn(5)
    assert desk.controller.snapshot().take.episode_id == first.episode_id


def test_rolls_lie_in_the_file_and_outside_the_span(tmp_path: Path) -> None:
    desk = Desk(tmp_path, rolls={"pre_roll_s": 0.1, "post_roll_s": 0.2})
    desk.turn(40)
    episode_id = desk.take(50)
    closing = desk.closing(episode_id)
    start_ns, end_ns = int(str(closing["start_ns"])), int(str(closing["end_ns"]))
    stamps = [m.log_ns for m in read(desk.dataset.root / "episodes" / episode_id) if m.topic == "/joint_states"]
    assert closing["pre_roll_s"] == pytest.approx(0.1, abs=0.021)
    assert closing["post_roll_s"] == pytest.approx(0.2, abs=0.021)
    assert sum(stamp < start_ns for stamp in stamps) in range(8, 12)
    assert sum(stamp > end_ns for stamp in stamps) in range(18, 23)
    assert sum(start_ns <= stamp <= end_ns for stamp in stamps) in range(45, 55)
    assert problems_of(desk.dataset.root / "episodes" / episode_id)["closing"] == []


def test_latched_messages_come_first_in_each_file(tmp_path: Path) -> None:
    desk = Desk(tmp_path, rolls={"pre_roll_s": 0.1})
    for _ in range(2):
        messages = read(desk.dataset.root / "episodes" / desk.take())
        assert messages[0].topic == "/robot_description"
        assert [m.topic for m in messages].count("/robot_description") == 1


def test_next_ends_one_take_and_begins_another(desk: Desk) -> None:
    first = desk.ask(Start())
    desk.turn(20)
    second = desk.ask(Next(SUCCESS))
    desk.turn(20)
    assert second.done
    assert desk.dataset.episode_ids() == [first.episode_id]
    assert desk.controller.snapshot().take.episode_id == second.episode_id != first.episode_id


def test_a_discarded_take_is_kept_with_its_reason_and_comes_back(desk: Desk) -> None:
    kept, bad = desk.take(), desk.take()
    before = {path.name: path.read_bytes() for path in (desk.dataset.root / "episodes" / bad).iterdir()}
    assert desk.ask(Discard("gripper slipped")).episode_id == bad
    assert desk.dataset.episode_ids() == [kept]
    assert load_json(desk.dataset.root / "dataset.json")["totals"]["episodes"] == 1
    assert [(one.episode_id, one.reason) for one in quarantined(desk.dataset)] == [(bad, "gripper slipped")]
    assert desk.controller.snapshot().takes[-1].state == "discarded"
    assert desk.ask(Undo()).episode_id == bad
    assert desk.dataset.episode_ids() == [kept, bad]
    assert {path.name: path.read_bytes() for path in (desk.dataset.root / "episodes" / bad).iterdir()} == before
    assert quarantined(desk.dataset) == []
    assert not desk.ask(Undo()).done


def test_undo_goes_by_the_order_of_discards_and_not_by_the_clock(desk: Desk) -> None:
    first, second = desk.take(), desk.take()
    desk.ask(Discard("wrong object", second))
    desk.clock.stepped_ns = -3_600_000_000_000
    desk.ask(Discard("wrong object too", first))
    assert [desk.ask(Undo()).episode_id for _ in range(2)] == [first, second]


def test_a_running_take_can_be_discarded(desk: Desk) -> None:
    started = desk.ask(Start())
    desk.turn(20)
    assert desk.ask(Discard("wrong object")).episode_id == started.episode_id
    assert desk.dataset.episode_ids() == []
    folder = desk.dataset.root / ".embodied" / "quarantine" / started.episode_id
    assert load_json(folder / "episode.json")["outcome"] == "aborted"
    assert desk.controller.snapshot().state == "armed"


@pytest.mark.parametrize("reason", ["", "  "])
def test_a_discard_needs_a_reason(desk: Desk, reason: str) -> None:
    kept = desk.take()
    assert not desk.ask(Discard(reason)).done
    assert desk.dataset.episode_ids() == [kept]


def test_marks_and_interventions_are_in_the_closing_document(desk: Desk) -> None:
    started = desk.ask(Start())
    desk.turn(10)
    desk.ask(Mark("object_slipped", "left corner"))
    desk.ask(Intervene(on=True))
    desk.turn(10)
    assert desk.controller.snapshot().intervening
    desk.ask(Intervene(on=False))
    desk.turn(10)
    desk.ask(Intervene(on=True))
    desk.turn(5)
    desk.ask(Stop(SUCCESS))
    desk.until("armed")
    closing = desk.closing(started.episode_id)
    assert [(event["name"], event["text"]) for event in closing["events"]] == [("object_slipped", "left corner")]
    first, second = closing["intervention_segments"]
    assert int(first["start_ns"]) < int(first["end_ns"]) < int(second["start_ns"]) < int(second["end_ns"])
    assert second["end_ns"] == closing["end_ns"]
    assert problems_of(desk.dataset.root / "episodes" / started.episode_id)["closing"] == []


@pytest.mark.parametrize("step_s", [5, -5, 3600, -3600])
def test_a_clock_that_is_set_is_told_and_makes_no_negative_duration(desk: Desk, step_s: int) -> None:
    started = desk.ask(Start())
    desk.turn(150)
    desk.clock.stepped_ns = step_s * 10**9
    desk.turn(150)
    desk.ask(Stop(SUCCESS))
    desk.until("armed")
    closing = desk.closing(started.episode_id)
    assert [(event["name"], event["text"]) for event in closing["events"]] == [("clock_step", f"{step_s:+.3f} s")]
    assert closing["duration_s"] >= 0
    assert int(closing["end_ns"]) >= int(closing["start_ns"])
    joints = [m for m in read(desk.dataset.root / "episodes" / started.episode_id) if m.topic == "/joint_states"]
    (entry,) = [one for one in closing["streams"] if one["topic"] == "/joint_states"]
    assert entry["received_n"] == len(joints) > 280
    assert problems_of(desk.dataset.root / "episodes" / started.episode_id)["closing"] == []


def test_a_slewed_clock_is_no_step(desk: Desk) -> None:
    started = desk.ask(Start())
    for _ in range(300):
        desk.turn()
        desk.clock.stepped_ns += PERIOD_NS // 2000  # as fast as NTP slews
    desk.ask(Stop(SUCCESS))
    desk.until("armed")
    assert desk.closing(started.episode_id)["events"] == []


def test_a_clock_that_is_set_back_holds_up_no_post_roll_and_keeps_no_old_pre_roll(tmp_path: Path) -> None:
    desk = Desk(tmp_path, rolls={"pre_roll_s": 0.1, "post_roll_s": 0.2})
    started = desk.ask(Start())
    desk.turn(50)
    desk.ask(Stop(SUCCESS))
    desk.clock.stepped_ns = -3_600_000_000_000
    desk.until("armed")
    assert desk.dataset.episode_ids() == [started.episode_id]
    desk.turn(40)
    desk.clock.stepped_ns = -7_200_000_000_000
    desk.turn(40)
    again = desk.take()
    start_ns = int(str(desk.closing(again)["start_ns"]))
    stamps = [m.log_ns for m in read(desk.dataset.root / "episodes" / again) if m.topic == "/joint_states"]
    assert sum(stamp < start_ns for stamp in stamps) in range(8, 12)
    assert max(stamps) - min(stamps) < 10**9


def test_of_too_many_events_of_the_graph_the_rest_is_counted(desk: Desk) -> None:
    started = desk.ask(Start())
    for number in range(MOST_GRAPH_EVENTS + 44):
        desk.controller._running.mark_graph("publisher_left", f"/t {number}")
    desk.ask(Mark("dropped"))
    lines = read_journal(journal_path(desk.dataset.root, started.episode_id))
    assert sum(line["kind"] == "event" for line in lines) == MOST_GRAPH_EVENTS + 2
    desk.ask(Stop(SUCCESS))
    desk.until("armed")
    *kept, left_out, mark = desk.closing(started.episode_id)["events"]
    assert [event["text"] for event in kept] == [f"/t {number}" for number in range(MOST_GRAPH_EVENTS)]
    assert (left_out["name"], left_out["text"], mark["name"]) == ("graph_events_left_out", "44", "dropped")
    assert problems_of(desk.dataset.root / "episodes" / started.episode_id)["closing"] == []


def test_a_stream_that_falls_silent_disarms(desk: Desk) -> None:
    desk.graph.on = False
    desk.until("idle")
    assert "/joint_states" in desk.controller.snapshot().problems[0]["en"]
    assert not desk.ask(Start()).done
    desk.graph.on = True
    desk.until("armed")
    assert desk.ask(Start()).done


def test_a_writer_that_fails_ends_the_take_and_not_the_session(tmp_path: Path) -> None:
    @dataclass
    class Failing(FileWriter):
        def __init__(self, left: int) -> None:
            super().__init__()
            self.left = left

        def write(self, messages: Sequence[object]) -> Sequence[object]:
            self.left -= 1
            if self.left < 0:
                raise EnvironmentUnfitError("cannot write: No space left on device", remedy="free some")
            return super().write(messages)

    sinks = iter([Failing(10), FileWriter()])
    desk = Desk(tmp_path, new_sink=lambda: next(sinks))
    started = desk.ask(Start())
    desk.until("armed")
    take = desk.controller.snapshot().takes[-1]
    assert (take.episode_id, take.state) == (started.episode_id, "failed")
    assert "No space left" in take.reason
    assert set(take.problem) == {"en", "zh"}
    assert staged(desk.dataset)
    again = desk.take()
    assert desk.dataset.episode_ids() == [again]


def test_a_disk_that_refuses_costs_no_message_and_is_tried_again(tmp_path: Path) -> None:
    class Refusing(FileWriter):
        full = False

        def close_file(self) -> ClosedFile:
            if self.full:
                raise WriteFaultError("cannot write: No space left on device", remedy="free some")
            return super().close_file()

    sink = Refusing()
    desk = Desk(tmp_path, new_sink=lambda: sink, chinese=lambda text: f"中文 {text}")
    started = desk.ask(Start())
    desk.turn(20)
    sink.full = True
    desk.ask(Stop(SUCCESS))
    desk.turn(300)
    shown = desk.controller.snapshot()
    assert (shown.state, shown.takes) == ("closing", ())
    assert "No space left" in shown.problems[0]["en"]
    assert shown.problems[0]["zh"] == "中文 cannot write: No space left on device；中文 free some"
    assert closing_of(desk)[0] == "refused"
    assert not desk.ask(Start()).done
    sink.full = False
    desk.until("armed")
    assert desk.dataset.episode_ids() == [started.episode_id]
    assert problems_of(desk.dataset.root / "episodes" / started.episode_id)["closing"] == []


def test_while_a_disk_is_slow_it_is_shown_what_goes_on_and_nothing_is_kept_for_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()
    synced = take_module.sync_folder

    def slow(folder: Path) -> None:
        assert go_on.wait(20)
        synced(folder)

    desk = Desk(tmp_path, rolls={"post_roll_s": 0.3})
    episode_id = desk.ask(Start()).episode_id
    desk.turn(20)
    assert desk.ask(Stop()).done
    seen = [closing_of(desk)]
    desk.turn(60)
    seen.append(closing_of(desk))
    monkeypatch.setattr(take_module, "sync_folder", slow)
    started: Future[Reply] = Future()
    described: Future[Reply] = Future()
    hearing = desk.graph.take
    first_ns = desk.clock.elapsed_ns

    def hear(timeout_s: float) -> Sequence[Sample]:
        """While the disk is waited for: shows, and asks for what is not for now and for what can wait."""
        if desk.clock.elapsed_ns - first_ns == 10 * PERIOD_NS:
            desk.controller._commands.put((Start(), started))
            desk.controller._commands.put((Describe("op-" + "3" * 32), described))
        if desk.clock.elapsed_ns - first_ns > 60 * PERIOD_NS and not go_on.is_set():
            seen.append(closing_of(desk))
            assert started.result(0).text["en"] == "not now: the recorder is closing"
            assert not described.done()
            go_on.set()
        return hearing(timeout_s)

    desk.graph.take = hear
    assert desk.ask(Label(SUCCESS)).done
    desk.until("armed")
    assert [step for step, _ in seen[:3]] == ["post_roll", "label", "placing"]
    assert seen[2][1] > 0.1
    assert closing_of(desk) is None
    assert described.result(0).done
    assert desk.dataset.episode_ids() == [episode_id]


def closing_of(desk: Desk) -> tuple[str, float] | None:
    closing = desk.controller.snapshot().closing
    return None if closing is None else (closing.step, closing.seconds)


def test_a_verdict_is_awaited_until_the_last_has_come_or_the_judge_is_gone(tmp_path: Path) -> None:
    judge = Scripted()
    found: list[tuple[str, Verdict]] = []
    judge.finished = lambda: [found.pop(0)] if found else []
    desk = Desk(tmp_path, judge=judge)
    episode_id = desk.take()
    desk.turn(50)
    assert desk.controller.snapshot().judging == "on"
    assert desk.controller.snapshot().takes[-1].awaited_s > 0.2
    first = Verdict("", (VerdictLine("ST-01", {"en": "x"}, {"en": "y"}),), whole=False, depth="index")
    found.append((episode_id, first))
    desk.turn(25)
    take = desk.controller.snapshot().takes[-1]
    assert take.verdict == first
    assert take.awaited_s < 0.3
    judge.alive = False
    found.append((episode_id, Verdict(problem={"en": "gone", "zh": "没了"})))
    desk.turn(25)
    shown = desk.controller.snapshot()
    assert shown.judging == "ended"
    assert (shown.takes[-1].verdict.failed, shown.takes[-1].verdict.problem["en"]) == (first.failed, "gone")
    assert shown.takes[-1].awaited_s is None
    desk.controller._after.judge = None
    desk.turn(25)
    assert desk.controller.snapshot().judging == "off"


def test_a_disk_that_does_not_answer_holds_up_no_message_and_no_operator(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a network drive whose server is gone: whoever asks it for anything waits."""
    answers_again, real = threading.Event(), room.room_of

    def waits(root: Path) -> Room:
        answers_again.wait()
        return real(root)

    started = desk.ask(Start())
    desk.turn(20)
    monkeypatch.setattr(room, "room_of", waits)
    monkeypatch.setattr(room, "_PATIENCE_S", 0.0)
    desk.turn(300)
    shown = desk.controller.snapshot()
    assert (shown.state, shown.machine.free_bytes > 0) == ("recording", True)
    assert "the disk does not answer" in shown.problems[0]["en"]
    assert "没有响应" in shown.problems[0]["zh"]
    assert shown.take.messages_n > 300
    desk.ask(Stop(SUCCESS))
    desk.until("idle")
    assert desk.dataset.episode_ids() == [started.episode_id]
    assert not desk.ask(Start()).done
    with pytest.raises(EnvironmentUnfitError, match="to answer, got nothing for"):
        desk.controller.session.begin(TakeOptions("pick"))
    answers_again.set()
    monkeypatch.undo()
    _wait(lambda: not desk.controller.session.room().silent_s)
    desk.until("armed")


def test_a_shutdown_does_not_wait_for_a_disk_for_ever(tmp_path: Path) -> None:
    class Refusing(FileWriter):
        def close_file(self) -> ClosedFile:
            raise WriteFaultError("cannot write: No space left on device", remedy="free some")

    desk = Desk(tmp_path, new_sink=Refusing)
    desk.ask(Start())
    desk.turn(20)
    assert desk.ask(Shutdown("sigterm")).done
    assert desk.controller.snapshot().takes[-1].state == "failed"
    assert staged(desk.dataset)


def test_a_long_take_is_split_and_each_file_stands_by_itself(tmp_path: Path) -> None:
    desk = Desk(tmp_path, limits={"max_file_s": 1})
    episode_id = desk.take(450)
    folder = desk.dataset.root / "episodes" / episode_id
    names = sorted(path.name for path in folder.glob("*.mcap"))
    assert names == [f"data_{index:03d}.mcap" for index in range(5)]
    stamps: list[int] = []
    for index, name in enumerate(names):
        with (folder / name).open("rb") as file:
            reader = make_reader(file)
            messages = [(c.topic, m.log_time) for _, c, m in reader.iter_messages(log_time_order=False)]
            embedded = {a.name: a.data for a in reader.iter_attachments()}
            marks = [m.metadata for m in reader.iter_metadata() if m.name == "embodied_kit.repeated"]
        assert messages[0][0] == "/robot_description"
        assert [topic for topic, _ in messages].count("/robot_description") == 1
        assert marks == ([{"/robot_description": "1"}] if index else [])
        assert parse_json(embedded["capture.json"]).value["file_index"] == index
        assert ("closing.json" in embedded) == (name == names[-1])
        assert "robots/arm_01/arm.urdf" in embedded
        stamps += [stamp for topic, stamp in messages if topic == "/joint_states"]
    assert stamps == sorted(set(stamps))
    assert stamps[-1] - stamps[0] == (len(stamps) - 1) * PERIOD_NS
    document = load_json(folder / "episode.json")
    assert [entry["path"] for entry in document["files"]] == [*names, "metadata.yaml"]
    before = (folder / "episode.json").read_bytes()
    (folder / "episode.json").unlink()
    rebuild(desk.dataset.root)
    assert (folder / "episode.json").read_bytes() == before
    (tmp_path / "whole").mkdir()
    whole = Desk(tmp_path / "whole")
    assert _failed(folder) == _failed(whole.dataset.root / "episodes" / whole.take(450))


def _failed(folder: Path) -> set[str]:
    report = json.loads(run("validate", str(folder), "--format", "json").out)
    return {finding["rule_id"] for finding in report["findings"]}


def test_verdicts_reach_the_takes(tmp_path: Path) -> None:
    judge = Scripted()
    desk = Desk(tmp_path, judge=judge)
    desk.take()
    desk.turn(30)
    assert desk.controller.snapshot().takes[-1].verdict == Verdict("L2")


def test_a_shutdown_saves_what_runs_and_answers_whoever_comes_late(desk: Desk) -> None:
    started = desk.ask(Start())
    thread = threading.Thread(target=desk.controller.run)
    thread.start()
    _wait(lambda: (desk.controller.snapshot().take or started) and desk.controller.snapshot().take.messages_n > 3)
    assert desk.controller.ask(Shutdown("sigterm")).done
    thread.join(20)
    assert desk.controller.snapshot().state == "closed"
    assert desk.dataset.episode_ids() == [started.episode_id]
    assert desk.closing(started.episode_id)["stop_reason"] == "sigterm"
    assert not desk.controller.ask(Start()).done


def _wait(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("later", [False, True])
def test_a_label_is_on_the_disk_as_soon_as_it_is_said(tmp_path: Path, later: bool) -> None:
    desk = Desk(tmp_path, rolls={"post_roll_s": 1000.0})
    started = desk.ask(Start())
    desk.ask(Mark("cube_slipped"))
    desk.ask(Stop(None if later else SUCCESS))
    if later:
        desk.ask(Label(SUCCESS))
    lines = read_journal(journal_path(desk.dataset.root, started.episode_id))
    assert [line["kind"] for line in lines] == ["opened", "event", "stopped", "said"]
    assert (lines[-1]["outcome"], lines[2]["stop_reason"]) == (SUCCESS.outcome, "operator")
