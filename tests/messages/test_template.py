"""Batches whose messages are laid out alike give the columns that a walk over each would give."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from messages.test_columns_property import definitions, message, pack, values_of

from embodied_kit.messages.columns import ColumnDecoder, Columns
from embodied_kit.messages.layout import Walk
from embodied_kit.messages.schema import Array, MessageSchema, Primitive, Stamp, Struct, Type, read_schema

JOINTS = "time stamp\nstring frame\nstring[] name\nfloat64[] position\nuint8 mode\nfloat64 load"
IMAGE = "time stamp\nstring format\nuint8[] data"


def schema_of(text: str) -> MessageSchema:
    return read_schema("pkg/msg/A", "ros2msg", text.encode())


def renumbered(kind: Type, value: object, chance: np.random.Generator) -> object:
    """The same value with other numbers: lengths and texts stay."""
    if isinstance(kind, Struct):
        assert isinstance(value, dict)
        return {item.name: renumbered(item.type, value[item.name], chance) for item in kind.fields}
    if isinstance(kind, Array):
        assert isinstance(value, list)
        return [renumbered(kind.element, item, chance) for item in value]
    if isinstance(kind, Stamp):
        return int(chance.integers(2**31)) * 10**9 + int(chance.integers(10**9))
    if isinstance(kind, Primitive):
        return bool(chance.integers(2)) if kind.name == "bool" else int(chance.integers(100))
    return value


def decoded(decoder: ColumnDecoder, raw: list[bytes]) -> tuple[Columns, bytes]:
    buffer, offsets, lengths = pack(raw)
    return decoder.decode(buffer, offsets, lengths), buffer


def same(first: Columns, second: Columns) -> None:
    assert list(first.fields) == list(second.fields)
    for path, column in first.fields.items():
        other = second.fields[path]
        assert (column.kind, column.table) == (other.kind, other.table), path
        pairs = [(column.values, other.values), (column.message, other.message)]
        if column.length is not None and other.length is not None:
            pairs.append((column.length, other.length))
        assert (column.length is None) == (other.length is None), path
        for one, two in pairs:
            assert (one.dtype, one.shape, one.flags.c_contiguous) == (two.dtype, two.shape, True), path
            assert one.tobytes() == two.tobytes(), path


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_columns_are_those_of_a_walk(data: st.DataObject) -> None:
    schema = schema_of(data.draw(definitions()))
    assert schema.root is not None
    value, chance = data.draw(values_of(schema.root)), np.random.default_rng(data.draw(st.integers(0, 99)))
    order = data.draw(st.sampled_from("<>"))
    raw = [message(schema.root, renumbered(schema.root, value, chance), order) for _ in range(4)]
    alike, _ = decoded(ColumnDecoder(schema), raw)
    walked, _ = decoded(ColumnDecoder(schema), [*raw, b"\0\1"])  # the last one fails, so no batch of one layout
    assert walked.failed.tolist() == [False] * 4 + [True]
    same(alike, walked)


def _no_walk(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("expected no walk")

    monkeypatch.setattr(Walk, "places", refuse)


def joints(number: int, names: list[str], padding: bytes = b"\0") -> bytes:
    out = bytearray(struct.pack("<iI", number, 7) + struct.pack("<I", 5) + b"base\0")
    for name in [None, *names]:
        out += padding * (-len(out) % 4)
        out += struct.pack("<I", len(names)) if name is None else struct.pack("<I", len(name) + 1) + name.encode()
        out += b"" if name is None else b"\0"
    out += padding * (-len(out) % 4) + struct.pack("<I", len(names))
    out += padding * (-len(out) % 8) + struct.pack(f"<{len(names)}d", *range(number, number + len(names)))
    out += bytes([number])
    out += padding * (-len(out) % 8) + struct.pack("<d", number / 2)
    return b"\0\1\0\0" + bytes(out)


def test_the_schema_is_walked_once_whatever_the_numbers_and_the_padding(monkeypatch: pytest.MonkeyPatch) -> None:
    decoder = ColumnDecoder(schema_of(JOINTS))
    decoded(decoder, [joints(1, ["a", "bcd"])])
    _no_walk(monkeypatch)
    columns, _ = decoded(decoder, [joints(number, ["a", "bcd"], b"\xaa") for number in (3, 4)])
    assert columns.fields["position"].values.tolist() == [3, 4, 4, 5]
    assert columns.fields["name"].texts() == ["a", "bcd"] * 2
    assert columns.fields["load"].values.tolist() == [1.5, 2.0]
    assert columns.fields["stamp"].values.tolist() == [3_000_000_007, 4_000_000_007]


@pytest.mark.parametrize("names", [["a", "xyz"], ["abc", "d"], ["a"], ["a", "bcd", "e"]])
def test_another_text_or_length_is_another_layout(names: list[str]) -> None:
    decoder = ColumnDecoder(schema_of(JOINTS))
    decoded(decoder, [joints(1, ["a", "bcd"])])
    columns, _ = decoded(decoder, [joints(1, ["a", "bcd"]), joints(9, names)])
    assert columns.fields["name"].texts() == ["a", "bcd", *names]
    assert columns.fields["position"].length is not None
    assert columns.fields["position"].length.tolist() == [2, len(names)]


def image(size: int, told: int | None = None, frame: bytes = b"jpeg\0") -> bytes:
    head = struct.pack("<iII", 1, 2, len(frame)) + frame
    head += bytes(-len(head) % 4)
    return b"\0\1\0\0" + head + struct.pack("<I", size if told is None else told) + bytes(range(size))


def test_bytes_at_the_end_may_have_any_length(monkeypatch: pytest.MonkeyPatch) -> None:
    decoder = ColumnDecoder(schema_of(IMAGE))
    decoded(decoder, [image(5)])
    _no_walk(monkeypatch)
    raw = [image(0), image(7), image(200), image(6, told=4)]  # two bytes of padding behind the last
    columns, buffer = decoded(decoder, raw)
    blobs = [buffer[at : at + size] for at, size in columns.fields["data"].values.tolist()]
    assert blobs == [bytes(range(size)) for size in (0, 7, 200, 4)]
    assert not columns.failed.any()


@pytest.mark.parametrize("bad", [image(5, told=6), image(9, told=5), image(5)[:20], image(5, told=2**32 - 1)])
def test_a_length_that_does_not_meet_the_end_fails_its_message_alone(bad: bytes) -> None:
    decoder = ColumnDecoder(schema_of(IMAGE))
    decoded(decoder, [image(5)])
    columns, _ = decoded(decoder, [image(5), bad, image(3)])
    assert columns.failed.tolist() == [False, True, False]
    assert columns.fields["data"].values[:, 1].tolist() == [5, 3]


def test_a_few_layouts_are_known_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    decoder = ColumnDecoder(schema_of(IMAGE))
    frames = [bytes([65 + number]) * 4 + b"\0" for number in range(4)]
    for frame in frames:
        decoded(decoder, [image(3, frame=frame)])
    _no_walk(monkeypatch)
    for frame in frames * 2:
        columns, _ = decoded(decoder, [image(4, frame=frame)])
        assert columns.fields["format"].texts() == [frame[:-1].decode()]


def test_texts_that_always_change_are_no_longer_learned(monkeypatch: pytest.MonkeyPatch) -> None:
    decoder = ColumnDecoder(schema_of("string text"))
    walks: list[int] = []
    places = Walk.places

    def counted(walk: Walk, root: Struct, number: np.ndarray, base: np.ndarray, limit: np.ndarray) -> object:
        walks.append(len(number))
        return places(walk, root, number, base, limit)

    monkeypatch.setattr(Walk, "places", counted)
    for number in range(100):
        raw = [b"\0\1\0\0" + struct.pack("<I", 5) + f"{number * 10 + k:04}\0".encode() for k in range(3)]
        columns, _ = decoded(decoder, raw)
        assert columns.fields["text"].texts() == [f"{number * 10 + k:04}" for k in range(3)]
    assert walks.count(3) == 100
    assert walks.count(1) < 40
