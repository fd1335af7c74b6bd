"""A real controller at work in a thread, on a memory graph, for what commands it from outside."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from recorder import support
from recorder.support import stream
from transports.harness import until

from embodied_kit.episode.datafile import FileWriter
from embodied_kit.episode.dataset import Dataset
from embodied_kit.model.stream import LATCHED, Qos
from embodied_recorders.loop.control import Shutdown, Snapshot
from embodied_recorders.loop.controller import Controller
from embodied_recorders.take.documents import TakeOptions
from embodied_recorders.take.session import Session
from embodied_recorders.transports.memory import MemoryTransport

DESCRIPTION = stream("description", "/robot_description", support.TEXT, None, cadence="latched")
_CDR = b"\0\1\0\0\5\0\0\0text\0\0\0\0"


@dataclass(frozen=True)
class Running:
    """The controller and its dataset."""

    controller: Controller
    dataset: Dataset

    def until(self, state: str) -> Snapshot:
        until(lambda: self.controller.snapshot().state == state, state)
        return self.controller.snapshot()


@contextmanager
def running_controller(folder: Path) -> Iterator[Running]:
    """It is armed, and ends with the block."""
    dataset = support.dataset_in(folder)
    graph = MemoryTransport(time.time_ns)
    graph.advertise("/robot_description", support.TEXT, qos=LATCHED, type_hash=None).publish(_CDR)
    graph.subscribe("/robot_description", support.TEXT, qos=Qos(), type_hash=None)
    contract = support.contract(DESCRIPTION)
    session = Session(graph, dataset, contract, support.STORE, "ho-test", new_sink=FileWriter)
    controller = Controller(session, TakeOptions("pick"))
    thread = threading.Thread(target=controller.run)
    thread.start()
    made = Running(controller, dataset)
    try:
        made.until("armed")
        yield made
    finally:
        controller.ask(Shutdown())
        thread.join()
