"""JSON as evidence: strict reading of what others wrote, one canonical form of what we write, digests of both."""

from __future__ import annotations

import hashlib
import json
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NoReturn

import numpy as np
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
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_HASH_BLOCK = 2**20
_LONGEST_JCS_INTEGER = 22  # below 1e21, with a sign


@dataclass(frozen=True)
class ParseResult:
    """Outcome of reading one JSON document.

    Attributes:
        value: The object; None where there is a problem.
        problem: What is wrong in one word; empty where nothing is.
        place: Where or which, for people: a line and column, a key, a number.
    """

    value: JsonObject | None
    problem: JsonProblem = ""
    place: str = ""


class _ProblemFoundError(ValueError):
    def __init__(self, problem: JsonProblem, place: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.place = place[:80]


def parse_json(data: bytes, *, max_bytes: int = MAX_DOCUMENT_BYTES, max_depth: int = MAX_DEPTH) -> ParseResult:
    """Read one JSON object by the strict rules of I-JSON (RFC 7493); never raises on bad input.

    Args:
        data: The document's bytes.
        max_bytes: Larger documents are not parsed.
        max_depth: Deeper nesting is not parsed.
    """
    if len(data) > max_bytes:
        return ParseResult(None, "too_large", f"{len(data)} bytes, at most {max_bytes}")
    depth = _nesting_depth(data)
    if depth > max_depth:
        return ParseResult(None, "too_deep", f"{depth} levels, at most {max_depth}")
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
    return ParseResult(value)


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
    return rfc8785.dumps(rounded(value))


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
    if hasattr(value, "items"):
        return {key: rounded(item) for key, item in value.items()}
    return [rounded(item) for item in value]


def sha256_hex(data: bytes) -> str:
    """SHA-256 in lower-case hex."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """SHA-256 of a file's bytes in lower-case hex, read in 1 MiB blocks."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_HASH_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _nesting_depth(data: bytes) -> int:
    """Deepest nesting of brackets outside strings, without recursion."""
    codes = np.frombuffer(_STRING.sub(b"", data), np.uint8)
    steps = ((codes == ord("[")) | (codes == ord("{"))).astype(np.int32)
    steps -= (codes == ord("]")) | (codes == ord("}"))
    return int(np.cumsum(steps).max(initial=0))


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
