import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embodied_kit.canonical import _extent, canonical_bytes, parse_json, rounded

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


def test_floats_keep_nine_significant_digits() -> None:
    assert rounded({"a": [math.pi, 1 / 3]}) == {"a": [3.14159265, 0.333333333]}


def test_a_number_that_is_not_finite_cannot_be_evidence() -> None:
    with pytest.raises(ValueError, match="finite"):
        canonical_bytes({"a": math.nan})
