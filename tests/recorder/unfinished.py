"""Takes that end in the middle, inside this process: what the recovery tests begin with."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

from recorder import support
from recorder.support import JOINT_STREAM, dataset_in, stream

from embodied_kit.episode.datafile import FileWriter, Flush
from embodied_kit.episode.dataset import Dataset
from embodied_kit.model.stream import LATCHED, Qos
from embodied_recorders.take.documents import TakeOptions, TakeResult
from embodied_recorders.take.running import Running
from embodied_recorders.take.session import Recorded, Session
from embodied_recorders.transports.memory import MemoryTransport

CONTRACT = support.contract(
    JOINT_STREAM, stream("description", "/robot_description", support.TEXT, None, cadence="latched")
)
PICK = TakeOptions("pick")
TEXT_CDR = b"\0\1\0\0\5\0\0\0text\0\0\0\0"


class Bench:
    """A dataset, a publisher and a recorder whose writer works in this process."""

    def __init__(self, folder: Path) -> None:
        self.dataset: Dataset = dataset_in(folder)
        self.graph = MemoryTransport(time.time_ns)
        self.joints = self.graph.advertise("/joint_states", support.JOINTS, qos=Qos(), type_hash=None)
        self.graph.advertise("/robot_description", support.TEXT, qos=LATCHED, type_hash=None).publish(TEXT_CDR)
        for entry in CONTRACT.streams:
            self.graph.subscribe(entry.topic, entry.ros_type, qos=Qos(), type_hash=None)
        self.writer = FileWriter()
        self.session = Session(self.graph, self.dataset, CONTRACT, support.STORE, "ho-test", new_sink=self._sink)
        self.random = random.Random(5)  # noqa: S311 - payloads

    def _sink(self) -> FileWriter:
        self.writer = FileWriter()
        return self.writer

    def send(self, running: Running, count: int, size: int = 40) -> None:
        """So many messages more, of which every fifth ends a chunk that is synced."""
        for number in range(count):
            self.joints.publish(b"\0\1\0\0" + self.random.randbytes(size))
            self.session.turn(running)
            if number % 5 == 4:
                self.writer.run(Flush())

    def begin(self, count: int) -> Running:
        """A take that runs, with so many messages and the latched one."""
        running = self.session.begin(PICK)
        self.send(running, count)
        return running

    def whole(self, count: int = 12) -> Recorded:
        """A take as it should be."""
        running = self.begin(count)
        running.stop("operator")
        return self.session.finish(running, TakeResult("success", outcome_source="operator", stop_reason="operator"))

    def die(self) -> None:
        """What a kill leaves: files as they are, locks gone."""
        self.session.close()

    def staging(self) -> Path:
        """The one folder of an unfinished take."""
        (folder,) = (self.dataset.root / ".embodied" / "recording").iterdir()
        return folder


def killed(folder: Path, do: Callable[[Bench, Running], object] = lambda _b, _r: None, count: int = 12) -> Bench:
    """A bench whose recorder has died in its first take."""
    bench = Bench(folder)
    running = bench.begin(count)
    do(bench, running)
    bench.die()
    return bench
