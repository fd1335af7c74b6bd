"""CRC-32, and that of joined bytes from the CRCs of their parts, so that no payload is passed twice.

The CRC itself is ISA-L's where that package is installed, four times as fast as zlib's and the same number.
Method of joining: zlib's crc32_combine (multiplication by x^(8n) modulo the polynomial, over GF(2), bits reversed).
"""

from __future__ import annotations

from functools import lru_cache

try:
    from isal.isal_zlib import crc32
except ImportError:  # no wheel for this machine
    from zlib import crc32

__all__ = ["combine", "crc32"]

_POLYNOMIAL = 0xEDB88320
_ONE = 1 << 31


def combine(first: int, second: int, second_length: int) -> int:
    """CRC-32 of two parts joined, from theirs and the second's length in bytes."""
    return _product(_shift(second_length), first) ^ second


def _product(left: int, right: int) -> int:
    """Product of two polynomials modulo the CRC's; bit 31 is x^0."""
    found, bit = 0, _ONE
    while left:
        if left & bit:
            found ^= right
            left ^= bit
        bit >>= 1
        right = right >> 1 ^ (_POLYNOMIAL if right & 1 else 0)
    return found


@lru_cache(maxsize=256)
def _shift(length: int) -> int:
    """x^(8 length) modulo the polynomial."""
    found, power = _ONE, _ONE >> 8
    while length:
        if length & 1:
            found = _product(power, found)
        power = _product(power, power)
        length >>= 1
    return found
