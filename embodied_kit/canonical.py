"""JSON as evidence: strict reading of what others wrote, one canonical form of what we write, digests of both."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NoReturn

import numpy as np
import orjson
import rfc8785

from embodied_kit.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from embodied_kit.model.json import JsonObject, JsonValue

JsonProblem = Literal[
    "",
    "not_utf8",
    "not_json",
    "duplicate_key",
    "non_finite",
    "integer_range",
    "too_deep",
    "too_large",
    "not_object",
]
SIGNIFICANT_DIGITS = 9
MAX_SAFE_INTEGER = 2**53 - 1  # I-JSON, RFC 7493 section 2.2
MAX_DOCUMENT_BYTES = 16 * 2**20
MAX_DEPTH = 64
MAX_VALUES = 100_000  # a value takes up to a kilobyte while it is parsed, checked and written again
_BLOCK_BYTES = 2**20
_LONGEST_JCS_INTEGER = 22  # below 1e21, with a sign
_PLAIN = frozenset({str, bool, int, type(None)})
_OPENING = b"{["
_SORTED = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER
_TOO_LONG, _UNLIKE_JCS = rb"(?:[1-9][\d.]{10}|0\.0*[1-9]\d{9})", rb"[\d.]+(?:\.0|e[-+]?\d+)(?=[,\]}])"
_ODD = re.compile(rb"[:,\[]-?(?:%b|%b)" % (_TOO_LONG, _UNLIKE_JCS))
"""Where orjson may have written a float of more than nine digits, or one that JCS writes in another way."""
_LONG = re.compile(rb"[:,\[]-?%b" % _TOO_LONG)
_UNLIKE = re.compile(rb"(?<=[:,\[])-?%b" % _UNLIKE_JCS)
_LEAST_ALIKE = 1e-4  # from here on, with nine digits, every writer of shortest numbers gives the digits of JCS


@dataclass(frozen=True)
class ParseResult:
    """Outcome of reading one JSON document.

    Attributes:
        value: The object; None where there is a problem.
        problem: What is wrong in one word; empty where nothing is.
        place: Where or which, for people: a line and column, a key, a number.
        values_n: Brackets and commas of a document without a problem, which is at least the number of its values.
    """

    value: JsonObject | None
    problem: JsonProblem = ""
    place: str = ""
    values_n: int = 0


class _ProblemFoundError(ValueError):
    def __init__(self, problem: JsonProblem, place: str) -> None:
        super().__init__(problem)
        self.problem: JsonProblem = problem
        self.place = place[:80]


def parse_json(
    data: bytes, *, max_bytes: int = MAX_DOCUMENT_BYTES, max_depth: int = MAX_DEPTH, max_values: int = MAX_VALUES
) -> ParseResult:
    """Read one JSON object by the strict rules of I-JSON (RFC 7493); never raises on bad input.

    Args:
        data: The document's bytes.
        max_bytes: Larger documents are not parsed.
        max_depth: Deeper nesting is not parsed.
        max_values: Documents of more values (objects, lists, items of both) are not parsed.
    """
    if len(data) > max_bytes:
        return ParseResult(None, "too_large", f"{len(data)} bytes, at most {max_bytes}")
    depth, values = _extent(data)
    if depth > max_depth:
        return ParseResult(None, "too_deep", f"{depth} levels, at most {max_depth}")
    if values > max_values:
        return ParseResult(None, "too_large", f"{values} values, at most {max_values}")
    try:
        value: JsonValue = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_unique_object,
            parse_constant=_refuse_constant,
            parse_float=_finite_float,
            parse_int=_safe_integer,
        )
        if b"\\u" in data:
            json.dumps(value, ensure_ascii=False).encode("utf-8")  # a lone surrogate has no UTF-8 form
    except _ProblemFoundError as error:
        return ParseResult(None, error.problem, error.place)
    except UnicodeError as error:
        return ParseResult(None, "not_utf8", str(error)[:80])
    except json.JSONDecodeError as error:
        return ParseResult(None, "not_json", f"line {error.lineno} column {error.colno}: {error.msg}")
    if not isinstance(value, dict):
        return ParseResult(None, "not_object", type(value).__name__)
    return ParseResult(value, values_n=values)


def parse_line(
    data: bytes, *, max_bytes: int = MAX_DOCUMENT_BYTES, max_depth: int = MAX_DEPTH, max_values: int = MAX_VALUES
) -> ParseResult:
    """As `parse_json`, quick where the bytes are the form that we write ourselves; `values_n` is not told.

    What a lenient parser would let pass (a key twice, a number that is not kept, another writing of a character) does
    not come out again byte for byte, and goes the strict way.
    """
    depth = opened_n = data.count(b"{") + data.count(b"[")
    if max_depth < opened_n <= max_values and len(data) <= max_bytes:
        depth, _ = _extent(data)
    few = len(data) <= max_values or opened_n + data.count(b",") <= max_values
    if len(data) <= max_bytes and depth <= max_depth and few:
        try:
            value = orjson.loads(data)
            if type(value) is dict and _is_written_as(value, data.removesuffix(b"\n")):
                return ParseResult(value)
        except (ValueError, TypeError):  # no JSON, or an integer that is not safe
            pass
    return parse_json(data, max_bytes=max_bytes, max_depth=max_depth, max_values=max_values)


def _is_written_as(value: JsonObject, data: bytes) -> bool:
    """Whether `data`, of which a lenient parser made the value, is what is written of it, so that it hides nothing.

    Numbers are written as JCS does by a pattern, which would change a text that looks like one; then the text of the
    value, which is that of `data`, is not what comes out.
    """
    written = orjson.dumps(value, option=_SORTED)
    return written == data or _UNLIKE.sub(_like_jcs, written) == data or canonical_bytes(value) == data


def load_json(path: Path) -> JsonObject:
    """Read a JSON object that we need.

    Raises:
        DataError: It cannot be read, or is not strict JSON.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    result = parse_json(data)
    if result.value is None:
        raise DataError(f"expected a JSON object in {path}, got {result.problem}: {result.place}")
    return result.value


def canonical_bytes(value: JsonValue) -> bytes:
    """JCS form (RFC 8785) of a value whose floats are first rounded to 9 significant digits."""
    try:
        data = orjson.dumps(value, option=_SORTED)
        if data.isascii() and data[0] in _OPENING and (b"null" not in data or _is_finite(value)):
            if not _ODD.search(data):
                return data
            short = _UNLIKE.sub(_like_jcs, data)
            if not _LONG.search(data) and orjson.loads(short) == orjson.loads(data):  # no string looked like a number
                return short
        return orjson.dumps(_writable(value), option=_SORTED)
    except TypeError:  # what orjson writes otherwise or not at all
        return rfc8785.dumps(rounded(value))


def _is_finite(value: JsonValue) -> bool:
    """Whether all numbers are finite: orjson writes others as null."""
    if isinstance(value, float):
        return math.isfinite(value)
    if value is None or isinstance(value, str | int):
        return True
    items = value.values() if isinstance(value, Mapping) else value
    return all(type(item) in _PLAIN or _is_finite(item) for item in items)


def _like_jcs(match: re.Match[bytes]) -> bytes:
    value = float(match[0])
    return b"%d" % value if value.is_integer() and abs(value) <= MAX_SAFE_INTEGER else rfc8785.dumps(value)


def _writable(value: JsonValue) -> object:
    """The value rounded, such that orjson writes its JCS form: a fifteenth of the time.

    Raises:
        TypeError: There is a name that is not ASCII, whose place JCS orders otherwise.
        ValueError: A float is not finite.
    """
    if type(value) in _PLAIN:
        return value
    if isinstance(value, float):
        return _writable_number(value)
    if isinstance(value, Mapping):
        if not all(map(str.isascii, value)):
            raise TypeError("expected names in ASCII")
        return {key: item if type(item) in _PLAIN else _writable(item) for key, item in value.items()}
    if isinstance(value, str | int):
        raise TypeError("expected plain types")
    return [item if type(item) in _PLAIN else _writable(item) for item in value or ()]


def _writable_number(value: float) -> int | float | orjson.Fragment:
    if not math.isfinite(value):
        raise ValueError(f"expected a finite number, got {value}")
    short = float(f"{value:.{SIGNIFICANT_DIGITS}g}")
    whole = int(short)
    if whole == short and abs(whole) <= MAX_SAFE_INTEGER:
        return whole
    return short if whole != short and abs(short) >= _LEAST_ALIKE else orjson.Fragment(rfc8785.dumps(short))


def pretty_bytes(value: JsonValue) -> bytes:
    """The form in which documents lie on disk: UTF-8, two spaces, order kept, final newline."""
    return (json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n").encode("utf-8")


def rounded(value: JsonValue) -> JsonValue:
    """The value with each float at 9 significant digits; containers become plain lists and dicts.

    Raises:
        ValueError: A float is not finite.
    """
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"expected a finite number, got {value}")
        return float(f"{value:.{SIGNIFICANT_DIGITS}g}")
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, Mapping):
        return {key: rounded(item) for key, item in value.items()}
    return [rounded(item) for item in value]


def sha256_hex(data: bytes) -> str:
    """SHA-256 in lower-case hex."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """SHA-256 of a file's bytes in lower-case hex, read in 1 MiB blocks."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def _extent(data: bytes) -> tuple[int, int]:
    """Deepest nesting of brackets, and number of brackets and commas, both outside strings; without recursion.

    A text that is no JSON may be counted wrongly behind its first fault, where no parser arrives.
    """
    deepest = depth = values = 0
    quoted = False
    # Pairs from the left: what is left of a run of backslashes escapes the character behind it.
    plain = data.replace(rb"\\", b"__").replace(rb"\"", b"__") if b"\\" in data else data
    for first in range(0, len(plain), _BLOCK_BYTES):
        codes = np.frombuffer(plain, np.uint8, min(_BLOCK_BYTES, len(plain) - first), first)
        inside = (np.cumsum(codes == ord('"'), dtype=np.uint8) & 1).astype(bool) ^ quoted
        quoted = bool(inside[-1])
        codes = codes[~inside]
        opened = (codes == ord("[")) | (codes == ord("{"))
        steps = opened.astype(np.int32) - ((codes == ord("]")) | (codes == ord("}")))
        depths = np.cumsum(steps) + depth
        deepest = max(deepest, int(depths.max(initial=0)))
        depth = int(depths[-1]) if len(depths) else depth
        values += int(opened.sum()) + int((codes == ord(",")).sum())
    return deepest, values


def _unique_object(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    result: dict[str, JsonValue] = {}
    for key, value in pairs:
        if key in result:
            raise _ProblemFoundError("duplicate_key", key)
        result[key] = value
    return result


def _refuse_constant(word: str) -> NoReturn:
    raise _ProblemFoundError("non_finite", word)


def _finite_float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise _ProblemFoundError("non_finite", text)
    return value


def _safe_integer(text: str) -> int | float:
    value = int(text) if len(text) <= _LONGEST_JCS_INTEGER else None
    if value is not None and abs(value) <= MAX_SAFE_INTEGER:
        return value
    if value is not None and (int(float(value)) == value or rfc8785.dumps(float(value)) == text.encode()):
        return float(value)  # JCS writes a large float without exponent, by its shortest digits
    raise _ProblemFoundError("integer_range", text)
