"""Whether a coded picture can be decoded alone, told by its headers: no pixel is decoded.

H.264 and H.265 are byte streams of NAL units (Annex B of both), VP9 frames and AV1 temporal units.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from enum import Enum

_START = b"\0\0\1"
_MOST_ZEROS = 8
"""Zero bytes in front of the first start code; more are no byte stream any more."""
_H264_SLICES, _H264_IDR, _H264_SEI, _RECOVERY_POINT = range(1, 6), 5, 6, 6
_H264_B = (1, 6)
_H265_PICTURES, _H265_ACCESS, _H265_SKIPPED = range(32), range(16, 24), (8, 9)
_AV1_SEQUENCE, _AV1_PICTURES, _AV1_SIZED, _AV1_EXTENDED = 1, (3, 6), 2, 4


class Access(Enum):
    """How a picture can be decoded."""

    ALONE = "alone"
    """It begins a stream, or lets one be entered."""
    OPEN = "open"
    """It lets a stream be entered; pictures that come after it but are shown before may be built on earlier ones."""
    REFRESH = "refresh"
    """It is built on others, but after some more pictures nothing is left of those."""
    DEPENDENT = "dependent"
    """It is built on others."""
    BOTH = "both"
    """It is built on others that may be shown before and after it (H.264: B)."""
    SKIPPED = "skipped"
    """It is built on what lies before the picture that lets the stream be entered (H.265: RASL)."""
    BROKEN = "broken"
    """It is no picture of this codec."""


def access(codec: str, data: bytes) -> Access:
    """Access of one message of `h264`, `hevc`, `vp9` or `av1`."""
    return _READERS[codec](data)


def _h264(data: bytes) -> Access:
    """An IDR picture is ALONE; another one may have a recovery point, with frames to wait for or none."""
    other: Access | None = None
    for at in _units(data):
        kind = data[at] & 31
        if data[at] & 0x80:
            break
        if kind == _H264_SEI:
            end = data.find(_START, at)
            other = _recovery(data[at + 1 : end if end >= 0 else len(data)]) or other
        elif kind in _H264_SLICES:
            back = Access.BOTH if _slice_type(data[at + 1 : at + 9]) in _H264_B else Access.DEPENDENT
            return Access.ALONE if kind == _H264_IDR else other or back
    return Access.BROKEN


def _slice_type(head: bytes) -> int:
    """The second of the Exp-Golomb numbers that a slice begins with."""
    bits, number = f"{int.from_bytes(head, 'big'):0{8 * len(head)}b}", ""
    for _ in range(2):
        zeros = len(bits) - len(bits.lstrip("0"))
        number, bits = bits[zeros : 2 * zeros + 1], bits[2 * zeros + 1 :]
    return int(number or "0", 2) - 1


def _recovery(sei: bytes) -> Access | None:
    """What a recovery point among messages of supplemental information allows; None where there is none."""
    at = 0
    while at + 2 < len(sei):
        numbers = [0, 0]  # type and size, each as a run of 255 and a rest
        for index in range(2):
            while at < len(sei) and sei[at] == 255:
                numbers[index] += 255
                at += 1
            numbers[index] += sei[at] if at < len(sei) else 0
            at += 1
        if numbers[0] == _RECOVERY_POINT and at < len(sei):
            none = sei[at] & 0x80  # frames to wait for, in Exp-Golomb: 0 is the bit 1
            return Access.OPEN if none else Access.REFRESH
        at += numbers[1]
    return None


def _h265(data: bytes) -> Access:
    for at in _units(data):
        kind = data[at] >> 1
        if data[at] & 0x80 or not data[at + 1 : at + 2] or not data[at + 1] & 7:
            break
        if kind in _H265_ACCESS:
            return Access.ALONE
        if kind in _H265_PICTURES:
            return Access.SKIPPED if kind in _H265_SKIPPED else Access.DEPENDENT
    return Access.BROKEN


def _units(data: bytes) -> Iterator[int]:
    """Where each NAL unit begins; none where the bytes do not begin with one."""
    at = data.find(_START, 0, _MOST_ZEROS + len(_START))
    if at < 0 or data[:at].strip(b"\0"):
        return
    while 0 <= at < len(data) - len(_START):
        yield at + len(_START)
        at = data.find(_START, at + len(_START))


def _vp9(data: bytes) -> Access:
    """Uncompressed header: 2 bits of marker, 2 of profile and 1 reserved in profile 3, then shown again, frame type."""
    if not data or data[0] >> 6 != 2:
        return Access.BROKEN
    bits = data[0] >> 1 if data[0] >> 4 & 3 == 3 else data[0] >> 2
    return Access.DEPENDENT if bits & 3 else Access.ALONE


def _av1(data: bytes) -> Access:
    """A sequence header stands before a picture that lets the stream be entered."""
    at, alone = 0, False
    while at < len(data):
        head, kind = data[at], data[at] >> 3 & 15
        if head & 0x81 or not head & _AV1_SIZED:
            break
        at += 2 if head & _AV1_EXTENDED else 1
        size, at = _leb128(data, at)
        if kind in _AV1_PICTURES:
            return Access.ALONE if alone else Access.DEPENDENT
        alone = alone or kind == _AV1_SEQUENCE
        at += size
    return Access.BROKEN


def _leb128(data: bytes, at: int) -> tuple[int, int]:
    """A number in bytes of 7 bits, and where it ends."""
    value = 0
    for place, byte in enumerate(data[at : at + 8]):
        value |= (byte & 127) << 7 * place
        if byte < 128:
            return value, at + place + 1
    return value, len(data)


_READERS: Mapping[str, Callable[[bytes], Access]] = {"h264": _h264, "hevc": _h265, "vp9": _vp9, "av1": _av1}
