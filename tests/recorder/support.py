"""What the recorder tests share: a robot on a domain of its own, a dataset, a contract, the program as a process."""

from __future__ import annotations

import codecs
import json
import os
import select
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import yaml
from mcap.reader import make_reader
from transports.harness import PATIENCE_S, free_domain

from embodied_kit.canonical import load_json, parse_json, pretty_bytes, sha256_hex
from embodied_kit.episode.dataset import Dataset, create
from embodied_kit.episode.robots import add_robot, read_robot
from embodied_kit.messages.definitions import TypeStore
from embodied_kit.model.contract import contract_from
from embodied_kit.model.json import JsonObject
from embodied_kit.spec import check, standard
from embodied_recorders.graph.contract import contract_yaml

ROOT = Path(__file__).resolve().parents[2]
ROBOT = Path(__file__).with_name("robot.py")
JOINTS, IMAGE, TEXT = "sensor_msgs/msg/JointState", "sensor_msgs/msg/Image", "std_msgs/msg/String"
TOPICS = (
    {"topic": "/joint_states", "kind": "joint", "rate_hz": 100},
    {"topic": "/camera/image", "kind": "image", "rate_hz": 10},
    {"topic": "/robot_description", "kind": "text", "rate_hz": 0, "latched": True},
    {"topic": "/twins", "kind": "joint", "rate_hz": 50},
    {"topic": "/twins", "kind": "joint", "rate_hz": 50},
    {"topic": "/silent", "kind": "text", "rate_hz": 0},
    {"topic": "/quarrel", "kind": "text", "rate_hz": 5},
    {"topic": "/quarrel", "kind": "joint", "rate_hz": 5},
)
# Wide, because a loaded machine slows a robot of Python.
_LAX = 0.6


@dataclass(frozen=True)
class Sent:
    """One message by the robot's own log; the digest is over the CDR filled up to a multiple of 4."""

    topic: str
    publisher: str
    source_ns: int
    sha256: str


@dataclass(frozen=True)
class Robot:
    """A running robot."""

    domain_id: int
    log: Path

    def sent(self, topic: str) -> list[Sent]:
        """What it has sent on a topic so far, in order; nothing before its first message."""
        text = self.log.read_text(encoding="utf-8") if self.log.exists() else ""
        lines = text[: text.rfind("\n") + 1].splitlines()  # the last line may be half written
        return [one for one in (Sent(**json.loads(line)) for line in lines) if one.topic == topic]


@contextmanager
def running_robot(
    folder: Path,
    topics: Sequence[Mapping[str, object]] = TOPICS,
    transport: str = "dds",
    domain_id: int | None = None,
) -> Iterator[Robot]:
    """A robot in its own process until the block ends, on the domain of others or on one of its own."""
    log = folder / "robot.jsonl"
    with free_domain() if domain_id is None else nullcontext(domain_id) as domain:
        command = [sys.executable, ROBOT, str(domain), str(log), json.dumps(list(topics)), transport]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdin is not None
            assert process.stdout.readline() == "ready\n"
            try:
                yield Robot(domain, log)
            finally:
                process.stdin.close()
                process.wait(PATIENCE_S)


def stream(stream_id: str, topic: str, ros_type: str, rate_hz: float | None, **more: object) -> dict[str, object]:
    """One entry of a contract; without a rate it comes when it changes."""
    entry: dict[str, object] = {"stream_id": stream_id, "topic": topic, "ros_type": ros_type, "role": "state"}
    entry |= {"modality": "proprioception", "cadence": "periodic" if rate_hz else "on_change"}
    if rate_hz:
        entry |= {"nominal_rate_hz": rate_hz, "rate_tolerance": _LAX}
    return entry | more


JOINT_STREAM = stream("joint_states", "/joint_states", JOINTS, 100)
STREAMS = (
    JOINT_STREAM,
    stream("camera", "/camera/image", IMAGE, 10, modality="vision", role="observation"),
    stream("description", "/robot_description", TEXT, None, cadence="latched", role="description"),
    stream("twins", "/twins", JOINTS, 50),
)


def contract_document(*streams: Mapping[str, object], **limits: object) -> JsonObject:
    document: dict[str, object] = {
        "schema_version": "1.0.0",
        "contract_id": "test",
        "robots": ["arm_01"],
        "streams": [dict(entry) for entry in streams or STREAMS],
        "limits": {"min_free_bytes": 0, **limits},
    }
    parsed = parse_json(json.dumps(document).encode()).value
    assert parsed is not None
    return parsed


def contract_file(folder: Path, *streams: Mapping[str, object], **limits: object) -> Path:
    path = folder / "contract.yaml"
    path.write_text(contract_yaml(contract_document(*streams, **limits)), encoding="utf-8")
    return path


def contract(*streams: Mapping[str, object], **limits: object) -> object:
    return contract_from(contract_document(*streams, **limits))


URDF = "<robot name='arm'>{}</robot>".format(
    "".join(
        f"<joint name='{name}' type='revolute'><parent link='a'/><child link='{name}_link'/></joint>"
        for name in ("j1", "j2")
    )
).encode()


def dataset_in(folder: Path, cameras: Sequence[str] = ("camera",)) -> Dataset:
    """A new dataset with a task and a robot of two joints that has a URDF, and a calibration of its cameras."""
    robot = folder / "arm"
    (robot / "calibration").mkdir(parents=True)
    (robot / "arm.urdf").write_bytes(URDF)
    document = {"robot_id": "arm_01", "urdf_uri": "arm.urdf", "urdf_sha256": sha256_hex(URDF)}
    (robot / "robot.json").write_bytes(pretty_bytes({"schema_version": "1.0.0", **document}))
    calibration = {"schema_version": "1.0.0", "calibration_id": "c1", "robot_id": "arm_01"}
    calibrated = {**calibration, "cameras": [{"stream_id": name} for name in cameras]}
    (robot / "calibration" / "c1.json").write_bytes(pretty_bytes(calibrated))
    dataset = create(
        folder / "dataset",
        {"dataset_id": "0192f3c0-0000-7000-8000-000000000001", "data_origin": "real", "generated_data_indicator": 0},
        governance={},
        tasks=[{"task_id": "pick"}],
        now_ns=time.time_ns(),
    )
    add_robot(dataset.root, read_robot(robot / "robot.json"))
    return dataset


def environment(folder: Path, language: str = "en") -> dict[str, str]:
    """Environment of the program: our modules before those of a sourced ROS 2, a home that is nobody's."""
    sourced = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    paths = os.pathsep.join([*(str(ROOT / name) for name in (".", "recorders", "validators")), *filter(None, sourced)])
    return {**os.environ, "PYTHONPATH": paths, "XDG_DATA_HOME": str(folder / "home"), "EMBODIED_KIT_LANG": language}


def program(*words: object) -> list[str]:
    return [sys.executable, "-m", "embodied_kit", *[str(word) for word in words]]


def run(folder: Path, *words: object, language: str = "en") -> subprocess.CompletedProcess[str]:
    """The program, to its end."""
    return subprocess.run(
        program(*words), env=environment(folder, language), capture_output=True, text=True, timeout=120, check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip


class Screen:
    """A program in a pseudo-terminal, and what it has shown.

    Args:
        folder: Home of the program.
        words: Its arguments.
        language: en or zh.
        within: What it is run by, and its arguments.
    """

    def __init__(self, folder: Path, *words: object, language: str = "en", within: Sequence[str] = ()) -> None:
        self._ours, theirs = os.openpty()
        self.process = subprocess.Popen(
            [*within, *program(*words)], env={**environment(folder), "EMBODIED_KIT_LANG": language}, stdin=theirs,
            stdout=theirs, stderr=theirs, start_new_session=True,
        )  # fmt: skip
        os.close(theirs)
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._seen = ""
        self.shown = ""

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def in_lines(self) -> bool:
        """Whether the terminal echoes, and gives whole lines, as a shell has it."""
        flags = termios.ICANON | termios.ECHO
        return termios.tcgetattr(self._ours)[3] & flags == flags

    def wait_for(self, text: str) -> str:
        """Read until the text has been shown; what came before it, which is forgotten."""
        deadline = time.monotonic() + PATIENCE_S
        while text not in self._seen:
            assert self._read(0.5) or time.monotonic() < deadline, f"{text!r} not in {self.shown}"
        before, _, self._seen = self._seen.partition(text)
        return before

    def end(self) -> int:
        """The exit code, everything read."""
        while self._read(PATIENCE_S):
            pass
        code = self.process.wait(PATIENCE_S)
        os.close(self._ours)
        return code

    def _read(self, timeout_s: float) -> bool:
        """Whether something came."""
        if not select.select([self._ours], [], [], timeout_s)[0]:
            return False
        try:
            text = self._decoder.decode(os.read(self._ours, 65536))
        except OSError:  # the program has ended
            return False
        self._seen += text
        self.shown += text
        return bool(text)


@dataclass(frozen=True)
class Read:
    """One message of an episode, by the plain mcap reader."""

    topic: str
    publisher: str
    log_ns: int
    publish_ns: int
    sequence: int
    cdr: bytes


def read(folder: Path) -> list[Read]:
    """Messages of an episode in file order, every CRC checked."""
    with (folder / "data_000.mcap").open("rb") as file:
        messages = make_reader(file, validate_crcs=True).iter_messages(log_time_order=False)
        return [
            Read(c.topic, c.metadata["publisher_gid"], m.log_time, m.publish_time, m.sequence, m.data)
            for _, c, m in messages
        ]


def attachments(folder: Path) -> dict[str, bytes]:
    """Attachments of an episode in file order."""
    with (folder / "data_000.mcap").open("rb") as file:
        found = sorted(make_reader(file).get_summary().attachment_indexes, key=lambda index: index.offset)
        data = {attachment.name: attachment.data for attachment in make_reader(file).iter_attachments()}
    return {index.name: data[index.name] for index in found}


def problems_of(folder: Path) -> dict[str, list[object]]:
    """What the authoring schemas say of an episode's documents, and of those that it embeds."""
    embedded = {name: parse_json(data).value for name, data in attachments(folder).items() if name.endswith(".json")}
    capture = embedded["capture.json"]
    assert capture is not None
    documents = {
        "episode": load_json(folder / "episode.json"),
        "capture": capture,
        "closing": embedded["closing.json"],
        "contract": capture["contract"],
        "robot": capture["robots"][0],
        "calibration": embedded["robots/arm_01/calibration/c1.json"],
    }
    return {
        kind: list(check(kind, value, standard().document_schema(kind, "authoring")))
        for kind, value in documents.items()
    }


def assert_as_sent(folder: Path, robot: Robot) -> dict[tuple[str, str], int]:
    """Each stream holds what its publisher sent, from the first to the last; messages by topic and publisher."""
    counts: dict[tuple[str, str], int] = {}
    messages = read(folder)
    for key in dict.fromkeys((one.topic, one.publisher) for one in messages):
        mine = [one for one in messages if (one.topic, one.publisher) == key]
        got = [(one.publish_ns, sha256_hex(one.cdr + bytes(-len(one.cdr) % 4))) for one in mine]
        sent = [(one.source_ns, one.sha256) for one in robot.sent(key[0]) if one.publisher == key[1]]
        first = sent.index(got[0])
        assert got == sent[first : first + len(got)], key
        counts[key] = len(got)
    return counts


def staged(dataset: Dataset) -> list[str]:
    """Names of what lies where takes are staged."""
    folder = dataset.root / ".embodied" / "recording"
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*")) if folder.is_dir() else []


def contract_text(document: JsonObject) -> str:
    return yaml.safe_dump(document, sort_keys=False)


STORE = TypeStore()
