"""A small JPEG of one image, for people: colours where they cost nothing, else grey, distances in false colours."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from embodied_kit.measure.images.depthcolours import depth_colours
from embodied_kit.measure.images.encoding import VIDEO_CODECS, read_coding
from embodied_kit.measure.images.image import DEPTH_ENCODINGS, UndecodableError, decode_compressed_depth, decode_raw
from embodied_kit.measure.images.keyframe import decode_key_frame
from embodied_kit.measure.images.video import can_decode_video

_QUALITY = 72
_COLOURS = {"rgb8": 3, "bgr8": 3, "rgba8": 4, "bgra8": 4, "mono8": 1, "8UC1": 1}
_MOST_PIXELS = 64_000_000
_JPEG_MAGIC = b"\xff\xd8"
_PNG_MAGIC = b"\x89PNG"
_METRES_PER_UNIT = {"u": 0.001, "f": 1.0}
"""By the kind of number, as REP-118 has it: millimetres as integers, metres as floats."""
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Rows:
    """How the pixels of an uncompressed image lie: `height` rows of `step` bytes."""

    height: int
    width: int
    step: int
    big_endian: bool = False


@dataclass(frozen=True)
class Preview:
    """A small picture.

    Attributes:
        depth: Whether its colours are distances over DEPTH_RANGE_M.
    """

    jpeg: bytes
    depth: bool = False


def preview(data: bytes | memoryview, coding: str, rows: Rows | None, width: int) -> Preview | None:
    """A JPEG at most `width` pixels wide; None for a coding that is not shown, or data that is no image.

    Args:
        data: What the message holds; of a video, a key frame.
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
    stride = _stride(pixels.shape[1], width)
    small = np.ascontiguousarray(pixels[::stride, ::stride])
    depth = small.dtype != np.uint8
    if depth:
        small = depth_colours(small * np.float32(_METRES_PER_UNIT[small.dtype.kind]))
    shade = "GRAY" if small.ndim == 2 or small.shape[2] == 1 else "RGB"
    jpeg = simplejpeg.encode_jpeg(small.reshape(*small.shape[:2], -1), quality=_QUALITY, colorspace=shade)
    return Preview(bytes(jpeg), depth)


def _stride(have: int, want: int) -> int:
    return max(1, -(-have // want))


def _compressed(data: bytes | memoryview, coding: str, width: int) -> NDArray[np.generic] | None:
    """Bytes of grey or colours, or wider numbers of distances."""
    head = bytes(data[:4])
    if head.startswith(_JPEG_MAGIC):
        return _jpeg(data, width)
    found = read_coding(coding)
    if head == _PNG_MAGIC:
        return _png(data, grey=found.encoding == "mono16")
    if found.codec == "compressed_depth":
        return decode_compressed_depth(data, found.encoding, rvl=found.rvl).pixels
    if found.codec in VIDEO_CODECS and can_decode_video():
        return decode_key_frame(found.codec, bytes(data), width)
    return None


def _jpeg(data: bytes | memoryview, width: int) -> Pixels | None:
    height, wide = map(int, simplejpeg.decode_jpeg_header(data)[:2])
    if height * wide > _MOST_PIXELS:
        return None
    pixels: Pixels = simplejpeg.decode_jpeg(data, colorspace="RGB", min_width=width, min_height=1, fastdct=True)
    return pixels


def _png(data: bytes | memoryview, *, grey: bool) -> NDArray[np.generic] | None:
    from PIL import Image  # noqa: PLC0415  # few streams are PNG

    with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
        if image.width * image.height > _MOST_PIXELS:
            return None
        if not image.mode.startswith("I"):
            return np.asarray(image.convert("RGB"), np.uint8)
        wide = np.asarray(image).astype(np.uint16)
        return (wide >> 8).astype(np.uint8) if grey else wide


def _raw(data: bytes | memoryview, coding: str, rows: Rows, width: int) -> NDArray[np.generic] | None:
    """Rows are thinned out before anything is computed, so that a large image costs no more than a small one."""
    if coding in DEPTH_ENCODINGS:
        dtype = np.dtype("u2" if coding == "16UC1" else "f4").newbyteorder(">" if rows.big_endian else "<")
        return _thinned(data, rows, width, dtype, 1)[:, :, 0].astype(dtype.newbyteorder("="))
    if coding in _COLOURS:
        pixels = _thinned(data, rows, width, np.dtype(np.uint8), _COLOURS[coding])[:, :, :3]
        return pixels[:, :, ::-1] if coding.startswith("bgr") else pixels
    if read_coding(coding).codec != "raw":
        return None
    return decode_raw(data, coding, rows.height, rows.width, rows.step, big=rows.big_endian).pixels


def _thinned(
    data: bytes | memoryview, rows: Rows, width: int, dtype: np.dtype[np.generic], channels: int
) -> NDArray[np.generic]:
    """Pixels at the stride of a preview, shape (height, width, channels)."""
    stride, row_bytes = _stride(rows.width, width), rows.width * channels * dtype.itemsize
    if not rows.height or not rows.width or rows.step < row_bytes:
        raise UndecodableError("the image data are shorter than height and step say")
    lines = np.frombuffer(data, np.uint8, rows.height * rows.step).reshape(rows.height, rows.step)[::stride]
    return np.ascontiguousarray(lines[:, :row_bytes]).view(dtype).reshape(len(lines), rows.width, channels)[:, ::stride]
