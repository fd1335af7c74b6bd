"""A small JPEG of one image, for people: colours where they cost nothing, grey or depth in grey levels elsewhere."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from embodied_kit.measure.images.encoding import read_coding
from embodied_kit.measure.images.image import UndecodableError, decode_compressed_depth, decode_raw

_QUALITY = 72
_COLOURS = {"rgb8": 3, "bgr8": 3, "rgba8": 4, "bgra8": 4, "mono8": 1, "8UC1": 1}
_MOST_PIXELS = 64_000_000
_JPEG_MAGIC = b"\xff\xd8"
_PNG_MAGIC = b"\x89PNG"
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Rows:
    """How the pixels of an uncompressed image lie: `height` rows of `step` bytes."""

    height: int
    width: int
    step: int
    big_endian: bool = False


def preview(data: bytes | memoryview, coding: str, rows: Rows | None, width: int) -> bytes | None:
    """A JPEG at most `width` pixels wide; None for a coding that is not shown, or data that is no image.

    Args:
        data: What the message holds.
        coding: Its `format` or `encoding`; a JPEG or PNG is known by its first bytes too.
        rows: Of an uncompressed image; None for a compressed one.
        width: Most pixels of a row.
    """
    try:
        pixels = _compressed(data, coding, width) if rows is None else _raw(data, coding, rows, width)
    except (ValueError, OSError, SyntaxError, UndecodableError):  # simplejpeg, numpy; Pillow
        return None
    if pixels is None or not pixels.size:
        return None
    small = np.ascontiguousarray(pixels[:: _stride(pixels.shape[1], width), :: _stride(pixels.shape[1], width)])
    return bytes(simplejpeg.encode_jpeg(small, quality=_QUALITY, colorspace="GRAY" if small.shape[2] == 1 else "RGB"))


def _stride(have: int, want: int) -> int:
    return max(1, -(-have // want))


def _compressed(data: bytes | memoryview, coding: str, width: int) -> Pixels | None:
    head = bytes(data[:4])
    if head.startswith(_JPEG_MAGIC):
        return _jpeg(data, width)
    if head == _PNG_MAGIC:
        return _png(data, width)
    found = read_coding(coding)
    if found.codec == "compressed_depth":
        return _levels(decode_compressed_depth(data, found.encoding).pixels, width)
    return None


def _jpeg(data: bytes | memoryview, width: int) -> Pixels | None:
    height, wide = map(int, simplejpeg.decode_jpeg_header(data)[:2])
    if height * wide > _MOST_PIXELS:
        return None
    pixels: Pixels = simplejpeg.decode_jpeg(data, colorspace="RGB", min_width=width, min_height=1, fastdct=True)
    return pixels


def _png(data: bytes | memoryview, width: int) -> Pixels | None:
    from PIL import Image  # noqa: PLC0415  # few streams are PNG

    with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
        if image.width * image.height > _MOST_PIXELS:
            return None
        if image.mode.startswith("I"):
            return _levels(np.asarray(image), width)
        return np.asarray(image.convert("RGB"), np.uint8)


def _raw(data: bytes | memoryview, coding: str, rows: Rows, width: int) -> Pixels | None:
    """Rows are thinned out before anything is computed, so that a large image costs no more than a small one."""
    channels, size = _COLOURS.get(coding), rows.height * rows.step
    if channels is None or not rows.height or rows.step < rows.width * channels or len(data) < size:
        return _other(data, coding, rows, width)
    stride = _stride(rows.width, width)
    lines = np.frombuffer(data, np.uint8, size).reshape(rows.height, rows.step)[::stride, : rows.width * channels]
    pixels = lines.reshape(len(lines), rows.width, channels)[:, ::stride, :3]
    return pixels[:, :, ::-1] if coding.startswith("bgr") else pixels


def _other(data: bytes | memoryview, coding: str, rows: Rows, width: int) -> Pixels | None:
    """Grey or depth of the remaining encodings; None for an unknown one."""
    if read_coding(coding).codec != "raw":
        return None
    plane = decode_raw(data, coding, rows.height, rows.width, rows.step, big=rows.big_endian)
    return _levels(plane.pixels, width) if plane.pixels.dtype != np.uint8 else plane.pixels[:, :, None]


def _levels(values: NDArray[np.generic], width: int) -> Pixels:
    """Grey levels of distances, from their 2nd to their 98th percentile."""
    stride = _stride(values.shape[1], width)
    small = np.nan_to_num(values[::stride, ::stride].astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    low, high = np.percentile(small, (2, 98))
    grey: Pixels = (np.clip((small - low) / max(high - low, 1e-6), 0, 1) * 255).astype(np.uint8)[:, :, None]
    return grey
