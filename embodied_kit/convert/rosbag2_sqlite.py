"""rosbag2's sqlite3 storage, schema versions 1 to 4."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from embodied_kit.convert.qos import integer_form
from embodied_kit.episode.datafile import OutMessage
from embodied_kit.errors import DataError
from embodied_kit.messages.definitions import TypeStore
from embodied_kit.model.channel import ChannelInfo

_GROUP_BYTES = 4 * 2**20
_GROUP_ROWS = 4096
_TABLES = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name IN ('topics', 'messages')"
_TOPICS = "SELECT id, name, type, serialization_format, offered_qos_profiles FROM topics ORDER BY id"
_TOPICS_WITHOUT_QOS = "SELECT id, name, type, serialization_format, '' FROM topics ORDER BY id"  # before Foxy
_HASHES = "SELECT id, type_description_hash FROM topics"
_DEFINITIONS = "SELECT topic_type, encoding, encoded_message_definition FROM message_definitions"
_MESSAGES = "SELECT topic_id, timestamp, data FROM messages ORDER BY id"


@dataclass
class SqliteBag:
    """.db3 files of one bag. The storage has one time a message: it is taken for both log and publish time."""

    name: str
    files: Sequence[Path]
    distro: str
    _index: dict[ChannelInfo, int] = field(default_factory=dict)
    _places: dict[tuple[Path, int], int] = field(default_factory=dict)

    def channels(self) -> Sequence[ChannelInfo]:
        """Every topic of the bag."""
        store = TypeStore()
        for path in self.files:
            with closing(_open(path)) as database:
                for topic_id, channel in _read_channels(database, path, store, self.distro):
                    self._places[path, topic_id] = self._index.setdefault(channel, len(self._index))
        return list(self._index)

    def messages(self) -> Iterator[Sequence[OutMessage]]:
        """Messages in the order in which they were written."""
        for path in self.files:
            with closing(_open(path)) as database:
                yield from self._messages_of(database, path)

    def _messages_of(self, database: sqlite3.Connection, path: Path) -> Iterator[list[OutMessage]]:
        try:
            group: list[OutMessage] = []
            size = 0
            for row in database.execute(_MESSAGES):
                group.append(self._message(path, *row))
                size += len(group[-1].cdr)
                if size >= _GROUP_BYTES or len(group) >= _GROUP_ROWS:
                    yield group
                    group, size = [], 0
            if group:
                yield group
        except sqlite3.Error as error:
            raise DataError(f"expected a readable sqlite3 file, got {error} in {path.name}") from error

    def _message(self, path: Path, topic_id: int, time_ns: int, data: bytes) -> OutMessage:
        place = self._places.get((path, topic_id))
        if place is None or not isinstance(data, bytes) or not isinstance(time_ns, int) or time_ns < 0:
            raise DataError(f"expected a topic, a time and bytes for every message, got otherwise in {path.name}")
        return OutMessage(place, time_ns, time_ns, 0, data)


def _open(path: Path) -> sqlite3.Connection:
    """The database, without touching a byte of the bag.

    Raises:
        DataError: It cannot be opened, or newer messages lie in a write-ahead log beside it.
    """
    log = path.with_name(path.name + "-wal")
    if log.exists() and log.stat().st_size:
        raise DataError(
            f"expected a closed bag, got one with a write-ahead log: {log.name}",
            remedy=f"sqlite3 {path.name} 'PRAGMA wal_checkpoint(TRUNCATE)'",
        )
    try:
        return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
    except sqlite3.Error as error:
        raise DataError(f"expected a sqlite3 file, got {error}: {path.name}") from error


def _read_channels(
    database: sqlite3.Connection, path: Path, store: TypeStore, distro: str
) -> Iterator[tuple[int, ChannelInfo]]:
    try:
        if database.execute(_TABLES).fetchone() != (2,):
            raise DataError(f"expected the tables topics and messages of rosbag2, got others in {path.name}")
        definitions = dict(_definitions(database))
        columns = _columns(database, "topics")
        hashes = dict(database.execute(_HASHES)) if "type_description_hash" in columns else {}
        topics = database.execute(_TOPICS if "offered_qos_profiles" in columns else _TOPICS_WITHOUT_QOS).fetchall()
    except sqlite3.Error as error:
        raise DataError(f"expected the tables of rosbag2, got {error} in {path.name}") from error
    for topic_id, topic, ros_type, serialization, qos in topics:
        if not all(isinstance(text, str) for text in (topic, ros_type, qos or "")):
            raise DataError(f"expected text as topic, type and QoS, got otherwise in {path.name}")
        if serialization != "cdr":
            raise DataError(f"expected cdr messages, got {serialization!r} on {topic}")
        wire_hash = str(hashes.get(topic_id) or "")
        encoding, text = definitions.get(ros_type) or _known(store, ros_type, wire_hash, distro)
        yield topic_id, ChannelInfo(topic, ros_type, encoding, text, wire_hash, integer_form(qos or ""), "", "none", "")


def _definitions(database: sqlite3.Connection) -> Iterator[tuple[str, tuple[str, str]]]:
    if _columns(database, "message_definitions"):
        for ros_type, encoding, text in database.execute(_DEFINITIONS):
            yield ros_type, (str(encoding), str(text))


def _columns(database: sqlite3.Connection, table: str) -> set[str]:
    return {row[1] for row in database.execute(f"PRAGMA table_info({table})")}


def _known(store: TypeStore, ros_type: str, wire_hash: str, distro: str) -> tuple[str, str]:
    """Older bags hold no definitions: one that can be believed, else none."""
    found = store.definition(ros_type, wire_hash or None, distro or None)
    return ("ros2msg", found.text) if found else ("", "")
