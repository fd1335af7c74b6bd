from __future__ import annotations

import zlib

from hypothesis import given
from hypothesis import strategies as st

from embodied_kit.mcap.crc import combine


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_crc_of_parts_is_crc_of_the_whole(first: bytes, second: bytes) -> None:
    assert combine(zlib.crc32(first), zlib.crc32(second), len(second)) == zlib.crc32(first + second)


def test_long_second_part() -> None:
    second = bytes(range(256)) * 5000
    assert combine(zlib.crc32(b"head"), zlib.crc32(second), len(second)) == zlib.crc32(b"head" + second)
