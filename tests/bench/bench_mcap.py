"""CPU of writing and reading MCAP, beside the mcap package in the same run; prints, asserts nothing.

python tests/bench/bench_mcap.py [seconds of the robot]
"""

from __future__ import annotations

import os
import struct
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import mcap.writer
import numpy as np
from mcap.reader import make_reader
from mcap_ros2.decoder import DecoderFactory

from embodied_kit.mcap.compress import Compression
from embodied_kit.mcap.reader import McapScan
from embodied_kit.mcap.writer import McapWriter
from embodied_kit.messages.columns import ColumnDecoder
from embodied_kit.messages.schema import read_schema

START = 1_700_000_000_000_000_000
THEIRS = {
    "none": mcap.writer.CompressionType.NONE,
    "zstd": mcap.writer.CompressionType.ZSTD,
    "lz4": mcap.writer.CompressionType.LZ4,
}
RULE = "=" * 80
STAMP = f"{RULE}\nMSG: builtin_interfaces/Time\nint32 sec\nuint32 nanosec\n"
HEADER = f"{RULE}\nMSG: std_msgs/Header\nbuiltin_interfaces/Time stamp\nstring frame_id\n{STAMP}"
JOINTS = f"std_msgs/Header header\nstring[] name\nfloat64[] position\nfloat64[] velocity\nfloat64[] effort\n{HEADER}"
WRENCH = f"std_msgs/Header header\nfloat64[6] wrench\n{HEADER}"
IMAGE = f"std_msgs/Header header\nstring format\nuint8[] data\n{HEADER}"


def cpu(run: Callable[[], object], times: int = 5) -> float:
    """Median CPU seconds."""
    taken = []
    for _ in range(times):
        begin = time.process_time()
        run()
        taken.append(time.process_time() - begin)
    return sorted(taken)[times // 2]


def write_ours(path: Path, messages: list[tuple[int, int, bytes]], compression: Compression) -> None:
    path.unlink(missing_ok=True)
    with McapWriter(path, compression=compression) as writer:
        for name, text in (("pkg/msg/J", JOINTS), ("pkg/msg/W", WRENCH), ("pkg/msg/I", IMAGE)):
            writer.add_channel("/" + name[-1], writer.add_schema(name, "ros2msg", text.encode()))
        write = writer.write
        for channel, log_time, data in messages:
            write(channel, log_time, log_time, 0, data)


def write_theirs(path: Path, messages: list[tuple[int, int, bytes]], compression: str) -> None:
    with path.open("wb") as file:
        writer = mcap.writer.Writer(file, compression=THEIRS[compression], enable_data_crcs=False)
        writer.start()
        for _ in range(3):
            writer.register_channel("/a", "cdr", 0)
        for channel, log_time, data in messages:
            writer.add_message(channel, log_time, data, log_time)
        writer.finish()


class Cdr:
    """A little-endian message being written."""

    def __init__(self, now: int) -> None:
        self.body = bytearray(struct.pack("<iI", *divmod(now, 10**9)))

    def put(self, code: str, *values: float) -> Cdr:
        size = struct.calcsize("<" + code[-1])
        self.body += bytes(-len(self.body) % size) + struct.pack("<" + code, *values)
        return self

    def text(self, value: str) -> Cdr:
        self.put("I", len(value) + 1)
        self.body += value.encode() + b"\0"
        return self

    def done(self, tail: bytes = b"") -> bytes:
        return b"\0\1\0\0" + bytes(self.body) + tail


def joints(now: int, values: list[float]) -> bytes:
    out = Cdr(now).text("base_link").put("I", len(values))
    for number in range(len(values)):
        out.text(f"joint_{number}")
    for _ in range(3):
        out.put("I", len(values)).put(f"{len(values)}d", *values)
    return out.done()


def robot(seconds: float) -> list[tuple[int, int, bytes]]:
    """500 Hz joints, 1 kHz wrench, 30 Hz x 3 images of 60 KB, in order of time."""
    rng = np.random.default_rng(1)
    found = []
    for tick in range(int(seconds * 1000)):
        now = START + tick * 1_000_000
        found.append((2, now, Cdr(now).text("base_link").put("6d", *rng.normal(size=6)).done()))
        if tick % 2 == 0:
            found.append((1, now, joints(now, rng.normal(size=7).tolist())))
        if tick % 33 == 0:
            image = Cdr(now).text("camera").text("jpeg").put("I", 60_000).done
            found += [(3, now, image(rng.bytes(60_000))) for _ in range(3)]
    return found


def read_ours(path: Path, *, decode: bool) -> int:
    count = 0
    with McapScan(path) as scan:
        decoders: dict[int, ColumnDecoder] = {}
        for batch in scan.batches():
            count += len(batch)
            for channel, part in batch.by_channel().items() if decode else ():
                if channel not in decoders:
                    schema = scan.schemas[scan.channels[channel].schema_id]
                    decoders[channel] = ColumnDecoder(read_schema(schema.name, schema.encoding, schema.data))
                columns = decoders[channel].decode(part.buffer, part.offset, part.length)
                if columns.reasons:
                    raise SystemExit(f"not decoded: {columns.reasons}")
    return count


def read_theirs(path: Path, *, decode: bool) -> int:
    with path.open("rb") as file:
        reader = make_reader(file, validate_crcs=True, decoder_factories=[DecoderFactory()])
        return sum(1 for _ in (reader.iter_decoded_messages() if decode else reader.iter_messages()))


def main() -> None:
    folder = Path(tempfile.mkdtemp())
    path = folder / "a.mcap"
    for size, count in ((1024, 50_000), (1_000_000, 200)):
        data = os.urandom(size)
        messages = [(1, START + number, data) for number in range(count)]
        for compression in ("none", "zstd"):
            ours = cpu(lambda m=messages, c=compression: write_ours(path, m, c)) / count * 1e6
            theirs = cpu(lambda m=messages, c=compression: write_theirs(path, m, c)) / count * 1e6
            print(
                f"write {size:>8} B {compression:4}: {ours:8.2f} us, mcap {theirs:8.2f} us, ratio {theirs / ours:.2f}"
            )
    messages = robot(float(sys.argv[1]) if len(sys.argv) > 1 else 10)
    for compression in ("none", "zstd"):
        write_ours(path, messages, compression)
        for decode in (False, True):
            ours = cpu(lambda d=decode: read_ours(path, decode=d), 3)
            theirs = cpu(lambda d=decode: read_theirs(path, decode=d), 3)
            print(
                f"read robot {compression:4} {path.stat().st_size / 1e6:6.1f} MB decode={decode!s:5}: "
                f"{ours:6.3f} s with sha256, mcap {theirs:6.3f} s without, ratio {theirs / ours:.2f}"
            )
    path.unlink()
    folder.rmdir()


if __name__ == "__main__":
    main()
