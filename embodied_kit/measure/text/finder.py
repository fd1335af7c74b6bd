"""Kinds of personal information in one text: patterns that take linear time, each with a second look.

Every repetition is bounded and no two neighbours can match the same letters in two ways, so that no text, however long
or hostile, makes the search slow. What looks like a number of something else (a stamp, a count, a version) is counted
only where the words before it say what it is.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from embodied_kit.measure.text import checks

_CONTEXT_LETTERS = 24
_PLATE_REGIONS = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_PHONE_WORDS = re.compile(r"(?i)tel|phone|mobile|cell|call|sms|whatsapp|wechat|[电话手机联系拨打微信][^\d]*$")
_CARD_WORDS = re.compile(r"(?i)card|account|iban|银行|卡号|账户|账号")
_PASSPORT_WORDS = re.compile(r"(?i)passport|护照")
_PLACE_WORDS = re.compile(r"(?i)lat|lon|lng|gps|gnss|坐标|经纬|位置|定位")
_VERSION_WORDS = re.compile(r"(?i)(?:\bv|ver|version|release|rev)[\s:=\"'.]{0,4}$")
_COUNTRY_CODE = re.compile(r"(?<!\d)(?:\+|00)86[ -]?$")
_PART_OF_WORD = re.compile(r"[\w.+-]", re.ASCII)


@dataclass(frozen=True)
class Detector:
    """One kind and how it looks.

    Attributes:
        kind: Word of the vocabulary `text_kind`.
        hints: One of these must occur for the pattern to be tried at all.
        pattern: What it looks like.
        holds: Second look: (match, the letters before it) -> whether it is one.
        needs: How often one of the hints must occur.
    """

    kind: str
    hints: tuple[str, ...]
    pattern: re.Pattern[str]
    holds: Callable[[re.Match[str], str], bool]
    needs: int = 1

    def may_find(self, text: str) -> bool:
        """Whether the pattern is worth trying: most text of a log is not, and this is what makes it fast."""
        if self.needs == 1:
            return any(hint in text for hint in self.hints)
        return any(text.count(hint) >= self.needs for hint in self.hints)


def _is_mobile(match: re.Match[str], before: str) -> bool:
    """A mainland mobile number: eleven bare digits count only where the text is nothing else or says what they are."""
    text = match.group()
    if _COUNTRY_CODE.search(before):
        return True
    if before and _PART_OF_WORD.match(before[-1]):
        return False
    told = " " in text or "-" in text or match.string.strip() == text
    return bool(told or _PHONE_WORDS.search(before))


def _ascii(pattern: str) -> re.Pattern[str]:
    """A pattern whose classes are ASCII: Chinese letters may stand right beside a number."""
    return re.compile(pattern, re.ASCII)


def _whole(holds: Callable[[str], bool]) -> Callable[[re.Match[str], str], bool]:
    return lambda match, _: holds(match.group())


DETECTORS: tuple[Detector, ...] = (
    Detector(
        "id_number",
        ("0", "1", "2", "3"),
        _ascii(
            r"[1-8](?<![0-9A-Za-z].)\d{5}(?:18|19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx](?![0-9A-Za-z])"
        ),
        _whole(checks.is_resident_id),
    ),
    Detector(
        "phone",
        ("1",),
        _ascii(r"1[3-9]\d[ -]?\d{4}[ -]?\d{4}(?![\w-]|\.\d)"),
        _is_mobile,
    ),
    Detector(
        "phone",
        ("+",),
        _ascii(r"(?<![\w+.])\+(?!86[ -]?1[3-9])[1-9]\d{0,2}(?:[ -]?\(?\d{2,4}\)?){2,5}(?![\w-]|\.\d)"),
        _whole(checks.is_international_phone),
    ),
    Detector(
        "email",
        ("@",),
        _ascii(
            r"(?<![\w.%+-])[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![A-Za-z0-9-])"
        ),
        _whole(checks.is_personal_mail),
    ),
    Detector(
        "licence_plate",
        tuple(_PLATE_REGIONS),
        _ascii(
            rf"[{_PLATE_REGIONS}][A-HJ-NP-Z][·• -]?"
            r"(?:[DF][A-HJ-NP-Z0-9]\d{4}|\d{5}[DF]|[A-HJ-NP-Z0-9]{4}[A-HJ-NP-Z0-9挂学警港澳])(?![0-9A-Za-z])"
        ),
        _whole(checks.has_digit),
    ),
    Detector(
        "bank_card",
        ("card", "Card", "CARD", "account", "Account", "IBAN", "银行", "卡号", "账户", "账号"),
        _ascii(r"[3-6](?<![\w.].)\d{3}[ -]?\d{4}[ -]?\d{4}[ -]?\d{4}(?:[ -]?\d{1,3})?(?![\w.])"),
        lambda match, before: checks.is_payment_card(match.group()) and bool(_CARD_WORDS.search(before)),
    ),
    Detector(
        "passport",
        ("assport", "ASSPORT", "护照"),
        _ascii(r"(?<![0-9A-Za-z])(?:[DEGHPS]\d{8}|E[A-HJ-NP-Z]\d{7})(?![0-9A-Za-z])"),
        lambda _, before: bool(_PASSPORT_WORDS.search(before)),
    ),
    Detector(
        "home_path",
        ("home/", "sers"),
        _ascii(r"(?<!\w)(?:/(?:home|Users)/|[A-Za-z]:\\{1,2}Users\\{1,2})[^\s/\\\"'<>|:*?]{1,64}"),
        _whole(checks.is_personal_home),
    ),
    Detector(
        "mac",
        (":", "-"),
        _ascii(r"(?<![0-9A-Za-z:.-])[0-9A-Fa-f]{2}([:-])(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}(?![0-9A-Za-z:-]|\.\d)"),
        _whole(checks.is_device_mac),
        needs=5,
    ),
    Detector(
        "ip_address",
        (".",),
        _ascii(r"\d(?<![\w.+-].)\d{0,2}\.(?:\d{1,3}\.){2}\d{1,3}(?!\w|\.\d|-)"),
        lambda match, before: checks.is_host_address(match.group()) and not _VERSION_WORDS.search(before),
        needs=3,
    ),
    Detector(
        "ip_address",
        ("::",),
        _ascii(r"(?<![\w:.])(?:[0-9A-Fa-f]{1,4}:){1,7}(?::?[0-9A-Fa-f]{1,4}){1,7}(?![\w:])"),
        lambda match, _: "::" in match.group() and checks.is_host_address(match.group()),
    ),
    Detector(
        "ip_address",
        (":",),
        _ascii(r"(?<![\w:.])(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}(?![\w:])"),
        _whole(checks.is_host_address),
        needs=7,
    ),
    Detector(
        "location",
        ("lat", "Lat", "LAT", "lng", "lon", "Lon", "LON", "gps", "GPS", "gnss", "GNSS", "坐标", "经纬", "位置", "定位"),
        _ascii(
            r"(?<![\w.])[-+]?(?:[0-8]?\d|90)\.\d{4,12}(?![\d.])[^\d.]{1,24}[-+]?(?:1[0-7]\d|\d{1,2}|180)\.\d{4,12}(?![\d.])"
        ),
        lambda match, before: bool(_PLACE_WORDS.search(before) or _PLACE_WORDS.search(match.group())),
    ),
    Detector("location", ("$G",), _ascii(r"\$G[NPLAB](?:GGA|RMC|GLL),[^*\r\n]{8,80}\*[0-9A-F]{2}"), lambda *_: True),
)


def occurrences(text: str) -> Iterator[tuple[str, str]]:
    """(kind, the words found) of each piece of personal information in a text."""
    for detector in DETECTORS:
        if detector.may_find(text):
            for match in detector.pattern.finditer(text):
                before = text[max(0, match.start() - _CONTEXT_LETTERS) : match.start()]
                if detector.holds(match, before):
                    yield detector.kind, match.group()


def find(text: str) -> Counter[str]:
    """How often each kind occurs in a text."""
    return Counter(kind for kind, _ in occurrences(text))
