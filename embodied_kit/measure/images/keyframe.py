"""One key frame of a video as a small picture for people, with the extra `video` (PyAV)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from embodied_kit.measure.images.image import MAX_PIXELS, UndecodableError
from embodied_kit.measure.images.video import DECODERS

if TYPE_CHECKING:
    from av.video.codeccontext import VideoCodecContext


def decode_key_frame(codec: str, data: bytes, width: int) -> NDArray[np.uint8]:
    """Colours of a key frame at most `width` pixels wide, shape (height, width, 3).

    A decoder of its own for each: none keeps anything, and no other frame is looked at.

    Args:
        codec: `h264`, `hevc`, `vp9` or `av1`.
        data: A message's picture.
        width: Most pixels of a row.

    Raises:
        UndecodableError: It is damaged, too large or no key frame.
    """
    from av import CodecContext, Packet  # noqa: PLC0415 - late: an extra
    from av.error import FFmpegError  # noqa: PLC0415 - late: an extra

    context: VideoCodecContext = CodecContext.create(DECODERS[codec], "r")  # type: ignore[assignment]  # of a video codec
    context.thread_count = 1
    context.options = {"max_pixels": str(MAX_PIXELS)}
    try:
        frames = [*context.decode(Packet(data)), *context.decode(None)]
    except FFmpegError as error:
        raise UndecodableError("the video data are damaged") from error
    if not frames or not frames[0].key_frame or frames[0].is_corrupt:
        raise UndecodableError("the video data are damaged")
    frame = frames[0]
    wide = min(width, frame.width)
    small = frame.reformat(width=wide, height=max(1, frame.height * wide // frame.width), format="rgb24")
    return np.asarray(small.to_ndarray(), np.uint8)
