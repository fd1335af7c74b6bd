"""Small pictures of camera streams, made at most once a message, however many pages look."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from embodied_kit.errors import DataError
from embodied_kit.language import Texts
from embodied_kit.measure.images.depthcolours import DEPTH_RANGE_M
from embodied_kit.measure.images.encoding import VIDEO_CODECS, read_coding
from embodied_kit.measure.images.preview import Preview, Rows, preview
from embodied_kit.measure.images.video import can_decode_video
from embodied_kit.messages.codec import codec
from embodied_kit.messages.coded import IMAGE, coded_picture

WIDTH = 320
VIDEO_PERIOD_S = 0.5
"""Least time between two pictures of a video: a key frame costs more than a small JPEG."""
NO_NOTE: Texts = {}
NEEDS_VIDEO: Texts = {
    "en": "no video decoder: pip install 'embodied_kit[video]'",
    "zh": "没有视频解码器：pip install 'embodied_kit[video]'",
}
_NEAR, _FAR = DEPTH_RANGE_M
DISTANCES: Texts = {"en": f"{_NEAR:g}–{_FAR:g} m", "zh": f"{_NEAR:g}–{_FAR:g} m"}


@dataclass(frozen=True)
class Picture:
    """What a tile shows of a message.

    Attributes:
        jpeg: Empty where the message cannot be shown.
        note: What its colours mean, or why it cannot be shown; language -> text, empty for nothing to say.
    """

    jpeg: bytes = b""
    note: Texts = field(default_factory=dict)


@dataclass
class _Made:
    """The last picture of a stream, the message that it shows, and when a video may be decoded again."""

    cdr: bytes
    picture: Picture
    next_s: float


@dataclass
class Pictures:
    """Safe for threads.

    Attributes:
        clock: Seconds that never go back.
    """

    clock: Callable[[], float] = time.monotonic
    _made: dict[str, _Made] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def picture(self, stream_id: str, ros_type: str, cdr: bytes) -> Picture | None:
        """Picture of an image message; None while the last one of a video is too young."""
        with self._lock:
            made = self._made.get(stream_id)
            if made is None or made.cdr is not cdr:
                if made is not None and self.clock() < made.next_s:
                    return None
                made = self._made[stream_id] = self._make(ros_type, cdr)
            return made.picture

    def _make(self, ros_type: str, cdr: bytes) -> _Made:
        if ros_type == IMAGE:
            return _Made(cdr, _of(_raw(cdr)), 0.0)
        coded = coded_picture(ros_type, cdr)
        if coded is None:
            return _Made(cdr, Picture(), 0.0)
        video = read_coding(coded.coding).codec in VIDEO_CODECS
        if video and not _has_video():
            return _Made(cdr, Picture(note=NEEDS_VIDEO), 0.0)
        picture = _of(preview(coded.data, coded.coding, None, WIDTH))
        return _Made(cdr, picture, self.clock() + VIDEO_PERIOD_S if video else 0.0)


@functools.cache
def _has_video() -> bool:
    return can_decode_video()


def _raw(cdr: bytes) -> Preview | None:
    try:
        message = codec(IMAGE).decode(cdr)
    except DataError:
        return None
    data = memoryview(cast("bytes", message["data"]))
    height, width, step, big = (cast("int", message[name]) for name in ("height", "width", "step", "is_bigendian"))
    return preview(data, str(message["encoding"]), Rows(height, width, step, big_endian=bool(big)), WIDTH)


def _of(found: Preview | None) -> Picture:
    return Picture() if found is None else Picture(found.jpeg, DISTANCES if found.depth else NO_NOTE)
