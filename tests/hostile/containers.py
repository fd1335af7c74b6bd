"""MCAP files built to hurt a reader: each name says how."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Mapping, Sequence

import lz4.frame
import numpy as np
import simplejpeg
import zstandard
from hostile.kit import EVIL
from measure.synthetic import START_NS, colour_image, definition, header, jpeg_message

from embodied_kit.mcap.records import (
    MAGIC,
    MESSAGE_HEAD,
    Channel,
    ChunkHead,
    Footer,
    Opcode,
    Schema,
    Statistics,
    channel_bytes,
    chunk_head_bytes,
    footer_bytes,
    record_bytes,
    schema_bytes,
    statistics_bytes,
    text_bytes,
)
from embodied_kit.messages.codec import codec

MIB = 1 << 20
JOINT, IMAGE, JPEG = "sensor_msgs/msg/JointState", "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"
FLOATS, TEXT, TF = "std_msgs/msg/Float64MultiArray", "std_msgs/msg/String", "tf2_msgs/msg/TFMessage"
CDR = b"\0\1\0\0"
RULE = "=" * 80


def container(*records: bytes) -> bytes:
    head = record_bytes(Opcode.HEADER, text_bytes("ros2") + text_bytes("test"))
    end = record_bytes(Opcode.DATA_END, bytes(4)) + footer_bytes(Footer(0, 0, 0))
    return MAGIC + head + b"".join(records) + end + MAGIC


def chunk(
    records: bytes,
    compression: str = "zstd",
    *,
    size: int | None = None,
    stored: bytes | None = None,
    times: tuple[int, int] = (START_NS, START_NS),
) -> bytes:
    data = zstandard.ZstdCompressor().compress(records) if stored is None else stored
    declared = len(records) if size is None else size
    return chunk_head_bytes(ChunkHead(*times, declared, zlib.crc32(records), compression, len(data), 0)) + data


def attachment(name: str, data: bytes, *, size: int | None = None) -> bytes:
    declared = struct.pack("<Q", len(data) if size is None else size)
    body = bytes(16) + text_bytes(name) + text_bytes("application/json") + declared + data
    return record_bytes(Opcode.ATTACHMENT, body + struct.pack("<I", zlib.crc32(body)))


def message(
    channel: int, cdr: bytes, index: int = 0, log_ns: int | None = None, publish_ns: int | None = None
) -> bytes:
    log_ns = START_NS + index * 10_000_000 if log_ns is None else log_ns
    publish_ns = log_ns if publish_ns is None else publish_ns
    return MESSAGE_HEAD.pack(Opcode.MESSAGE, 22 + len(cdr), channel, index, log_ns, publish_ns) + cdr


def typed(ros_type: str, payloads: Sequence[bytes], text: bytes = b"", topic: str = "/t") -> bytes:
    """One channel, one chunk."""
    records = b"".join(message(1, payload, index) for index, payload in enumerate(payloads))
    schema = Schema(1, ros_type, "ros2msg", text or definition(ros_type))
    times = (START_NS, START_NS + 10_000_000 * (len(payloads) - 1))
    channel = channel_bytes(Channel(1, 1, topic, "cdr", {}))
    return container(schema_bytes(schema), channel, chunk(records, times=times))


def joints(index: int, values: Sequence[float], names: Sequence[str] = ("a", "b"), **stamp: int) -> bytes:
    fields = np.array(values, float)
    head = {"stamp": stamp, "frame_id": "a"} if stamp else header(START_NS + index * 10_000_000)
    return codec(JOINT).encode(
        {"header": head, "name": list(names), "position": fields, "velocity": fields, "effort": fields}
    )


def image(**fields: object) -> bytes:
    plain = {"header": header(START_NS), "height": 4, "width": 4, "encoding": "rgb8", "is_bigendian": 0, "step": 12}
    return codec(IMAGE).encode({**plain, "data": np.zeros(48, np.uint8), **fields})


def jpeg(data: bytes) -> bytes:
    return codec(JPEG).encode({"header": header(START_NS), "format": "jpeg", "data": np.frombuffer(data, np.uint8)})


def small_jpeg() -> bytes:
    data = jpeg_message(START_NS, colour_image(1))["data"]
    assert isinstance(data, np.ndarray)
    return data.tobytes()


def jpeg_of_a_giant() -> bytes:
    data = bytearray(small_jpeg())
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", 65500, 65500)
    return typed(JPEG, [jpeg(bytes(data))] * 3)


def nested(levels: int) -> bytes:
    """Each level holds the next three times."""
    parts = [f"a/T{level + 1} x\na/T{level + 1} y\na/T{level + 1} z\n" for level in range(levels)]
    return f"\n{RULE}\nMSG: a/".join(
        [parts[0], *(f"T{n}\n{part}" for n, part in enumerate(parts[1:], 1)), f"T{levels}\nint8 q\n"]
    ).encode()


def many_channels() -> bytes:
    channels = [channel_bytes(Channel(number, 1, f"/t{number}", "cdr", {})) for number in range(1, 1500)]
    return container(schema_bytes(Schema(1, "a/msg/B", "ros2msg", b"int32 x\n")), *channels)


def misleading_names() -> bytes:
    names = (EVIL, "a\nb", "x" * 66_000, "e\u0301", "", "/a/../b")
    schemas = [schema_bytes(Schema(n, name, "ros2msg", definition(TEXT))) for n, name in enumerate(names, 1)]
    channels = [channel_bytes(Channel(n, n, name, "cdr", {name: name})) for n, name in enumerate(names, 1)]
    text = codec(TEXT).encode({"data": EVIL})
    records = b"".join(message(n, text) for n in range(1, len(names) + 1))
    return container(*schemas, *channels, chunk(records), attachment(EVIL, b"{}"), record_bytes(0x7F, b""))


def lying_statistics() -> bytes:
    schema, channel = (
        schema_bytes(Schema(1, "a/msg/B", "ros2msg", b"int32 x\n")),
        channel_bytes(Channel(1, 1, "/t", "cdr", {})),
    )
    most = 2**64 - 1
    told = Statistics(most, 65535, 2**32 - 1, 2**32 - 1, 2**32 - 1, 2**32 - 1, most, 0, {1: most})
    head = record_bytes(Opcode.HEADER, text_bytes("ros2") + text_bytes("test"))
    data = MAGIC + head + schema + channel + chunk(message(1, CDR + bytes(4))) + record_bytes(Opcode.DATA_END, bytes(4))
    return data + schema + channel + statistics_bytes(told) + footer_bytes(Footer(len(data), 0, 0)) + MAGIC


def chunk_of_an_exabyte() -> bytes:
    data = bytearray(chunk(message(1, b"abcdefgh")))
    data[1:9] = struct.pack("<Q", 1 << 60)
    return container(bytes(data))


def bombs() -> bytes:
    nothing = bytes(1 << 28)
    zstd, lz4_ = zstandard.ZstdCompressor().compress(nothing), lz4.frame.compress(nothing)
    sizes = (1 << 33, 1 << 28, 64 * MIB)
    return container(
        *(chunk(b"", "zstd", size=size, stored=zstd) for size in sizes),
        *(chunk(b"", "lz4", size=size, stored=lz4_) for size in sizes),
    )


def times_beyond_reason() -> bytes:
    text = codec(TEXT).encode({"data": "x"})
    most = 2**64 - 1
    pairs = ((most, 0), (0, most), (2**63, 2**63 - 1), (1, 1), (most, most))
    records = b"".join(message(1, text, n, log, publish) for n, (log, publish) in enumerate(pairs))
    schema = schema_bytes(Schema(1, TEXT, "ros2msg", definition(TEXT)))
    return container(schema, channel_bytes(Channel(1, 1, "/t", "cdr", {})), chunk(records, times=(0, most)))


def stamps_beyond_reason() -> bytes:
    stamps = ((0, 0), (-1, 0), (-(2**31), 0), (2**31 - 1, 2**32 - 1), (1, 2**32 - 1), (2, 0), (2**31 - 1, 0))
    return typed(JOINT, [joints(n, [1.0, 1.0], sec=sec, nanosec=nanosec) for n, (sec, nanosec) in enumerate(stamps)])


def lying_lengths(ros_type: str) -> bytes:
    lengths = (2**32 - 1, 2**31 - 1, 5, 0, 1 << 20)
    return typed(ros_type, [CDR + struct.pack("<III", n, 0, n) + b"abc\0" * 10 for n in lengths])


def strings_without_end() -> bytes:
    count = 2_000_000
    return typed("a/msg/A", [CDR + struct.pack("<I", count) + b"\1\0\0\0\0\0\0\0" * count], b"string[] x\n")


def images() -> bytes:
    most = 2**32 - 1
    return typed(
        IMAGE,
        [
            *(image(height=2**31, step=2), image(height=most, width=most, step=most), image(step=0), image(height=0)),
            *(image(width=0), image(encoding=""), image(encoding=EVIL), image(encoding="x" * 99_999)),
            *(image(encoding="16UC1", step=3, width=1), image(encoding="16UC1", width=6, is_bigendian=1)),
            image(encoding="32FC1", data=np.full(48, 255, np.uint8), step=16, height=3),
        ],
        topic="/depth",
    )


def a_large_depth_image() -> bytes:
    pixels = np.linspace(0, 9, 3500 * 4096, dtype="<f4").view(np.uint8)
    return typed(IMAGE, [image(height=3500, width=4096, encoding="32FC1", step=16384, data=pixels)])


CONTAINERS: Mapping[str, Callable[[], bytes]] = {
    "deep capture": lambda: container(attachment("capture.json", b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}")),
    "capture of many values": lambda: container(
        attachment("capture.json", b'{"x":[' + b'{"a":0},' * 1_800_000 + b"0]}")
    ),
    "captures of many bytes": lambda: container(
        *[attachment("capture.json", b'{"x":"' + b"a" * (9 * MIB) + b'"}')] * 4
    ),
    "capture twice": lambda: container(attachment("capture.json", b"{}"), attachment("capture.json", b'{"a":1,"a":2}')),
    "attachment of a gigabyte, it says": lambda: container(attachment("capture.json", b"{}", size=1 << 30)),
    "many attachments": lambda: container(*[attachment("closing.json", b"{}")] * 20_000),
    "urdf of entities": lambda: container(
        attachment("robots/a/a.urdf", b'<!DOCTYPE a [<!ENTITY a "b"><!ENTITY c "&a;&a;">]><robot name="&c;"/>')
    ),
    "deep urdf": lambda: container(attachment("robots/a/a.urdf", b"<a>" * 200_000 + b"</a>" * 200_000)),
    "many empty chunks": lambda: container(*[chunk(b"")] * 20_000),
    "many channels": many_channels,
    "definition that holds itself": lambda: typed(
        "a/msg/A", [CDR + bytes(64)], f"a/B b\n{RULE}\nMSG: a/B\na/A a\n".encode()
    ),
    "definition that grows without end": lambda: typed("a/msg/A", [CDR + bytes(64)], nested(40)),
    "array of 10^9": lambda: typed("a/msg/A", [CDR + bytes(64)], b"float64[1000000000] x\n"),
    "arrays in arrays": lambda: typed(
        "a/msg/A", [CDR + bytes(64)], f"a/B[1000000] x\n{RULE}\nMSG: a/B\nfloat64[1000000] x\n".encode()
    ),
    "array of nothing": lambda: typed(
        "a/msg/A", [CDR + b"\xff\xff\xff\x7f"], f"a/E[] x\n{RULE}\nMSG: a/E\nint32 A=1\n".encode()
    ),
    "definition of a megabyte": lambda: typed("a/msg/A", [CDR + bytes(8)], b"float64 x # " + b"y" * MIB),
    "60000 fields": lambda: typed(
        "a/msg/A", [CDR + bytes(480_000)], b"".join(b"float64 x%d\n" % n for n in range(60_000))
    ),
    "lying strings": lambda: lying_lengths(TEXT),
    "lying arrays": lambda: lying_lengths(FLOATS),
    "no number": lambda: typed(JOINT, [joints(n, [np.nan, -np.inf]) for n in range(50)]),
    "numbers near the largest": lambda: typed(JOINT, [joints(n, [1.7e308 * (-1) ** n, 5e-324]) for n in range(50)]),
    "names that change": lambda: typed(
        JOINT, [joints(n, [1.0] * 50, [f"{EVIL}{n}_{x}" for x in range(50)]) for n in range(100)]
    ),
    "times beyond reason": times_beyond_reason,
    "stamps beyond reason": stamps_beyond_reason,
    "jpeg of a giant": jpeg_of_a_giant,
    "cut jpegs": lambda: typed(JPEG, [jpeg(small_jpeg()[:n]) for n in (0, 1, 2, 20, 200, 600)]),
    "large jpeg": lambda: typed(JPEG, [jpeg(simplejpeg.encode_jpeg(np.zeros((4096, 4095, 3), np.uint8)))] * 2),
    "images": images,
    "large depth image": a_large_depth_image,
    "misleading names": misleading_names,
    "frames in a long chain": lambda: typed(
        TF,
        [
            codec(TF).encode(
                {
                    "transforms": [
                        {"header": header(START_NS, f"f{n}"), "child_frame_id": f"f{n + 1}"}
                        for n in range(at, at + 900)
                    ]
                }
            )
            for at in range(0, 1800, 900)
        ],
        topic="/tf",
    ),
    "long text": lambda: typed(TEXT, [codec(TEXT).encode({"data": "x" * (40 * MIB)})], topic="/robot_description"),
    "lying statistics": lying_statistics,
    "chunk of an exabyte": chunk_of_an_exabyte,
    "bombs": bombs,
    "strings without end": strings_without_end,
    "large array": lambda: typed(FLOATS, [codec(FLOATS).encode({"data": np.linspace(0, 1, 4 * MIB)})]),
}
