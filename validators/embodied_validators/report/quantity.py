"""Numbers as people read them: UCUM codes to signs, ns to ms or s, ratios to per cent, untrusted text made visible."""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Mapping
from datetime import datetime, timezone

from embodied_kit.language import Language
from embodied_kit.model.json import JsonValue
from embodied_validators.report.info import as_integer

NS_PER_S = 1_000_000_000
_EPOCH_NS = 10**17  # a number of ns above this is a date (1973), below it a duration
_LATEST_NS = 253_402_300_799 * NS_PER_S  # the last second of the year 9999
_IN_NS = {"ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9}
_SCALES = ((1e9, "s"), (1e6, "ms"), (1e3, "µs"), (0.0, "ns"))
_BYTE_SCALES = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (0.0, "B"))
_SIGNS = {
    "": "",
    "1": "",
    "%": "%",
    "Cel": "°C",
    "deg": "°",
    "m/s2": "m/s²",
    "rad/s2": "rad/s²",
    "N.m": "N·m",
    "[pi].rad": "π rad",
}
_ANNOTATIONS: Mapping[str, Mapping[Language, str]] = {
    "{period}": {"en": "periods", "zh": "个周期"},
    "{frame}": {"en": "frames", "zh": "帧"},
    "{message}": {"en": "messages", "zh": "条消息"},
    "{file}": {"en": "files", "zh": "个文件"},
    "{pixel}": {"en": "px", "zh": "px"},
    "{px}": {"en": "px", "zh": "px"},
}
_LONGEST_TEXT = 60
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def visible(text: str) -> str:
    """Text from outside with every control, format and line character spelt out, so that it cannot move or hide."""
    return "".join(f"\\u{ord(char):04x}" if unicodedata.category(char) in _INVISIBLE else char for char in text)


def shorten(text: str, length: int = _LONGEST_TEXT) -> str:
    """Text of at most `length` characters; what was cut shows as `…`."""
    return text if len(text) <= length else text[: length - 1] + "…"


def pair_text(
    measured: JsonValue, required: JsonValue, unit: str, lang: Language, *, ratio: bool = False
) -> tuple[str, str]:
    """Two values in the same unit, with enough digits that unequal values look unequal.

    Args:
        measured: What was found.
        required: What was asked for.
        unit: UCUM code of both.
        lang: Language of words such as `periods`.
        ratio: Both are shares of one, shown in per cent.
    """
    first, second = _number(measured, unit), _number(required, unit)
    if first is None or second is None:
        return (
            value_text(measured, unit, lang, ratio=ratio),
            value_text(required, unit, lang, ratio=ratio),
        )
    largest = max(abs(first), abs(second))
    texts = ("", "")
    for digits in range(3, 13):
        texts = (
            _scaled(first, unit, lang, digits=digits, ratio=ratio, scale_of=largest),
            _scaled(second, unit, lang, digits=digits, ratio=ratio, scale_of=largest),
        )
        if texts[0] != texts[1] or first == second:
            break
    return texts


def value_text(value: JsonValue, unit: str, lang: Language, *, ratio: bool = False) -> str:
    """One value with its unit; `–` for none, short JSON for a container."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return {"en": ("no", "yes"), "zh": ("否", "是")}[lang][value]
    number = _number(value, unit)
    if number is not None:
        return _scaled(number, unit, lang, digits=3, ratio=ratio, scale_of=abs(number))
    if isinstance(value, str):
        return shorten(visible(value))
    return shorten(visible(json.dumps(value, ensure_ascii=False, default=dict)))


def duration_text(seconds: float, lang: Language) -> str:
    """A length of time in its two largest units: `1 min 12 s`, `2 h 5 min`, `4.2 s`."""
    hour, minute, second = ("小时", "分", "秒") if lang == "zh" else ("h", "min", "s")
    if seconds < 60:
        return f"{_digits(seconds, 3)} {second}"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} {minute} {whole % 60} {second}"
    return f"{whole // 3600} {hour} {whole % 3600 // 60} {minute}"


def span_text(start_ns: int, end_ns: int | None, origin_ns: int | None) -> str:
    """A span in s since the episode's start, or in UTC where the start is not known."""
    if origin_ns is None:
        return _date(start_ns) if end_ns in {None, start_ns} else f"{_date(start_ns)} – {_date(end_ns or 0)}"
    first = f"{(start_ns - origin_ns) / NS_PER_S:.2f}"
    last = f"{((end_ns if end_ns is not None else start_ns) - origin_ns) / NS_PER_S:.2f}"
    return f"{first} s" if first == last else f"{first}–{last} s"


def _number(value: JsonValue, unit: str) -> float | None:
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, str):
        return float(number) if unit == "ns" and (number := as_integer(value)) is not None else None
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _scaled(number: float, unit: str, lang: Language, *, digits: int, ratio: bool, scale_of: float) -> str:
    if ratio and unit in {"", "1"}:
        return f"{_digits(number * 100, digits)} %"
    if unit in _IN_NS:
        nanoseconds = number * _IN_NS[unit]
        if unit == "ns" and _EPOCH_NS <= abs(number) <= _LATEST_NS:
            return _date(int(number))
        return _in_scale(nanoseconds, scale_of * _IN_NS[unit], _SCALES, digits)
    if unit == "By":
        return _in_scale(number, scale_of, _BYTE_SCALES, digits)
    sign = unit_sign(unit, lang)
    return f"{_digits(number, digits)} {sign}".rstrip()


def unit_sign(unit: str, lang: Language) -> str:
    """A UCUM code as it is printed: `m/s2` is m/s², an annotation such as `{period}` is a word."""
    if unit in _ANNOTATIONS:
        return _ANNOTATIONS[unit][lang]
    if unit.startswith("{") and unit.endswith("}"):
        return unit[1:-1].replace("_", " ")
    return visible(_SIGNS.get(unit, unit))


def _in_scale(number: float, scale_of: float, scales: tuple[tuple[float, str], ...], digits: int) -> str:
    if scale_of == 0:
        return f"0 {scales[0][1]}"
    factor, sign = next(scale for scale in scales if scale_of >= scale[0])
    return f"{_digits(number / (factor or 1.0), digits)} {sign}"


def _digits(number: float, digits: int) -> str:
    """A number at some significant digits, integers whole, without exponent where that reads well."""
    if number == int(number) and abs(number) < 1e12:
        return f"{int(number)}"
    if 1e-4 <= abs(number) < 1e9:
        places = max(0, digits - 1 - math.floor(math.log10(abs(number))))
        text = f"{number:.{places}f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return f"{number:.{digits}g}"


def _date(time_ns: int) -> str:
    moment = datetime.fromtimestamp(time_ns // NS_PER_S, timezone.utc)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{time_ns % NS_PER_S // 1_000_000:03d}Z"
