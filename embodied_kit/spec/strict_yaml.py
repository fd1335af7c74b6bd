"""YAML read as JSON: one document, unique string keys, no aliases, no surprises.

YAML 1.1 turns `2026-10-02` into a date, `12:30:00` into 45000, `no` into false and `1e-3` into a string. Here only
JSON's own scalars have a type (`true`, `false`, `null`, numbers as JSON writes them); everything else is a string.
Files of the standard quote such strings all the same, so that any YAML reader sees the same values.
"""

from __future__ import annotations

import math
import re
from typing import Any, ClassVar

import yaml

from embodied_kit.canonical import MAX_DEPTH, MAX_SAFE_INTEGER
from embodied_kit.errors import DataError
from embodied_kit.model.json import JsonValue

MAX_YAML_BYTES = 2**20
_LONGEST_INTEGER = 20  # digits; int() of thousands of them is refused by Python itself
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml is ten times faster where the wheel has it


class _JsonLoader(_Loader):  # type: ignore[misc]  # the base is one of two, chosen at import
    """Safe loader whose plain scalars follow JSON."""

    yaml_implicit_resolvers: ClassVar[dict[str, list[tuple[str, re.Pattern[str]]]]] = {}

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[str, JsonValue]:
        """Mapping with unique string keys."""
        seen: set[str] = set()
        for key, _ in node.value:
            if key.tag != "tag:yaml.org,2002:str":
                raise _error("expected a string as key, got another type", key.start_mark)
            if key.value in seen:
                raise _error(f"expected unique keys, got '{key.value[:60]}' twice", key.start_mark)
            seen.add(key.value)
        result: dict[str, JsonValue] = super().construct_mapping(node, deep=deep)
        return result

    def construct_integer(self, node: yaml.ScalarNode) -> int:
        """Integer that JSON can carry."""
        value = int(node.value) if len(node.value) <= _LONGEST_INTEGER else None
        if value is None or abs(value) > MAX_SAFE_INTEGER:
            raise _error("expected an integer below 2^53 (write a decimal string)", node.start_mark)
        return value

    def construct_number(self, node: yaml.ScalarNode) -> float:
        """Number that JSON can carry."""
        value = float(node.value)
        if not math.isfinite(value):
            raise _error("expected a finite number, got one beyond the range of a double", node.start_mark)
        return value


class _TextIntegerLoader(_JsonLoader):
    """The same for foreign files, whose integers may have any length: they stay text."""

    def construct_text(self, node: yaml.ScalarNode) -> str:
        """Digits as they stand."""
        return str(node.value)


_INTEGER = "tag:yaml.org,2002:int"
_NUMBER = "tag:yaml.org,2002:float"
_JsonLoader.add_constructor(_INTEGER, _JsonLoader.construct_integer)
_JsonLoader.add_constructor(_NUMBER, _JsonLoader.construct_number)
_TextIntegerLoader.add_constructor(_INTEGER, _TextIntegerLoader.construct_text)
for _tag, _pattern, _first in (
    ("tag:yaml.org,2002:null", r"(?:null|~|)$", ["n", "~", ""]),
    ("tag:yaml.org,2002:bool", r"(?:true|false)$", list("tf")),
    (_INTEGER, r"-?(?:0|[1-9][0-9]*)$", list("-0123456789")),
    (
        _NUMBER,
        r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+(?:[eE][+-]?[0-9]+)?|[eE][+-]?[0-9]+)$",
        list("-0123456789"),
    ),
):
    _JsonLoader.add_implicit_resolver(_tag, re.compile(_pattern), _first)


def load_yaml(
    data: bytes, *, max_bytes: int = MAX_YAML_BYTES, max_depth: int = MAX_DEPTH, integers_as_text: bool = False
) -> JsonValue:
    """Read one YAML document as a JSON value.

    Args:
        data: The document.
        max_bytes: A larger one is refused.
        max_depth: A deeper one is refused.
        integers_as_text: Keep integers as strings of digits, for foreign files with 64-bit numbers.

    Raises:
        DataError: Not UTF-8, not YAML, too large, too deep, several documents, an alias or tag, a duplicate or
            non-string key, an integer beyond 2^53, a number beyond a double; with line and column.
    """
    if len(data) > max_bytes:
        raise DataError(f"expected at most {max_bytes} bytes of YAML, got {len(data)}")
    try:
        text = data.decode("utf-8")
        _refuse_hostile_events(text, max_depth)
        loader = _TextIntegerLoader if integers_as_text else _JsonLoader
        value: JsonValue = yaml.load(text, Loader=loader)  # noqa: S506 - subclasses of the safe loader
    except UnicodeDecodeError as error:
        raise DataError(f"expected UTF-8, got byte 0x{data[error.start]:02x} at {error.start}") from None
    except yaml.MarkedYAMLError as error:
        raise _error(f"expected YAML, got {error.problem or error.context}", error.problem_mark) from None
    except yaml.YAMLError as error:
        raise DataError(f"expected YAML, got {error}") from None
    return value


def _refuse_hostile_events(text: str, max_depth: int) -> None:
    """Look at the flat event stream first: building nested nodes is recursive, reading events is not."""
    depth = documents = 0
    for event in yaml.parse(text, Loader=_Loader):
        documents += isinstance(event, yaml.DocumentStartEvent)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if documents > 1:
            raise _error("expected one document, got several", event.start_mark)
        if depth > max_depth:
            raise _error(f"expected at most {max_depth} levels, got more", event.start_mark)
        if isinstance(event, yaml.AliasEvent):
            raise _error("expected no aliases, got one", event.start_mark)
        if isinstance(event, yaml.NodeEvent) and getattr(event, "tag", None) is not None:
            raise _error(f"expected no tags, got {getattr(event, 'tag', '')}", event.start_mark)


def _error(message: str, mark: Any) -> DataError:
    """Error with the place of a mark, which libyaml and PyYAML type differently."""
    place = f" (line {mark.line + 1}, column {mark.column + 1})" if mark is not None else ""
    return DataError(message + place)
