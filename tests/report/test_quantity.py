from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embodied_kit.model.json import JsonValue
from embodied_validators.report.quantity import duration_text, pair_text, shorten, span_text, value_text, visible


@pytest.mark.parametrize(
    ("measured", "required", "unit", "ratio", "expected"),
    [
        (0.0617, 0.05, "1", True, ("6.17 %", "5 %")),
        (0.0500004, 0.05, "1", True, ("5.00004 %", "5 %")),
        (1_500_000_000, 1_000_000_000, "ns", False, ("1.5 s", "1 s")),
        ("1500000", "1000000", "ns", False, ("1.5 ms", "1 ms")),
        (33_000_000, 1_000_000_000, "ns", False, ("0.033 s", "1 s")),
        (51.2, 50, "ms", False, ("51.2 ms", "50 ms")),
        (28.1, 29, "Hz", False, ("28.1 Hz", "29 Hz")),
        (3, 0, "", False, ("3", "0")),
        (12.5, 10, "{period}", False, ("12.5 periods", "10 periods")),
        ("mm", "m", "", False, ("mm", "m")),
        (False, True, "", False, ("no", "yes")),
        (None, 5, "s", False, ("–", "5 s")),
        (["a", "b"], "x", "", False, ('["a", "b"]', "x")),
        (
            "946684799000000000",
            "946684800000000000",
            "ns",
            False,
            ("1999-12-31 23:59:59.000Z", "2000-01-01 00:00:00.000Z"),
        ),
        (1_234_567, 1_000_000, "By", False, ("1.23 MB", "1 MB")),
        (1e-7, 1e-8, "m", False, ("1e-07 m", "1e-08 m")),
    ],
)
def test_pairs_read_as_people_write_them(
    measured: JsonValue, required: JsonValue, unit: str, ratio: bool, expected: tuple[str, str]
) -> None:
    assert pair_text(measured, required, unit, "en", ratio=ratio) == expected


@given(st.floats(-1e12, 1e12), st.floats(-1e12, 1e12), st.sampled_from(["1", "ns", "s", "By", "Hz", ""]), st.booleans())
def test_different_numbers_look_different(first: float, second: float, unit: str, ratio: bool) -> None:
    texts = pair_text(first, second, unit, "zh", ratio=ratio)
    apart = abs(first - second) > 1e-6 * max(abs(first), abs(second)) and abs(first - second) > 1e-6
    assert not apart or texts[0] != texts[1]


def test_durations_and_spans() -> None:
    assert duration_text(72.4, "en") == "1 min 12 s"
    assert duration_text(3723, "zh") == "1 小时 2 分"
    assert duration_text(4.25, "en") == "4.25 s"
    assert span_text(12_310_000_000, 12_640_000_000, 0) == "12.31–12.64 s"
    assert span_text(10**18, None, None) == "2001-09-09 01:46:40.000Z"


def test_untrusted_text_is_visible_and_short() -> None:
    assert visible("a\u200bb\tc") == "a\\u200bb\\u0009c"
    assert shorten("x" * 100, 10) == "x" * 9 + "…"
    assert value_text("\x1b[31m", "", "en") == "\\u001b[31m"
