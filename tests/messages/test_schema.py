"""Definitions: what is read, and what is refused before it can cost anything."""

from __future__ import annotations

import pytest

from embodied_kit.messages.schema import Array, Constant, Primitive, Stamp, Struct, Text, read_schema

SEPARATOR = "\n" + "=" * 80 + "\n"


def root_of(text: str, name: str = "pkg/msg/A") -> Struct:
    schema = read_schema(name, "ros2msg", text.encode())
    assert schema.root is not None, schema.unsupported
    return schema.root


def refusal(text: str, name: str = "pkg/msg/A", encoding: str = "ros2msg") -> str:
    schema = read_schema(name, encoding, text.encode())
    assert schema.root is None
    return schema.unsupported


def test_every_form_of_field() -> None:
    root = root_of(
        '# head\nint32 MAX=5 # why\nstring WORD="a#b"\nstring<=9[<=2] names\nfloat64[3] xyz [1.0, 2.0, 3.0]\n'
        "\n  byte[] raw\nchar c 7\nwstring w\ntime stamp\nHeader header\nB nested"
        f"{SEPARATOR}MSG: pkg/B\nuint8[16] uuid{SEPARATOR}MSG: std_msgs/Header\nbuiltin_interfaces/Time stamp\n"
    )
    kinds = {item.name: item.type for item in root.fields}
    assert root.constants == (
        Constant("MAX", Primitive("int32", "i4"), "5"),
        Constant("WORD", Text(), '"a#b"'),
    )
    assert kinds["names"] == Array(Text(bound=9), "bounded", 2)
    assert kinds["xyz"] == Array(Primitive("float64", "f8"), "fixed", 3)
    assert kinds["raw"] == Array(Primitive("byte", "u1"), "unbounded")
    assert (kinds["c"], kinds["w"]) == (Primitive("char", "u1"), Text(wide=True))
    assert kinds["stamp"] == Stamp("builtin_interfaces/Time")
    assert [(item.name, item.default) for item in root.fields if item.default] == [
        ("xyz", "[1.0, 2.0, 3.0]"),
        ("c", "7"),
    ]
    assert isinstance(kinds["nested"], Struct)
    assert isinstance(kinds["header"], Struct)
    assert kinds["nested"].name == "pkg/B"


def test_services_as_rosbag2_stores_them() -> None:
    root = root_of("int64 a\n---\nint64 sum\n", "pkg/srv/Add_Event")
    assert [item.name for item in root.fields] == ["info", "request", "response"]
    assert isinstance(root.fields[1].type, Array)
    assert isinstance(root.fields[1].type.element, Struct)
    assert root.fields[1].type.element.name == "pkg/Add_Request"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("B b", "definition of pkg/B"),
        ("A a", "inside itself"),
        (f"B b{SEPARATOR}MSG: pkg/B\nA a", "inside itself"),
        ("int32", "a type and a name"),
        ("int32 9x", "field name"),
        ("int32[0] a", "fixed array"),
        ("float64[1000000000] a", "fixed array"),
        ("float64[1048576] a\n" * 200, "bytes at most"),
        ("int32<=5 a", "bound on strings"),
        ("../etc/passwd a", "a type"),
        ("pkg/msg/sub/B a", "type name"),
        (f"int32 a{SEPARATOR}int32 b", "MSG:"),
        ("int32 a\n" * 5000, "columns"),
        ("int32 a\n" * 200_000, "bytes at most"),
        ("B X=1", "definition of pkg/B"),
        ("".join(f"{SEPARATOR}MSG: pkg/T{i}\nint32 a" for i in range(2000)), "definitions at most"),
    ],
)
def test_refusals(text: str, why: str) -> None:
    assert why in refusal(text)


def test_a_definition_that_explodes_is_refused_at_once() -> None:
    levels = ["\n".join(f"T{level + 1} f{i}" for i in range(10)) for level in range(30)]
    text = SEPARATOR.join([levels[0], *(f"MSG: pkg/T{n}\n{body}" for n, body in enumerate(levels[1:], 1))])
    assert "columns" in refusal(text + SEPARATOR + "MSG: pkg/T30\n")


def test_a_definition_that_nests_too_deep_is_refused() -> None:
    text = "T1 f" + "".join(f"{SEPARATOR}MSG: pkg/T{n}\nT{n + 1} f" for n in range(1, 900))
    assert "deep" in refusal(text)


@pytest.mark.parametrize("encoding", ["ros2idl", "protobuf", ""])
def test_other_encodings_are_a_result(encoding: str) -> None:
    assert "not supported" in refusal("int32 a", encoding=encoding)


@pytest.mark.parametrize("name", ["A", "", "a/b/c/d", "a//B", "/a/B"])
def test_names_without_a_package_are_refused(name: str) -> None:
    assert "type name" in refusal("int32 a", name=name)


def test_rubbish_is_refused() -> None:
    assert "UTF-8" in read_schema("pkg/A", "ros2msg", b"\xff\xfe int32 a").unsupported
