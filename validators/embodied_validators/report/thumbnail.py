"""A small JPEG of one image message."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import simplejpeg

from embodied_kit.messages.columns import Columns

WIDTH = 240
_QUALITY = 72
_COMPRESSED = "sensor_msgs/CompressedImage"
_RAW = "sensor_msgs/Image"
_CHANNELS = {"rgb8": 3, "bgr8": 3, "mono8": 1, "16UC1": 1, "mono16": 1}
_MOST_PIXELS = 64_000_000
_JPEG_MAGIC = b"\xff\xd8"
Pixels = npt.NDArray[np.uint8]


def is_picture(ros_type: str) -> bool:
    """Whether messages of a type (`pkg/Type`) may hold a frame that can be shown."""
    return ros_type in {_COMPRESSED, _RAW}


def thumbnail(buffer: memoryview, columns: Columns, row: int) -> bytes | None:
    """A JPEG at most `WIDTH` pixels wide; None for an encoding that is not shown, or data that is no image.

    Args:
        buffer: Bytes that blobs lie in.
        columns: Decoded messages.
        row: Row of the message among those that were decoded.
    """
    blob = columns.fields.get("data")
    if blob is None or blob.kind != "blob" or row >= len(blob.values):
        return None
    offset, length = (int(value) for value in blob.values[row])
    data = bytes(buffer[offset : offset + length])
    try:
        pixels = _decoded(data) if data.startswith(_JPEG_MAGIC) else _raw(data, columns, row)
    except ValueError:  # what simplejpeg raises for data that is no JPEG
        return None
    if pixels is None or not pixels.size:
        return None
    stride = max(1, -(-pixels.shape[1] // WIDTH))
    small = np.ascontiguousarray(pixels[::stride, ::stride])
    return bytes(simplejpeg.encode_jpeg(small, quality=_QUALITY, colorspace="GRAY" if small.shape[2] == 1 else "RGB"))


def _decoded(data: bytes) -> Pixels | None:
    height, width = map(int, simplejpeg.decode_jpeg_header(data)[:2])
    if height * width > _MOST_PIXELS:
        return None
    pixels: Pixels = simplejpeg.decode_jpeg(data, colorspace="RGB", min_width=WIDTH, min_height=1, fastdct=True)
    return pixels


def _raw(data: bytes, columns: Columns, row: int) -> Pixels | None:
    """An uncompressed image; depth is scaled from its 2nd to its 98th percentile."""
    encoding = columns.fields.get("encoding")
    if encoding is None or encoding.kind != "text":
        return None
    word = encoding.table[int(encoding.values[row])]
    height, width, step = (int(columns.fields[name].values[row]) for name in ("height", "width", "step"))
    channels = _CHANNELS.get(word)
    size = 2 if word in {"16UC1", "mono16"} else 1
    if channels is None or step < width * channels * size or len(data) < step * height or not height * width:
        return None
    rows = np.frombuffer(data, np.uint8, step * height).reshape(height, step)[:, : width * channels * size]
    if size == 2:
        return _grey(np.ascontiguousarray(rows).view("<u2"))
    pixels = rows.reshape(height, width, channels)
    return np.ascontiguousarray(pixels[:, :, ::-1]) if word == "bgr8" else pixels


def _grey(values: npt.NDArray[np.uint16]) -> Pixels:
    low, high = np.percentile(values, (2, 98))
    scaled = (values.astype(np.float32) - low) / max(high - low, 1.0)
    grey: Pixels = (np.clip(scaled, 0, 1) * 255).astype(np.uint8)[:, :, None]
    return grey
