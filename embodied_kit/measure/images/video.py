"""Video in messages: the decoder of one stream, fed message by message, with the extra `video` (PyAV).

Its state lives as long as the stream; what a decoder may keep back is bounded. Decoding H.264, H.265, VP9 and AV1 is
exact by their standards, so every machine finds the same pixels.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from embodied_kit.measure.images.access import Access, access
from embodied_kit.measure.images.image import MAX_PIXELS, Plane, make_plane

if TYPE_CHECKING:
    from av import VideoFrame
    from av.video.codeccontext import VideoCodecContext

NO_VIDEO = "video is decoded with the extra video: pip install 'embodied_kit[video]'"
DECODERS = {"h264": "h264", "hevc": "hevc", "vp9": "vp9", "av1": "libdav1d"}
_PLANAR = ("yuv4", "yuvj4", "nv12", "nv21")
"""Pixel formats whose first plane is luma; others go through the library's own conversion to grey."""
_FULL_RANGE = 2  # AVCOL_RANGE_JPEG
_LIMITED = np.clip((np.arange(256) - 16) * 255 / 219 + 0.5, 0, 255).astype(np.uint8)
"""Luma 16..235, as video stores it, to 0..255."""


def can_decode_video() -> bool:
    """Whether the extra is there and loads."""
    try:
        import av  # noqa: F401, PLC0415 - late: an extra
    except (ImportError, OSError):
        return False
    return True


@dataclass(frozen=True)
class Shown:
    """One frame that came out.

    Attributes:
        number: Of the message that holds it, counted from 0.
        plane: Grey plane; None where the frame or one that it depends on is damaged.
        key: Whether it can be decoded alone.
        leading: Whether it is whole as far as can be told, and lies before the first frame that can.
    """

    number: int
    plane: Plane | None
    key: bool
    leading: bool = False


class _Lead:
    """The part of a stream that is built on frames before it: up to the first key frame, or the first damage.

    Pictures of H.265 that follow this key frame and are built on what lies before it belong here too.
    """

    def __init__(self, codec: str) -> None:
        self._codec = codec
        self._entered = self._over = False

    def reads(self, data: bytes) -> Access | None:
        """Access of the next message where it belongs here, else None."""
        found = None if self._over else access(self._codec, data)
        self._over = found in (None, Access.BROKEN) or (self._entered and found is not Access.SKIPPED)
        self._entered = self._entered or found is Access.ALONE
        return None if self._over or found is Access.ALONE else found


class VideoDecoder:
    """Decoder of one stream.

    A frame after a damaged one is damaged too, until the next key frame: its pixels are built on what is not there.
    Frames before the first key frame are leading, not damaged: whoever joins a live stream gets them.

    Args:
        codec: `h264`, `hevc`, `vp9` or `av1`.
        leads: Whether the stream begins here, so that frames may be leading.
    """

    def __init__(self, codec: str, *, leads: bool = True) -> None:
        from av import CodecContext  # noqa: PLC0415 - late: an extra

        self._context: VideoCodecContext = CodecContext.create(DECODERS[codec], "r")  # type: ignore[assignment]  # of a video codec
        self._context.thread_count = 1
        strict = {"max_frame_delay": "1"} if codec == "av1" else {"err_detect": "explode"}
        self._context.options = {"max_pixels": str(MAX_PIXELS), **strict}
        self._lead = _Lead(codec) if leads else None
        self._broken = True
        self._fed = 0

    def feed(self, data: bytes) -> list[Shown]:
        """Frames that come out when the next message goes in."""
        from av import Packet  # noqa: PLC0415 - late: an extra
        from av.error import FFmpegError  # noqa: PLC0415 - late: an extra

        lead = self._lead.reads(data) if self._lead else None
        packet = Packet(data)
        packet.pts = packet.dts = self._fed
        self._fed += 1
        lost = [Shown(self._fed - 1, None, key=False, leading=lead is not None)]
        if lead is Access.SKIPPED:  # to the decoder it would be damage
            return lost
        try:
            shown = list(self._shown(self._context.decode(packet) if data else []))
        except FFmpegError:
            self._broken = True
            return lost
        return lost + shown if lead else shown

    def finish(self) -> list[Shown]:
        """Frames that were kept back; nothing may be fed after."""
        from av.error import FFmpegError  # noqa: PLC0415 - late: an extra

        with contextlib.suppress(FFmpegError):
            return list(self._shown(self._context.decode(None)))
        return []

    def _shown(self, frames: list[VideoFrame]) -> Iterator[Shown]:
        for frame in frames:
            key = bool(frame.key_frame)
            self._broken = bool(frame.is_corrupt) or (self._broken and not key)
            if frame.pts is not None:
                yield Shown(int(frame.pts), None if self._broken else _plane_of(frame), key)


def _plane_of(frame: VideoFrame) -> Plane | None:
    """Luma of a frame in 0..255; None for one that is too large."""
    if frame.width * frame.height > MAX_PIXELS:
        return None
    planar = frame.format.name.startswith(_PLANAR)
    shown = frame if planar else frame.reformat(format="gray")
    bits = shown.format.components[0].bits
    plane = shown.planes[0]
    dtype = np.dtype("<u2" if bits > 8 else "u1")
    rows = np.frombuffer(memoryview(plane), dtype).reshape(-1, plane.line_size // dtype.itemsize)
    luma = (rows[: frame.height, : frame.width] >> max(0, bits - 8)).astype(np.uint8)
    full = not planar or shown.format.name.startswith("yuvj") or frame.color_range == _FULL_RANGE
    return make_plane("color", luma if full else _LIMITED[luma])
