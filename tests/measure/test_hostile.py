from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from measure.synthetic import (
    START_NS,
    StreamSpec,
    Take,
    declared,
    definition,
    header,
    periodic,
    streams,
    write_data,
)

from embodied_kit.mcap.writer import McapWriter
from embodied_kit.measure import facts_lines, measure_path
from embodied_kit.messages.codec import codec
from embodied_kit.model.facts import Facts
from embodied_kit.spec import check, standard

JOINT = "sensor_msgs/msg/JointState"
MAX_RSS_MB = 300


def measured(path: Path) -> Facts:
    (facts,) = measure_path(path)
    for table, rows in facts.tables.items():
        for row in rows:
            assert check(table, row, standard().fact_schema(table)) == []
    return facts


def one_file(folder: Path, ros_type: str, text: bytes, payloads: list[bytes], **channel: Any) -> Path:
    path = folder / "one.mcap"
    with McapWriter(path) as writer:
        schema = writer.add_schema(ros_type, channel.pop("encoding", "ros2msg"), text) if text else 0
        number = writer.add_channel("/topic", schema, **channel)
        for index, payload in enumerate(payloads):
            writer.write(number, START_NS + index, START_NS + index, index, payload)
    return path


def only(facts: Facts, table: str) -> Mapping[str, Any]:
    (row,) = facts.tables[table]
    return row


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    specs = streams()
    for spec in specs.values():
        del spec.messages[4:]
    (path,) = write_data(tmp_path_factory.mktemp("whole"), specs, Take(chunk_bytes=2000))
    return path.read_bytes()


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 0.999))
def test_a_file_cut_anywhere_is_measured_as_far_as_it_goes(whole: bytes, tmp_path: Path, share: float) -> None:
    path = tmp_path / "cut.mcap"
    path.write_bytes(whole[: int(len(whole) * share)])
    facts = measured(path)
    row = only(facts, "container")
    assert row["readable"] in ("truncated", "bad_magic")
    assert facts.tables["error"]
    assert {"stream", "dim", "frame"} <= set(facts.tables["error"][0]["tables"])  # type: ignore[arg-type]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 0.999), value=st.integers(1, 255))
def test_a_changed_byte_never_ends_in_an_exception(whole: bytes, tmp_path: Path, share: float, value: int) -> None:
    data = bytearray(whole)
    data[int(len(data) * share)] ^= value
    path = tmp_path / "flipped.mcap"
    path.write_bytes(data)
    row = only(measured(path), "container")
    sound = row["readable"] == "ok" and row["chunk_crc"] == "ok" and row["other_crc"] == "ok" and row["statistics_ok"]
    assert not sound or row["problems_n"] or row["unknown_opcodes_n"] or row["index_orphans_n"]


def test_a_known_name_with_other_fields_is_an_ordinary_message(tmp_path: Path) -> None:
    for ros_type in ("sensor_msgs/msg/Image", "sensor_msgs/msg/CameraInfo", "tf2_msgs/msg/TFMessage", JOINT):
        folder = tmp_path / ros_type.replace("/", "_")
        folder.mkdir()
        payload = b"\x00\x01\x00\x00" + np.array([1.5, 2.5]).tobytes()
        facts = measured(one_file(folder, ros_type, b"float64 height\nfloat64 name\n", [payload] * 3))
        assert only(facts, "stream")["decode_failures"] == 0


@pytest.mark.parametrize(
    ("text", "channel", "reason"),
    [
        (b"", {}, "this tool does not decode messages of this encoding"),
        (b"float64 x\n", {"message_encoding": "json"}, "this tool does not decode messages of this encoding"),
        (b"not a definition", {}, "this tool does not decode messages of this encoding"),
        (b"module a { };", {"encoding": "ros2idl"}, "this tool does not decode messages of this encoding"),
    ],
)
def test_what_this_tool_cannot_decode_is_unknown_and_no_failure(
    tmp_path: Path, text: bytes, channel: dict[str, Any], reason: str
) -> None:
    facts = measured(one_file(tmp_path, "a/msg/B", text, [b"\0" * 12], **channel))
    row = only(facts, "stream")
    assert (row["decode_failures"], row["undetermined"]["decode_failures"]) == (None, reason)
    assert [item["reason"] for item in facts.tables["coverage"] if item["decoded"] is False] == [reason]


def test_messages_that_are_too_short_are_failures(tmp_path: Path) -> None:
    facts = measured(one_file(tmp_path, JOINT, definition(JOINT), [b"\0\1\0\0\1\2", b""]))
    assert only(facts, "stream")["decode_failures"] == 2


@pytest.mark.parametrize("text", ["theora", "jxl"])
def test_images_without_a_decoder_are_unknown_and_no_failure(tmp_path: Path, text: str) -> None:
    kind = "sensor_msgs/msg/CompressedImage"
    payload = codec(kind).encode({"header": header(START_NS), "format": text, "data": np.zeros(9, np.uint8)})
    facts = measured(one_file(tmp_path, kind, definition(kind), [payload]))
    row = only(facts, "frame")
    assert (row["n"], row["decoded"], row["failed"], row["encoding"]) == (1, None, None, text)
    assert row["undetermined"]["failed"] == "images of this encoding are not decoded"


def test_an_image_that_claims_a_size_beyond_reason_fails(tmp_path: Path) -> None:
    kind = "sensor_msgs/msg/Image"
    message = {"header": header(START_NS), "height": 2**31, "width": 2**31, "encoding": "mono8", "step": 2**31}
    facts = measured(one_file(tmp_path, kind, definition(kind), [codec(kind).encode(message)]))
    assert (only(facts, "frame")["decoded"], only(facts, "frame")["failed"]) == (0, 1)


def test_more_frames_than_are_measured_are_an_error(tmp_path: Path) -> None:
    kind = "tf2_msgs/msg/TFMessage"
    transforms = [{"header": header(START_NS, "w"), "child_frame_id": f"f{i}"} for i in range(1100)]
    facts = measured(one_file(tmp_path, kind, definition(kind), [codec(kind).encode({"transforms": transforms})]))
    assert len(facts.tables["stream"]) == 1024
    assert [row["tables"] for row in facts.tables["error"]] == [["link", "stream"]]


def test_arrays_of_changing_length_lose_no_value(tmp_path: Path) -> None:
    kind = "std_msgs/msg/Float64MultiArray"
    payloads = [
        codec(kind).encode({"data": np.full(length, np.nan if length == 3 else 1.0)}) for length in (2, 3, 2, 5)
    ]
    facts = measured(one_file(tmp_path, kind, definition(kind), payloads))
    rows = [row for row in facts.tables["dim"] if row["field"] == "data"]
    assert sum(int(str(row["n"])) for row in rows) == 12
    assert sum(int(str(row["nan_n"])) for row in rows) == 3
    assert only(facts, "stream")["shape_changes_n"] == 3


def test_arrays_longer_than_dimensions_are_measured_together(tmp_path: Path) -> None:
    kind = "std_msgs/msg/Float64MultiArray"
    values = np.arange(600.0)
    values[7] = np.nan
    facts = measured(one_file(tmp_path, kind, definition(kind), [codec(kind).encode({"data": values})] * 2))
    (row,) = [row for row in facts.tables["dim"] if row["field"] == "data"]
    assert (row["n"], row["nan_n"], row["max"]) == (1200, 2, 599)


def test_times_beyond_every_calendar_are_numbers(tmp_path: Path) -> None:
    path = tmp_path / "far.mcap"
    with McapWriter(path) as writer:
        schema = writer.add_schema("std_msgs/msg/String", "ros2msg", definition("std_msgs/msg/String"))
        number = writer.add_channel("/topic", schema)
        for time in (0, 1, 2**63, 2**64 - 1):
            writer.write(number, time, time, 0, codec("std_msgs/msg/String").encode({"data": ""}))
    row = only(measured(path), "stream")
    assert row["n"] == 4
    assert row["last_stamp_ns"] == str(2**63 - 1)


def test_spilled_columns_give_the_same_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (path,) = write_data(tmp_path, streams(), Take())
    before = list(facts_lines(measure_path(path)))
    monkeypatch.setattr("embodied_kit.measure.columns.store.ColumnStore.__init__.__defaults__", (1000,))
    assert list(facts_lines(measure_path(path))) == before


def test_memory_stays_bounded(tmp_path: Path) -> None:
    kind = "std_msgs/msg/Float64MultiArray"
    big = codec(kind).encode({"data": np.random.default_rng(6).normal(size=2**20)})
    path = one_file(tmp_path, kind, definition(kind), [big] * 4)
    code = (
        "from pathlib import Path; from peak import peak_kib; from embodied_kit.measure import measure_path\n"
        f"(facts,) = measure_path(Path({str(path)!r}))\n"
        "(row,) = [row for row in facts.tables['dim'] if row['field'] == 'data']\n"
        "print(row['n'], peak_kib() // 1024)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    n, rss_mb = map(int, done.stdout.split())
    assert n == 4 * 2**20
    assert rss_mb <= MAX_RSS_MB


def test_a_stream_declared_twice_is_named_once(tmp_path: Path) -> None:
    specs = streams()
    specs["again"] = StreamSpec({**specs["tf"].entry, "stream_id": "again"})
    (path,) = write_data(tmp_path, specs, Take())
    assert {row["stream"] for row in measured(path).tables["stream"]} >= {"tf"}


def test_a_stream_without_rate_or_with_a_foolish_one(tmp_path: Path) -> None:
    specs = {"a": periodic(declared("a", "/a", "std_msgs/msg/String", "event", 10), lambda _i, _t: {"data": ""})}
    for rate in (0, -1, "fast", True):
        specs["a"].entry["nominal_rate_hz"] = rate
        folder = tmp_path / f"rate_{rate}"
        folder.mkdir()
        (path,) = write_data(folder, specs, Take())
        row = only(measured(path), "stream")
        assert (row["nominal_rate_hz"], row["jitter_ratio"]) == (None, None)
