"""A damaged file never crashes a scan, and never passes for sound with other messages than it had."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from embodied_kit.mcap.container import ContainerInfo
from embodied_kit.mcap.reader import McapScan
from embodied_kit.mcap.records import HEAD, MAGIC, Opcode
from embodied_kit.mcap.writer import McapWriter

Messages = list[tuple[str, int, int, int, bytes]]
CASES_PER_KIND = 40


def scan(path: Path) -> tuple[Messages, ContainerInfo]:
    found: Messages = []
    with McapScan(path) as source:
        for batch in source.batches():
            for i in range(len(batch)):
                at, size = int(batch.offset[i]), int(batch.length[i])
                channel = source.channels.get(int(batch.channel_id[i]))
                found.append(
                    (
                        channel.topic if channel else "?",
                        int(batch.sequence[i]),
                        int(batch.log_time[i]),
                        int(batch.publish_time[i]),
                        bytes(batch.buffer[at : at + size]),
                    )
                )
        return found, source.container()


@dataclass(frozen=True)
class Whole:
    data: bytes
    messages: Messages
    records: list[tuple[int, int, int]]  # opcode, begin, end


def records_of(data: bytes) -> Iterator[tuple[int, int, int]]:
    at = len(MAGIC)
    while at + HEAD.size <= len(data) - len(MAGIC):
        opcode, length = HEAD.unpack_from(data, at)
        yield opcode, at, at + HEAD.size + length
        at += HEAD.size + length


@pytest.fixture(scope="module", params=["none", "zstd", "lz4"])
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    path = tmp_path_factory.mktemp("whole") / "whole.mcap"
    rng = random.Random(7)  # noqa: S311 - seeded damage, no secret
    with McapWriter(path, compression=request.param, chunk_bytes=700) as writer:
        writer.attach("capture.json", "application/json", b'{"a": 1}' * 9, log_time=5, create_time=4)
        text = writer.add_schema("std_msgs/msg/String", "ros2msg", b"string data\n")
        number = writer.add_schema("std_msgs/msg/Int32", "ros2msg", b"int32 data\n")
        channels = [
            writer.add_channel("/text", text, metadata={"offered_qos_profiles": ""}),
            writer.add_channel("/number", number),
        ]
        for step in range(60):
            data = b"\0\1\0\0" + rng.randbytes(4 + step % 50)
            writer.write(channels[step % 2], 10**18 + step * 1000, 10**18 + step * 1000 - 7, step, data)
        writer.add_metadata("rosbag2", {"serialized_metadata": "x: 1"})
    data = path.read_bytes()
    messages, info = scan(path)
    assert info.sound
    assert len(messages) == 60
    assert info.chunks_n > 3
    return Whole(data, messages, list(records_of(data)))


def flip_bit(whole: Whole, rng: random.Random) -> bytes:
    at, bit = rng.randrange(len(whole.data)), rng.randrange(8)
    return whole.data[:at] + bytes([whole.data[at] ^ 1 << bit]) + whole.data[at + 1 :]


def cut_anywhere(whole: Whole, rng: random.Random) -> bytes:
    return whole.data[: rng.randrange(len(whole.data))]


def other_opcode(whole: Whole, rng: random.Random) -> bytes:
    opcode, begin, _ = rng.choice(whole.records)
    other = rng.choice([op for op in [*Opcode, 0x10, 0x85] if op != opcode])
    return whole.data[:begin] + bytes([other]) + whole.data[begin + 1 :]


def other_length(whole: Whole, rng: random.Random) -> bytes:
    _, begin, end = rng.choice(whole.records)
    length = end - begin - HEAD.size
    wrong = rng.choice([0, 1, length + 1, max(length - 1, 0) if length != 1 else 5, 2**31, 2**63, 2**64 - 1])
    if wrong == length:
        wrong += 2
    return whole.data[: begin + 1] + struct.pack("<Q", wrong) + whole.data[begin + HEAD.size :]


def drop_record(whole: Whole, rng: random.Random) -> bytes:
    _, begin, end = rng.choice(whole.records)
    return whole.data[:begin] + whole.data[end:]


def twice_a_record(whole: Whole, rng: random.Random) -> bytes:
    _, begin, end = rng.choice(whole.records)
    return whole.data[:end] + whole.data[begin:]


def swap_records(whole: Whole, rng: random.Random) -> bytes:
    number = rng.randrange(1, len(whole.records) - 1)
    (_, begin, middle), (_, _, end) = whole.records[number], whole.records[number + 1]
    return whole.data[:begin] + whole.data[middle:end] + whole.data[begin:middle] + whole.data[end:]


def rubbish(whole: Whole, rng: random.Random) -> bytes:
    at, size = rng.randrange(len(whole.data)), rng.randrange(1, 64)
    return whole.data[:at] + rng.randbytes(size) + whole.data[at + size :]


KINDS: list[Callable[[Whole, random.Random], bytes]] = [
    flip_bit,
    cut_anywhere,
    other_opcode,
    other_length,
    drop_record,
    twice_a_record,
    swap_records,
    rubbish,
]


@pytest.mark.parametrize("mutate", KINDS, ids=lambda kind: kind.__name__)
def test_damage_is_seen(mutate: Callable[[Whole, random.Random], bytes], whole: Whole, tmp_path: Path) -> None:
    rng = random.Random(mutate.__name__)  # noqa: S311 - seeded damage, no secret
    path = tmp_path / "damaged.mcap"
    for _ in range(CASES_PER_KIND):
        data = mutate(whole, rng)
        if data == whole.data:
            assert mutate is rubbish
            continue
        path.write_bytes(data)
        messages, info = scan(path)
        assert info.size == len(data)
        if messages != whole.messages:
            assert not info.sound, (mutate.__name__, info)


def test_each_cut_between_records_is_a_truncation(whole: Whole, tmp_path: Path) -> None:
    path = tmp_path / "cut.mcap"
    for _, begin, _ in whole.records:
        path.write_bytes(whole.data[:begin])
        messages, info = scan(path)
        assert info.readable == "truncated"
        assert info.truncated_at == begin
        assert messages == whole.messages[: len(messages)]


def test_every_message_before_a_cut_is_delivered(whole: Whole, tmp_path: Path) -> None:
    path = tmp_path / "cut.mcap"
    chunks = [(begin, end) for opcode, begin, end in whole.records if opcode == Opcode.CHUNK]
    path.write_bytes(whole.data[: chunks[2][1]])
    cut_behind, _ = scan(path)
    path.write_bytes(whole.data[: chunks[2][1] - 1])
    cut_inside, _ = scan(path)
    assert 0 < len(cut_inside) < len(cut_behind) < len(whole.messages)


def test_without_message_indexes_the_messages_are_counted(whole: Whole, tmp_path: Path) -> None:
    path = tmp_path / "no_index.mcap"
    kept = [whole.data[begin:end] for opcode, begin, end in whole.records if opcode != Opcode.MESSAGE_INDEX]
    data = MAGIC + b"".join(kept) + MAGIC
    assert data != whole.data
    path.write_bytes(data)
    messages, info = scan(path)
    assert messages == whole.messages
    assert info.message_index == "absent"
    assert info.unindexed_messages_n == 60
    assert info.chunk_index == "bad"
    assert not info.sound


def test_a_chunk_behind_an_unknown_opcode_is_missed_by_four_witnesses(whole: Whole, tmp_path: Path) -> None:
    path = tmp_path / "hidden.mcap"
    begin = next(begin for opcode, begin, _ in whole.records if opcode == Opcode.CHUNK)
    path.write_bytes(whole.data[:begin] + b"\x16" + whole.data[begin + 1 :])
    messages, info = scan(path)
    assert len(messages) < len(whole.messages)
    assert info.unknown_opcodes == ((0x16, 1),)
    assert (info.statistics, info.chunk_index, info.data_end_crc) == ("bad", "bad", "bad")


def test_private_records_are_named_and_do_no_harm(whole: Whole, tmp_path: Path) -> None:
    path = tmp_path / "private.mcap"
    header_end = whole.records[0][2]
    path.write_bytes(whole.data[:header_end] + HEAD.pack(0x90, 3) + b"abc" + whole.data[header_end:])
    messages, info = scan(path)
    assert messages == whole.messages
    assert info.private_opcodes == ((0x90, 1),)
    assert info.unknown_opcodes == ()
