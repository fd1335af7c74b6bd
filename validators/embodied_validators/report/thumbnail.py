"""A small JPEG of one image message."""

from __future__ import annotations

from embodied_kit.measure.images.preview import Preview, Rows, preview
from embodied_kit.messages.columns import Columns

WIDTH = 240
_COMPRESSED = "sensor_msgs/CompressedImage"
_RAW = "sensor_msgs/Image"


def is_picture(ros_type: str) -> bool:
    """Whether messages of a type (`pkg/Type`) may hold a frame that can be shown."""
    return ros_type in {_COMPRESSED, _RAW}


def thumbnail(buffer: memoryview, columns: Columns, row: int) -> Preview | None:
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
    rows = None
    if "step" in columns.fields:
        height, width, step, big = (
            int(columns.fields[name].values[row]) for name in ("height", "width", "step", "is_bigendian")
        )
        rows = Rows(height, width, step, big_endian=bool(big))
    coding = columns.fields.get("encoding" if rows else "format")
    if coding is None or coding.kind != "text":
        return None
    return preview(buffer[offset : offset + length], coding.table[int(coding.values[row])], rows, WIDTH)
