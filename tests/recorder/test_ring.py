"""The ring to the writer process: order, budgets, honest counts, and nothing left behind by a kill."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mcap.reader import make_reader
from recorder import support
from recorder.support import JOINT_STREAM, dataset_in, read, stream
from transports.harness import until

from embodied_kit.episode.datafile import AddChannel, AddMetadata, Attach, OpenFile, OutMessage
from embodied_kit.errors import EnvironmentUnfitError
from embodied_kit.mcap.recover import recover
from embodied_kit.model.channel import ChannelInfo
from embodied_kit.model.stream import Qos
from embodied_recorders.take.documents import TakeOptions, TakeResult
from embodied_recorders.take.session import Session
from embodied_recorders.transports.memory import MemoryTransport
from embodied_recorders.writing.ring import RingReader, RingWriter, block_size
from embodied_recorders.writing.shared_block import SharedBlock
from embodied_recorders.writing.sink import Sink

KIB = 1024
CHANNEL = ChannelInfo("/t", "std_msgs/msg/String", "ros2msg", "string data\n", "", "", "", "none", "t")
JOINTS, CAMERA, LIDAR, MICROPHONE = range(4)


class Ring:
    """Both sides in one process."""

    def __init__(self, ring_bytes: int, *, bulk: bool = True) -> None:
        self.block = SharedBlock(block_size(ring_bytes))
        self.wakes = 0
        self.writer = RingWriter(self.block, self._wake)
        self.reader = RingReader(self.block, view_bytes=2**40)
        for channel in (JOINTS, CAMERA, LIDAR, MICROPHONE):
            self.writer.open_channel(channel, bulk=bulk and channel != JOINTS)

    def _wake(self) -> None:
        self.wakes += 1

    def put(self, channel: int, size: int, count: int = 1) -> int:
        """How many of so many messages found room."""
        return len(self.writer.put([OutMessage(channel, 1, 2, 3, bytes(size))] * count))

    def drained(self, most_bytes: int = 4 * KIB) -> Iterator[OutMessage | bytes]:
        """Everything that is in there."""
        while True:
            batch = self.reader.read(most_bytes)
            yield from batch.messages
            if batch.command:
                yield batch.command
            if not self.reader.release():
                return


@pytest.fixture
def ring() -> Iterator[Ring]:
    made = Ring(64 * KIB)
    yield made
    made.block.close()


SIZES = st.one_of(st.integers(0, 100), st.integers(0, 9000))
TURNS = st.lists(
    st.tuples(st.lists(st.tuples(st.integers(0, 3), SIZES), max_size=8), st.booleans(), st.booleans()), max_size=25
)


@settings(max_examples=60, deadline=None)
@given(TURNS, st.integers(0, 2**32))
def test_what_found_room_comes_out_whole_and_in_order_and_the_rest_is_counted(
    turns: Sequence[tuple[list[tuple[int, int]], bool, bool]], seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 - the same every time
    ring = Ring(64 * KIB)
    put: list[OutMessage | bytes] = []
    got: list[OutMessage | bytes] = []
    offered: list[OutMessage] = []
    for number, (sizes, command, drain) in enumerate(turns):
        messages = [
            OutMessage(channel, number, chance.getrandbits(64), chance.getrandbits(32), chance.randbytes(size))
            for channel, size in sizes
        ]
        offered += messages
        put += ring.writer.put(messages)
        data = chance.randbytes(200)
        if command and ring.writer.put_command(data, more=False):
            put.append(data)
        if drain:
            got += ring.drained()
    got += ring.drained()
    ring.block.close()
    assert got == put
    kept = {id(message) for message in put}
    for channel in range(4):
        lost = [message for message in offered if message.channel == channel and id(message) not in kept]
        count = ring.writer.count(channel)
        assert (count.dropped_n, count.dropped_bytes) == (len(lost), sum(len(message.cdr) for message in lost))


def test_video_never_takes_the_room_of_joint_states(ring: Ring) -> None:
    assert ring.put(CAMERA, KIB, 1000) < 1000
    assert ring.put(LIDAR, KIB, 1000) < 1000
    assert ring.put(MICROPHONE, 4 * KIB, 1000) < 1000
    assert ring.put(JOINTS, 100, 35) == 35
    assert ring.writer.count(JOINTS).dropped_n == 0
    assert [type(item) for item in ring.drained()].count(OutMessage) > 35


def test_joint_states_without_end_leave_the_room_of_video_and_are_counted(ring: Ring) -> None:
    kept = ring.put(JOINTS, 1000, 100)
    assert 0 < kept < 8  # an eighth of the ring, three quarters of that
    count = ring.writer.count(JOINTS)
    assert (count.dropped_n, count.dropped_bytes) == (100 - kept, 1000 * (100 - kept))
    assert kept * 1000 < count.high_water_bytes <= 8 * KIB
    assert ring.put(CAMERA, 20 * KIB) == 1


def test_a_stream_that_was_quiet_finds_room_while_another_is_behind(ring: Ring) -> None:
    behind = ring.put(CAMERA, KIB, 1000)
    assert 36 < behind < 44  # three quarters of seven eighths of 64
    assert ring.put(LIDAR, KIB) == 1
    assert ring.put(CAMERA, KIB) == 0
    list(ring.drained())
    assert ring.put(CAMERA, KIB, 1000) == behind


def test_a_command_waits_for_room_and_keeps_its_place(ring: Ring) -> None:
    ring.put(CAMERA, KIB, 1000)
    parts = [bytes([number]) * 8 * KIB for number in range(9)]
    placed = 0
    got: list[OutMessage | bytes] = []
    while placed < len(parts):
        if ring.writer.put_command(parts[placed], more=placed + 1 < len(parts)):
            placed += 1
        else:
            got += ring.drained()
    ring.put(JOINTS, 10)
    got += ring.drained()
    assert got[-2] == b"".join(parts)
    assert isinstance(got[-1], OutMessage)
    assert got[-1].channel == JOINTS


@pytest.mark.parametrize(("bulk", "touched"), [(True, 34 * KIB), (False, 10 * KIB)])
def test_an_empty_ring_begins_again_where_its_reader_waits(bulk: bool, touched: int) -> None:
    ring = Ring(64 * KIB, bulk=bulk)
    for _ in range(200):
        ring.writer.put([OutMessage(JOINTS, 1, 2, 3, b"\1" * KIB)])
        list(ring.drained())
        assert ring.reader.awaits()
    assert ring.wakes == 199
    size = 64 * KIB - touched
    untouched = bytes(ring.block.view(block_size(64 * KIB) - size, size))
    ring.block.close()
    assert untouched == bytes(size)


def test_views_of_large_messages_are_of_the_ring_itself(ring: Ring) -> None:
    reader = replace(ring.reader, view_bytes=KIB)
    ring.put(CAMERA, KIB, 2)
    batch = reader.read()
    assert [type(message.cdr) for message in batch.messages] == [memoryview, memoryview]
    assert [bytes(message.cdr) for message in batch.messages] == [bytes(KIB)] * 2
    del batch
    reader.release()


# With the writer's process.


def opened(path: Path, ring_bytes: int = 2**20) -> Sink:
    sink = Sink(ring_bytes)
    sink.send(OpenFile(str(path)))
    sink.send(Attach("capture.json", "application/json", os.urandom(3 * 2**20), 1))  # larger than the ring
    sink.send(AddChannel(0, CHANNEL))
    return sink


def test_messages_and_commands_reach_the_file_in_order(tmp_path: Path) -> None:
    path = tmp_path / "data_000.mcap"
    chance = random.Random(5)  # noqa: S311 - the same every time
    sink = opened(path, 8 * 2**20)
    sent: list[OutMessage] = []
    for number in range(300):
        size = chance.choice((10, 1000, 60_000))
        sent += sink.write([OutMessage(0, number, number, number, chance.randbytes(size))])
        if number % 100 == 0:
            sink.send(AddMetadata(f"after {number}", {}))
        sink.check()
    closed = sink.close_file()
    assert sink.queue_count(0).dropped_n == 300 - len(sent)
    sink.shut_down()
    with path.open("rb") as file:
        messages = [m for _, _, m in make_reader(file, validate_crcs=True).iter_messages(log_time_order=False)]
    assert closed.size == path.stat().st_size
    assert [(m.sequence, m.data) for m in messages] == [(m.sequence, m.cdr) for m in sent]


def test_the_recorder_never_waits_for_a_writer_that_stands_still(tmp_path: Path) -> None:
    contract = support.contract(JOINT_STREAM, stream("camera", "/camera/image", support.IMAGE, 30, modality="vision"))
    graph = MemoryTransport(lambda: 10**18)
    publishers = {
        entry.topic: graph.advertise(entry.topic, entry.ros_type, qos=Qos(), type_hash=None)
        for entry in contract.streams
    }
    for entry in contract.streams:
        graph.subscribe(entry.topic, entry.ros_type, qos=Qos(), type_hash=None)
    dataset = dataset_in(tmp_path)
    session = Session(graph, dataset, contract, support.STORE, "ho-test", new_sink=lambda: Sink(2**20))
    writer = session.prepare()._child.process.pid
    turns = iter(range(50))

    def stop_when(_samples: object) -> str:
        number = next(turns, None)
        if number == 5:
            os.kill(writer, signal.SIGSTOP)
        publishers["/joint_states"].publish(b"\0\1\0\0" + bytes(100))
        publishers["/camera/image"].publish(b"\0\1\0\0" + os.urandom(100_000))
        return "operator" if number is None else ""

    def judged(progress: object) -> TakeResult:
        os.kill(writer, signal.SIGCONT)
        return TakeResult()

    done = session.record(TakeOptions("pick"), stop_when, judged, lambda _progress: None)
    session.close()
    graph.close()
    joints, camera = done.closing["streams"]
    messages = read(done.folder)
    assert (joints["received_n"], joints["loss"]["queue"]) == (50, 0)
    assert 5 < camera["received_n"] < 50
    assert camera["received_n"] + camera["loss"]["queue"] == 50
    assert 2**17 < camera["queue_high_water_bytes"] < 2**20
    assert 0 < joints["queue_high_water_bytes"] < 50 * 200
    for entry in (joints, camera):
        assert entry["received_n"] == sum(message.topic == entry["topic"] for message in messages)
    assert done.messages_n == len(messages)
    assert support.problems_of(done.folder)["closing"] == []


def test_a_writer_without_work_sleeps(tmp_path: Path) -> None:
    status = Path("/proc/self/status")
    if not status.exists():
        pytest.skip("no /proc here")
    sink = opened(tmp_path / "data_000.mcap")
    process = Path(f"/proc/{sink._child.process.pid}/status")

    def turns() -> list[str]:
        return [line for line in process.read_text().splitlines() if "ctxt_switches" in line]

    def sleeps() -> bool:
        before = turns()
        time.sleep(0.4)
        return turns() == before

    until(sleeps, "the writer to sleep")
    sink.shut_down()


KILLED = """
import os, signal, sys
from embodied_kit.episode.datafile import AddChannel, OpenFile, OutMessage
from embodied_kit.model.channel import ChannelInfo
from embodied_recorders.writing.sink import Sink

sink = Sink()
sink.send(OpenFile(sys.argv[1]))
sink.send(AddChannel(0, ChannelInfo("/t", "std_msgs/msg/String", "ros2msg", "string data", "", "", "", "none", "t")))
os.kill(sink._child.process.pid, signal.SIGSTOP)
for number in range(1000):
    sink.write([OutMessage(0, number, number, number, bytes(1000))])
print(sink._child.process.pid, flush=True)
os.kill(sink._child.process.pid, signal.SIGCONT)
os.kill(os.getpid() if sys.argv[2] == "recorder" else sink._child.process.pid, signal.SIGKILL)
sink._child.process.join()
"""


@pytest.mark.parametrize("victim", ["recorder", "writer"])
def test_a_kill_of_either_side_leaves_no_memory_no_process_and_no_warning(tmp_path: Path, victim: str) -> None:
    path = tmp_path / "data_000.mcap"
    named = Path("/dev") / "shm"
    before = set(named.glob("psm_*"))
    words = [sys.executable, "-X", "dev", "-W", "error", "-c", KILLED, str(path), victim]
    done = subprocess.run(
        words, env=support.environment(tmp_path), capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (-signal.SIGKILL if victim == "recorder" else 0, "")
    until(lambda: not _lives(int(done.stdout)), "the writer to end")
    assert set(named.glob("psm_*")) <= before
    if victim == "recorder":
        recover(path.with_name("data_000.mcap.partial"), tmp_path / "whole.mcap")
        with (tmp_path / "whole.mcap").open("rb") as file:
            assert [m.sequence for _, _, m in make_reader(file).iter_messages()] == list(range(1000))


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_memory_is_shared_where_the_system_has_no_memfd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "memfd_create", raising=False)
    path = tmp_path / "data_000.mcap"
    sink = opened(path)
    sink.write([OutMessage(0, 1, 2, 3, b"text")])
    sink.close_file()
    sink.shut_down()
    with path.open("rb") as file:
        assert [(m.sequence, m.data) for _, _, m in make_reader(file).iter_messages()] == [(3, b"text")]


def test_too_little_memory_is_said_in_plain_words() -> None:
    with pytest.raises(EnvironmentUnfitError, match="bytes of memory to share"):
        Sink(2**60)
