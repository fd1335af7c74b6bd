"""One image: its grey or depth plane, and numbers of it. Integer arithmetic, so every machine finds the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

MAX_PIXELS = 16 * 2**20
CLIPPED_FROM = 250
_STRIP_PIXELS = 2**18
_LUMA = np.array([77, 150, 29], np.uint32)  # ITU-R BT.601 in 256ths
_COLOUR_ORDERS = {"rgb8": (0, 1, 2), "bgr8": (2, 1, 0), "8UC3": (2, 1, 0), "rgba8": (0, 1, 2), "bgra8": (2, 1, 0)}
_CHANNELS = {"rgb8": 3, "bgr8": 3, "8UC3": 3, "rgba8": 4, "bgra8": 4}
RAW_ENCODINGS = (*_CHANNELS, "mono8", "8UC1", "mono16", "16UC1", "32FC1")
DEPTH_ENCODINGS = ("16UC1", "32FC1")
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


@dataclass(frozen=True)
class ColourNumbers:
    """Numbers of a grey plane, 0 to 255.

    Attributes:
        mean: Mean luma.
        clipped_ratio: Share of pixels >= 250.
        contrast: 95th minus 5th percentile, by nearest rank.
        sharpness: Variance of the Laplacian (4-neighbour kernel, inner pixels).
    """

    mean: float
    clipped_ratio: float
    contrast: float
    sharpness: float


@dataclass(frozen=True)
class DepthNumbers:
    """Numbers of a depth plane.

    Attributes:
        zero_ratio: Share of pixels without a distance (0, not finite or below 0).
        median: Median of the others in the image's own unit, by nearest rank; None for none.
    """

    zero_ratio: float
    median: float | None


def is_jpeg(format_text: str) -> bool:
    """Whether the `format` of a sensor_msgs/CompressedImage says JPEG (`jpeg`, `jpg`, `rgb8; jpeg compressed bgr8`)."""
    return any(word in ("jpeg", "jpg") for word in format_text.lower().replace(";", " ").split())


def decode_jpeg(data: bytes | memoryview) -> Plane:
    """Grey plane of a JPEG: the file's own luma, without a way over RGB.

    Raises:
        UndecodableError: It is damaged, cut or too large.
    """
    import simplejpeg  # noqa: PLC0415 - only depth `full` looks at images

    try:
        height, width = map(int, simplejpeg.decode_jpeg_header(data)[:2])
        if height * width > MAX_PIXELS:
            raise UndecodableError("the image is larger than this tool looks at")
        pixels = simplejpeg.decode_jpeg(data, colorspace="GRAY")[:, :, 0]
    except ValueError as error:
        raise UndecodableError("the JPEG data are damaged") from error
    return _plane("color", pixels)


def decode_raw(data: bytes | memoryview, encoding: str, height: int, width: int, step: int, *, big: bool) -> Plane:
    """Plane of a sensor_msgs/Image.

    Args:
        data: Rows of `step` bytes.
        encoding: One of RAW_ENCODINGS.
        height: Rows.
        width: Pixels of a row.
        step: Bytes of a row, with what pads it.
        big: Whether pixels of several bytes are big-endian.

    Raises:
        UndecodableError: The sizes contradict one another, or it is too large.
    """
    if height * width > MAX_PIXELS:
        raise UndecodableError("the image is larger than this tool looks at")
    dtype = np.dtype({"16UC1": "u2", "mono16": "u2", "32FC1": "f4"}.get(encoding, "u1"))
    row_bytes = width * dtype.itemsize * _CHANNELS.get(encoding, 1)
    if not height or not width or step < row_bytes or len(data) < step * (height - 1) + row_bytes:
        raise UndecodableError("the image data are shorter than height and step say")
    rows = np.ndarray((height, row_bytes), np.uint8, data, 0, (step, 1))
    values = np.ascontiguousarray(rows).view(dtype.newbyteorder(">" if big else "<"))
    if encoding in DEPTH_ENCODINGS:
        return _plane("depth", values.astype(dtype))
    if encoding == "mono16":
        return _plane("color", (values >> 8).astype(np.uint8))
    if encoding in _CHANNELS:
        return _plane("color", _grey(values.reshape(height, width, -1), _COLOUR_ORDERS[encoding]))
    return _plane("color", values)


def colour_numbers(pixels: NDArray[np.uint8]) -> ColourNumbers:
    """Numbers of a grey plane of shape (height, width)."""
    counts = np.zeros(256, np.int64)
    for strip in _strips(pixels, 0):
        counts += np.bincount(strip.ravel(), minlength=256)
    ends, total = np.cumsum(counts), pixels.size
    low, high = (int(np.searchsorted(ends, max(1, -(-total * percent // 100)))) for percent in (5, 95))
    return ColourNumbers(
        mean=int((counts * np.arange(256)).sum()) / total,
        clipped_ratio=int(counts[CLIPPED_FROM:].sum()) / total,
        contrast=float(high - low),
        sharpness=_laplacian_variance(pixels),
    )


def depth_numbers(pixels: NDArray[Any]) -> DepthNumbers:
    """Numbers of a depth plane of shape (height, width)."""
    flat = pixels.ravel()
    with np.errstate(invalid="ignore"):
        valid = flat[(flat > 0) & (flat < np.inf)] if flat.dtype.kind == "f" else flat[flat > 0]
    return DepthNumbers(1 - len(valid) / len(flat), _median(valid) if len(valid) else None)


def _median(values: NDArray[Any]) -> float:
    """Smallest value with at least half of all at or below it."""
    middle = (len(values) + 1) // 2
    if values.dtype == np.uint16:  # counting is ten times faster than selecting
        return float(np.searchsorted(np.cumsum(np.bincount(values)), middle))
    return float(np.partition(values, middle - 1)[middle - 1])


def _plane(kind: Kind, pixels: NDArray[Any]) -> Plane:
    pixels = np.ascontiguousarray(pixels)
    digest = hashlib.sha256(f"{pixels.dtype.str} {pixels.shape}".encode())
    digest.update(pixels.data)
    return Plane(kind, pixels, digest.digest())


def _grey(values: NDArray[np.uint8], order: tuple[int, int, int]) -> NDArray[np.uint8]:
    grey = np.empty(values.shape[:2], np.uint8)
    at = 0
    for strip in _strips(values, 0):
        parts = (strip[:, :, channel] * weight for channel, weight in zip(order, _LUMA, strict=True))
        grey[at : at + len(strip)] = sum(parts, np.uint32(128)) >> 8
        at += len(strip)
    return grey


def _strips(pixels: NDArray[Any], overlap: int) -> Iterator[NDArray[Any]]:
    """Groups of rows, so that no temporary array grows with the image."""
    rows = max(1 + overlap, _STRIP_PIXELS // pixels.shape[1])
    for first in range(0, len(pixels) - overlap, rows - overlap):
        yield pixels[first : first + rows]


def _laplacian_variance(pixels: NDArray[np.uint8]) -> float:
    """Variance of 4*p - left - right - above - below over the inner pixels, in exact integers."""
    height, width = pixels.shape
    n = (height - 2) * (width - 2)
    if height < 3 or width < 3:
        return 0.0
    total = squares = 0
    for strip in _strips(pixels, 2):
        wide = strip.astype(np.int32)
        inner = 4 * wide[1:-1, 1:-1] - wide[1:-1, :-2] - wide[1:-1, 2:] - wide[:-2, 1:-1] - wide[2:, 1:-1]
        total += int(inner.sum(dtype=np.int64))
        squares += int((inner * inner).sum(dtype=np.int64))
    return float((squares * n - total * total) / (n * n))
