"""Hostile files: no crash, no more memory than promised, and what is not seen is said."""

from __future__ import annotations

import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import lz4.frame
import pytest
import zstandard

from embodied_kit.mcap.container import ContainerInfo
from embodied_kit.mcap.reader import McapScan
from embodied_kit.mcap.records import (
    HEAD,
    MAGIC,
    MESSAGE_HEAD,
    Channel,
    ChunkHead,
    Footer,
    Metadata,
    Opcode,
    channel_bytes,
    chunk_head_bytes,
    footer_bytes,
    metadata_bytes,
    record_bytes,
    text_bytes,
)

MIB = 1 << 20
MEMORY_LIMIT_MB = 300
PEAK = """
import re, sys
from pathlib import Path
from embodied_kit.mcap.reader import McapScan
with McapScan(sys.argv[1]) as scan:
    n = sum(len(batch) for batch in scan.batches())
    info = scan.container()
print(n, info.problems_n, re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""


def container(*records: bytes) -> bytes:
    header = record_bytes(Opcode.HEADER, text_bytes("ros2") + text_bytes("test"))
    header += channel_bytes(Channel(1, 0, "/a", "cdr", {}))
    end = record_bytes(Opcode.DATA_END, bytes(4)) + footer_bytes(Footer(0, 0, 0))
    return MAGIC + header + b"".join(records) + end + MAGIC


def chunk(records: bytes, compression: str = "", *, size: int | None = None, stored: bytes | None = None) -> bytes:
    packers: dict[str, Callable[[bytes], bytes]] = {
        "zstd": zstandard.ZstdCompressor().compress,
        "lz4": lz4.frame.compress,
        "": lambda data: data,
    }
    data = packers[compression](records) if stored is None else stored
    head = ChunkHead(0, 0, len(records) if size is None else size, zlib.crc32(records), compression, len(data), 0)
    return chunk_head_bytes(head) + data


def message(size: int, log_time: int = 0) -> bytes:
    return MESSAGE_HEAD.pack(Opcode.MESSAGE, 22 + size, 1, 0, log_time, 0) + bytes(size)


def scan(path: Path, data: bytes) -> tuple[int, ContainerInfo]:
    path.write_bytes(data)
    with McapScan(path) as source:
        return sum(len(batch) for batch in source.batches()), source.container()


@pytest.mark.parametrize("compression", ["zstd", "lz4"])
@pytest.mark.parametrize("size", [0, 1, 30, 32, 10**6, 2**40, 2**64 - 1])
def test_a_declared_size_that_is_wrong_is_never_believed(compression: str, size: int, tmp_path: Path) -> None:
    data = chunk(message(0), compression, size=size)
    found, info = scan(tmp_path / "a.mcap", container(data))
    assert found == 0
    assert info.chunks_n == 1
    assert info.chunks_seen_n == (size == 0)  # an empty chunk is opened, and its CRC does not hold
    assert info.problems_n


def test_several_frames_of_zstd_are_one_chunk(tmp_path: Path) -> None:
    records = message(0) + message(5)
    pack = zstandard.ZstdCompressor().compress
    found, info = scan(
        tmp_path / "a.mcap", container(chunk(records, "zstd", stored=pack(message(0)) + pack(message(5))))
    )
    assert (found, info.chunk_crc, info.problems_n) == (2, "ok", 0)


def test_a_frame_without_its_size_is_read(tmp_path: Path) -> None:
    stored = zstandard.ZstdCompressor(write_content_size=False).compress(message(9))
    found, info = scan(tmp_path / "a.mcap", container(chunk(message(9), "zstd", stored=stored)))
    assert (found, info.chunk_crc, info.problems_n) == (1, "ok", 0)


def test_an_unknown_compression_is_named(tmp_path: Path) -> None:
    data = chunk_head_bytes(ChunkHead(0, 0, 5, 0, "brotli", 5, 0)) + b"abcde"
    found, info = scan(tmp_path / "a.mcap", container(data, message(3)))
    assert found == info.loose_messages_n == 1
    assert info.compressions == {"brotli": 1}
    assert "brotli" in info.problems[0].message


def tiny_messages() -> bytes:
    count = 64 * MIB // MESSAGE_HEAD.size
    entries = b"".join(struct.pack("<QQ", 0, number * MESSAGE_HEAD.size) for number in range(count))
    index = record_bytes(Opcode.MESSAGE_INDEX, struct.pack("<HI", 1, len(entries)) + entries)
    return container(chunk(message(0) * count, "zstd"), index)


def large_chunks() -> bytes:
    part = chunk(message(60 * MIB))
    return container(part, part, chunk(message(63 * MIB), "zstd"), message(60 * MIB), message(60 * MIB))


def empty_records_in_a_chunk() -> bytes:
    return container(chunk(HEAD.pack(0x90, 0) * (60 * MIB // HEAD.size), "zstd"))


def many_maps() -> bytes:
    pairs = {f"{number:x}": "" for number in range(9_000)}
    return container(*(metadata_bytes(Metadata(f"m{number}", pairs)) for number in range(300)))


def a_bomb() -> bytes:
    stored = zstandard.ZstdCompressor().compress(bytes(1 << 30))
    return container(chunk(b"", "zstd", size=32 * MIB, stored=stored), chunk(b"", "zstd", size=1 << 30, stored=stored))


def too_large() -> bytes:
    return container(chunk(message(100 * MIB)), message(100 * MIB), chunk(message(1)))


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of memory is read from /proc")
@pytest.mark.parametrize(
    ("build", "messages", "problems"),
    [
        (tiny_messages, 64 * MIB // MESSAGE_HEAD.size, 0),
        (large_chunks, 5, 0),
        (empty_records_in_a_chunk, 0, 1),
        (many_maps, 0, 1),
        (a_bomb, 0, 2),
        (too_large, 1, 2),
    ],
)
def test_memory_stays_bounded(build: Callable[[], bytes], messages: int, problems: int, tmp_path: Path) -> None:
    path = tmp_path / "a.mcap"
    path.write_bytes(build())
    done = subprocess.run(
        [sys.executable, "-c", PEAK, str(path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    found, problems_n, peak_kb = map(int, done.stdout.split())
    assert found == messages
    assert bool(problems_n) == bool(problems)
    assert peak_kb / 1024 <= MEMORY_LIMIT_MB
