"""Columns where a random message would hardly go: hostile lengths, long arrays, changing shapes."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from embodied_kit.errors import UsageError
from embodied_kit.messages import layout
from embodied_kit.messages.columns import ColumnDecoder, Columns, concatenate
from embodied_kit.messages.layout import MAX_ELEMENTS, element_begin, element_table, static_sizes
from embodied_kit.messages.schema import read_schema

HEAD = b"\0\1\0\0"
SEPARATOR = "\n" + "=" * 80 + "\n"


def decode(text: str, *bodies: bytes) -> tuple[Columns, bytes]:
    raw = [HEAD + body for body in bodies]
    lengths = np.array([len(item) for item in raw])
    buffer = b"".join(raw)
    schema = read_schema("pkg/msg/A", "ros2msg", text.encode())
    return ColumnDecoder(schema).decode(buffer, np.cumsum(lengths) - lengths, lengths), buffer


def doubles(*values: float) -> bytes:
    return struct.pack(f"<II{len(values)}d", len(values), 0, *values) if values else struct.pack("<I", 0)


def test_a_changing_number_of_joints_is_grouped_and_nothing_is_dropped() -> None:
    columns, _ = decode("float64[] position", doubles(1, 2), doubles(3, 4), doubles(), doubles(5), doubles(6, 7))
    column = columns.fields["position"]
    assert (column.width, column.shape_changes) == (None, 3)
    groups = {k: (rows.tolist(), values.tolist()) for k, rows, values in column.by_length()}
    assert groups == {0: ([2], [[]]), 1: ([3], [[5.0]]), 2: ([0, 1, 4], [[1.0, 2.0], [3.0, 4.0], [6.0, 7.0]])}


def test_a_steady_sequence_has_a_width() -> None:
    columns, _ = decode("float64[] position", doubles(1, 2), doubles(3, 4))
    column = columns.fields["position"]
    assert (column.width, column.shape_changes) == (2, 0)
    [(_, rows, values)] = column.by_length()
    assert values.shape == (2, 2)
    assert rows.tolist() == [0, 1]


def test_blobs_are_places_in_the_buffer() -> None:
    columns, buffer = decode("uint8[] data", struct.pack("<I", 3) + b"abc", struct.pack("<I", 5) + b"defgh")
    places = columns.fields["data"].values.tolist()
    assert [buffer[at : at + size] for at, size in places] == [b"abc", b"defgh"]


@pytest.mark.parametrize("count", [1, 2**16, 2**31, 2**32 - 1])
@pytest.mark.parametrize(
    "text",
    [
        "uint8[] a",
        "float64[] a",
        "string a",
        "string[] a",
        "time[] a",
        f"B[] a{SEPARATOR}MSG: pkg/B\nfloat64 x\nuint8 y",
        f"B[] a{SEPARATOR}MSG: pkg/B\nstring x",
        f"B[] a{SEPARATOR}MSG: pkg/B",
    ],
)
def test_a_length_beyond_the_message_fails_without_cost(text: str, count: int) -> None:
    columns, _ = decode(
        text, struct.pack("<I", count), struct.pack("<I", 0) if "string a" not in text else b"\1\0\0\0\0"
    )
    assert columns.failed.tolist() == [True, False]
    assert "ends behind the message" in next(iter(columns.reasons))


def test_many_elements_in_few_messages_are_walked_apart_not_refused() -> None:
    count = MAX_ELEMENTS // 2 + 1
    body = struct.pack("<I", count) + bytes(count)
    columns, _ = decode(f"B[] a{SEPARATOR}MSG: pkg/B\nuint8 x", body, body, body)
    assert columns.reasons == {}
    assert len(columns.fields["a[].x"].values) == 3 * count


def test_too_many_elements_in_one_message_are_refused() -> None:
    count = MAX_ELEMENTS + 1
    body = struct.pack("<I", count) + bytes(count)
    columns, _ = decode(f"B[] a{SEPARATOR}MSG: pkg/B\nuint8 x", body, struct.pack("<I", 1) + b"\7")
    assert columns.failed.tolist() == [True, False]
    assert columns.fields["a[].x"].values.tolist() == [7]


def test_strings_without_end_end_by_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "MAX_STEPS", 1000)
    count = 1001
    body = struct.pack("<I", count) + struct.pack("<I", 0) * count
    columns, _ = decode("string[] a", body)
    assert columns.failed.tolist() == [True]
    assert "nested elements" in next(iter(columns.reasons))


def test_a_hundred_kinds_of_damage_leave_the_others_whole() -> None:
    whole = struct.pack("<I", 2) + b"a\0"
    bodies = [whole if number % 2 else whole[: number % 6] for number in range(200)]
    columns, _ = decode("string a", *bodies)
    assert columns.failed.tolist() == [number % 2 == 0 for number in range(200)]
    assert columns.fields["a"].texts() == ["a"] * 100


@pytest.mark.parametrize("raw", [b"ab", b"\xff\0", b"a\xc3\0"])
def test_text_that_is_none_fails(raw: bytes) -> None:
    columns, _ = decode("string a\nint8 b", struct.pack("<I", len(raw)) + raw + b"\5", b"\1\0\0\0\0\6")
    assert columns.failed.tolist() == [True, False]
    assert columns.fields["b"].values.tolist() == [6]


def test_many_different_texts() -> None:
    words = [f"word{number:04}" for number in range(300)] * 2
    columns, _ = decode("string a", *(struct.pack("<I", 9) + word.encode() + b"\0" for word in words))
    assert columns.fields["a"].texts() == words
    assert len(columns.fields["a"].table) == 300


@pytest.mark.parametrize(
    "text", ["float64 x\nuint8 y", "uint8 a\nuint16 b", "uint8 a\nfloat64[3] b\nuint8 c", "", "time t\nint8 b"]
)
def test_places_of_elements_follow_alignment_however_many(text: str) -> None:
    root = read_schema("pkg/msg/A", "ros2msg", text.encode()).root
    assert root is not None
    sizes, table = static_sizes(root), element_table(root)
    assert sizes is not None
    assert table is not None
    for begin in range(8):
        places = [begin]
        for _ in range(3000):
            places.append(places[-1] + sizes[places[-1] % 8])
        found = element_begin(table, begin, np.arange(len(places)))
        assert (found + begin).tolist() == places


def test_batches_of_other_types_are_not_joined() -> None:
    first, _ = decode("int8 a", b"\1")
    second, _ = decode("int8 b", b"\1")
    with pytest.raises(UsageError, match="one type"):
        concatenate([first, second])


def test_an_unsupported_definition_fails_every_message_with_its_reason() -> None:
    schema = read_schema("pkg/msg/A", "ros2idl", b"module pkg {};")
    columns = ColumnDecoder(schema).decode(bytes(8), np.array([0, 4]), np.array([4, 4]))
    assert columns.failed.all()
    assert columns.reasons == {schema.unsupported: 2}


def test_wide_strings_fail_with_their_reason() -> None:
    columns, _ = decode("wstring a", struct.pack("<I", 0))
    assert "wstring" in next(iter(columns.reasons))


def test_nothing_gives_columns_of_the_right_types() -> None:
    columns, _ = decode("float32[3] a\nbool b\nstring[] c\nuint8[] d\ntime e")
    shapes = {path: (column.values.shape, column.values.dtype.str) for path, column in columns.fields.items()}
    assert shapes == {
        "a": ((0, 3), "<f4"),
        "b": ((0,), "|b1"),
        "c": ((0,), "<i4"),
        "d": ((0, 2), "<i8"),
        "e": ((0,), "<i8"),
    }
