"""A real Controller in a thread, on a memory graph with joints and cameras that publish by the wall clock."""

from __future__ import annotations

import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import simplejpeg
from recorder import support
from recorder.support import dataset_in, stream

from embodied_kit.canonical import pretty_bytes
from embodied_kit.episode.datafile import FileWriter
from embodied_kit.messages.codec import codec
from embodied_kit.model.stream import LATCHED, Qos, Sample
from embodied_recorders.loop.beside import Verdict, VerdictLine
from embodied_recorders.loop.control import Shutdown
from embodied_recorders.loop.controller import Controller
from embodied_recorders.take.documents import TakeOptions
from embodied_recorders.take.session import Session
from embodied_recorders.transports.base import Publisher
from embodied_recorders.transports.memory import MemoryTransport

COMPRESSED = "sensor_msgs/msg/CompressedImage"
CAMERAS = tuple(f"camera_{number}" for number in range(6))
JOINTS = ("joint_states", "joint_commands")
CAMERA_HZ, JOINT_HZ = 10.0, 50.0
PATIENCE_S = 20.0
STAMP = struct.Struct("<iI")
GAP = VerdictLine(
    "TM-07",
    {"en": "A camera stood still too long", "zh": "相机静止过久"},
    {"en": "Check its cable and USB bandwidth.", "zh": "检查线缆与 USB 带宽。"},
    "camera_2",
)
VERDICT = Verdict("L1", failed=(GAP,))


@dataclass
class Source:
    """A publisher, its period in s and its messages, one after the other."""

    publisher: Publisher
    period_s: float
    messages: Sequence[bytes]
    sent_n: int = 0
    due_s: float = field(default_factory=time.monotonic)


@dataclass
class Graph(MemoryTransport):
    """Publishes what is due whenever something is taken; what is muted stays silent."""

    sources: dict[str, Source] = field(default_factory=dict)
    muted: set[str] = field(default_factory=set)
    counters: dict[str, int] = field(default_factory=dict)

    def take(self, timeout_s: float) -> Sequence[Sample]:
        for name, source in self.sources.items():
            if time.monotonic() < source.due_s:
                continue
            late_s = time.monotonic() - source.due_s
            source.due_s += source.period_s * (1 + late_s // source.period_s)  # what a busy machine missed is left out
            source.sent_n += 1
            if name not in self.muted:
                message = bytearray(source.messages[source.sent_n % len(source.messages)])
                STAMP.pack_into(message, 4, *divmod(self.now_ns(), 10**9))  # the header comes first in each of them
                source.publisher.publish(bytes(message))
        return super().take(timeout_s)

    def loss_counters(self) -> dict[str, int]:
        return dict(self.counters)


@dataclass
class Scripted:
    """A judge with one verdict for every take; held back until it is let go."""

    verdict: Verdict = VERDICT
    held: bool = False
    submitted: list[str] = field(default_factory=list)
    alive: bool = True

    def follow(self, episode_id: str, staging: str) -> None:
        assert Path(staging).is_dir()

    def forget(self, episode_id: str) -> None:
        pass

    def submit(self, episode_id: str, folder: str) -> None:
        assert (Path(folder) / "episode.json").is_file()
        self.submitted.append(episode_id)

    def finished(self) -> Sequence[tuple[str, Verdict]]:
        if self.held:
            return []
        found, self.submitted = [(name, self.verdict) for name in self.submitted], []
        return found

    def close(self) -> None:
        pass


def frames(seed: int) -> list[bytes]:
    """CompressedImage messages of a square that moves over a coloured ground."""
    found = []
    for step in range(10):
        picture = np.empty((240, 320, 3), np.uint8)
        picture[:] = np.array([60 + 30 * seed, 200 - 25 * seed, 90 + 20 * (seed % 3)]) % 256
        picture[80:160, 20 + 24 * step : 90 + 24 * step] = 245
        jpeg = simplejpeg.encode_jpeg(picture, quality=85)
        found.append(codec(COMPRESSED).encode({"format": "rgb8; jpeg compressed", "data": jpeg}))
    return found


@dataclass(frozen=True)
class Camera:
    """A stream of pictures."""

    stream_id: str
    messages: Sequence[bytes]
    ros_type: str = COMPRESSED
    modality: str = "vision"
    rate_hz: float = CAMERA_HZ


@dataclass
class Stand:
    """What a test holds in its hands."""

    controller: Controller
    graph: Graph
    judge: Scripted
    dataset: object

    def until(self, state: str) -> None:
        """Wait for a state of the recorder."""
        wait(lambda: self.controller.snapshot().state == state, f"{state}: {self.controller.snapshot()}")


def wait(condition: object, what: object = "") -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


@contextmanager
def running_stand(
    folder: Path, cameras: Sequence[Camera] = (), new_sink: Callable[[], object] = FileWriter, **more: object
) -> Iterator[Stand]:
    """A recorder at work until the block ends, by default with six colour cameras."""
    dataset = dataset_in(folder)
    cameras = cameras or [Camera(name, frames(seed)) for seed, name in enumerate(CAMERAS)]
    entries = [stream(name, f"/{name}", support.JOINTS, JOINT_HZ) for name in JOINTS]
    entries += [
        stream(
            camera.stream_id,
            f"/{camera.stream_id}/compressed",
            camera.ros_type,
            camera.rate_hz,
            modality=camera.modality,
            role="observation",
        )
        for camera in cameras
    ]
    entries.append(stream("description", "/robot_description", support.TEXT, None, cadence="latched"))
    document = {**support.contract_document(*entries), **more}
    task = {"task_id": "pick", "scene_id": "lab_1", "scene_type": "laboratory"}
    (dataset.root / "tasks.json").write_bytes(pretty_bytes({"schema_version": "1.0.0", "tasks": [task]}))
    graph = Graph(time.time_ns)
    graph.advertise("/robot_description", support.TEXT, qos=LATCHED, type_hash=None).publish(
        codec(support.TEXT).encode({"data": "<robot/>"})
    )
    contract = support.contract_from(document)
    played = {camera.stream_id: camera.messages for camera in cameras}
    joints = [codec(support.JOINTS).encode({"name": ["a"], "position": [0.1 * step]}) for step in range(50)]
    for entry in contract.streams:
        graph.subscribe(entry.topic, entry.ros_type, qos=Qos(), type_hash=None)
        if entry.nominal_rate_hz:
            publisher = graph.advertise(entry.topic, entry.ros_type, qos=Qos(), type_hash=None)
            messages = played.get(entry.stream_id, joints)
            graph.sources[entry.stream_id] = Source(publisher, 1 / entry.nominal_rate_hz, messages)
    judge = Scripted()
    session = Session(graph, dataset, contract, support.STORE, "ho-test", new_sink=new_sink)
    controller = Controller(session, TakeOptions("pick"), judge)
    thread = threading.Thread(target=controller.run)
    thread.start()
    try:
        yield Stand(controller, graph, judge, dataset)
    finally:
        controller.ask(Shutdown())
        thread.join(PATIENCE_S)
