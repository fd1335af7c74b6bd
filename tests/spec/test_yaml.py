"""YAML read as JSON, and every trap of YAML refused or defused."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embodied_kit.errors import DataError
from embodied_kit.spec import load_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 2026-10-02", {"a": "2026-10-02"}),
        ("a: 12:30:00", {"a": "12:30:00"}),
        ("a: no\nb: yes\nc: on", {"a": "no", "b": "yes", "c": "on"}),
        ("a: 1e-3", {"a": 0.001}),
        ("a: 1.5e3", {"a": 1500.0}),
        ("a: 010", {"a": "010"}),
        ("a: 0x10", {"a": "0x10"}),
        ("a: 1_000", {"a": "1_000"}),
        ("a: .inf", {"a": ".inf"}),
        ("a: .nan", {"a": ".nan"}),
        ("a: -7\nb: -0.5\nc: 0", {"a": -7, "b": -0.5, "c": 0}),
        ("a: true\nb: False\nc: ~\nd: null\ne:", {"a": True, "b": "False", "c": None, "d": None, "e": None}),
        ("a: '5'", {"a": "5"}),
        ("[1, 丢帧率]", [1, "丢帧率"]),
        ("", None),
    ],
)
def test_scalars_are_those_of_json(text: str, value: object) -> None:
    read = load_yaml(text.encode())
    assert read == value
    assert json.dumps(read) == json.dumps(value)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a: 1\na: 2", "'a' twice .line 2, column 1."),
        (b"b: {c: 1, c: 2}", "'c' twice"),
        (b"a: &x 1\nb: *x", "aliases"),
        (b"<<: {a: 1}\n? [1]\n: 2", "string as key"),
        (b"1: a", "string as key"),
        (b"a: !!python/object:os.system {}", "tags"),
        (b"a: !!str 5", "tags"),
        (b"a: 1\n---\nb: 2", "one document"),
        (b"a: 9007199254740993", "2\\^53"),
        (b"a: " + b"9" * 5000, "2\\^53"),
        (b"a: 1e999", "finite number"),
        (b"a: [1, 2", "expected YAML"),
        (b"a: \xff", "UTF-8"),
        (b"a: \x00", "expected YAML"),
        (b"[" * 100_000, "nesting depth|levels"),
        (b"[" * 100 + b"]" * 100, "at most 64 levels"),
        (b"a: " + b"x" * 2**20, "at most 1048576 bytes"),
    ],
)
def test_what_is_no_plain_data_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        load_yaml(data)


def test_merge_keys_are_ordinary_keys() -> None:
    assert load_yaml(b"<<: {a: 1}") == {"<<": {"a": 1}}


@given(st.binary(max_size=200))
def test_any_bytes_give_plain_data_or_a_data_error(data: bytes) -> None:
    with contextlib.suppress(DataError):
        json.dumps(load_yaml(data), allow_nan=False)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text("ab \n丢:#-0", max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1), inner, max_size=3),
        max_leaves=8,
    )
)
def test_json_is_yaml_and_reads_the_same(value: object) -> None:
    assert load_yaml(json.dumps(value).encode()) == value
