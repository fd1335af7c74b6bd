"""Images of a stream, decoded one by one as they pass; a row of numbers is kept of each."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embodied_kit.measure.image import (
    RAW_ENCODINGS,
    Plane,
    UndecodableError,
    colour_numbers,
    decode_jpeg,
    decode_raw,
    depth_numbers,
    is_jpeg,
)
from embodied_kit.measure.store import ColumnStore
from embodied_kit.messages.columns import Columns

COMPRESSED, RAW = "sensor_msgs/CompressedImage", "sensor_msgs/Image"
IMAGE_FIELDS = {
    COMPRESSED: {"format": "text", "data": "blob"},
    RAW: {"height": "number", "width": "number", "encoding": "text", "is_bigendian": "number", "step": "number"}
    | {"data": "blob"},
}
FRAME_DTYPE = np.dtype(
    [
        ("stamp", "<i8"),
        ("state", "u1"),
        ("depth", "?"),
        ("width", "<u4"),
        ("height", "<u4"),
        ("content", "V32"),
        ("mean", "<f8"),
        ("clipped", "<f8"),
        ("contrast", "<f8"),
        ("sharpness", "<f8"),
        ("zero", "<f8"),
        ("valid", "<f8"),
    ]
)
_MAX_ENCODINGS, _ENCODING_LETTERS = 16, 64
DECODED, FAILED, UNDECODED = 0, 1, 2


@dataclass(frozen=True)
class _Picture:
    """Where one image lies and how it is to be read."""

    encoding: str
    data: memoryview
    height: int = 0
    width: int = 0
    step: int = 0
    big: bool = False


class FrameLog:
    """Frames of one stream.

    Args:
        store: Owner of the columns.
        decode: Whether images are decoded; otherwise only their encodings are counted.
    """

    def __init__(self, store: ColumnStore, *, decode: bool) -> None:
        self._decode = decode
        self.rows = store.column(FRAME_DTYPE)
        self.encodings: Counter[str] = Counter()
        self.undecoded_n = 0
        self._last: tuple[bytes, NDArray[np.void]] | None = None

    def add(self, buffer: memoryview, columns: Columns, stamps: NDArray[np.int64], ros_type: str) -> None:
        """Add the images of a batch.

        Args:
            buffer: What the blobs of the columns lie in.
            columns: Decoded messages of `ros_type`, which has IMAGE_FIELDS.
            ros_type: COMPRESSED or RAW.
            stamps: (n,) ns of each message of the batch.
        """
        encodings = columns.fields["format" if ros_type == COMPRESSED else "encoding"]
        codes = encodings.values.astype(np.int64)
        for code, count in zip(*np.unique(codes, return_counts=True), strict=True):
            if len(self.encodings) < _MAX_ENCODINGS:
                self.encodings[encodings.table[int(code)][:_ENCODING_LETTERS]] += int(count)
        if not self._decode:
            return
        blobs = columns.fields["data"].values.astype(np.int64)
        sizes = _sizes(columns, len(codes), raw=ros_type == RAW)
        rows = np.zeros(len(codes), FRAME_DTYPE)
        for index, (code, (begin, length), size) in enumerate(zip(codes.tolist(), blobs.tolist(), sizes, strict=True)):
            picture = _Picture(encodings.table[code], buffer[begin : begin + length], *size)
            rows[index : index + 1] = self._row(picture)
        rows["stamp"] = stamps[encodings.message]
        self.undecoded_n += int((rows["state"] == UNDECODED).sum())
        self.rows.append(rows)

    def _row(self, picture: _Picture) -> NDArray[np.void]:
        """Row of one image, shape (1,); an image whose bytes are those of the one before is not decoded again."""
        if self._last is not None and self._last[0] == picture.data:
            return self._last[1]
        row = np.zeros(1, FRAME_DTYPE)
        plane, row["state"] = _decoded(picture)
        if plane is not None:
            _fill(row, plane)
        self._last = (bytes(picture.data), row)
        return row


def _sizes(columns: Columns, n: int, *, raw: bool) -> list[tuple[int, int, int, bool]]:
    if not raw:
        return [(0, 0, 0, False)] * n
    height, width, step, big = (
        columns.fields[name].values.tolist() for name in ("height", "width", "step", "is_bigendian")
    )
    return [(h, w, s, bool(b)) for h, w, s, b in zip(height, width, step, big, strict=True)]


def _decoded(picture: _Picture) -> tuple[Plane | None, int]:
    try:
        if is_jpeg(picture.encoding):
            return decode_jpeg(picture.data), DECODED
        if picture.encoding in RAW_ENCODINGS and picture.step:
            raw = decode_raw(
                picture.data, picture.encoding, picture.height, picture.width, picture.step, big=picture.big
            )
            return raw, DECODED
    except UndecodableError:
        return None, FAILED
    return None, UNDECODED


def _fill(row: NDArray[np.void], plane: Plane) -> None:
    row["height"], row["width"] = plane.pixels.shape
    row["content"] = np.frombuffer(plane.content, "V32")[0]
    if plane.kind == "depth":
        depth = depth_numbers(plane.pixels)
        row["depth"], row["zero"] = True, depth.zero_ratio
        row["valid"] = np.nan if depth.median is None else depth.median
        return
    colour = colour_numbers(plane.pixels)
    row["mean"], row["clipped"] = colour.mean, colour.clipped_ratio
    row["contrast"], row["sharpness"] = colour.contrast, colour.sharpness
