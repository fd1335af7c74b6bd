"""The recorder beside a reader that does nothing, one that writes a plain file, and `ros2 bag record` where present.

python tests/bench/bench_record.py [rounds] [seconds] [LOAD ...]

A publisher in its own process sends numbered messages over the transport dds (reliable, loopback); the sides take
turns. Prints a table, asserts nothing. CPU is of all processes of a side, from the first message to the closed file;
RSS counts shared memory once. "Unaccounted" is what the publisher counted, less what was recorded, less what the side
says it lost.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

_ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(_ROOT), str(_ROOT / "recorders"), str(_ROOT / "tests")]

import numpy as np  # noqa: E402 - the path comes first
from transports.harness import free_domain  # noqa: E402

from embodied_kit.model.stream import Qos, Sample  # noqa: E402
from embodied_recorders.transports import open_transport  # noqa: E402
from embodied_recorders.transports.base import Transport  # noqa: E402

TYPE = "std_msgs/msg/UInt8MultiArray"
SIDES = ("nothing", "file", "recorder")
ROSBAG2 = "ros2 bag record"  # where a ROS 2 is sourced
LINGER_S = 1.0  # after the last message was sent
SETTLE_S = 0.5  # a reader may know of its match later than the writer does
BATCH_S = 0.001  # what is due within a millisecond is sent in one go
PAUSE_S, TAKE_S = 0.008, 0.02  # as a session receives


@dataclass(frozen=True)
class Topic:
    """One publisher; `size` in bytes with the CDR's head."""

    name: str
    size: int
    rate_hz: float
    modality: str = "proprioception"


LOADS = {
    "1 KB, 1 kHz": [Topic("/a", 1024, 1000)],
    "1 KB, 5 kHz": [Topic("/a", 1024, 5000)],
    "1 KB, 20 kHz": [Topic("/a", 1024, 20_000)],
    "20 topics, 50 Hz": [Topic(f"/t{n}", 1024, 50) for n in range(20)],
    "1 MB, 60/s": [Topic("/image", 1 << 20, 60, "vision")],
    "1 MB, 200/s": [Topic("/image", 1 << 20, 200, "vision")],
    "20 x 400 KB, 25 Hz": [Topic(f"/image{n}", 400 << 10, 25, "vision") for n in range(20)],
    "manipulation mix": [
        Topic("/joint_states", 400, 500),
        Topic("/wrench", 120, 1000),
        Topic("/pose", 120, 100),
        *(Topic(f"/camera{n}", 60 << 10, 30, "vision") for n in range(3)),
        Topic("/depth", 600 << 10, 15, "spatial"),
    ],
}


# The publisher.


def message(number: int, noise: bytes, size: int) -> bytes:
    """CDR of an array of bytes: its number, then noise that no compression makes smaller."""
    first = number * 64 % (len(noise) - size)
    head = b"\0\1\0\0" + bytes(8) + (size - 24).to_bytes(4, "little") + number.to_bytes(8, "little")
    return head + noise[first : first + size - len(head)]


def publish(topics: Sequence[Topic], domain: int, seconds: float) -> None:
    """Say `ready`, wait for a line, send at the topics' rates, and print what was sent by topic."""
    graph = open_transport("dds", domain_id=domain, node_name="bench_publisher")
    noise = os.urandom(64 + (max(topic.size for topic in topics) << 1))
    publishers = [
        graph.advertise(topic.name, TYPE, qos=Qos(depth=1000 if topic.size < 2**16 else 10), type_hash=None)
        for topic in topics
    ]
    print("ready", flush=True)
    sys.stdin.readline()
    while not all(publisher.matched() for publisher in publishers):
        time.sleep(0.01)
    time.sleep(SETTLE_S)
    counts = [0] * len(topics)
    started = time.monotonic()
    while (now_s := time.monotonic() - started) < seconds:
        for place, topic in enumerate(topics):
            for _ in range(int(now_s * topic.rate_hz) + 1 - counts[place]):
                publishers[place].publish(message(counts[place], noise, topic.size))
                counts[place] += 1
        time.sleep(max(BATCH_S - (time.monotonic() - started - now_s), 0))
    print(json.dumps(counts), flush=True)
    sys.stdin.readline()
    graph.close()


# The sides.


@dataclass(frozen=True)
class Result:
    """What a side has to say; latencies in ms from publishing to receiving."""

    received_n: int
    lost_n: int
    cpu_s: float
    rss_mb: float
    p99_ms: float


def cpu_s(process: int) -> float:
    """CPU seconds of a process so far."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_mb(processes: Sequence[int]) -> float:
    """Memory of processes now; what they share is counted once."""
    text = "".join(Path(f"/proc/{process}/smaps_rollup").read_text() for process in processes)
    return sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:")) / 1024


def p99_ms(latencies_ns: Sequence[int]) -> float:
    """Quantile 0.99 of latencies."""
    return float(np.quantile(np.asarray(latencies_ns) / 1e6, 0.99)) if latencies_ns else float("nan")


def asked_to_stop() -> Callable[[], bool]:
    """Whether a line waits on the input; looked at ten times a second."""
    next_s = 0.0

    def asked() -> bool:
        nonlocal next_s
        if time.monotonic() < next_s:
            return False
        next_s = time.monotonic() + 0.1
        return bool(select.select([sys.stdin], [], [], 0)[0])

    return asked


def taken(graph: Transport) -> Iterator[Sequence[Sample]]:
    """Batches until the end is asked for and nothing comes any more, paced as a session's."""
    stop = asked_to_stop()
    print("ready", flush=True)
    samples: Sequence[Sample] = ()
    while samples or not stop():
        time.sleep(PAUSE_S)
        samples = graph.take(TAKE_S)
        yield samples


def plain(graph: Transport, write: Callable[[bytes], object]) -> Result:
    """Receive and hand each payload on."""
    latencies: list[int] = []
    before, most = cpu_s(os.getpid()), 0.0
    for samples in taken(graph):
        for sample in samples:
            write(sample.cdr)
        latencies += [sample.receive_ns - sample.source_ns for sample in samples]
        most = most if len(latencies) % 50 else max(most, rss_mb([os.getpid()]))
    used = cpu_s(os.getpid()) - before
    return Result(len(latencies), 0, used, max(most, rss_mb([os.getpid()])), p99_ms(latencies))


def recorder(graph: Transport, topics: Sequence[Topic], folder: Path) -> Result:
    """A take of a session with its writer's process."""
    from recorder.support import contract_document, dataset_in, stream  # noqa: PLC0415 - only this side needs them

    from embodied_kit.messages.definitions import TypeStore  # noqa: PLC0415
    from embodied_kit.model.contract import contract_from  # noqa: PLC0415
    from embodied_recorders.take.documents import TakeOptions, TakeResult  # noqa: PLC0415
    from embodied_recorders.take.session import Session  # noqa: PLC0415

    entries = [stream(f"s{n}", t.name, TYPE, t.rate_hz, modality=t.modality) for n, t in enumerate(topics)]
    session = Session(graph, dataset_in(folder), contract_from(contract_document(*entries)), TypeStore(), "ho-bench")
    session.definitions.definition(TYPE, None)  # a preflight would have looked it up
    processes = [os.getpid(), session.prepare()._child.process.pid]  # type: ignore[attr-defined]  # of the bench's own sink
    stop, most, turns = asked_to_stop(), 0.0, 0
    before = 0.0

    def stop_when(samples: Sequence[Sample]) -> str:
        nonlocal most, turns, before
        turns += 1
        if turns == 1:
            before = sum(map(cpu_s, processes))
            print("ready", flush=True)
        if turns % 20 == 0:
            most = max(most, rss_mb(processes))
        return "operator" if not samples and stop() else ""

    done = session.record(TakeOptions("pick"), stop_when, lambda _p: TakeResult(), lambda _p: None)
    used = sum(map(cpu_s, processes)) - before
    session.close()
    latencies = latencies_ns(done.folder / "data_000.mcap")
    lost = sum(loss for entry in done.closing["streams"] for loss in entry["loss"].values() if isinstance(loss, int))
    return Result(len(latencies), lost, used, most, p99_ms(latencies))


def rosbag2(topics: Sequence[Topic], domain: int, folder: Path) -> Result:
    """`ros2 bag record` of a sourced ROS 2, by its own MCAP file; it tells of no loss of its own."""
    bag = folder / "bag"
    process = subprocess.Popen(
        [str(shutil.which("ros2")), "bag", "record", "-s", "mcap", "-o", bag, *(topic.name for topic in topics)],
        env={**os.environ, "ROS_DOMAIN_ID": str(domain)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    left = len(topics)
    while left and (line := process.stdout.readline()):
        left -= "Subscribed to topic" in line
    before, most, stop = cpu_s(process.pid), 0.0, asked_to_stop()
    print("ready", flush=True)
    while not stop():
        time.sleep(0.2)
        most = max(most, rss_mb([process.pid]))
    used = cpu_s(process.pid) - before
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    latencies = [ns for file in sorted(bag.glob("*.mcap")) for ns in latencies_ns(file)]
    return Result(len(latencies), 0, used, most, p99_ms(latencies))


def latencies_ns(file: Path) -> list[int]:
    """From publishing to receiving, of every message of a file."""
    from embodied_kit.mcap.reader import McapScan  # noqa: PLC0415 - only recorders need it

    with McapScan(file) as scan:
        return [
            latency
            for batch in scan.batches()
            for latency in (batch.log_time.astype(np.int64) - batch.publish_time.astype(np.int64)).tolist()
        ]


def side(name: str, topics: Sequence[Topic], domain: int, folder: Path) -> None:
    """Receive until a line comes, and print the result."""
    if name == ROSBAG2:
        print(json.dumps(asdict(rosbag2(topics, domain, folder))), flush=True)
        return
    graph = open_transport("dds", domain_id=domain, node_name="bench_reader")
    for topic in topics:
        graph.subscribe(topic.name, TYPE, qos=Qos(), type_hash=None)
    if name == "recorder":
        result = recorder(graph, topics, folder)
    elif name == "file":
        with (folder / "plain").open("wb") as file:
            result = plain(graph, file.write)
    else:
        result = plain(graph, len)
    graph.close()
    print(json.dumps(asdict(result)), flush=True)


# The runs.


class Child:
    """This script in another role."""

    def __init__(self, *words: object) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, *map(str, words)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def tell(self) -> None:
        """Send a line."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def hear(self) -> str:
        """Its next line."""
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def end(self) -> None:
        """Wait for it."""
        self._process.communicate(timeout=60)


def measured(load: str, name: str, seconds: float) -> tuple[Result, int]:
    """One side under one load, and how many messages were sent to it."""
    with TemporaryDirectory() as folder, free_domain() as domain:
        reader = Child("side", load, name, domain, folder)
        publisher = Child("publish", load, domain, seconds)
        assert reader.hear() == publisher.hear() == "ready\n"
        publisher.tell()
        sent = sum(json.loads(publisher.hear()))
        time.sleep(LINGER_S)
        reader.tell()
        result = Result(**json.loads(reader.hear()))
        publisher.tell()
        reader.end()
        publisher.end()
    return result, sent


def row(load: str, name: str, runs: Sequence[tuple[Result, int]], base: float) -> tuple[str, float]:
    """A line of the table, and the CPU of a message."""

    def median(value: Callable[[Result, int], float]) -> float:
        return statistics.median(value(*run) for run in runs)

    cpu_us = median(lambda result, sent: result.cpu_s * 1e6 / sent)
    missing = sum(sent - result.received_n - result.lost_n for result, sent in runs)
    cells = (
        load,
        name,
        f"{median(lambda _r, sent: sent):.0f}",
        f"{median(lambda result, sent: 100 * result.received_n / sent):.3f}",
        str(missing),
        f"{cpu_us:.1f}",
        f"{cpu_us / (base or cpu_us):.2f}",
        f"{median(lambda result, _s: result.rss_mb):.0f}",
        f"{median(lambda result, _s: result.p99_ms):.1f}",
    )
    return "| " + " | ".join(cells) + " |", cpu_us


def main(rounds: int, seconds: float, loads: Sequence[str]) -> None:
    """The table; sides of one load take turns."""
    sides = (*SIDES, *((ROSBAG2,) if shutil.which("ros2") else ()))
    print("| load | side | sent | % recorded | unaccounted | CPU a message, us | ratio | RSS, MB | p99, ms |")
    print("|---|---|---|---|---|---|---|---|---|")
    for load in loads:
        runs = [{name: measured(load, name, seconds) for name in sides} for _ in range(rounds)]
        base = 0.0
        for name in sides:
            line, cpu_us = row(load, name, [each[name] for each in runs], base)
            base = base or cpu_us
            print(line, flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["publish"]:
        publish(LOADS[sys.argv[2]], int(sys.argv[3]), float(sys.argv[4]))
    elif sys.argv[1:2] == ["side"]:
        side(sys.argv[3], LOADS[sys.argv[2]], int(sys.argv[4]), Path(sys.argv[5]))
    else:
        main(int((sys.argv[1:2] or ["3"])[0]), float((sys.argv[2:3] or ["10"])[0]), sys.argv[3:] or list(LOADS))
