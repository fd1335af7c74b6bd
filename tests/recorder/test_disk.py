"""A disk that is slow, fills up, fails or is pulled out: what is on it stays whole, and closing works once it may."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from mcap.reader import make_reader
from recorder import support
from recorder.disks import Disk as RealDisk
from recorder.support import JOINT_STREAM, dataset_in, read
from transports.harness import until

from embodied_kit.canonical import sha256_file
from embodied_kit.episode.datafile import (
    SYNC_BYTES,
    SYNC_S,
    AddChannel,
    AddMetadata,
    ClosedFile,
    FileWriter,
    OpenFile,
    OutMessage,
)
from embodied_kit.episode.dataset import Dataset
from embodied_kit.episode.recovery import recover_takes
from embodied_kit.errors import EmbodiedKitError, EnvironmentUnfitError, WriteFaultError
from embodied_kit.mcap import growing
from embodied_kit.mcap.reader import McapScan
from embodied_kit.mcap.recover import recover
from embodied_kit.mcap.writer import McapWriter
from embodied_kit.model.channel import ChannelInfo
from embodied_kit.model.stream import Qos
from embodied_recorders.take.documents import TakeOptions, TakeResult
from embodied_recorders.take.session import Recorded, Session
from embodied_recorders.transports.memory import MemoryTransport
from embodied_recorders.writing import room
from embodied_recorders.writing.room import Room, RoomWatch
from embodied_recorders.writing.sink import Sink

CHANNEL = ChannelInfo("/t", "std_msgs/msg/String", "ros2msg", "string data\n", "", "", "", "none", "t")
limits = pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="limits of another process: Linux alone")


def noise(number: int, size: int = 50_000) -> OutMessage:
    return OutMessage(0, number, number, number, number.to_bytes(4, "little") + os.urandom(size))


def numbers(path: Path) -> list[int]:
    """Sequence numbers of a whole file, every CRC checked."""
    with path.open("rb") as file:
        return [m.sequence for _, _, m in make_reader(file, validate_crcs=True).iter_messages(log_time_order=False)]


def rescued(partial: Path) -> list[int]:
    """What can be had from a file that was never finished."""
    whole = partial.with_name("rescued.mcap")
    recover(partial, whole)
    return numbers(whole)


def opened(sink: FileWriter | Sink, path: Path) -> Path:
    sink.send(OpenFile(str(path)))
    sink.send(AddChannel(0, CHANNEL, bulk=True))
    return path.with_name(path.name + ".partial")


# In this process.


def test_waiting_messages_are_synced_in_time_and_much_of_them_at_once(tmp_path: Path) -> None:
    writer = FileWriter()
    partial = opened(writer, tmp_path / "data_000.mcap")
    assert writer.keep_synced(100.0) == SYNC_S  # the head of the file
    assert writer.keep_synced(100.0 + SYNC_S) is None
    assert writer.keep_synced(200.0) is None
    writer.write([noise(1)])
    size = partial.stat().st_size
    assert writer.keep_synced(300.0) == SYNC_S
    assert writer.keep_synced(300.0 + SYNC_S / 4) == SYNC_S * 3 / 4
    assert partial.stat().st_size == size
    assert writer.keep_synced(300.0 + SYNC_S) is None
    assert rescued(partial) == [1]
    writer.write([noise(2, SYNC_BYTES)])
    assert writer.keep_synced(400.0) is None
    writer.shut_down()


def test_the_digest_of_a_file_is_known_when_it_closes(tmp_path: Path) -> None:
    writer = FileWriter()
    opened(writer, tmp_path / "data_000.mcap")
    writer.write([noise(number) for number in range(40)])
    writer.send(AddMetadata("a", {"b": "c"}))
    closed = writer.close_file()
    path = tmp_path / "data_000.mcap"
    assert closed == ClosedFile("data_000.mcap", path.stat().st_size, sha256_file(path))


class Disk:
    """Stands before the system calls that write: a file may grow to `room` bytes, and no further."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, room: int, error: int = errno.ENOSPC) -> None:
        self.room, self.error = room, error
        self.refused = 0
        self._write_all, self._sync = growing.write_all, growing.sync
        self.sync_fails = False
        monkeypatch.setattr(growing, "write_all", self.write_all)
        monkeypatch.setattr(growing, "sync", self.sync)

    def write_all(self, fd: int, parts: list[bytes]) -> int:
        whole = b"".join(parts)
        taken = min(len(whole), max(self.room - os.lseek(fd, 0, os.SEEK_CUR), 0))
        self._write_all(fd, [whole[:taken]])
        if taken < len(whole):
            self.refused += 1
            raise OSError(self.error, os.strerror(self.error))
        return taken

    def sync(self, fd: int) -> None:
        if self.sync_fails:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        self._sync(fd)


def test_a_fault_at_any_byte_is_made_up_for_without_a_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same file, byte for byte, as on a disk without faults."""
    rows = [OutMessage(0, n, n, n, bytes([n]) * 700) for n in range(20)]

    def write(folder: Path, disk: Disk | None) -> bytes:
        folder.mkdir()
        writer = McapWriter(folder / "a.mcap", compression="none", chunk_bytes=3000)
        again = _patiently(disk)
        channel = again(lambda: writer.add_channel("/t", again(lambda: writer.add_schema("a", "ros2msg", b"x" * 50))))
        for row in rows:
            try:
                writer.write(channel, *row[1:])
            except OSError:  # noqa: PERF203 - a test of just that
                again(writer.close_chunk)
        again(lambda: writer.attach("b", "text/plain", b"y" * 50))
        again(lambda: writer.add_metadata("c", {"d": "e"}))
        again(writer.close)
        return (folder / "a.mcap").read_bytes()

    wanted = write(tmp_path / "plain", None)
    places = [*range(200, 400, 17), *range(400, len(wanted), 301), len(wanted) - 1]
    for place in places:
        disk = Disk(monkeypatch, place)
        assert write(tmp_path / str(place), disk) == wanted, place
        assert disk.refused > 0
        monkeypatch.undo()


def _patiently(disk: Disk | None) -> Callable[[Callable[[], object]], object]:
    def again(do: Callable[[], object]) -> object:
        while True:
            try:
                return do()
            except OSError:  # noqa: PERF203 - likewise
                assert disk is not None
                disk.room += 100  # not enough for a chunk at once

    return again


@pytest.mark.parametrize(
    ("error", "said"), [(errno.ENOSPC, "No space left"), (errno.EDQUOT, "quota exceeded"), (errno.EFBIG, "too large")]
)
def test_a_fault_leaves_a_prefix_and_no_message_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: int, said: str
) -> None:
    writer = FileWriter()
    partial = opened(writer, tmp_path / "data_000.mcap")
    disk = Disk(monkeypatch, 3_000_000, error)
    writer.write([noise(number) for number in range(100)])
    assert disk.refused == 1  # one fault, told once
    with pytest.raises(WriteFaultError, match=said) as caught:
        writer.check()
    assert "free disk space" in caught.value.remedy
    writer.check()
    kept = rescued(partial)
    assert 0 < len(kept) < 100
    assert kept == list(range(len(kept)))
    with pytest.raises(WriteFaultError):
        writer.settle()
    disk.room = 2**40
    writer.settle()
    writer.write([noise(100)])
    writer.check()
    writer.close_file()
    assert numbers(tmp_path / "data_000.mcap") == list(range(101))


@pytest.mark.parametrize("error", sorted(growing.GONE))
def test_a_disk_that_fails_is_not_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: int) -> None:
    writer = FileWriter()
    partial = opened(writer, tmp_path / "data_000.mcap")
    disk = Disk(monkeypatch, 3_000_000, error)
    writer.write([noise(number) for number in range(100)])
    with pytest.raises(EnvironmentUnfitError, match=os.strerror(error)) as caught:
        writer.check()
    assert not isinstance(caught.value, WriteFaultError)
    disk.room = 2**40
    with pytest.raises(EnvironmentUnfitError, match=os.strerror(error)):
        writer.close_file()
    writer.shut_down()
    kept = rescued(partial)
    assert 0 < len(kept) < 100
    assert kept == list(range(len(kept)))


def test_after_a_failed_sync_nothing_is_called_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = FileWriter()
    partial = opened(writer, tmp_path / "data_000.mcap")
    writer.write([noise(1)])
    disk = Disk(monkeypatch, 2**40)
    disk.sync_fails = True
    writer.keep_synced(0.0)
    with pytest.raises(EnvironmentUnfitError, match="Input/output error") as caught:
        writer.keep_synced(SYNC_S)
    assert "plug the disk in again" in caught.value.remedy
    assert not isinstance(caught.value, WriteFaultError)  # to try again would claim what is not so
    disk.sync_fails = False
    with pytest.raises(EnvironmentUnfitError, match="Input/output error"):
        writer.close_file()
    writer.shut_down()
    assert partial.exists()
    assert not (tmp_path / "data_000.mcap").exists()


def test_a_folder_that_is_gone_is_noticed_while_recording(tmp_path: Path) -> None:
    writer = FileWriter()
    folder = tmp_path / "disk"
    folder.mkdir()
    opened(writer, folder / "data_000.mcap")
    writer.keep_synced(0.0)
    writer.write([noise(1)])
    shutil.rmtree(folder)
    with pytest.raises(EnvironmentUnfitError, match="No such file"):
        writer.keep_synced(10.0)
    writer.shut_down()


# With the writer's process.


def test_messages_reach_the_disk_without_being_asked_for(tmp_path: Path) -> None:
    sink = Sink(2**22)
    partial = opened(sink, tmp_path / "data_000.mcap")
    sink.write([OutMessage(0, 1, 1, 1, b"small")])

    until(partial.exists, "the file")

    def written() -> bool:
        with McapScan(partial) as scan:
            return sum(map(len, scan.batches())) == 1

    until(written, "the message on the disk")
    sink.shut_down()


@limits
def test_the_writer_waits_for_room_and_loses_nothing(tmp_path: Path) -> None:
    sink = Sink(2**24)
    partial = opened(sink, tmp_path / "data_000.mcap")
    until(partial.exists, "the file")
    pid = sink._child.process.pid
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (1_500_000, before[1]))
    sent = [noise(number) for number in range(60)]
    assert sink.write(sent) == sent
    until(sink._child.connection.poll, "the fault")
    with pytest.raises(WriteFaultError, match="File too large"):
        sink.check()
    sink.check()  # it is told once
    sent += sink.write([noise(number) for number in range(60, 80)])
    with pytest.raises(WriteFaultError, match="File too large"):
        sink.close_file()
    resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
    closed = sink.close_file()
    sink.shut_down()
    path = tmp_path / "data_000.mcap"
    assert numbers(path) == list(range(80)) == [message.sequence for message in sent]
    assert closed == ClosedFile(path.name, path.stat().st_size, sha256_file(path))


@limits
def test_a_recorder_that_dies_during_a_fault_leaves_a_prefix(tmp_path: Path) -> None:
    sink = Sink(2**24)
    partial = opened(sink, tmp_path / "data_000.mcap")
    until(partial.exists, "the file")
    resource.prlimit(sink._child.process.pid, resource.RLIMIT_FSIZE, (1_500_000, 1_500_000))
    sink.write([noise(number) for number in range(60)])
    until(sink._child.connection.poll, "the fault")
    sink.shut_down()
    assert sink._child.process.exitcode == 0
    kept = rescued(partial)
    assert 0 < len(kept) < 60
    assert kept == list(range(len(kept)))


# Through a session.


class Rig:
    """One stream, published inside this process, recorded by a session with a process of its own."""

    def __init__(self, dataset: Dataset, **limits: object) -> None:
        contract = support.contract(JOINT_STREAM, **limits)
        self.graph = MemoryTransport(time.time_ns)
        (entry,) = contract.streams
        self.joints = self.graph.advertise(entry.topic, entry.ros_type, qos=Qos(), type_hash=None)
        self.graph.subscribe(entry.topic, entry.ros_type, qos=Qos(), type_hash=None)
        self.session = Session(self.graph, dataset, contract, support.STORE, "ho-test")

    def take(
        self, turns: int, at_end: Callable[[], object], each: Callable[[int], object] = lambda _n: None
    ) -> Recorded:
        left = iter(range(turns))

        def stop_when(_samples: object) -> str:
            number = next(left, None)
            if number is None:
                return "operator"
            each(number)
            self.joints.publish(b"\0\1\0\0" + os.urandom(50_000))
            return ""

        def judged(progress: object) -> TakeResult:
            at_end()
            return TakeResult(stop_reason=progress.stop_reason)

        return self.session.record(TakeOptions("pick"), stop_when, judged, lambda _progress: None)


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[tuple[Rig, Dataset]]:
    dataset = dataset_in(tmp_path)
    made = Rig(dataset)
    yield made, dataset
    made.session.close()


@limits
def test_a_full_disk_ends_a_take_that_is_whole_once_there_is_room(rig: tuple[Rig, Dataset]) -> None:
    recorder, dataset = rig
    pid = recorder.session.prepare()._child.process.pid
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (2_500_000, before[1]))
    done = recorder.take(10_000, lambda: resource.prlimit(pid, resource.RLIMIT_FSIZE, before))
    assert done.closing["stop_reason"] == "write_error"
    assert done.fault is not None
    assert "free disk space" in done.fault.remedy
    (entry,) = done.closing["streams"]
    assert entry["received_n"] == len(read(done.folder)) == done.messages_n > 40
    assert entry["loss"]["queue"] == 0
    assert support.problems_of(done.folder)["closing"] == []
    again = recorder.take(5, lambda: None)
    assert (again.closing["stop_reason"], again.fault) == ("operator", None)
    assert dataset.episode_ids() == [done.episode_id, again.episode_id]


@limits
def test_a_disk_that_stays_full_keeps_the_take_as_a_prefix_and_the_recorder_goes_on(rig: tuple[Rig, Dataset]) -> None:
    recorder, dataset = rig
    pid = recorder.session.prepare()._child.process.pid
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (2_500_000, 2_500_000))
    with pytest.raises(WriteFaultError, match="File too large") as caught:
        recorder.take(10_000, lambda: None)
    assert "stays in its .partial file" in caught.value.remedy
    (partial,) = dataset.root.glob(".embodied/recording/*/data_000.mcap.partial")
    assert len(rescued(partial)) > 25  # all but a chunk that found no room
    again = recorder.take(5, lambda: None)
    assert dataset.episode_ids() == [again.episode_id]


def test_a_staging_folder_that_is_gone_ends_the_take(rig: tuple[Rig, Dataset]) -> None:
    recorder, dataset = rig
    staging = dataset.root / ".embodied" / "recording"

    def pull_out(number: int) -> None:
        if number == 5:
            for folder in staging.iterdir():
                shutil.rmtree(folder)

    with pytest.raises(EnvironmentUnfitError, match="No such file"):
        recorder.take(10_000, lambda: None, pull_out)
    assert recorder.take(5, lambda: None).closing["stop_reason"] == "operator"


@pytest.mark.parametrize("how", ["renamed", "removed"])
def test_a_dataset_that_is_gone_ends_the_take_and_refuses_the_next_one_in_plain_words(
    rig: tuple[Rig, Dataset], tmp_path: Path, how: str
) -> None:
    recorder, dataset = rig
    first = recorder.take(5, lambda: None)
    elsewhere = tmp_path / "elsewhere"

    def go(number: int) -> None:
        if number == 5:
            if how == "removed":
                shutil.copytree(dataset.root, elsewhere)
                shutil.rmtree(dataset.root)
            else:
                dataset.root.rename(elsewhere)

    with pytest.raises(EnvironmentUnfitError, match="No such file") as caught:
        recorder.take(10_000, lambda: None, go)
    assert "put the folder back" in caught.value.remedy
    with pytest.raises(EnvironmentUnfitError, match=f"cannot write {dataset.root}: No such file"):
        recorder.take(5, lambda: None)
    elsewhere.rename(dataset.root)
    again = recorder.take(5, lambda: None)
    assert dataset.episode_ids() == [first.episode_id, again.episode_id]
    (rescue,) = recover_takes(dataset, time.time_ns())
    assert rescue.kind in {"recovered", "set_aside"}  # as much as was on the disk by then


def test_a_take_ends_before_the_disk_is_full(tmp_path: Path) -> None:
    with closing(RealDisk(tmp_path, "tmpfs")) as disk:
        recorder = Rig(dataset_in(disk.outside), min_free_bytes=20 << 20)

        def fill(number: int) -> None:
            if number == 5:
                disk.is_filled(but_bytes=16 << 20)

        done = recorder.take(10_000, lambda: None, fill)
        assert (done.closing["stop_reason"], done.fault) == ("disk_floor", None)
        assert len(read(done.folder)) == done.messages_n
        with pytest.raises(EnvironmentUnfitError, match="bytes free for"):
            recorder.take(5, lambda: None)
        recorder.session.close()


def test_a_disk_is_known_before_it_is_first_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a slow first answer would read as a full disk, and refuse or end a take."""
    watch, goes_on, real = RoomWatch(dataset_in(tmp_path).root), threading.Event(), room.room_of

    def waits(root: Path) -> Room:
        goes_on.wait()
        return real(root)

    monkeypatch.setattr(room, "room_of", waits)
    assert watch.look().free_bytes > 0
    goes_on.set()


def test_too_many_open_files_refuse_a_take_and_not_the_next_one(rig: tuple[Rig, Dataset]) -> None:
    recorder, dataset = rig
    first = recorder.take(5, lambda: None)
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, before[1]))
    try:
        with pytest.raises(EmbodiedKitError, match="Too many open files"):
            recorder.take(5, lambda: None)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    again = recorder.take(5, lambda: None)
    assert dataset.episode_ids() == [first.episode_id, again.episode_id]


def test_a_stopped_writer_holds_nothing_up(rig: tuple[Rig, Dataset]) -> None:
    recorder, _ = rig
    pid = recorder.session.prepare()._child.process.pid
    os.kill(pid, signal.SIGSTOP)
    done = recorder.take(100, lambda: os.kill(pid, signal.SIGCONT))
    assert len(read(done.folder)) == 100
