"""ROS 2 message definitions (`ros2msg`: sections parted by 80 `=` and `MSG: pkg/Type`) as a typed tree.

Grammar: ROS 2 interface definition (docs.ros.org, About Interfaces). `char` and `byte` are uint8, as rosidl maps them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

from embodied_kit.errors import DataError

PRIMITIVES: Mapping[str, str] = {
    "bool": "u1",
    "byte": "u1",
    "char": "u1",
    "int8": "i1",
    "uint8": "u1",
    "int16": "i2",
    "uint16": "u2",
    "int32": "i4",
    "uint32": "u4",
    "int64": "i8",
    "uint64": "u8",
    "float32": "f4",
    "float64": "f8",
}
"""Primitive -> numpy type without byte order."""
MAX_TEXT_BYTES = 1 << 20
MAX_DEFINITIONS = 1024
MAX_FIELDS = 4096
MAX_COLUMNS = 4096
MAX_DEPTH = 32
MAX_MESSAGE_BYTES = 1 << 30
MAX_FIXED_ELEMENTS = 1 << 20

_SECTION = re.compile(r"^={80,}\s*$")
_TYPE = re.compile(r"^(?P<base>[A-Za-z][\w/]*)(?:<=(?P<bound>\d+))?(?:\[(?P<limit><=)?(?P<size>\d*)\])?$")
_NAME = re.compile(r"^[A-Za-z]\w*$")
_ALIASES = {
    "Header": "std_msgs/Header",
    "time": "builtin_interfaces/Time",
    "duration": "builtin_interfaces/Duration",
}
_STAMPS = ("builtin_interfaces/Time", "builtin_interfaces/Duration")
_BUILTIN = {
    **dict.fromkeys(_STAMPS, "int32 sec\nuint32 nanosec\n"),
    # Service recordings name it without defining it.
    "service_msgs/ServiceEventInfo": (
        "uint8 event_type\nbuiltin_interfaces/Time stamp\nchar[16] client_gid\nint64 sequence_number\n"
    ),
}
_SERVICE_MARK = "---"
_EVENT = "_Event"


@dataclass(frozen=True)
class Primitive:
    """A number; `name` is the ROS word, `code` the numpy type without byte order."""

    name: str
    code: str

    @property
    def size(self) -> int:
        """Bytes, which is also its alignment in CDR version 1."""
        return int(self.code[1])


@dataclass(frozen=True)
class Text:
    """A string, or a wide one; `bound` is its greatest length."""

    wide: bool = False
    bound: int | None = None


@dataclass(frozen=True)
class Stamp:
    """`builtin_interfaces` Time or Duration: int32 seconds and uint32 nanoseconds, read as one int64 in ns."""

    name: str
    size: int = 8


@dataclass(frozen=True)
class Array:
    """An array; `size` is the exact length (fixed), the greatest (bounded), or 0 (unbounded)."""

    element: Type
    kind: Literal["fixed", "bounded", "unbounded"]
    size: int = 0


@dataclass(frozen=True)
class Field:
    """A field with its default as written; empty for none."""

    name: str
    type: Type
    default: str = ""


@dataclass(frozen=True)
class Constant:
    """A constant with its value as written."""

    name: str
    type: Primitive | Text
    value: str


@dataclass(frozen=True, eq=False)
class Struct:
    """A message; `name` is `pkg/Type`. Compared by identity: a tree shares its parts."""

    name: str
    fields: tuple[Field, ...]
    constants: tuple[Constant, ...] = ()

    @cached_property
    def columns_n(self) -> int:
        """Number of leaves below it."""
        return sum(_leaves(item.type) for item in self.fields) or 1  # an empty one is work too

    @cached_property
    def least_bytes(self) -> int:
        """Fewest bytes that a message of this type has, padding left out."""
        return sum(_least_bytes(item.type) for item in self.fields) or 1


Type: TypeAlias = Primitive | Text | Stamp | Array | Struct


def _leaves(kind: Type) -> int:
    if isinstance(kind, Array):
        return _leaves(kind.element) + 1
    return kind.columns_n if isinstance(kind, Struct) else 1


def _least_bytes(kind: Type) -> int:
    if isinstance(kind, Array):
        return kind.size * _least_bytes(kind.element) if kind.kind == "fixed" else 4
    if isinstance(kind, Struct):
        return kind.least_bytes
    return 4 if isinstance(kind, Text) else kind.size


@dataclass(frozen=True)
class MessageSchema:
    """A parsed definition, or why it cannot be read.

    Attributes:
        name: Full type name as the file gives it.
        root: The message; None where `unsupported` says why.
    """

    name: str
    root: Struct | None
    unsupported: str = ""


def read_schema(name: str, encoding: str, data: bytes) -> MessageSchema:
    """Parse a definition as an MCAP file carries it; what cannot be read is a result, not an exception.

    Args:
        name: `sensor_msgs/msg/JointState`.
        encoding: `ros2msg`; any other is unsupported.
        data: The definition's bytes.
    """
    if encoding != "ros2msg":
        return MessageSchema(name, None, f"definitions encoded as {encoding[:40]!r} are not supported, only ros2msg")
    try:
        return MessageSchema(name, parse_definition(name, data))
    except DataError as error:
        return MessageSchema(name, None, error.message)


def parse_definition(name: str, data: bytes) -> Struct:
    """Parse concatenated `.msg` text.

    Args:
        name: Type of the first section; `pkg/Type` or `pkg/msg/Type`.
        data: UTF-8 text.

    Raises:
        DataError: not a definition, a type that is not there, recursion, or larger than any message needs.
    """
    if len(data) > MAX_TEXT_BYTES:
        raise DataError(f"expected a definition of {MAX_TEXT_BYTES} bytes at most, got {len(data)}")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise DataError("expected a definition in UTF-8, got other bytes") from error
    root = short_name(name)
    sections = dict(_BUILTIN)
    for section, body in _sections(root, text):
        if len(sections) > MAX_DEFINITIONS:
            raise DataError(f"expected {MAX_DEFINITIONS} definitions at most, got more")
        sections.update(_service_sections(section, body))
    return _Resolver(sections).struct(root, 0)


def short_name(name: str) -> str:
    """`pkg/Type` of `pkg/msg/Type`, `pkg/srv/Type_Request` and the like.

    Raises:
        DataError: it names no package.
    """
    parts = name.split("/")
    if len(parts) not in (2, 3) or not all(_NAME.match(part) for part in parts):
        raise DataError(f"expected a type name like pkg/msg/Type, got {name[:80]!r}")
    return f"{parts[0]}/{parts[-1]}"


def _sections(root: str, text: str) -> Iterator[tuple[str, str]]:
    """Names and bodies of the definitions."""
    name, lines = root, list[str]()
    want_name = False
    for line in text.splitlines():
        if _SECTION.match(line):
            yield name, "\n".join(lines)
            name, lines, want_name = "", [], True
        elif want_name and line.strip():
            if not line.startswith("MSG:"):
                raise DataError(f"expected MSG: pkg/Type behind the row of =, got {line[:80]!r}")
            name, want_name = short_name(line[4:].strip()), False
        else:
            lines.append(line)
    if name:
        yield name, "\n".join(lines)


def _service_sections(name: str, body: str) -> dict[str, str]:
    """A section as it is; of a service (rosbag2 stores its .srv text under `X_Event`) the three messages in it."""
    lines = [line.strip() for line in body.splitlines()]
    if _SERVICE_MARK not in lines or not name.endswith(_EVENT):
        return {name: body}
    cut = lines.index(_SERVICE_MARK)
    service = name.removesuffix(_EVENT)
    event = f"service_msgs/ServiceEventInfo info\n{service}_Request[<=1] request\n{service}_Response[<=1] response\n"
    request, response = "\n".join(lines[:cut]), "\n".join(lines[cut + 1 :])
    return {name: event, f"{service}_Request": request, f"{service}_Response": response}


class _Resolver:
    """Parses each section once, and refuses recursion and explosion."""

    def __init__(self, sections: Mapping[str, str]) -> None:
        self._sections = sections
        self._done: dict[str, Struct] = {}
        self._open: list[str] = []

    def struct(self, name: str, depth: int) -> Struct:
        """The message of that name with everything below it."""
        if name in self._done:
            return self._done[name]
        if name not in self._sections:
            raise DataError(f"expected a definition of {name}, got none")
        if name in self._open or depth > MAX_DEPTH:
            raise DataError(f"expected messages that nest {MAX_DEPTH} deep at most, got {name} inside itself or deeper")
        self._open.append(name)
        fields: list[Field] = []
        constants: list[Constant] = []
        for line in self._sections[name].splitlines():
            self._line(line, name, depth, fields, constants)
        self._open.pop()
        found = Struct(name, tuple(fields), tuple(constants))
        if len(fields) > MAX_FIELDS or found.columns_n > MAX_COLUMNS:
            raise DataError(f"expected {MAX_COLUMNS} columns at most in {name}, got {found.columns_n}")
        if found.least_bytes > MAX_MESSAGE_BYTES:
            raise DataError(f"expected messages of {MAX_MESSAGE_BYTES} bytes at most, {name} needs {found.least_bytes}")
        self._done[name] = found
        return found

    def _line(self, line: str, name: str, depth: int, fields: list[Field], constants: list[Constant]) -> None:
        bare = line.split("#", 1)[0].strip()
        if not bare:
            return
        words = bare.split(None, 1)
        if len(words) < 2:
            raise DataError(f"expected a type and a name in {name}, got {line.strip()[:80]!r}")
        field_name, mark, rest = _name_and_value(words[1])
        if not _NAME.match(field_name):
            raise DataError(f"expected a field name in {name}, got {field_name[:80]!r}")
        if mark == "=":
            kind = self._type(words[0], name, depth)
            if not isinstance(kind, Primitive | Text):
                raise DataError(f"expected a constant of a plain type in {name}, got {words[0][:80]!r}")
            # A constant of text may hold the sign that begins a comment.
            value = line.split("=", 1)[1].strip() if isinstance(kind, Text) else rest
            constants.append(Constant(field_name, kind, value))
            return
        fields.append(Field(field_name, self._type(words[0], name, depth), rest))

    def _type(self, text: str, name: str, depth: int) -> Type:
        match = _TYPE.match(text)
        if match is None:
            raise DataError(f"expected a type in {name}, got {text[:80]!r}")
        base, bound, limit, size = match.group("base", "bound", "limit", "size")
        element = self._element(base, bound, name, depth)
        if size is None:
            return element
        if size == "":
            return Array(element, "unbounded")
        number = int(size[:20])
        if limit:
            return Array(element, "bounded", number)
        if not 0 < number <= MAX_FIXED_ELEMENTS:
            raise DataError(f"expected a fixed array of 1 to {MAX_FIXED_ELEMENTS} elements in {name}, got {size[:20]}")
        return Array(element, "fixed", number)

    def _element(self, base: str, bound: str | None, name: str, depth: int) -> Type:
        if base in ("string", "wstring"):
            return Text(base == "wstring", int(bound[:20]) if bound else None)
        if bound:
            raise DataError(f"expected a bound on strings only in {name}, got {base[:80]}")
        if base in PRIMITIVES:
            return Primitive(base, PRIMITIVES[base])
        full = _ALIASES.get(base, base)
        full = short_name(full) if "/" in full else f"{name.partition('/')[0]}/{full}"
        found = self.struct(full, depth + 1)
        if full in _STAMPS and _is_stamp(found):
            return Stamp(full)
        return found


def _name_and_value(text: str) -> tuple[str, str, str]:
    """Field name, `=` for a constant, and the value or default."""
    match = re.match(r"^([^\s=]+)\s*(=?)\s*(.*)$", text, re.DOTALL)
    if match is None:
        return text, "", ""
    return match.group(1), match.group(2), match.group(3).strip()


def _is_stamp(struct: Struct) -> bool:
    kinds = [(item.name, item.type.code) for item in struct.fields if isinstance(item.type, Primitive)]
    return kinds == [("sec", "i4"), ("nanosec", "u4")] and len(struct.fields) == 2
