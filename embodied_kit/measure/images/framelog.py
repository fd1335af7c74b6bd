"""Images of a stream, decoded one by one as they pass; a row of numbers is kept of each."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embodied_kit.measure.columns.store import Column, ColumnStore
from embodied_kit.measure.images.encoding import CODECS, VIDEO_CODECS, Coding, jpeg_quality, read_coding
from embodied_kit.measure.images.framerow import FRAME_DTYPE, RowMaker, State
from embodied_kit.measure.images.gallery import Gallery
from embodied_kit.measure.images.image import (
    Plane,
    UndecodableError,
    decode_compressed_depth,
    decode_jpeg,
    decode_png,
    decode_raw,
)
from embodied_kit.measure.images.video import NO_VIDEO, Shown, VideoDecoder, can_decode_video
from embodied_kit.messages.columns import Columns

COMPRESSED, RAW = "sensor_msgs/CompressedImage", "sensor_msgs/Image"
VIDEO, FFMPEG = "foxglove_msgs/CompressedVideo", "ffmpeg_image_transport_msgs/FFMPEGPacket"
IMAGE_FIELDS = {
    COMPRESSED: {"format": "text", "data": "blob"},
    VIDEO: {"timestamp": "time", "format": "text", "data": "blob"},
    FFMPEG: {"encoding": "text", "data": "blob"},
    RAW: {"height": "number", "width": "number", "encoding": "text", "is_bigendian": "number", "step": "number"}
    | {"data": "blob"},
}
NO_DECODER = "images of this encoding are not decoded"
_MAX_ENCODINGS, _ENCODING_LETTERS = 16, 64
_MAX_KEPT_BACK = 64
"""Frames that a decoder may keep back: more than the 16 reference pictures of H.264 and H.265."""


@dataclass(frozen=True)
class Picture:
    """Where one image lies and how it is to be read."""

    coding: Coding
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
        self._rows = store.column(FRAME_DTYPE)
        self._make = RowMaker()
        self._video: VideoDecoder | None = None
        self._video_codec = ""
        self._can_video: bool | None = None
        self._waiting: dict[int, NDArray[np.void]] = {}
        self._settled: set[int] = set()
        self._fed = 0
        self._last: tuple[bytes, NDArray[np.void]] | None = None
        self.gallery = Gallery()
        self.encodings: Counter[str] = Counter()
        self.undecoded_n = 0
        self.remedy = NO_DECODER

    @property
    def rows(self) -> Column:
        """A row a message, in file order; asking for them ends a video."""
        self._end_video()
        return self._rows

    def add(self, buffer: memoryview, columns: Columns, stamps: NDArray[np.int64], ros_type: str) -> None:
        """Add the images of a batch.

        Args:
            buffer: What the blobs of the columns lie in.
            columns: Decoded messages of `ros_type`, which has IMAGE_FIELDS.
            ros_type: One of IMAGE_FIELDS.
            stamps: (n,) ns of each message of the batch.
        """
        encodings = columns.fields["format" if "format" in IMAGE_FIELDS[ros_type] else "encoding"]
        codes = encodings.values.astype(np.int64)
        for code, count in zip(*np.unique(codes, return_counts=True), strict=True):
            if len(self.encodings) < _MAX_ENCODINGS:
                self.encodings[encodings.table[int(code)][:_ENCODING_LETTERS]] += int(count)
        if not self._decode:
            return
        codings = [read_coding(text) for text in encodings.table]
        blobs = columns.fields["data"].values.astype(np.int64)
        sizes = _sizes(columns, len(codes), raw=ros_type == RAW)
        times = stamps[encodings.message].tolist()
        for code, (begin, length), size, time in zip(codes.tolist(), blobs.tolist(), sizes, times, strict=True):
            self._add(Picture(codings[code], buffer[begin : begin + length], *size), time)

    def _add(self, picture: Picture, stamp_ns: int) -> None:
        codec = picture.coding.codec
        if codec in VIDEO_CODECS and self._has_video():
            self._add_video(picture, stamp_ns)
            return
        self._end_video()
        row = self._row(picture, stamp_ns)
        row["stamp"] = stamp_ns
        if row["state"][0] == State.UNDECODED:
            self.undecoded_n += 1
            self.remedy = NO_VIDEO if codec in VIDEO_CODECS else NO_DECODER
        self._rows.append(row)

    def _row(self, picture: Picture, stamp_ns: int) -> NDArray[np.void]:
        """Row of one image, shape (1,); an image whose bytes are those of the one before is not decoded again."""
        if self._last is not None and self._last[0] == picture.data:
            return self._make.again(self._last[1])
        row = _blank(picture)
        plane, row["state"] = _decoded(picture)
        if plane is not None:
            if picture.coding.codec == "jpeg":
                row["quality"] = jpeg_quality(picture.data) or 0
            self._make.fill(row, plane)
            self.gallery.offer(stamp_ns, plane.pixels)
        kept: NDArray[np.void] = row.copy()  # the caller writes its own stamp
        self._last = (bytes(picture.data), kept)
        return row

    def _add_video(self, picture: Picture, stamp_ns: int) -> None:
        if self._video is None or self._video_codec != picture.coding.codec:
            self._end_video()
            self._video = VideoDecoder(picture.coding.codec, leads=not self._rows.n)
            self._video_codec, self._fed = picture.coding.codec, 0
        row = _blank(picture)
        row["stamp"], row["state"] = stamp_ns, State.FAILED
        self._waiting[self._fed] = row
        self._fed += 1
        self._show(self._video.feed(bytes(picture.data)))
        while len(self._waiting) > _MAX_KEPT_BACK:
            self._append_first()

    def _show(self, frames: list[Shown]) -> None:
        """Settle the rows of frames that came out, and append those before which none is waiting."""
        for frame in frames:
            row = self._waiting.get(frame.number)
            if row is None or frame.number in self._settled:
                continue
            if frame.leading:
                row["state"] = State.LEADING  # it may come out later
                continue
            self._settled.add(frame.number)
            row["key"] = frame.key
            if frame.plane is not None:
                row["state"] = State.DECODED
                self._make.fill(row, frame.plane)
                self.gallery.offer(int(row["stamp"][0]), frame.plane.pixels)
        while self._waiting and next(iter(self._waiting)) in self._settled:
            self._append_first()

    def _append_first(self) -> None:
        number = next(iter(self._waiting))
        self._settled.discard(number)
        self._rows.append(self._waiting.pop(number))

    def _has_video(self) -> bool:
        if self._can_video is None:
            self._can_video = can_decode_video()
        return self._can_video

    def _end_video(self) -> None:
        """Settle what the decoder kept back; what does not come out has failed."""
        if self._video is None:
            return
        self._show(self._video.finish())
        self._video = None
        while self._waiting:
            self._append_first()


def _blank(picture: Picture) -> NDArray[np.void]:
    row = np.zeros(1, FRAME_DTYPE)
    row["codec"], row["bits"] = CODECS.index(picture.coding.codec), 8 * len(picture.data)
    row["blur"] = row["energy"] = np.nan
    return row


def _sizes(columns: Columns, n: int, *, raw: bool) -> list[tuple[int, int, int, bool]]:
    if not raw:
        return [(0, 0, 0, False)] * n
    height, width, step, big = (
        columns.fields[name].values.tolist() for name in ("height", "width", "step", "is_bigendian")
    )
    return [(h, w, s, bool(b)) for h, w, s, b in zip(height, width, step, big, strict=True)]


def _decoded(picture: Picture) -> tuple[Plane | None, int]:
    codec, encoding, data = picture.coding.codec, picture.coding.encoding, picture.data
    try:
        if codec == "jpeg":
            return decode_jpeg(data), State.DECODED
        if codec == "png":
            return decode_png(data, encoding), State.DECODED
        if codec == "compressed_depth":
            return decode_compressed_depth(data, encoding, rvl=picture.coding.rvl), State.DECODED
        if codec == "raw" and picture.step:
            raw = decode_raw(data, encoding, picture.height, picture.width, picture.step, big=picture.big)
            return raw, State.DECODED
    except UndecodableError:
        return None, State.FAILED
    return None, State.UNDECODED
