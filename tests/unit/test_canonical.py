import json
import math

import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from embodied_kit.canonical import _extent, canonical_bytes, parse_json, parse_line, rounded

HOSTILE = {
    "not_utf8": b'{"a": "\xff"}',
    "not_utf8 lone surrogate": b'{"a": "\\ud800"}',
    "not_json": b'{"a": 1,}',
    "not_json empty": b"",
    "not_json bom": b'\xef\xbb\xbf{"a": 1}',
    "duplicate_key": b'{"a": 1, "a": 2}',
    "non_finite": b'{"a": NaN}',
    "non_finite overflow": b'{"a": 1e999}',
    "integer_range": b'{"a": 9007199254740993}',
    "integer_range digits": b'{"a": ' + b"9" * 10_000 + b"}",
    "too_deep": b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "too_large": b'{"a": "' + b"x" * (17 * 2**20) + b'"}',
    "too_large values": b'{"a": [' + b'{"b": 0},' * 100_000 + b"0]}",
    "not_object": b"[1]",
}

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=12,
)


@pytest.mark.parametrize("name", HOSTILE)
def test_bad_json_is_named_and_never_raises(name: str) -> None:
    result = parse_json(HOSTILE[name])
    assert (result.value, result.problem) == (None, name.split(maxsplit=1)[0])


def test_brackets_in_strings_do_not_count_as_depth() -> None:
    assert parse_json(b'{"a": "' + b"[" * 1000 + b'\\"["}').problem == ""


@pytest.mark.parametrize("escaped", [b"\\\\", b'\\\\\\"', b'\\"['])
def test_escapes_do_not_end_a_string(escaped: bytes) -> None:
    many = b"," * 200_000
    assert parse_json(b'{"a": "' + escaped + many + b'"}').problem == ""
    assert parse_json(b'{"a": "' + escaped + b'", "b": [' + b"0," * 200_000 + b"0]}").problem == "too_large"


@given(st.dictionaries(st.text(max_size=4), json_values, max_size=4), st.integers(1, 9))
def test_extent_is_counted_over_any_blocks(value: dict[str, object], block: int) -> None:
    data = json.dumps(value).encode()
    with pytest.MonkeyPatch.context() as patch:
        whole = _extent(data)
        patch.setattr("embodied_kit.canonical._BLOCK_BYTES", block)
        assert _extent(data) == whole


@given(st.dictionaries(st.text(max_size=4), json_values, max_size=4))
def test_canonical_form_is_a_fixed_point(value: dict[str, object]) -> None:
    once = canonical_bytes(value)  # type: ignore[arg-type]
    parsed = parse_json(once)
    assert parsed.value is not None
    assert canonical_bytes(parsed.value) == once


@example({"a": [1e-4, 9.99999999e-5, 1.5e-7, 1e21, 1e20, 2.0**53, -0.0, 0.5, 1e15, 123456789.123, 5e-324]})
@example({"\ue000": 1, "\U00010000": 2, "b": 3, "a": '\x00\x1f\x7f\u2028"\\/'})
@given(st.dictionaries(st.text(max_size=4), json_values, max_size=4))
def test_canonical_form_is_that_of_rfc_8785(value: dict[str, object]) -> None:
    assert canonical_bytes(value) == rfc8785.dumps(rounded(value))  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [{"a": 2**53}, {"a": "\ud800"}, {"\ud800": 1}, {1: 2}])
def test_what_has_no_canonical_form_is_refused(value: dict[str, object]) -> None:
    with pytest.raises((rfc8785.CanonicalizationError, UnicodeError)):
        canonical_bytes(value)  # type: ignore[arg-type]


@given(st.dictionaries(st.text(max_size=4), json_values, max_size=4), st.booleans(), st.integers(1, 4))
def test_a_line_is_read_like_a_document(value: dict[str, object], ours: bool, depth: int) -> None:
    data = canonical_bytes(value) + b"\n" if ours else json.dumps(value).encode()  # type: ignore[arg-type]
    strict, line = parse_json(data, max_depth=depth), parse_line(data, max_depth=depth)
    assert (repr(line.value), line.problem) == (repr(strict.value), strict.problem)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_bad_line_is_named_like_a_bad_document(name: str) -> None:
    assert parse_line(HOSTILE[name]) == parse_json(HOSTILE[name])


LENIENT = [
    '{"a":1,"a":1}',
    '{"a":9007199254740993}',
    '{"a":18446744073709551616}',
    '{"a":1e22}',
    '{"a":-0}',
    '{"a":[1,2]}',
]


@pytest.mark.parametrize("text", LENIENT)
def test_a_line_that_a_lenient_parser_reads_otherwise_is_read_strictly(text: str) -> None:
    strict, line = parse_json(text.encode(), max_values=3), parse_line(text.encode(), max_values=3)
    assert (repr(line.value), line.problem, line.place) == (repr(strict.value), strict.problem, strict.place)


def test_floats_keep_nine_significant_digits() -> None:
    assert rounded({"a": [math.pi, 1 / 3]}) == {"a": [3.14159265, 0.333333333]}


def test_a_number_that_is_not_finite_cannot_be_evidence() -> None:
    with pytest.raises(ValueError, match="finite"):
        canonical_bytes({"a": math.nan})
