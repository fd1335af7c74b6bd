"""What a file has more of than is measured: counted, said, never silently dropped."""

from __future__ import annotations

import errno
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from measure.synthetic import START_NS, Take, definition, header, streams, write_data

from embodied_kit.mcap.source import LocalSource, Source
from embodied_kit.mcap.writer import McapWriter
from embodied_kit.measure import measure_path
from embodied_kit.measure.bare import measure_bare
from embodied_kit.measure.columns.store import MAX_UNIT_DIMENSIONS
from embodied_kit.measure.kept.cache import Cache
from embodied_kit.measure.places.location import LocalFolder
from embodied_kit.measure.places.walk import make_entry
from embodied_kit.measure.progress import MeasureProgress
from embodied_kit.messages.codec import codec
from embodied_kit.model.facts import Facts

JOINT, TEXT, TF = "sensor_msgs/msg/JointState", "std_msgs/msg/String", "tf2_msgs/msg/TFMessage"
INDEX_OPCODE = 7


def signal(path: Path) -> Facts:
    (facts,) = measure_path(path, depth="signal")
    return facts


def test_more_dimensions_than_a_unit_may_have_are_an_error(tmp_path: Path) -> None:
    values = np.arange(300.0)
    message = {"header": header(START_NS), "name": [f"j{i}" for i in range(300)], "position": values}
    data = codec(JOINT).encode({**message, "velocity": values, "effort": values})
    path = tmp_path / "wide.mcap"
    with McapWriter(path) as writer:
        schema = writer.add_schema(JOINT, "ros2msg", definition(JOINT))
        for number in range(20):
            writer.write(writer.add_channel(f"/{number}", schema), START_NS, START_NS, 0, data)
    facts = signal(path)
    assert MAX_UNIT_DIMENSIONS - 300 < len(facts.tables["dim"]) <= MAX_UNIT_DIMENSIONS
    (row,) = facts.tables["error"]
    assert (row["tables"], row["reason"]) == (
        ["dim", "pair", "signature", "span"],
        "a field has more dimensions than are measured",
    )
    assert sum(int(str(row["n"])) for row in facts.tables["stream"]) == 20


def test_more_names_than_are_kept_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "names.mcap"
    with McapWriter(path) as writer:
        schema = writer.add_schema(JOINT, "ros2msg", definition(JOINT))
        for stream in range(3):
            message = {"header": header(START_NS), "name": [f"{stream}_{i}" for i in range(600)]}
            writer.write(writer.add_channel(f"/{stream}", schema), START_NS, START_NS, 0, codec(JOINT).encode(message))
    assert signal(path).tables["error"] == []
    monkeypatch.setattr("embodied_kit.measure.columns.store.MAX_UNIT_NAME_BYTES", 100_000)
    (row,) = signal(path).tables["error"]
    assert (row["tables"], row["reason"]) == (["link"], "a stream names more elements than are kept")


def test_frames_with_names_beyond_memory_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "tf.mcap"
    transforms = [
        {"header": header(START_NS) | {"frame_id": "a" * 5000}, "child_frame_id": f"{i}" * 5000} for i in range(8)
    ]
    with McapWriter(path) as writer:
        channel = writer.add_channel("/tf", writer.add_schema(TF, "ros2msg", definition(TF)))
        writer.write(channel, START_NS, START_NS, 0, codec(TF).encode({"transforms": transforms}))
    monkeypatch.setattr("embodied_kit.measure.columns.store.MAX_UNIT_NAME_BYTES", 30_000)
    facts = signal(path)
    assert "a transform topic has more frames than are measured" in [row["reason"] for row in facts.tables["error"]]
    assert 0 < len([row for row in facts.tables["stream"] if row["child_frame"]]) < 8


def test_documents_are_found_behind_any_number_of_attachments(tmp_path: Path) -> None:
    path = tmp_path / "many.mcap"
    with McapWriter(path) as writer:
        for number in range(300):
            writer.attach(f"note_{number}.txt", "text/plain", b"x")
        writer.attach("closing.json", "application/json", b"{}")
    facts = signal(path)
    assert [row["path"] for row in facts.tables["document"]] == ["closing.json"]
    assert facts.tables["error"] == []


def test_more_documents_than_are_read_are_an_error(tmp_path: Path) -> None:
    path = tmp_path / "more.mcap"
    with McapWriter(path) as writer:
        for number in range(257):
            writer.attach(f"robots/arm/calibration/{number}.json", "application/json", b"{}")
    for depth in ("index", "signal"):
        (facts,) = measure_path(path, depth=depth)
        assert len(facts.tables["document"]) == 256
        (row,) = facts.tables["error"]
        assert (row["tables"], row["reason"]) == (
            ["document", "link"],
            "there are more embedded documents than are read",
        )


def test_messages_of_chunks_without_an_index_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "half.mcap"
    with McapWriter(path, chunk_bytes=300) as writer:
        channel = writer.add_channel("/t", writer.add_schema(TEXT, "ros2msg", definition(TEXT)))
        for number in range(40):
            writer.write(channel, START_NS + number, START_NS, 0, codec(TEXT).encode({"data": "abc"}))
    data, kept, at = path.read_bytes(), bytearray(), 8
    lost_n = seen = 0
    while at < len(data) - 8:
        opcode, length = struct.unpack_from("<BQ", data, at)
        record, at = data[at : at + 9 + length], at + 9 + length
        seen += opcode == INDEX_OPCODE
        if opcode == INDEX_OPCODE and seen % 2:
            lost_n += struct.unpack_from("<I", record, 11)[0] // 16
        else:
            kept += record
    path.write_bytes(data[:8] + kept + data[-8:])
    (row,) = signal(path).tables["container"]
    assert 0 < lost_n < 40
    assert (row["messages_n"], row["unindexed_n"]) == (40, lost_n)


@dataclass(frozen=True)
class Failing(LocalFolder):
    """A disk that cannot read beyond a place, and what happens to a file while it is read."""

    readable_bytes: int = 2**62
    meanwhile: str = ""

    def open(self, path: str) -> Source:
        return FailingSource(self.root / path, self.readable_bytes, self.meanwhile)


class FailingSource(LocalSource):
    def __init__(self, path: Path, readable_bytes: int, meanwhile: str) -> None:
        super().__init__(path)
        self._path, self._readable_bytes, self._meanwhile = path, readable_bytes, meanwhile

    def read_into(self, offset: int, buffer: memoryview) -> int:
        if offset + len(buffer) > self._readable_bytes:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        if self._meanwhile == "shrinks":
            os.truncate(self._path, offset + len(buffer) // 2)
        elif self._meanwhile == "grows":
            with self._path.open("ab") as file:
                file.write(b"x")
        return super().read_into(offset, buffer)


@pytest.mark.parametrize(
    ("location", "reasons"),
    [
        ({"readable_bytes": 100}, {"the file cannot be read"}),
        ({"meanwhile": "grows"}, {"the file changed while it was read"}),
        ({"meanwhile": "shrinks"}, {"the file ends before its data do", "the file changed while it was read"}),
    ],
)
def test_a_file_that_fails_or_changes_while_it_is_read_is_an_error(
    tmp_path: Path, location: dict[str, Any], reasons: set[str]
) -> None:
    (path,) = write_data(tmp_path, {"joint_states": streams()["joint_states"]}, Take())
    entry = make_entry(path.name, path.stat().st_size, "none")
    (facts,) = measure_bare(Failing(tmp_path, **location), entry, "signal", Cache(None), MeasureProgress(None))
    assert {row["reason"] for row in facts.tables["error"]} == reasons
    assert all({"stream", "dim"} <= set(row["tables"]) for row in facts.tables["error"])  # type: ignore[arg-type]


def test_a_file_that_vanishes_is_an_error(tmp_path: Path) -> None:
    (path,) = write_data(tmp_path, {"joint_states": streams()["joint_states"]}, Take())
    entry = make_entry(path.name, path.stat().st_size, "none")
    path.unlink()
    (facts,) = measure_bare(LocalFolder(tmp_path), entry, "signal", Cache(None), MeasureProgress(None))
    (row,) = facts.tables["error"]
    assert row["reason"] == "the file cannot be opened"
    assert facts.tables["file"][0]["sha256"] is None
