"""What the text beside an image says of its coding, and what a JPEG says of its quality."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from embodied_kit.measure.images.image import RAW_ENCODINGS

VIDEO_CODECS = ("h264", "hevc", "vp9", "av1")
LOSSY_CODECS = ("jpeg", *VIDEO_CODECS)
CODECS = ("unknown", "raw", "jpeg", "png", "compressed_depth", *VIDEO_CODECS)
"""Codes of the vocabulary `image_codec`, by number."""
_VIDEO_WORDS = {"264": "h264", "avc": "h264", "265": "hevc", "hevc": "hevc", "vp9": "vp9", "av1": "av1"}
_STANDARD_LUMA_TEXT = """
16 11 12 14 12 10 16 14 13 14 18 17 16 19 24 40 26 24 22 22 24 49 35 37 29 40 58 51 61 60 57 51
56 55 64 72 92 78 64 68 87 69 55 56 80 109 81 87 95 98 103 104 103 62 77 113 121 112 100 120 92 101 103 99
"""
_STANDARD_LUMA = np.array(_STANDARD_LUMA_TEXT.split(), np.int64)
"""Luminance table of ITU-T T.81 Annex K.1, in zigzag order."""
_SOI, _DQT, _SOS = 0xD8, 0xDB, 0xDA


@dataclass(frozen=True)
class Coding:
    """How an image is coded.

    Attributes:
        codec: One of CODECS.
        encoding: What the pixels are (`bgr8`, `16UC1`); empty where the text does not say.
        rvl: Whether compressed depth is RVL and no PNG.
    """

    codec: str
    encoding: str
    rvl: bool = False


def read_coding(text: str) -> Coding:
    """Coding of a `format` or `encoding`: `jpeg`, `bgr8; png compressed`, `16UC1; compressedDepth rvl`, `h264`."""
    if text in RAW_ENCODINGS:
        return Coding("raw", text)
    words = text.lower().replace(";", " ").replace(",", " ").split()
    encoding = next((name for name in RAW_ENCODINGS if words and name.lower() == words[0]), "")
    if "compresseddepth" in words:
        return Coding("compressed_depth", encoding, rvl="rvl" in words)
    if "jpeg" in words or "jpg" in words:
        return Coding("jpeg", encoding)
    if "png" in words:
        return Coding("png", encoding)
    video = next((codec for word, codec in _VIDEO_WORDS.items() if any(word in item for item in words[:1])), "")
    return Coding(video or "unknown", encoding)


def jpeg_quality(data: bytes | memoryview) -> int | None:
    """Quality 1 to 100 at which an encoder that scales the tables of Annex K (IJG, libjpeg) makes this luminance table.

    The mean scale S over the 64 entries gives 100 - S/2 up to S = 100 and 5000 / S above (libjpeg jcparam.c). None
    where the file has no table before its first scan.
    """
    table = _luminance_table(data)
    if table is None:
        return None
    if (table == 1).all():
        return 100
    told = (table > 1) & (table < 255)  # entries at 1 and 255 were clamped and say less than the scale
    scale = float(100 * int(table[told].sum()) / int(_STANDARD_LUMA[told].sum())) if told.any() else 5000.0
    return int(np.clip(round(100 - scale / 2 if scale <= 100 else 5000 / scale), 1, 100))


def _luminance_table(data: bytes | memoryview) -> np.ndarray[tuple[int], np.dtype[np.int64]] | None:
    """The first quantisation table numbered 0, zigzag order, shape (64,)."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != _SOS:
        marker, length = data[at + 1], int.from_bytes(bytes(data[at + 2 : at + 4]), "big")
        end = at + 2 + length
        if marker == _DQT:
            place = at + 4
            while place < min(end, len(data)):
                wide, number = divmod(data[place], 16)
                size = 128 if wide else 64
                values = np.frombuffer(bytes(data[place + 1 : place + 1 + size]), ">u2" if wide else "u1")
                if number == 0 and len(values) == 64:
                    return values.astype(np.int64)
                place += 1 + size
        at = end
    return None
