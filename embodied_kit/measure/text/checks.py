"""Second look at what a pattern found: check digits, real dates, addresses that say nothing about anybody."""

from __future__ import annotations

import ipaddress
import re
from datetime import date

_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECK = "10X98765432"
_PROVINCES = frozenset(
    (*range(11, 16), *range(21, 24), *range(31, 38), *range(41, 47), *range(50, 55), *range(61, 66), 71, 81, 82, 83)
)
_RESERVED_HOSTS = (".example", ".invalid", ".test", ".localhost")  # RFC 2606
_RESERVED_NAMES = ("example.com", "example.net", "example.org")
_FILE_ENDINGS = ("png", "jpg", "jpeg", "gif", "svg", "webp")  # icon@2x.png
_SYSTEM_USERS = frozenset(
    ("user", "username", "ubuntu", "ros", "runner", "root", "docker", "public", "shared", "default")
)
_PHONE_DIGITS = range(8, 16)  # ITU-T E.164: at most 15
_SMALL_OCTET = 9


def is_resident_id(text: str) -> bool:
    """Whether 18 characters are a resident ID number: region, a real birth date, check digit (ISO 7064 MOD 11-2)."""
    try:
        date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        return False
    total = sum(int(digit) * weight for digit, weight in zip(text, _ID_WEIGHTS, strict=False))
    return int(text[:2]) in _PROVINCES and _ID_CHECK[total % 11] == text[17].upper()


def is_international_phone(text: str) -> bool:
    """Whether a number that begins with + has as many digits as E.164 allows, and more than a value with a sign."""
    digits = sum(letter.isdigit() for letter in text)
    return digits in _PHONE_DIGITS and (digits > 9 or " " in text or "-" in text)


def is_personal_mail(text: str) -> bool:
    """Whether an address is neither of a reserved host nor the user of a version control host."""
    local, _, host = text.lower().rpartition("@")
    reserved = host.endswith(_RESERVED_HOSTS) or any(host == n or host.endswith(f".{n}") for n in _RESERVED_NAMES)
    return not reserved and local != "git" and host.rpartition(".")[2] not in _FILE_ENDINGS


def has_digit(text: str) -> bool:
    """Whether there is a digit behind the letters that name the region."""
    return any(letter.isdigit() for letter in text[2:])


def is_payment_card(text: str) -> bool:
    """Whether the digits satisfy the check of ISO/IEC 7812-1 (Luhn)."""
    digits = [int(letter) for letter in text if letter.isdigit()]
    total = sum(digits[-1::-2]) + sum(sum(divmod(2 * digit, 10)) for digit in digits[-2::-2])
    return 16 <= len(digits) <= 19 and total % 10 == 0


def is_personal_home(text: str) -> bool:
    """Whether the folder is that of a person, not of a system account or a placeholder."""
    return re.split(r"[/\\]", text)[-1].lower() not in _SYSTEM_USERS


def is_device_mac(text: str) -> bool:
    """Whether it names a device: neither all zero nor broadcast, and no date written with hyphens."""
    plain = text.replace(":", "").replace("-", "").lower()
    return plain not in ("0" * 12, "f" * 12) and (":" in text or not plain.isdigit())


def is_host_address(text: str) -> bool:
    """Whether an IP address may name a host: not loopback, unspecified, multicast, reserved or for documentation."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if address.is_loopback or address.is_unspecified or address.is_multicast or address.is_reserved:
        return False
    if isinstance(address, ipaddress.IPv4Address):
        version = all(octet <= _SMALL_OCTET for octet in address.packed)
        return not version and not any(address in net for net in _DOCUMENTATION_V4)
    return address not in _DOCUMENTATION_V6


_DOCUMENTATION_V4 = tuple(map(ipaddress.IPv4Network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")))  # RFC 5737
_DOCUMENTATION_V6 = ipaddress.IPv6Network("2001:db8::/32")  # RFC 3849
