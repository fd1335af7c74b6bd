"""What the writer writes, the scan, the mcap package and mcap-ros2-support read; what rosbag2 wrote, the scan reads."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from mcap.reader import make_reader
from mcap.records import Attachment, Message, Metadata
from mcap.stream_reader import StreamReader
from mcap_ros2.decoder import DecoderFactory

from embodied_kit.errors import DataError, UsageError
from embodied_kit.mcap.compress import Compression
from embodied_kit.mcap.reader import Batch, McapScan
from embodied_kit.mcap.writer import LARGE_BYTES, McapWriter
from embodied_kit.messages.columns import ColumnDecoder
from embodied_kit.messages.schema import read_schema

REALDATA = Path(__file__).parents[3] / "shared" / "realdata"
REAL_FILES = sorted(REALDATA.glob("rosbag2_*/**/*.mcap"))
START = 1_700_000_000_000_000_000
# The C++ writer takes a log time of 0 for none, so its Statistics begin with the second message.
WRONG_STATISTICS = {"rewriter_a_0.mcap": {"first_log_time": (1000000, 0)}}

Row = tuple[str, int, int, int, bytes]


def cdr_text(text: str) -> bytes:
    raw = text.encode() + b"\0"
    return b"\0\1\0\0" + len(raw).to_bytes(4, "little") + raw


def write_sample(path: Path, compression: Compression) -> list[Row]:
    rows: list[Row] = []
    with McapWriter(path, compression=compression, chunk_bytes=20_000) as writer:
        writer.attach("capture.json", "application/json", b'{"clock": 1}', log_time=START, create_time=START - 1)
        schema = writer.add_schema("std_msgs/msg/String", "ros2msg", b"string data\n")
        first = writer.add_channel("/a", schema, metadata={"offered_qos_profiles": "", "publisher_gid": "01"})
        for step in range(500):
            if step == 250:
                second = writer.add_channel("/b", schema)
                writer.flush()
            text = "x" * (2 * LARGE_BYTES if step % 100 == 7 else step % 40)
            row = ("/b" if step > 250 and step % 3 else "/a", step, START - step * 1000, START + step, cdr_text(text))
            writer.write(second if row[0] == "/b" else first, row[2], row[3], row[1], row[4])
            rows.append(row)
        writer.add_metadata("rosbag2", {"serialized_metadata": "first"})
        writer.add_metadata("rosbag2", {"serialized_metadata": "second"})
        writer.attach("closing.json", "application/json", bytes(range(256)))
    return rows


def rows_of(scan: McapScan) -> list[Row]:
    found: list[Row] = []
    for batch in scan.batches():
        columns = (batch.channel_id, batch.sequence, batch.log_time, batch.publish_time, batch.offset, batch.length)
        for channel, sequence, log, publish, at, size in zip(*(c.tolist() for c in columns), strict=True):
            found.append((scan.channels[channel].topic, sequence, log, publish, bytes(batch.buffer[at : at + size])))
    return found


@pytest.mark.parametrize("compression", ["none", "zstd", "lz4"])
def test_every_reader_sees_what_was_written(compression: Compression, tmp_path: Path) -> None:
    path = tmp_path / "a.mcap"
    rows = write_sample(path, compression)
    with McapScan(path) as scan:
        assert rows_of(scan) == rows
        info = scan.container()
        assert info.sound
        crcs = (info.chunk_crc, info.data_end_crc, info.summary_crc, info.attachment_crc)
        agreements = (
            info.statistics,
            info.chunk_index,
            info.attachment_index,
            info.summary_repeats,
            info.message_index,
        )
        assert {*crcs, *agreements, info.chunk_times} == {"ok"}
        assert info.compressions == {"" if compression == "none" else compression: info.chunks_n}
        assert (info.profile, info.messages_n, info.channels_n, info.loose_messages_n) == ("ros2", 500, 2, 0)
        assert info.library.startswith("embodied-kit ")
        assert info.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
        assert [item.name for item in scan.attachments] == ["capture.json", "closing.json"]
        assert scan.read_attachment(scan.attachments[1]) == bytes(range(256))
        assert scan.metadata == {"rosbag2": [{"serialized_metadata": "first"}, {"serialized_metadata": "second"}]}
    with path.open("rb") as file:
        reader = make_reader(file, validate_crcs=True, decoder_factories=[DecoderFactory()])
        decoded = [
            (channel.topic, message.sequence, message.log_time, message.publish_time, cdr_text(ros.data))
            for _, channel, message, ros in reader.iter_decoded_messages(log_time_order=False)
        ]
        assert decoded == rows
        assert [item.name for item in reader.iter_attachments()] == ["capture.json", "closing.json"]
        assert reader.get_header().profile == "ros2"
    with path.open("rb") as file:
        kinds = Counter(type(record) for record in StreamReader(file, validate_crcs=True).records)
    assert (kinds[Message], kinds[Attachment], kinds[Metadata]) == (500, 2, 2)


def test_a_partial_file_never_looks_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.mcap"

    def crash() -> None:
        with McapWriter(path) as writer:
            channel = writer.add_channel("/a", 0)
            writer.write(channel, 1, 1, 1, b"abc")
            writer.flush()
            writer.write(channel, 2, 2, 2, b"lost with its chunk")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        crash()
    assert not path.exists()
    with McapScan(tmp_path / "a.mcap.partial") as scan:
        assert [row[4] for row in rows_of(scan)] == [b"abc"]
        assert scan.container().readable == "truncated"
    with pytest.raises(UsageError, match="earlier recording"):
        McapWriter(path)


def test_an_existing_file_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "a.mcap"
    path.write_bytes(b"precious")
    with pytest.raises(UsageError, match="new file"):
        McapWriter(path)
    assert [item.name for item in tmp_path.iterdir()] == ["a.mcap"]


@pytest.mark.parametrize(
    "numbers", [(0, 1, 1, 1), (2, 1, 1, 1), (-1, 1, 1, 1), (1, -1, 1, 1), (1, 1, 2**64, 1), (1, 1, 1, 2**32)]
)
def test_what_does_not_fit_is_refused_and_leaves_the_file_right(numbers: tuple[int, ...], tmp_path: Path) -> None:
    path = tmp_path / "a.mcap"
    with McapWriter(path) as writer:
        writer.add_channel("/a", 0)
        with pytest.raises(UsageError):
            writer.write(*numbers, b"x")
        writer.write(1, 1, 1, 1, b"kept")
    with McapScan(path) as scan:
        assert [row[4] for row in rows_of(scan)] == [b"kept"]
        assert scan.container().sound


def test_an_empty_recording_is_a_sound_file(tmp_path: Path) -> None:
    McapWriter(tmp_path / "a.mcap").close()
    with McapScan(tmp_path / "a.mcap") as scan:
        assert rows_of(scan) == []
        info = scan.container()
    assert info.sound
    assert (info.chunk_crc, info.statistics, info.first_log_time) == ("none", "ok", None)


def test_an_attachment_that_changed_after_the_scan_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.mcap"
    with McapWriter(path) as writer:
        writer.attach("capture.json", "application/json", b"before")
    with McapScan(path) as scan:
        list(scan.batches())
        path.write_bytes(path.read_bytes().replace(b"before", b"after!"))
        with pytest.raises(DataError, match="as it was hashed"):
            scan.read_attachment(scan.attachments[0])
        with pytest.raises(DataError, match="5 bytes"):
            scan.read_attachment(scan.attachments[0], max_bytes=5)


def test_batches_part_by_channel_in_file_order(tmp_path: Path) -> None:
    write_sample(tmp_path / "a.mcap", "zstd")
    with McapScan(tmp_path / "a.mcap") as scan:
        for batch in scan.batches():
            parts = batch.by_channel()
            assert sum(map(len, parts.values())) == len(batch)
            for channel, part in parts.items():
                assert set(part.channel_id.tolist()) == {channel}
                assert (np.diff(part.offset) > 0).all()


@pytest.mark.parametrize("data", [b"", b"\x89MC", b"\x89MCAP0\r\n", b"\x89MCAP1\r\n" + bytes(99), bytes(5)])
def test_what_is_no_mcap_is_said(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.mcap"
    path.write_bytes(data)
    with McapScan(path) as scan:
        assert rows_of(scan) == []
        info = scan.container()
    assert info.readable == ("truncated" if b"\x89MCAP0\r\n".startswith(data[:8]) else "bad_magic")
    assert info.sha256 == hashlib.sha256(data).hexdigest()


def test_the_scan_of_a_file_that_is_left_early_ends_its_thread(tmp_path: Path) -> None:
    write_sample(tmp_path / "a.mcap", "none")
    with McapScan(tmp_path / "a.mcap") as scan:
        assert isinstance(next(scan.batches()), Batch)
        with pytest.raises(UsageError, match="after the last batch"):
            scan.container()
        with pytest.raises(UsageError, match="one pass"):
            scan.batches()
    assert not scan._digest._thread.is_alive()


@pytest.mark.skipif(not REAL_FILES, reason="no recordings of rosbag2 beside the repository")
@pytest.mark.parametrize("path", REAL_FILES, ids=lambda path: path.name)
def test_files_of_rosbag2(path: Path) -> None:
    with path.open("rb") as file:
        records = list(StreamReader(file).records)
    wanted = [record for record in records if isinstance(record, Message)]
    with McapScan(path) as scan:
        rows = rows_of(scan)
        info = scan.container()
        decoders = {
            number: ColumnDecoder(read_schema(s.name, s.encoding, s.data)) for number, s in scan.schemas.items()
        }
        channels = dict(scan.channels)
    assert [row[1:] for row in rows] == [(m.sequence, m.log_time, m.publish_time, m.data) for m in wanted]
    assert info.readable == "ok"
    assert info.problems == ()
    assert info.statistics_wrong == WRONG_STATISTICS.get(path.name, {})
    assert info.sound == (path.name not in WRONG_STATISTICS)
    with McapScan(path) as scan:
        for batch in scan.batches():
            for channel, part in batch.by_channel().items():
                columns = decoders[channels[channel].schema_id].decode(part.buffer, part.offset, part.length)
                assert columns.reasons == {}


def test_chunks_that_do_not_become_smaller_are_stored_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "a.mcap"
    noise, text = os.urandom(300_000), b"the same again " * 20_000
    with McapWriter(path) as writer:
        channel = writer.add_channel("/t", 0)
        for number, data in enumerate((noise, text, noise[:100_000] + text)):
            writer.write(channel, number, number, 0, data)
            writer.close_chunk()
    with path.open("rb") as file:
        reader = make_reader(file, validate_crcs=True)
        assert [index.compression for index in reader.get_summary().chunk_indexes] == ["", "zstd", "zstd"]
        assert [m.data for _, _, m in reader.iter_messages()] == [noise, text, noise[:100_000] + text]
