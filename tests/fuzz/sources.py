"""Small sound files that mutants are made of: by our writer and by the package `mcap`, with and without checksums."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import mcap.writer

from embodied_kit.mcap.compress import Compression
from embodied_kit.mcap.writer import McapWriter

START_NS = 1_700_000_000_000_000_000
MESSAGES_N = 30
_STRING, _NUMBER = b"string data\n", b"int32 data\n"


@dataclass(frozen=True)
class Source:
    """One sound file.

    Attributes:
        covered: Whether each of its bytes lies under a checksum, so that any change can be seen.
    """

    name: str
    data: bytes
    covered: bool


def _messages() -> Iterator[tuple[int, int, int, bytes]]:
    """Channel (0 or 1), sequence, log time, CDR."""
    rng = random.Random(7)  # noqa: S311  # seeded
    for step in range(MESSAGES_N):
        text = bytes(rng.choices(b"abcdef", k=3 + step))
        words = struct.pack("<I", len(text) + 1) + text + b"\0"
        number = struct.pack("<i", rng.randrange(10**6))
        yield step % 2, step, START_NS + step * 1000, b"\0\1\0\0" + (number if step % 2 else words)


def ours(folder: Path, compression: Compression) -> bytes:
    """By our writer."""
    path = folder / f"{compression}.mcap"
    with McapWriter(path, compression=compression, chunk_bytes=400) as writer:
        writer.attach("capture.json", "application/json", b'{"a": 1}' * 9, log_time=5, create_time=4)
        channels = [
            writer.add_channel(
                "/text", writer.add_schema("std_msgs/msg/String", "ros2msg", _STRING), metadata={"q": ""}
            ),
            writer.add_channel("/number", writer.add_schema("std_msgs/msg/Int32", "ros2msg", _NUMBER)),
        ]
        for channel, sequence, log_time, data in _messages():
            writer.write(channels[channel], log_time, log_time - 7, sequence, data)
        writer.add_metadata("rosbag2", {"serialized_metadata": "x: 1"})
    return path.read_bytes()


def theirs(*, chunked: bool, checksums: bool, compression: mcap.writer.CompressionType) -> bytes:
    """By the package `mcap`; without checksums as rosbag2 writes by default."""
    out = BytesIO()
    writer = mcap.writer.Writer(
        out,
        chunk_size=400,
        compression=compression,
        use_chunking=chunked,
        enable_crcs=checksums,
        enable_data_crcs=checksums,
    )
    writer.start("ros2", "other")
    channels = [
        writer.register_channel("/text", "cdr", writer.register_schema("std_msgs/msg/String", "ros2msg", _STRING)),
        writer.register_channel("/number", "cdr", writer.register_schema("std_msgs/msg/Int32", "ros2msg", _NUMBER)),
    ]
    for channel, sequence, log_time, data in _messages():
        writer.add_message(channels[channel], log_time, data, log_time - 7, sequence)
    writer.add_attachment(4, 5, "notes.txt", "text/plain", b"some notes")
    writer.add_metadata("rosbag2", {"serialized_metadata": "x: 1"})
    writer.finish()
    return out.getvalue()


def sources(folder: Path) -> Mapping[str, Source]:
    """All of them by name.

    Args:
        folder: New; for the files of our writer.
    """
    kinds = mcap.writer.CompressionType
    made: dict[str, tuple[Callable[[], bytes], bool]] = {
        "ours, plain": (lambda: ours(folder, "none"), True),
        "ours, zstd": (lambda: ours(folder, "zstd"), True),
        "ours, lz4": (lambda: ours(folder, "lz4"), True),
        "mcap, zstd": (lambda: theirs(chunked=True, checksums=True, compression=kinds.ZSTD), True),
        "mcap, no chunks": (lambda: theirs(chunked=False, checksums=True, compression=kinds.NONE), True),
        "mcap, no checksums": (lambda: theirs(chunked=True, checksums=False, compression=kinds.ZSTD), False),
    }
    return {name: Source(name, build(), covered) for name, (build, covered) in made.items()}
