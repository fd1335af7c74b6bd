"""Columns against a reference that knows nothing of them: an encoder of twenty lines, and mcap-ros2-support."""

from __future__ import annotations

import struct
from collections import defaultdict
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcap_ros2._dynamic import generate_dynamic

from embodied_kit.messages.columns import ColumnDecoder, Columns, concatenate
from embodied_kit.messages.schema import Array, Primitive, Stamp, Struct, Text, Type, read_schema

SEPARATOR = "=" * 80
TYPES = {
    "bool": "?",
    "byte": "B",
    "int8": "b",
    "uint8": "B",
    "int16": "h",
    "uint16": "H",
    "int32": "i",
    "uint32": "I",
    "int64": "q",
    "uint64": "Q",
    "float32": "f",
    "float64": "d",
}
CODES = {**TYPES, "char": "B"}


def encode(kind: Type, value: Any, order: str, out: bytearray) -> None:
    """CDR version 1, one value; alignment counts from the byte behind the header."""
    if isinstance(kind, Primitive):
        out += bytes(-len(out) % kind.size)
        out += struct.pack(order + CODES[kind.name], value)
    elif isinstance(kind, Text):
        raw = value.encode() + b"\0"
        out += bytes(-len(out) % 4) + struct.pack(order + "I", len(raw)) + raw
    elif isinstance(kind, Stamp):
        sec, nanosec = divmod(value, 10**9)
        out += bytes(-len(out) % 4) + struct.pack(order + "iI", sec, nanosec)
    elif isinstance(kind, Array):
        if kind.kind != "fixed":
            out += bytes(-len(out) % 4) + struct.pack(order + "I", len(value))
        for item in value:
            encode(kind.element, item, order, out)
    else:
        out += b"" if kind.fields else b"\0"
        for item in kind.fields:
            encode(item.type, value[item.name], order, out)


def message(kind: Struct, value: Any, order: str) -> bytes:
    body = bytearray()
    encode(kind, value, order, body)
    return (b"\0\1\0\0" if order == "<" else b"\0\0\0\0") + bytes(body)


def values_of(kind: Type) -> st.SearchStrategy[Any]:
    if isinstance(kind, Primitive):
        if kind.name == "bool":
            return st.booleans()
        if kind.code[0] == "f":
            return st.floats(width=kind.size * 8, allow_nan=False)
        signed, bits = kind.code[0] == "i", kind.size * 8
        return st.integers(-(2 ** (bits - 1)) if signed else 0, 2 ** (bits - signed) - 1)
    if isinstance(kind, Text):
        return st.sampled_from(["", "a", "base_link", "关节", "x" * 9])
    if isinstance(kind, Stamp):
        return st.integers(-(2**31) * 10**9, (2**31 - 1) * 10**9)
    if isinstance(kind, Array):
        most = kind.size if kind.kind != "unbounded" else 4
        least = kind.size if kind.kind == "fixed" else 0
        return st.lists(values_of(kind.element), min_size=least, max_size=most)
    return st.fixed_dictionaries({item.name: values_of(item.type) for item in kind.fields})


@st.composite
def definitions(draw: st.DrawFn) -> str:
    """A message with nested messages of up to three levels."""
    plain = [*TYPES, "char", "string", "string<=12", "builtin_interfaces/Time", "duration"]
    names = ["C", "B", "A"]
    bodies: list[str] = []
    known: list[str] = []
    for name in names:
        lines = []
        for number in range(draw(st.integers(0 if name == "C" else 1, 5))):
            base = draw(st.sampled_from(plain + known * 3))
            suffix = draw(st.sampled_from(["", "", "", "[]", "[3]", "[<=3]"]))
            lines.append(f"{base}{suffix} f{number}  # a remark")
        bodies.append("\n".join(lines))
        known.append(name)
    sections = [bodies[2], f"MSG: pkg/B\n{bodies[1]}", f"MSG: pkg/C\n{bodies[0]}"]
    return f"\n{SEPARATOR}\n".join(sections)


def expected(kind: Type, values: list[tuple[int, Any]], path: str, out: dict[str, list[Any]]) -> None:
    """Rows of every leaf: (message, value), values of sequences as lists."""
    if isinstance(kind, Struct):
        for item in kind.fields:
            inner = f"{path}.{item.name}" if path else item.name
            expected(item.type, [(number, value[item.name]) for number, value in values], inner, out)
    elif isinstance(kind, Array) and isinstance(kind.element, Struct):
        out[f"{path}[]"] += [(number, len(value)) for number, value in values]
        expected(kind.element, [(number, item) for number, value in values for item in value], f"{path}[]", out)
    else:
        out[path] += values


def rows_of(columns: Columns, path: str, buffer: bytes) -> list[tuple[int, Any]]:
    column = columns.fields[path]
    assert (np.diff(column.message) >= 0).all()
    if column.kind == "blob":
        found: list[Any] = [list(buffer[at : at + size]) for at, size in column.values.tolist()]
    elif column.kind == "text":
        found = column.texts()
    else:
        found = column.values.tolist()
    if column.length is not None:
        ends = np.cumsum(column.length)
        assert len(found) == (ends[-1] if len(ends) else 0)
        found = [found[end - size : end] for end, size in zip(ends, column.length, strict=True)]
    return list(zip(column.message.tolist(), found, strict=True))


def pack(messages: list[bytes], gap: bytes = b"\xff\xfe\xfd") -> tuple[bytes, np.ndarray, np.ndarray]:
    """Messages in one buffer at odd places, with rubbish between them."""
    buffer, offsets = bytearray(gap), []
    for item in messages:
        offsets.append(len(buffer))
        buffer += item + gap
    return bytes(buffer), np.array(offsets, np.int64), np.array([len(item) for item in messages], np.int64)


def check(root: Struct, columns: Columns, values: list[tuple[int, Any]], buffer: bytes) -> None:
    wanted: dict[str, list[Any]] = defaultdict(list)
    expected(root, values, "", wanted)
    for path in columns.fields:
        assert rows_of(columns, path, buffer) == wanted.get(path, []), path
    assert set(wanted) <= set(columns.fields)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_random_messages_of_random_types(data: st.DataObject) -> None:
    schema = read_schema("pkg/msg/A", "ros2msg", data.draw(definitions()).encode())
    assert schema.root is not None, schema.unsupported
    distinct = data.draw(st.lists(values_of(schema.root), min_size=1, max_size=3))
    values = data.draw(st.lists(st.sampled_from(distinct), min_size=1, max_size=7))
    orders = data.draw(st.sampled_from([["<"], [">"], ["<", ">"]]))
    raw = [message(schema.root, value, orders[number % len(orders)]) for number, value in enumerate(values)]
    buffer, offsets, lengths = pack(raw)
    columns = ColumnDecoder(schema).decode(buffer, offsets, lengths)
    assert not columns.failed.any(), columns.reasons
    check(schema.root, columns, list(enumerate(values)), buffer)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_concatenated_batches_are_the_batch(data: st.DataObject) -> None:
    schema = read_schema("pkg/msg/A", "ros2msg", data.draw(definitions()).encode())
    assert schema.root is not None
    values = data.draw(st.lists(values_of(schema.root), min_size=2, max_size=5))
    buffer, offsets, lengths = pack([message(schema.root, value, "<") for value in values])
    decoder = ColumnDecoder(schema)
    cut = data.draw(st.integers(1, len(values) - 1))
    joined = concatenate(
        [decoder.decode(buffer, offsets[:cut], lengths[:cut]), decoder.decode(buffer, offsets[cut:], lengths[cut:])]
    )
    check(schema.root, joined, list(enumerate(values)), buffer)


def plain(value: Any, kind: Type) -> Any:
    """What mcap-ros2-support decoded, as the values above."""
    if isinstance(kind, Stamp):
        sec = value.sec - 2**32 if value.sec >= 2**31 else value.sec
        return sec * 10**9 + value.nanosec
    if isinstance(kind, Struct):
        return {item.name: plain(getattr(value, item.name), item.type) for item in kind.fields}
    if isinstance(kind, Array):
        return [plain(item, kind.element) for item in value]
    return value


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_the_reference_encoder_agrees_with_mcap_ros2_support(data: st.DataObject) -> None:
    text = data.draw(definitions()).replace("char", "uint8").replace("duration", "builtin_interfaces/Duration")
    schema = read_schema("pkg/A", "ros2msg", text.encode())
    assert schema.root is not None
    value = data.draw(values_of(schema.root))
    decoded: SimpleNamespace = generate_dynamic("pkg/A", text)["pkg/A"](message(schema.root, value, "<"))
    assert plain(decoded, schema.root) == value


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_damage_fails_the_message_and_no_other(data: st.DataObject) -> None:
    schema = read_schema("pkg/msg/A", "ros2msg", data.draw(definitions()).encode())
    assert schema.root is not None
    values = data.draw(st.lists(values_of(schema.root), min_size=2, max_size=5))
    raw = [message(schema.root, value, "<") for value in values]
    victim = data.draw(st.integers(0, len(raw) - 1))
    how = data.draw(st.sampled_from(["cut", "flip", "longer"]))
    if how == "cut":
        damaged = raw[victim][: data.draw(st.integers(0, len(raw[victim]) - 1))]
    elif how == "longer":
        damaged = raw[victim] + bytes(data.draw(st.integers(4, 9)))
    else:
        at = data.draw(st.integers(0, len(raw[victim]) - 1))
        damaged = raw[victim][:at] + bytes([raw[victim][at] ^ data.draw(st.integers(1, 255))]) + raw[victim][at + 1 :]
    assert damaged != raw[victim]
    buffer, offsets, lengths = pack([*raw[:victim], damaged, *raw[victim + 1 :]])
    columns = ColumnDecoder(schema).decode(buffer, offsets, lengths)
    if how != "flip":
        assert columns.failed[victim]
    assert sum(columns.reasons.values()) == columns.failed.sum() <= 1
    others = [(number, value) for number, value in enumerate(values) if number != victim]
    kept = {path: column.take(np.flatnonzero(column.message != victim)) for path, column in columns.fields.items()}
    check(schema.root, Columns(kept, columns.failed, columns.reasons), others, buffer)


@pytest.mark.parametrize("first", range(2, 12))
def test_other_encapsulations_are_said_to_be_unsupported(first: int) -> None:
    schema = read_schema("pkg/msg/A", "ros2msg", b"int32 a\n")
    buffer, offsets, lengths = pack([b"\0\1\0\0\1\0\0\0", bytes([0, first, 0, 0, 1, 0, 0, 0])])
    columns = ColumnDecoder(schema).decode(buffer, offsets, lengths)
    assert columns.failed.tolist() == [False, True]
    assert f"0x{first:04x}" in next(iter(columns.reasons))
