"""Bags for the import tests: real ones where they are, and small ones written here."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from mcap.reader import make_reader
from mcap.writer import CompressionType, Writer

from embodied_kit.canonical import load_json, pretty_bytes
from embodied_kit.convert.importer import import_recording
from embodied_kit.convert.rosbag2 import open_bag
from embodied_kit.episode.dataset import Dataset, create
from embodied_kit.episode.robots import read_robot
from embodied_kit.model.json import JsonObject

REAL = Path(__file__).resolve().parents[3] / "shared" / "realdata"
ABSENT = f"no real bags: {REAL.name}/ is not beside the clone"
STORAGES = (".mcap", ".db3")
STRING = "string data\n"
ROBOT = {"schema_version": "1.0.0", "robot_id": "arm_01"}


@dataclass(frozen=True)
class Message:
    """One message as a bag holds it; times in ns."""

    topic: str
    log_ns: int
    publish_ns: int
    cdr: bytes


def hello(index: int) -> Message:
    """A std_msgs/String message, the greater the index the later."""
    text = f"hello {index}".encode() + b"\0"
    stamp_ns = 1_700_000_000_000_000_000 + index * 1_000_000
    return Message(f"/talk_{index % 2}", stamp_ns, stamp_ns - 500, b"\0\1\0\0" + len(text).to_bytes(4, "little") + text)


HELLOS = tuple(hello(index) for index in range(500))


def dataset_in(folder: Path) -> Dataset:
    """A new open dataset with one task."""
    return create(
        folder / "dataset",
        {"dataset_id": "0192f3c0-0000-7000-8000-000000000001"},
        governance={},
        tasks=[{"task_id": "talk"}],
        now_ns=time.time_ns(),
    )


def robot_json(folder: Path) -> Path:
    """robot.json of a robot without anything."""
    path = folder / "robot.json"
    path.write_bytes(pretty_bytes(ROBOT))
    return path


def imported(bag: Path, dataset: Dataset, contract: JsonObject | None = None) -> Path:
    """The episode folder of an imported bag."""
    robot = read_robot(robot_json(dataset.root.parent))
    return import_recording(open_bag(bag), dataset, robot, contract, "")


def tree(root: Path) -> dict[str, bytes]:
    """Every file below a folder, what is private included."""
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def messages_in(path: Path) -> list[Message]:
    """Messages of a data file in file order, by the mcap package or sqlite3."""
    if path.suffix == ".mcap":
        with path.open("rb") as file:
            read = make_reader(file, validate_crcs=True).iter_messages(log_time_order=False)
            return [Message(c.topic, m.log_time, m.publish_time, m.data) for _, c, m in read]
    query = "SELECT t.name, m.timestamp, m.timestamp, m.data FROM messages m JOIN topics t ON t.id = m.topic_id"
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?immutable=1", uri=True)) as database:
        return [Message(*row) for row in database.execute(query + " ORDER BY m.id")]


def data_files(bag: Path) -> list[Path]:
    """Data files of a bag in order."""
    return [bag] if bag.is_file() else sorted(child for child in bag.iterdir() if child.suffix in STORAGES)


def real_bags() -> list[Path]:
    """Every bag folder and every data file of the real bags."""
    files = [path for path in sorted(REAL.glob("rosbag2_*/**/*")) if path.suffix in STORAGES]
    return sorted({path.parent for path in files}) + files


def write_mcap(
    path: Path,
    messages: Iterable[Message] = HELLOS,
    *,
    encoding: str = "cdr",
    qos: str = "",
    compression: CompressionType = CompressionType.ZSTD,
) -> Path:
    """An MCAP bag file by the mcap package."""
    with path.open("wb") as file:
        writer = Writer(file, chunk_size=4096, compression=compression)
        writer.start("ros2", "test")
        schema = writer.register_schema("std_msgs/msg/String", "ros2msg", STRING.encode())
        channels: dict[str, int] = {}
        for message in messages:
            if message.topic not in channels:
                channels[message.topic] = writer.register_channel(
                    message.topic, encoding, schema, {"offered_qos_profiles": qos}
                )
            writer.add_message(channels[message.topic], message.log_ns, message.cdr, message.publish_ns)
        writer.finish()
    return path


def write_sqlite(path: Path, messages: Sequence[Message] = HELLOS, *, version: int = 4, qos: str = "") -> Path:
    """A sqlite3 bag file of a schema version of rosbag2, 1 (no QoS) to 4 (definitions and hashes)."""
    columns = ["id INTEGER PRIMARY KEY", "name TEXT", "type TEXT", "serialization_format TEXT"]
    columns += ["offered_qos_profiles TEXT"] * (version >= 2) + ["type_description_hash TEXT"] * (version >= 4)
    topics = sorted({message.topic for message in messages})
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(f"CREATE TABLE topics ({', '.join(columns)})")
        database.execute(
            "CREATE TABLE messages (id INTEGER PRIMARY KEY, topic_id INTEGER, timestamp INTEGER, data BLOB)"
        )
        for number, topic in enumerate(topics, 1):
            row = [number, topic, "std_msgs/msg/String", "cdr", *[qos] * (version >= 2), *[""] * (version >= 4)]
            database.execute(f"INSERT INTO topics VALUES ({', '.join('?' * len(row))})", row)  # noqa: S608 - question marks only
        database.executemany(
            "INSERT INTO messages(topic_id, timestamp, data) VALUES (?, ?, ?)",
            [(topics.index(message.topic) + 1, message.log_ns, message.cdr) for message in messages],
        )
    return path


def episode_json(folder: Path) -> JsonObject:
    """episode.json of a folder."""
    return load_json(folder / "episode.json")
