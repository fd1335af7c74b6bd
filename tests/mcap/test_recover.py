"""Every cut of a recording recovers to a sound file with the messages that were whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from embodied_kit.errors import DataError
from embodied_kit.mcap.reader import McapScan
from embodied_kit.mcap.recover import recover
from embodied_kit.mcap.writer import McapWriter


def payloads(path: Path) -> list[bytes]:
    with McapScan(path) as scan:
        found = [
            bytes(batch.buffer[at : at + size])
            for batch in scan.batches()
            for at, size in zip(batch.offset.tolist(), batch.length.tolist(), strict=True)
        ]
        assert scan.container().readable in ("ok", "truncated")
        return found


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    path = tmp_path / "whole.mcap"
    with McapWriter(path, chunk_bytes=300) as writer:
        writer.attach("capture.json", "application/json", b"{}")
        schema = writer.add_schema("std_msgs/msg/Int8", "ros2msg", b"int8 data\n")
        channel = writer.add_channel("/a", schema, metadata={"offered_qos_profiles": "x"})
        for step in range(60):
            writer.write(channel, step, step, step, b"\0\1\0\0" + bytes([step]))
        writer.add_metadata("rosbag2", {"a": "b"})
    return path


def test_every_cut_recovers_what_was_whole(whole: Path, tmp_path: Path) -> None:
    data, wanted = whole.read_bytes(), payloads(whole)
    counts = set()
    for cut in range(8, len(data), 61):
        damaged, target = tmp_path / f"{cut}.partial", tmp_path / f"{cut}.mcap"
        damaged.write_bytes(data[:cut])
        result = recover(damaged, target)
        assert damaged.read_bytes() == data[:cut]
        with McapScan(target) as scan:
            assert sum(map(len, scan.batches())) == result.messages_n
            assert scan.container().sound
        assert payloads(target) == wanted[: result.messages_n] == payloads(damaged)
        counts.add(result.messages_n)
    assert {0, 60} < counts


def test_a_chunk_that_rotted_is_left_out_and_counted(whole: Path, tmp_path: Path) -> None:
    with McapScan(whole) as scan:
        chunk = next(iter(scan.batches()))
        lost = len(chunk)
    data = bytearray(whole.read_bytes())
    assert chunk.chunk_offset is not None
    crc_at = chunk.chunk_offset + 9 + 24
    data[crc_at] ^= 1
    damaged, target = tmp_path / "rotten.mcap", tmp_path / "new.mcap"
    damaged.write_bytes(data)
    result = recover(damaged, target)
    assert (result.messages_n, result.damaged_messages_n) == (60 - lost, lost)
    assert result.source.bad_crc_offsets == (chunk.chunk_offset,)
    with McapScan(target) as scan:
        assert sum(map(len, scan.batches())) == 60 - lost
        assert scan.container().sound
        assert scan.attachments[0].name == "capture.json"
        assert scan.metadata["rosbag2"] == [{"a": "b"}]
        assert scan.channels[1].metadata == {"offered_qos_profiles": "x"}


def test_what_is_no_mcap_is_refused_and_leaves_no_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"something else altogether")
    with pytest.raises(DataError, match="MCAP"):
        recover(tmp_path / "a", tmp_path / "b.mcap")
    assert [item.name for item in tmp_path.iterdir()] == ["a"]
