"""Damage of an MCAP file, byte by byte and record by record: each mutant is another file than the one it came from."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import lz4.frame
import zstandard

from embodied_kit.mcap.records import HEAD, MAGIC, ChunkHead, Opcode, chunk_head_bytes, parse_chunk_head

_WRONG_LENGTHS = (0, 1, 2**16, 2**31, 2**32, 2**63, 2**64 - 1)
_MOST_TRIES = 50


@dataclass(frozen=True)
class Record:
    """One record: opcode, and where its 9 bytes of head begin and its content ends."""

    opcode: int
    begin: int
    end: int

    @property
    def content(self) -> int:
        """Where its content begins."""
        return self.begin + HEAD.size


@dataclass(frozen=True)
class Mutant:
    """A damaged file.

    Attributes:
        kind: What was done.
        where: To which bytes, for a person.
    """

    kind: str
    where: str
    data: bytes


def records_of(data: bytes, at: int = len(MAGIC)) -> Iterator[Record]:
    """Records up to the closing magic, or up to one that does not fit."""
    while at + HEAD.size <= len(data):
        opcode, length = HEAD.unpack_from(data, at)
        end = at + HEAD.size + length
        if end > len(data) or data[at:] == MAGIC:
            return
        yield Record(opcode, at, end)
        at = end


class Mutator:
    """Mutants of one whole file.

    Args:
        data: A sound file.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.records = tuple(records_of(data))

    @cached_property
    def chunks(self) -> Sequence[tuple[int, ChunkHead]]:
        """Place among the records, and head, of each chunk."""
        return [
            (place, parse_chunk_head(memoryview(self.data)[record.content : record.end]))
            for place, record in enumerate(self.records)
            if record.opcode == Opcode.CHUNK
        ]

    @cached_property
    def crc_fields(self) -> Sequence[tuple[int, int]]:
        """First byte and size of each CRC-32 in the file, of those records that carry one."""
        found = [(self.records[place].content + 24, 4) for place, _ in self.chunks]
        for record in self.records:
            if record.opcode == Opcode.DATA_END:
                found.append((record.content, 4))
            elif record.opcode in (Opcode.FOOTER, Opcode.ATTACHMENT):
                found.append((record.end - 4, 4))
        return found

    def systematic(self) -> Iterator[Mutant]:
        """Every record cut, left out, doubled, swapped, renamed and resized; every bit of every CRC flipped."""
        for record in self.records:
            for cut in (record.begin, record.begin + 1, record.content, (record.content + record.end) // 2):
                yield from self._made("cut", f"at {cut}", self.data[:cut])
        for place in range(len(self.records)):
            for kind in ("drop", "twice", "swap", "silent_drop", "silent_twice", "silent_swap"):
                yield from self._made(kind, f"record {place}", _BY_RECORD[kind](self, place))
            for opcode in (*Opcode, 0, 0x10, 0x7F, 0x80, 0xFF):
                yield from self._made("opcode", f"record {place} becomes {opcode}", self._opcode(place, opcode))
            for length in (*_WRONG_LENGTHS, -1, 1):
                yield from self._made("length", f"record {place} by {length}", self._length(place, length))
        for first, size in self.crc_fields:
            for bit in range(8 * size):
                yield from self._made("crc_bit", f"bit {bit} at {first}", self._flip(first + bit // 8, bit % 8))

    def at_random(self, rng: random.Random) -> Mutant:
        """One mutant of any kind."""
        for _ in range(_MOST_TRIES):
            kind = rng.choice(tuple(RANDOM_KINDS))
            where, data = RANDOM_KINDS[kind](self, rng)
            for mutant in self._made(kind, where, data):
                return mutant
        raise AssertionError("no damage changed the file")

    def _made(self, kind: str, where: str, data: bytes) -> Iterator[Mutant]:
        """The mutant, if it is one."""
        if data != self.data:
            yield Mutant(kind, where, data)

    def part(self, place: int) -> bytes:
        """Bytes of a record."""
        record = self.records[place]
        return self.data[record.begin : record.end]

    def _flip(self, at: int, bit: int) -> bytes:
        return self.data[:at] + bytes([self.data[at] ^ 1 << bit]) + self.data[at + 1 :]

    def _opcode(self, place: int, opcode: int) -> bytes:
        begin = self.records[place].begin
        return self.data[:begin] + bytes([opcode]) + self.data[begin + 1 :]

    def _length(self, place: int, length: int) -> bytes:
        """Another length: -1 and 1 by that much, any other absolutely."""
        record = self.records[place]
        told = record.end - record.content + length if length in (-1, 1) else length
        return self.data[: record.begin + 1] + struct.pack("<Q", max(told, 0)) + self.data[record.content :]

    def drop(self, place: int) -> bytes:
        """Without a record."""
        record = self.records[place]
        return self.data[: record.begin] + self.data[record.end :]

    def twice(self, place: int) -> bytes:
        """With a record twice."""
        record = self.records[place]
        return self.data[: record.end] + self.data[record.begin :]

    def swap(self, place: int) -> bytes:
        """With a record behind the next one; the last one with the first."""
        if place + 1 == len(self.records):
            return self.exchange(0, place)
        return self.exchange(place, place + 1)

    def exchange(self, one: int, other: int) -> bytes:
        """With two records in each other's place."""
        first, second = (self.records[place] for place in sorted((one, other)))
        if first == second:
            return self.data
        return b"".join(
            (
                self.data[: first.begin],
                self.data[second.begin : second.end],
                self.data[first.end : second.begin],
                self.data[first.begin : first.end],
                self.data[second.end :],
            )
        )

    def rebuilt_chunk(self, number: int, change: Callable[[list[bytes]], list[bytes]]) -> bytes:
        """With the records of a chunk changed and its sizes and CRC made anew, as a careless program leaves it."""
        place, head = self.chunks[number]
        record = self.records[place]
        stored = self.data[record.content + head.data_at : record.end]
        inner = unpack(head.compression, stored)
        parts = change([inner[part.begin : part.end] for part in records_of(inner, 0)])
        fresh = b"".join(parts)
        packed = pack(head.compression, fresh)
        renewed = ChunkHead(
            head.first_log_time,
            head.last_log_time,
            len(fresh),
            zlib.crc32(fresh) if head.crc else 0,
            head.compression,
            len(packed),
            0,
        )
        return silenced(self.data[: record.begin] + chunk_head_bytes(renewed) + packed + self.data[record.end :])


def unpack(compression: str, data: bytes) -> bytes:
    """Records of a chunk."""
    if compression == "zstd":
        return zstandard.ZstdDecompressor().decompress(data, max_output_size=1 << 24)
    return bytes(lz4.frame.decompress(data)) if compression == "lz4" else data


def pack(compression: str, data: bytes) -> bytes:
    """The same, stored."""
    if compression == "zstd":
        return zstandard.ZstdCompressor().compress(data)
    return bytes(lz4.frame.compress(data)) if compression == "lz4" else data


def silenced(data: bytes) -> bytes:
    """The file without the CRCs of its data section and summary: what remains are its cross-checks."""
    out = bytearray(data)
    for record in records_of(data):
        if record.opcode == Opcode.DATA_END and record.end - record.content >= 4:
            out[record.content : record.content + 4] = bytes(4)
        elif record.opcode == Opcode.FOOTER and record.end - record.content >= 4:
            out[record.end - 4 : record.end] = bytes(4)
    return bytes(out)


_BY_RECORD: Mapping[str, Callable[[Mutator, int], bytes]] = {
    "drop": Mutator.drop,
    "twice": Mutator.twice,
    "swap": Mutator.swap,
    "silent_drop": lambda whole, place: silenced(whole.drop(place)),
    "silent_twice": lambda whole, place: silenced(whole.twice(place)),
    "silent_swap": lambda whole, place: silenced(whole.swap(place)),
}
Change = tuple[str, bytes]


def _of_record(kind: str) -> Callable[[Mutator, random.Random], Change]:
    def change(whole: Mutator, rng: random.Random) -> Change:
        place = rng.randrange(len(whole.records))
        return f"record {place}", _BY_RECORD[kind](whole, place)

    return change


def _flip_bit(whole: Mutator, rng: random.Random) -> Change:
    at, bit = rng.randrange(len(whole.data)), rng.randrange(8)
    return f"bit {bit} at {at}", whole._flip(at, bit)  # one module


def _flip_head(whole: Mutator, rng: random.Random) -> Change:
    """A bit of an opcode or a length."""
    record = rng.choice(whole.records)
    at, bit = record.begin + rng.randrange(HEAD.size), rng.randrange(8)
    return f"bit {bit} at {at}", whole._flip(at, bit)


def _flip_field(whole: Mutator, rng: random.Random) -> Change:
    """A bit of the first fields of a record: times, sizes, ids, lengths of strings."""
    record = rng.choice([record for record in whole.records if record.end > record.content])
    at = record.content + rng.randrange(min(48, record.end - record.content))
    bit = rng.randrange(8)
    return f"bit {bit} at {at}", whole._flip(at, bit)


def _cut(whole: Mutator, rng: random.Random) -> Change:
    at = rng.randrange(len(whole.data))
    return f"at {at}", whole.data[:at]


def _rubbish(whole: Mutator, rng: random.Random) -> Change:
    at, size = rng.randrange(len(whole.data)), rng.choice((1, 2, 8, 64, 512))
    return f"{size} bytes at {at}", whole.data[:at] + rng.randbytes(size) + whole.data[at + size :]


def _remove(whole: Mutator, rng: random.Random) -> Change:
    at, size = rng.randrange(len(whole.data)), rng.choice((1, 2, 8, 64, 512))
    return f"{size} bytes at {at}", whole.data[:at] + whole.data[at + size :]


def _insert(whole: Mutator, rng: random.Random) -> Change:
    at, size = rng.randrange(len(whole.data)), rng.choice((1, 2, 8, 64, 512))
    return f"{size} bytes at {at}", whole.data[:at] + rng.randbytes(size) + whole.data[at:]


def _big_number(whole: Mutator, rng: random.Random) -> Change:
    """A length, count or time overwritten by one that is beyond reason."""
    at, size = rng.randrange(len(whole.data)), rng.choice((2, 4, 8))
    return f"{size} bytes at {at}", whole.data[:at] + b"\xff" * size + whole.data[at + size :]


def _drop_indexes(whole: Mutator, rng: random.Random) -> Change:
    """All message indexes of one chunk, or of all."""
    places = [place for place, record in enumerate(whole.records) if record.opcode == Opcode.MESSAGE_INDEX]
    if places and rng.random() < 0.8:
        first = rng.choice(places)
        places = [place for place in places if first <= place < first + 2]
    gone = set(places)
    kept = b"".join(whole.part(place) for place in range(len(whole.records)) if place not in gone)
    data = MAGIC + kept + MAGIC
    return f"records {sorted(gone)[:4]}", silenced(data) if rng.random() < 0.5 else data


def _swap_chunks(whole: Mutator, rng: random.Random) -> Change:
    """Two chunks exchanged, their indexes left where they are."""
    if len(whole.chunks) < 2:
        return "", whole.data
    (one, _), (other, _) = rng.sample(list(whole.chunks), 2)
    data = whole.exchange(one, other)
    return f"records {one}, {other}", silenced(data) if rng.random() < 0.5 else data


def _move(whole: Mutator, rng: random.Random) -> Change:
    """A record taken out and put in elsewhere."""
    place = rng.randrange(len(whole.records))
    part, rest = whole.part(place), Mutator(whole.drop(place))
    at = rng.choice(rest.records).begin
    data = rest.data[:at] + part + rest.data[at:]
    return f"record {place} to {at}", silenced(data) if rng.random() < 0.5 else data


def _in_chunk(
    change: Callable[[list[bytes], random.Random], list[bytes]],
) -> Callable[[Mutator, random.Random], Change]:
    def made(whole: Mutator, rng: random.Random) -> Change:
        if not whole.chunks:
            return "", whole.data
        number = rng.randrange(len(whole.chunks))
        data = whole.rebuilt_chunk(number, lambda parts: change(parts, rng))
        return f"chunk {number}", data

    return made


def _without_one(parts: list[bytes], rng: random.Random) -> list[bytes]:
    gone = rng.randrange(len(parts))
    return [part for place, part in enumerate(parts) if place != gone]


def _one_twice(parts: list[bytes], rng: random.Random) -> list[bytes]:
    place = rng.randrange(len(parts))
    return [*parts[: place + 1], *parts[place:]]


def _two_swapped(parts: list[bytes], rng: random.Random) -> list[bytes]:
    one, other = rng.randrange(len(parts)), rng.randrange(len(parts))
    parts[one], parts[other] = parts[other], parts[one]
    return parts


RANDOM_KINDS: Mapping[str, Callable[[Mutator, random.Random], Change]] = {
    "flip_bit": _flip_bit,
    "flip_head": _flip_head,
    "flip_field": _flip_field,
    "cut": _cut,
    "rubbish": _rubbish,
    "remove": _remove,
    "insert": _insert,
    "big_number": _big_number,
    "drop_indexes": _drop_indexes,
    "swap_chunks": _swap_chunks,
    "move": _move,
    "chunk_without_a_record": _in_chunk(_without_one),
    "chunk_with_one_twice": _in_chunk(_one_twice),
    "chunk_with_two_swapped": _in_chunk(_two_swapped),
    **{kind: _of_record(kind) for kind in _BY_RECORD},
}
"""What `at_random` chooses from. `silent_` and the changes inside chunks leave no CRC of sections behind."""
