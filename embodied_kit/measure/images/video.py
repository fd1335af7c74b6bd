"""Video in messages: the decoder of one stream, fed message by message, with the extra `video` (PyAV).

Its state lives as long as the stream; what a decoder may keep back is bounded. Decoding H.264, H.265, VP9 and AV1 is
exact by their standards, so every machine finds the same pixels.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping
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
        leading: Whether it is whole as far as can be told, and lies before the first frame that can; unless it comes
            out later.
    """

    number: int
    plane: Plane | None
    key: bool
    leading: bool = False


_ENTRIES = (Access.ALONE, Access.OPEN)
_BEFORE = (Access.DEPENDENT, Access.BOTH, Access.SKIPPED, Access.REFRESH)
_LOOKING_BACK: Mapping[Access, tuple[Access, float]] = {
    Access.ALONE: (Access.SKIPPED, math.inf),
    Access.OPEN: (Access.BOTH, 16),
}
"""Of what may still look back after each way in, and how many at most: H.264 reorders 16 frames."""
_MOST_TURNS = 64


class _Lead:
    """The part of a stream that is built on frames before it: up to the first key frame, or the first damage.

    Pictures that follow this key frame and may be built on what lies before it belong here too.

    Attributes:
        before: Whether neither a key frame has come yet, nor damage, nor a picture that is whole without a key frame.
        refreshed: Whether what the decoder gives from now on is whole without a key frame.
    """

    def __init__(self, *, over: bool) -> None:
        self.before = not over
        self.refreshed = False
        self._kind, self._left = Access.SKIPPED, 0.0

    def holds(self, found: Access) -> bool:
        """Whether the next message, of this access, belongs here."""
        if self._left:
            self._left = self._left - 1 if found is self._kind else 0.0
            return found is self._kind
        if self.before and found in _BEFORE:
            self.refreshed |= found is Access.REFRESH
            return True
        if self.before:
            self.end()
            self._kind, self._left = _LOOKING_BACK.get(found, (found, 0.0))
        return False

    def end(self) -> None:
        """Nothing more belongs here."""
        self.before = self.refreshed = False
        self._left = 0.0


class _Wholeness:
    """Which frames are whole, by their numbers: they may come out in another order than they went in."""

    def __init__(self) -> None:
        self._turns = [(-1, False)]

    def turn(self, number: int, *, whole: bool) -> None:
        """From this frame on they are, or are not; nothing where a later frame has told already."""
        last, was = self._turns[-1]
        if number > last and whole is not was:
            self._turns.append((number, whole))
            del self._turns[:-_MOST_TURNS]

    def at(self, number: int) -> bool:
        """Whether a frame is."""
        return next((whole for first, whole in reversed(self._turns) if first <= number), False)


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

        self._codec = codec
        self._context: VideoCodecContext = CodecContext.create(DECODERS[codec], "r")  # type: ignore[assignment]  # of a video codec
        self._context.thread_count = 1
        strict = {"max_frame_delay": "1"} if codec == "av1" else {"err_detect": "explode"}
        self._context.options = {"max_pixels": str(MAX_PIXELS), **strict}
        self._lead = _Lead(over=not leads)
        self._wholeness = _Wholeness()
        self._fed = 0

    def feed(self, data: bytes) -> list[Shown]:
        """Frames that come out when the next message goes in."""
        from av import Packet  # noqa: PLC0415 - late: an extra
        from av.error import FFmpegError  # noqa: PLC0415 - late: an extra

        number, found = self._fed, access(self._codec, data)
        self._fed += 1
        leading = [Shown(number, None, key=False, leading=True)] if self._lead.holds(found) else []
        if leading and found is Access.SKIPPED:  # to the decoder it would be damage
            return leading
        packet = Packet(data)
        packet.pts = packet.dts = number
        try:
            frames = self._context.decode(packet) if data else []
        except FFmpegError:
            if leading and not self._lead.refreshed:  # what it is built on was sent before
                return leading
            self._lead.end()
            self._wholeness.turn(number, whole=False)
            return [Shown(number, None, key=False)]
        if found in _ENTRIES:
            self._wholeness.turn(number, whole=True)
        return leading + list(self._shown(frames))

    def finish(self) -> list[Shown]:
        """Frames that were kept back; nothing may be fed after."""
        from av.error import FFmpegError  # noqa: PLC0415 - late: an extra

        with contextlib.suppress(FFmpegError):
            return list(self._shown(self._context.decode(None)))
        return []

    def _shown(self, frames: list[VideoFrame]) -> Iterator[Shown]:
        for frame in frames:
            if frame.pts is None:
                continue
            number, key = int(frame.pts), bool(frame.key_frame)
            if frame.is_corrupt:
                self._wholeness.turn(number, whole=False)
            elif key or self._lead.refreshed:
                self._wholeness.turn(number, whole=True)
            whole = self._wholeness.at(number) and not frame.is_corrupt
            if whole and self._lead.before:
                self._lead.end()
            yield Shown(number, _plane_of(frame) if whole else None, key, leading=not whole and self._lead.before)


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
