"""A value held against a schema: one fault, one problem, with its place and a sentence in both languages.

`oneOf` reports the faults of the branch that the value comes closest to, never those of all branches at once.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import jsonschema_rs

from embodied_kit.language import Language
from embodied_kit.model.json import JsonObject, JsonValue
from embodied_kit.spec.standard import standard

_SHOWN = 60  # characters of a foreign value in a message
_OPTIONS_SHOWN = 12
_KEPT_VALIDATORS = 256


class _Words(NamedTuple):
    """The same words in both languages."""

    en: str
    zh: str


_NOTHING = _Words("nothing", "缺失")
_KNOWN_FIELD = _Words("a known field or an x_ name", "已知字段或 x_ 开头的扩展字段")
_FORMS = {
    "uniqueItems": _Words("items that differ", "互不相同的各项"),
    "oneOf": _Words("exactly one of the allowed forms", "恰好一种允许的形式"),
    "falseSchema": _Words("nothing here", "此处不应有值"),
}
_LIMITS = {
    "minimum": _Words("at least {}", "不小于 {}"),
    "maximum": _Words("at most {}", "不大于 {}"),
    "exclusiveMinimum": _Words("more than {}", "大于 {}"),
    "exclusiveMaximum": _Words("less than {}", "小于 {}"),
    "minLength": _Words("at least {} characters", "至少 {} 个字符"),
    "maxLength": _Words("at most {} characters", "至多 {} 个字符"),
    "minItems": _Words("at least {} items", "至少 {} 项"),
    "maxItems": _Words("at most {} items", "至多 {} 项"),
    "minProperties": _Words("at least {} fields", "至少 {} 个字段"),
    "maxProperties": _Words("at most {} fields", "至多 {} 个字段"),
}


@dataclass(frozen=True, order=True)
class SchemaProblem:
    """One way in which a value does not satisfy a schema.

    Attributes:
        pointer: JSON pointer (RFC 6901) of the value; of the absent field itself for `required`.
        message: English: "expected X, got Y"; foreign values are cut at 60 characters.
        keyword: JSON Schema keyword that was not satisfied.
        message_zh: The same in Chinese.
        limit: Number that a keyword like `maximum` or `minItems` sets; None for other keywords.
    """

    pointer: str
    message: str
    keyword: str
    message_zh: str
    limit: int | float | None = field(default=None, compare=False)

    def text(self, lang: Language) -> str:
        """The message in a language."""
        return self.message_zh if lang == "zh" else self.message


def check(kind: str, value: JsonValue, schema: JsonObject | None = None) -> list[SchemaProblem]:
    """Problems of a value, sorted by place; empty where it satisfies the schema.

    Args:
        kind: Kind of document; chooses the judging schema where no schema is given.
        value: What a strict reader returned (dicts and lists).
        schema: Self-contained schema; compiled once per object, so pass the same object again.
    """
    wanted = schema if schema is not None else standard().document_schema(kind)
    validator = _validator(_Kept(wanted))
    if validator.is_valid(value):  # a fifth of the time that looking for errors takes
        return []
    return sorted({problem for error in validator.iter_errors(value) for problem in _problems(error, wanted)})


class _Kept:
    """A schema as cache key by identity; the cache keeps the schema alive, so its identity stays its own."""

    __slots__ = ("schema",)

    def __init__(self, schema: JsonObject) -> None:
        self.schema = schema

    def __hash__(self) -> int:
        return id(self.schema)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Kept) and self.schema is other.schema


@functools.lru_cache(_KEPT_VALIDATORS)
def _validator(kept: _Kept) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(dict(kept.schema), validate_formats=True)


def _problems(error: jsonschema_rs.ValidationError, schema: JsonObject) -> Iterator[SchemaProblem]:
    """Problems behind one engine error."""
    kind: Any = error.kind
    pointer = _pointer(error.instance_path)
    if kind.name in ("oneOf", "anyOf") and getattr(kind, "context", None):
        yield from _nearest_branch(kind.context, error, schema)
    elif kind.name == "required":
        name = kind.property
        yield _problem(_pointer([*error.instance_path, name]), kind.name, _Words(f"'{name}'", f"'{name}'"), _NOTHING)
    elif kind.name in ("unevaluatedProperties", "additionalProperties"):
        for name in kind.unexpected:
            got = _Words(f"'{name[:_SHOWN]}'", f"'{name[:_SHOWN]}'")
            yield _problem(_pointer([*error.instance_path, name]), kind.name, _KNOWN_FIELD, got)
    elif kind.name == "propertyNames":
        name = str(kind.error.instance)
        expected = _expected(kind.error, schema)
        yield _problem(_pointer([*error.instance_path, name]), kind.name, expected, _shown(name))
    else:
        problem = _problem(pointer, kind.name, _expected(error, schema), _shown(error.instance))
        yield replace(problem, limit=getattr(kind, "limit", None))


def _nearest_branch(
    branches: Sequence[Sequence[jsonschema_rs.ValidationError]],
    above: jsonschema_rs.ValidationError,
    schema: JsonObject,
) -> Iterator[SchemaProblem]:
    """Problems of the branch that fits best: its type is right, its constants are right, it has fewest faults."""

    def distance(errors: Sequence[jsonschema_rs.ValidationError]) -> tuple[bool, int, int]:
        names: list[str] = [_kind(error).name for error in errors]
        wrong_type = any(
            name == "type" and error.instance_path == above.instance_path
            for name, error in zip(names, errors, strict=True)
        )
        return wrong_type, sum(name in ("const", "enum") for name in names), len(errors)

    best = min(branches, key=distance)
    if distance(best)[0]:
        types = sorted({name for errors in branches for error in errors for name in getattr(error.kind, "types", ())})
        expected = _Words(" or ".join(types), " 或 ".join(types))
        yield _problem(_pointer(above.instance_path), "type", expected, _shown(above.instance))
        return
    for error in best:
        yield from _problems(error, schema)


def _problem(pointer: str, keyword: str, expected: _Words, got: _Words) -> SchemaProblem:
    english = f"expected {expected.en}, got {got.en}"
    return SchemaProblem(pointer, english, keyword, f"应为 {expected.zh}，实为 {got.zh}")


def _expected(error: jsonschema_rs.ValidationError, schema: JsonObject) -> _Words:
    """What the violated keyword asks for."""
    kind: Any = error.kind
    name: str = kind.name
    if name == "type":
        return _Words(" or ".join(kind.types), " 或 ".join(kind.types))
    if name == "enum":
        shown = ", ".join(_shown(option).en for option in kind.options[:_OPTIONS_SHOWN])
        shown += ", ..." * (len(kind.options) > _OPTIONS_SHOWN)
        return _Words(f"one of {shown}", f"以下之一：{shown}")
    if name == "const":
        return _shown(kind.expected_value)
    if name in _LIMITS:
        return _Words(*(form.format(kind.limit) for form in _LIMITS[name]))
    if name == "pattern":
        title = _title(schema, error.schema_path)
        return _Words(f"{title.en} like {kind.pattern}", f"形如 {kind.pattern} 的{title.zh}")
    return _FORMS.get(name, _Words(f"what '{name}' allows", f"'{name}' 允许的值"))


def _title(schema: JsonObject, path: Sequence[str | int]) -> _Words:
    """Title of the subschema that a keyword at a path belongs to."""
    node: Any = schema
    for part in path[:-1]:
        node = node[part]
    return _Words(node.get("title", "text"), node.get("x-titles", {}).get("zh", "文本"))


def _kind(error: jsonschema_rs.ValidationError) -> Any:
    """The kind of an error; its attributes depend on the keyword."""
    return error.kind


def _shown(value: object) -> _Words:
    if isinstance(value, Mapping):
        return _Words(f"an object of {len(value)} fields", f"{len(value)} 个字段的对象")
    if isinstance(value, Sequence) and not isinstance(value, str):
        return _Words(f"a list of {len(value)}", f"{len(value)} 项的列表")
    text = json.dumps(value, ensure_ascii=False)
    cut = text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
    return _Words(cut, cut)


def _pointer(path: Sequence[str | int]) -> str:
    """JSON pointer of a path (RFC 6901 section 3)."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)
