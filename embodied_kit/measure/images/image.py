"""One image of a message becomes a grey or a depth plane, in integer arithmetic: every machine finds the same.

JPEG goes through simplejpeg, which gives the file's own luma without a way over RGB. A smaller decode (`min_factor`)
would save a tenth of what an image costs and blur what sharpness and motion blur measure, so images are decoded whole,
once. PNG goes through Pillow: undoing its Paeth filter is sequential, 2.4 ms in C and a second in Python for 640x480.
"""

from __future__ import annotations

import hashlib
import io
import struct
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from embodied_kit.measure.images.pixels import strips
from embodied_kit.measure.images.rvl import RvlError, decode_rvl

MAX_PIXELS = 16 * 2**20
_LUMA = np.array([77, 150, 29], np.uint32)  # ITU-R BT.601 in 256ths
_COLOUR_ORDERS = {
    **dict.fromkeys(("rgb8", "rgba8", "rgb16"), (0, 1, 2)),
    **dict.fromkeys(("bgr8", "bgra8", "bgr16", "8UC3", "8UC4"), (2, 1, 0)),
}
_CHANNELS = {"rgb8": 3, "bgr8": 3, "8UC3": 3, "rgba8": 4, "bgra8": 4, "8UC4": 4, "rgb16": 3, "bgr16": 3}
_LUMA_AT = {"uyvy": 1, "yuv422": 1, "yuyv": 0, "yuv422_yuy2": 0}
"""Packed 4:2:2: which of a pixel's two bytes is luma (BT.601 limited range, taken as it is)."""
_BAYER = tuple(f"bayer_{order}8" for order in ("rggb", "bggr", "gbrg", "grbg"))
_WIDE = {"16UC1": "u2", "mono16": "u2", "rgb16": "u2", "bgr16": "u2", "32FC1": "f4"}
RAW_ENCODINGS = (*_CHANNELS, *_LUMA_AT, *_BAYER, "nv21", "nv24", "mono8", "8UC1", "mono16", "16UC1", "32FC1")
DEPTH_ENCODINGS = ("16UC1", "32FC1")
_DEPTH_HEADER = struct.Struct("<iff")  # compressed_depth_image_transport ConfigHeader: format, quantisation A and B
_RVL_HEAD = struct.Struct("<II")  # width, height
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_HEAD = struct.Struct(">16sII")  # signature, length and name of IHDR, width, height
Kind = Literal["color", "depth"]


class UndecodableError(Exception):
    """An image of a known format whose bytes are no image, or one beyond the size that is looked at."""


@dataclass(frozen=True)
class Plane:
    """A decoded image.

    Attributes:
        kind: `color` for a grey plane of a camera, `depth` for distances.
        pixels: (height, width), uint8 for colour, uint16 or float32 for depth.
        content: SHA-256 of the pixels with their size.
    """

    kind: Kind
    pixels: NDArray[Any]
    content: bytes


def make_plane(kind: Kind, pixels: NDArray[Any]) -> Plane:
    """A plane with the digest of its pixels."""
    pixels = np.ascontiguousarray(pixels)
    digest = hashlib.sha256(f"{pixels.dtype.str} {pixels.shape}".encode())
    digest.update(pixels.data)
    return Plane(kind, pixels, digest.digest())


def decode_jpeg(data: bytes | memoryview) -> Plane:
    """Grey plane of a JPEG: the file's own luma.

    Raises:
        UndecodableError: It is damaged, cut or too large.
    """
    import simplejpeg  # noqa: PLC0415 - only depth `full` looks at images

    try:
        height, width = map(int, simplejpeg.decode_jpeg_header(data)[:2])
        _check_size(height, width)
        pixels = simplejpeg.decode_jpeg(data, colorspace="GRAY")[:, :, 0]
    except ValueError as error:
        raise UndecodableError("the JPEG data are damaged") from error
    return make_plane("color", pixels)


def decode_png(data: bytes | memoryview, encoding: str) -> Plane:
    """Plane of a PNG: one of 16 bits of grey holds distances, unless the encoding says mono16.

    Args:
        data: The file.
        encoding: What was compressed (`16UC1`, `bgr8`); empty where nobody says.

    Raises:
        UndecodableError: It is damaged, cut or too large.
    """
    pixels = _png_pixels(data)
    if pixels.ndim == 3:
        return make_plane("color", grey(pixels.astype(np.uint8, copy=False), (0, 1, 2)))
    if pixels.dtype == np.uint8:
        return make_plane("color", pixels)
    wide = pixels.astype(np.uint16)
    return make_plane("color", (wide >> 8).astype(np.uint8)) if encoding == "mono16" else make_plane("depth", wide)


def decode_compressed_depth(data: bytes | memoryview, encoding: str, *, rvl: bool = False) -> Plane:
    """Depth plane of compressed_depth_image_transport: a header of 12 bytes before a PNG of 16 bits, or before RVL.

    Of 32FC1 these hold inverse distances, z = A / (value - B) with A and B of the header, 0 for none.

    Args:
        data: Of the message.
        encoding: `16UC1` or `32FC1`.
        rvl: Whether it is RVL.

    Raises:
        UndecodableError: It is damaged, cut or too large.
    """
    if len(data) <= _DEPTH_HEADER.size:
        raise UndecodableError("the compressed depth data are damaged")
    _, scale, shift = _DEPTH_HEADER.unpack_from(data)
    pixels = (_rvl_pixels if rvl else _png_pixels)(data[_DEPTH_HEADER.size :])
    if pixels.ndim != 2 or pixels.dtype == np.uint8:
        raise UndecodableError("the compressed depth data are damaged")
    if encoding != "32FC1":
        return make_plane("depth", pixels.astype(np.uint16))
    with np.errstate(divide="ignore", invalid="ignore"):
        metres = np.float32(scale) / (pixels.astype(np.float32) - np.float32(shift))
    return make_plane("depth", np.where(pixels > 0, metres, np.float32(0)))


def decode_raw(data: bytes | memoryview, encoding: str, height: int, width: int, step: int, *, big: bool) -> Plane:
    """Plane of a sensor_msgs/Image.

    Args:
        data: Rows of `step` bytes; of nv21 and nv24 those of the chroma follow and are not looked at.
        encoding: One of RAW_ENCODINGS.
        height: Rows.
        width: Pixels of a row.
        step: Bytes of a row, with what pads it.
        big: Whether pixels of several bytes are big-endian.

    Raises:
        UndecodableError: The sizes contradict one another, or it is too large.
    """
    _check_size(height, width)
    dtype = np.dtype(_WIDE.get(encoding, "u1"))
    row_bytes = width * dtype.itemsize * _CHANNELS.get(encoding, 2 if encoding in _LUMA_AT else 1)
    if not height or not width or step < row_bytes or len(data) < step * (height - 1) + row_bytes:
        raise UndecodableError("the image data are shorter than height and step say")
    rows = np.ndarray((height, row_bytes), np.uint8, data, 0, (step, 1))
    values = np.ascontiguousarray(rows).view(dtype.newbyteorder(">" if big else "<"))
    if encoding in DEPTH_ENCODINGS:
        return make_plane("depth", values.astype(dtype))
    if dtype == np.uint16:
        values = (values >> 8).astype(np.uint8)
    if encoding in _CHANNELS:
        values = grey(values.reshape(height, width, -1), _COLOUR_ORDERS[encoding])
    elif encoding in _LUMA_AT:
        values = values[:, _LUMA_AT[encoding] :: 2]
    elif encoding in _BAYER:
        values = _mosaic_grey(values)
    return make_plane("color", values)


def grey(values: NDArray[np.uint8], order: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Luma of colour pixels of shape (height, width, channels); `order` says where red, green and blue lie."""
    found = np.empty(values.shape[:2], np.uint8)
    at = 0
    for strip in strips(values, 0):
        parts = (strip[:, :, channel] * weight for channel, weight in zip(order, _LUMA, strict=True))
        found[at : at + len(strip)] = sum(parts, np.uint32(128)) >> 8
        at += len(strip)
    return found


def _mosaic_grey(values: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(R + 2 G + B) / 4 of each 2x2 window of a Bayer mosaic; the last row and column repeat."""
    wide = np.pad(values, ((0, 1), (0, 1)), mode="edge").astype(np.uint16)
    total = wide[:-1, :-1] + wide[1:, :-1] + wide[:-1, 1:] + wide[1:, 1:]
    return ((total + 2) >> 2).astype(np.uint8)


def _png_pixels(data: bytes | memoryview) -> NDArray[Any]:
    """Pixels of a PNG: (height, width) of uint8 or a wider integer, or (height, width, 3) of uint8."""
    from PIL import Image  # noqa: PLC0415 - only depth `full` looks at images

    head = bytes(data[: _PNG_HEAD.size])
    if len(head) < _PNG_HEAD.size or not head.startswith(_PNG_SIGNATURE):
        raise UndecodableError("the PNG data are damaged")
    _, width, height = _PNG_HEAD.unpack(head)
    _check_size(height, width)  # before Pillow warns of it
    try:
        with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
            whole = image if image.mode in ("L", "RGB") or image.mode.startswith("I") else image.convert("RGB")
            return np.asarray(whole)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise UndecodableError("the PNG data are damaged") from error


def _rvl_pixels(data: bytes | memoryview) -> NDArray[Any]:
    """Pixels of RVL after their width and height, (height, width) of uint16."""
    if len(data) < _RVL_HEAD.size:
        raise UndecodableError("the compressed depth data are damaged")
    width, height = _RVL_HEAD.unpack_from(data)
    _check_size(height, width)
    if not height or not width:
        raise UndecodableError("the compressed depth data are damaged")
    try:
        return decode_rvl(data[_RVL_HEAD.size :], height * width).reshape(height, width)
    except RvlError as error:
        raise UndecodableError("the compressed depth data are damaged") from error


def _check_size(height: int, width: int) -> None:
    if height * width > MAX_PIXELS:
        raise UndecodableError("the image is larger than this tool looks at")
