"""Sessions in one process: disks that fill up, writers that die, publishers that come and go, memory."""

from __future__ import annotations

import gc
import itertools
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import yaml
from recorder import support
from recorder.support import JOINT_STREAM, Read, dataset_in, read, stream
from transports.harness import until

from embodied_kit.canonical import load_json
from embodied_kit.episode.datafile import (
    AddChannel,
    ClosedFile,
    Command,
    FileWriter,
    Flush,
    OpenFile,
    OutMessage,
    QueueCount,
)
from embodied_kit.episode.dataset import Dataset
from embodied_kit.errors import EnvironmentUnfitError, UsageError
from embodied_kit.messages.definitions import Definition, TypeStore
from embodied_kit.model.channel import ChannelInfo
from embodied_kit.model.stream import LATCHED, Qos, Sample
from embodied_recorders.graph.clock import SystemClock
from embodied_recorders.take.documents import TakeOptions, TakeResult
from embodied_recorders.take.session import Recorded, Session
from embodied_recorders.transports.base import UNKNOWN_PUBLISHER, Publisher
from embodied_recorders.transports.memory import MemoryTransport
from embodied_recorders.writing.sink import Sink

CHANNEL = ChannelInfo("/t", "std_msgs/msg/String", "ros2msg", "string data\n", "", "", "", "none", "t")
CONTRACT = support.contract(
    JOINT_STREAM, stream("description", "/robot_description", support.TEXT, None, cadence="latched")
)
PICK = TakeOptions("pick")
CDR = b"\0\1\0\0\5\0\0\0text\0\0\0\0"


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return dataset_in(tmp_path)


@dataclass
class Failing:
    """A sink that carries commands out, until the disk is full at the n-th."""

    left: int
    writer: FileWriter = field(default_factory=FileWriter)

    def send(self, command: Command) -> None:
        self._count()
        self.writer.send(command)

    def write(self, messages: Sequence[OutMessage]) -> Sequence[OutMessage]:
        self._count()
        return self.writer.write(messages)

    def check(self) -> None:
        pass

    def queue_count(self, channel: int) -> QueueCount:
        return self.writer.queue_count(channel)

    def waiting_bytes(self) -> int:
        return 0

    def close_file(self) -> ClosedFile:
        self._count()
        return self.writer.close_file()

    def shut_down(self) -> None:
        self.writer.shut_down()

    def _count(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise EnvironmentUnfitError("cannot write: No space left on device")


class Robot:
    """Publishers of the contract's topics inside this process."""

    def __init__(self) -> None:
        self.graph = MemoryTransport(time.time_ns)
        self.joints = self.graph.advertise("/joint_states", support.JOINTS, qos=Qos(), type_hash=None)
        self.latched = self._latch("/robot_description")
        for entry in CONTRACT.streams:
            self.graph.subscribe(entry.topic, entry.ros_type, qos=Qos(), type_hash=None)

    def _latch(self, topic: str) -> Publisher:
        publisher = self.graph.advertise(topic, support.TEXT, qos=LATCHED, type_hash=None)
        publisher.publish(CDR)
        return publisher

    def session(self, dataset: Dataset, new_sink: Callable[[], object] = FileWriter, **options: object) -> Session:
        return Session(self.graph, dataset, CONTRACT, support.STORE, "ho-test", new_sink=new_sink, **options)

    def take(self, session: Session, messages_n: int = 5, each: Callable[[], object] = lambda: None) -> Recorded:
        """One take of so many joint states, one a turn."""
        left = iter(range(messages_n))

        def stop_when(_samples: Sequence[Sample]) -> str:
            each()
            if next(left, None) is None:
                return "operator"
            self.joints.publish(CDR)
            return ""

        return session.record(PICK, stop_when, lambda progress: TakeResult(stop_reason=progress.stop_reason), _ignore)


def _ignore(_progress: object) -> None:
    pass


def topics(messages: Sequence[Read]) -> list[str]:
    return [message.topic for message in messages]


def test_failure_at_any_write_leaves_earlier_episodes_and_the_next_take_alone(dataset: Dataset) -> None:
    robot = Robot()
    done = robot.take(robot.session(dataset))
    before = {path: path.read_bytes() for path in done.folder.iterdir()}
    failures = 0
    while True:
        sink = Failing(failures)
        session = robot.session(dataset, lambda sink=sink: sink)
        try:
            again = robot.take(session)
        except EnvironmentUnfitError as error:
            assert "No space left" in error.message  # noqa: PT017 - a loop over every place
        else:
            break
        failures += 1
        assert dataset.episode_ids() == [done.episode_id]
        assert {path: path.read_bytes() for path in done.folder.iterdir()} == before
        assert not any(name.endswith(("episode.json", "metadata.yaml")) for name in support.staged(dataset))
        assert not sink.writer.is_open
        session.new_sink = FileWriter
    assert failures > 10
    assert dataset.episode_ids() == [done.episode_id, again.episode_id]


def test_a_session_goes_on_after_a_failure(dataset: Dataset) -> None:
    robot = Robot()
    sinks = iter([Failing(7), FileWriter()])
    session = robot.session(dataset, lambda: next(sinks))
    with pytest.raises(EnvironmentUnfitError):
        robot.take(session)
    assert topics(read(robot.take(session).folder)).count("/joint_states") == 5


def test_any_exception_ends_the_writer(dataset: Dataset) -> None:
    robot = Robot()
    writer = FileWriter()
    session = robot.session(dataset, lambda: writer)

    def bug() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        robot.take(session, each=bug)
    assert not writer.is_open
    assert dataset.episode_ids() == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount, umount = shutil.which("mount"), shutil.which("umount")
    if mount is None or umount is None:
        pytest.skip("no mount here")
    words = [mount, "-t", "tmpfs", "-o", "size=2m", "none", folder]
    mounted = subprocess.run(words, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"no tmpfs may be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run([umount, folder], check=True)


def test_a_full_disk_ends_in_one_line(small_disk: Path) -> None:
    dataset = dataset_in(small_disk)
    robot = Robot()
    session = robot.session(dataset, Sink)
    kept = robot.take(session)
    before = {path: path.read_bytes() for path in kept.folder.iterdir()}
    with pytest.raises(EnvironmentUnfitError) as caught:
        robot.take(session, 200, lambda: robot.joints.publish(b"\0\1\0\0" + os.urandom(2**16)))
    assert "No space left on device" in caught.value.message
    assert caught.value.exit_code == 4
    assert dataset.episode_ids() == [kept.episode_id]
    assert {path: path.read_bytes() for path in kept.folder.iterdir()} == before
    session.close()


def test_documents_are_written_whole_or_not_at_all(small_disk: Path) -> None:
    dataset = dataset_in(small_disk)
    before = (dataset.root / "dataset.json").read_bytes()
    with pytest.raises(OSError, match="No space left"):
        (small_disk / "filler").write_bytes(bytes(2**22))
    with pytest.raises(EnvironmentUnfitError, match="No space left"):
        dataset.refresh(time.time_ns())
    assert (dataset.root / "dataset.json").read_bytes() == before
    assert [path.name for path in dataset.root.glob("*.partial")] == []


def test_too_little_disk_is_refused_before_the_take(dataset: Dataset) -> None:
    robot = Robot()
    contract = support.contract(JOINT_STREAM, min_free_bytes=2**52)
    session = Session(robot.graph, dataset, contract, support.STORE, "ho-test", new_sink=FileWriter)
    with pytest.raises(EnvironmentUnfitError, match="bytes free"):
        robot.take(session)
    assert support.staged(dataset) == []


def test_limits_of_the_contract_end_a_take(dataset: Dataset) -> None:
    robot = Robot()
    contract = support.contract(JOINT_STREAM, max_episode_s=0.2)
    session = Session(robot.graph, dataset, contract, support.STORE, "ho-test", new_sink=FileWriter)
    done = session.record(PICK, lambda _s: "", lambda p: TakeResult(stop_reason=p.stop_reason), _ignore)
    assert done.closing["stop_reason"] == "limit"


def test_a_killed_writer_is_an_error_and_no_hang(tmp_path: Path) -> None:
    sink = Sink()
    sink.send(OpenFile(str(tmp_path / "data_000.mcap")))
    sink.send(AddChannel(0, CHANNEL))
    sink._child.process.kill()
    sink._child.process.join()
    sink.write([OutMessage(0, 1, 1, 0, bytes(4096))])
    with pytest.raises(EnvironmentUnfitError, match="the writer process died"):
        until(sink.check, "the error")
    with pytest.raises(EnvironmentUnfitError, match="the writer process died"):
        sink.close_file()
    sink.shut_down()


def test_a_writer_killed_during_a_take_ends_it(dataset: Dataset) -> None:
    robot = Robot()
    session = robot.session(dataset, Sink)
    kept = robot.take(session)
    with pytest.raises(EnvironmentUnfitError, match="the writer process died"):
        robot.take(session, 10_000, lambda: os.kill(session.prepare()._child.process.pid, signal.SIGKILL))
    assert dataset.episode_ids() == [kept.episode_id]
    assert robot.take(session).folder.is_dir()
    session.close()


def test_the_writer_says_what_is_wrong(tmp_path: Path) -> None:
    sink = Sink()
    with pytest.raises(EnvironmentUnfitError, match="No such file"):  # noqa: PT012 - whichever call comes after it
        sink.send(OpenFile(str(tmp_path / "no" / "folder" / "data_000.mcap")))
        sink.close_file()
    sink.shut_down()


def test_the_writer_survives_signals_to_the_group_even_while_it_starts(tmp_path: Path) -> None:
    code = """
import os, signal, sys
signal.signal(signal.SIGINT, lambda *_: None)
signal.signal(signal.SIGTERM, lambda *_: None)
from embodied_kit.episode.datafile import OpenFile
from embodied_recorders.writing.sink import Sink

class Early(Sink):
    def _receive(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            os.killpg(0, number)
        return super()._receive()

sink = Early()
sink.send(OpenFile(sys.argv[1]))
print(sink.close_file().path)
sink.shut_down()
"""
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "data_000.mcap"],
        env=support.environment(tmp_path),
        capture_output=True,
        text=True,
        start_new_session=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "data_000.mcap\n", "")


def test_a_recorder_that_forgets_its_writer_ends_all_the_same(tmp_path: Path) -> None:
    code = "from embodied_recorders.writing.sink import Sink\nkept = Sink()\nloop = [kept]\nloop.append(loop)\n"
    done = subprocess.run(
        [sys.executable, "-c", code], env=support.environment(tmp_path), timeout=60, check=False, capture_output=True
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_what_the_recorder_handed_over_is_kept_when_it_dies(tmp_path: Path) -> None:
    sink = Sink()
    path = tmp_path / "data_000.mcap"
    sink.send(OpenFile(str(path)))
    sink.send(AddChannel(0, CHANNEL))
    sink.send(Flush())
    partial = tmp_path / "data_000.mcap.partial"
    size = until(lambda: partial.exists() and partial.stat().st_size, "the file")
    sink.write([OutMessage(0, 1, 1, 0, os.urandom(4096))])
    sink._child.connection.close()
    sink._child.process.join(20)
    assert sink._child.process.exitcode == 0
    assert partial.stat().st_size > size + 4096
    assert not path.exists()


def test_latched_messages_of_a_publisher_that_was_replaced_are_forgotten(dataset: Dataset) -> None:
    robot = Robot()
    session = robot.session(dataset)
    gone = Sample("/robot_description", CDR, 1, 2, "f" * 32, None)
    session._latched.see([gone])
    first = read(robot.take(session).folder)
    assert topics(first).count("/robot_description") == 1
    assert {m.publisher for m in first} & {"f" * 32} == set()
    robot.graph._endpoints.pop("/robot_description")  # now nobody serves it: what was heard still stands
    second = read(robot.take(session).folder)
    assert topics(second[:2]) == ["/robot_description"] * 2


def test_latched_messages_whose_publishers_cannot_be_told_apart_are_all_kept(dataset: Dataset) -> None:
    """As `/tf_static` over rclpy: two publishers, and nothing in a message tells whose it is."""
    robot = Robot()
    session = robot.session(dataset)
    other = replace(robot.graph._endpoints["/robot_description"], publisher="e" * 32, qos=replace(LATCHED, depth=3))
    robot.graph._endpoints["another"] = other
    texts = [CDR[:8] + text + bytes(4) for text in (b"base", b"grip", b"base")]
    robot.graph._waiting.extend(Sample("/robot_description", text, 1, 2, UNKNOWN_PUBLISHER, None) for text in texts)
    first = [m for m in read(robot.take(session).folder) if m.topic == "/robot_description"]
    second = [m for m in read(robot.take(session).folder) if m.topic == "/robot_description"]
    for messages in (first, second):
        assert [m.cdr for m in messages if not m.publisher] == [texts[1], texts[2]]
    session._latched.see(Sample("/robot_description", bytes([n]), 1, 2, UNKNOWN_PUBLISHER, None) for n in range(100))
    assert len(session._latched) == 64 + 1
    offered = session.channels.channel(Sample("/robot_description", CDR, 1, 2, UNKNOWN_PUBLISHER, None)).qos_text
    assert [entry["depth"] for entry in yaml.safe_load(offered)] == [1, 3]


def test_no_first_message_of_a_take_waits_for_its_definition(dataset: Dataset) -> None:
    class Counting(TypeStore):
        looked_up = 0

        def definition(self, ros_type: str, type_hash: str | None, distro: str | None = None) -> Definition | None:
            self.looked_up += (ros_type, type_hash, distro) not in self._found
            return super().definition(ros_type, type_hash, distro)

    robot, store = Robot(), Counting()
    session = Session(robot.graph, dataset, CONTRACT, store, "ho-test", new_sink=FileWriter)
    session.prepare()
    looked_up = store.looked_up
    assert looked_up == 2
    robot.take(session)
    assert store.looked_up == looked_up


def test_stamps_and_numbers_that_no_field_holds_end_nothing(dataset: Dataset) -> None:
    robot = Robot()
    odd = Sample("/joint_states", CDR, -5, time.time_ns(), "a" * 32, 2**32 + 7)
    session = robot.session(dataset)
    done = robot.take(session, 3, lambda: robot.graph._waiting.append(odd))
    mine = [message for message in read(done.folder) if message.publisher == "a" * 32]
    assert {(message.publish_ns, message.sequence) for message in mine} == {(0, 7)}


def test_a_clock_that_is_set_back_makes_no_negative_take(dataset: Dataset) -> None:
    class Backwards(SystemClock):
        times = iter(range(2_000_000_000_000, 0, -1_000_000_000))

        def now_ns(self) -> int:
            return next(self.times)

    robot = Robot()
    done = robot.take(robot.session(dataset, clock=Backwards()))
    assert done.closing["duration_s"] == 0.0


def test_samples_are_not_kept(dataset: Dataset) -> None:
    robot = Robot()
    alive: list[int] = []
    turns = itertools.count()

    def count() -> None:
        if next(turns) % 100 == 0:
            alive.append(sum(isinstance(item, Sample) for item in gc.get_objects()))

    robot.take(robot.session(dataset), 300, count)
    assert len(alive) == 4
    assert max(alive) < 20


def test_a_broken_neighbour_does_not_end_a_day(dataset: Dataset) -> None:
    robot = Robot()
    session = robot.session(dataset)
    first, second = robot.take(session), robot.take(session)
    (first.folder / "episode.json").write_bytes(b"{")
    (second.folder / "episode.json").unlink()
    third = robot.take(session)
    assert load_json(third.folder / "episode.json")["episode_id"] == third.episode_id


def test_a_dataset_without_the_robot_is_refused_in_plain_words(dataset: Dataset) -> None:
    robot = Robot()
    other = support.contract_from({**support.contract_document(), "robots": ["arm_02"]})
    with pytest.raises(UsageError, match="arm_02"):
        Session(robot.graph, dataset, other, support.STORE, "ho-test", new_sink=FileWriter)


def test_a_slow_end_is_waited_for_with_open_ears(dataset: Dataset) -> None:
    robot = Robot()
    session = robot.session(dataset, new_sink=Sink)
    running = session.begin(PICK)
    session.turn(running)
    running.stop("operator")
    writer = session._sink._child.process.pid
    os.kill(writer, signal.SIGSTOP)
    heard: list[int] = []

    def hear() -> None:
        heard.append(running.file.waiting_bytes())
        if len(heard) == 5:
            os.kill(writer, signal.SIGCONT)

    done = session.finish(running, TakeResult("success"), hear)
    session.close()
    assert len(heard) >= 5
    assert heard[0] > 0
    assert dataset.episode_ids() == [done.episode_id]
