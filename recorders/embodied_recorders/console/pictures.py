"""Small pictures of camera streams, made at most once a message, however many pages look."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import cast

from embodied_kit.errors import DataError
from embodied_kit.measure.images.preview import Rows, preview
from embodied_kit.messages.codec import Message, codec

WIDTH = 320
_TYPES = ("sensor_msgs/msg/CompressedImage", "sensor_msgs/msg/Image")  # the bytes fit one of them only


@dataclass
class _Made:
    """The last picture of a stream, and the message that it shows."""

    cdr: bytes
    jpeg: bytes


@dataclass
class Pictures:
    """Safe for threads."""

    _made: dict[str, _Made] = field(default_factory=dict)
    _types: dict[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def jpeg(self, stream_id: str, cdr: bytes) -> bytes:
        """A JPEG of an image message; empty where it holds none that can be shown."""
        with self._lock:
            made = self._made.get(stream_id)
            if made is None or made.cdr is not cdr:
                made = self._made[stream_id] = _Made(cdr, self._make(stream_id, cdr))
            return made.jpeg

    def _make(self, stream_id: str, cdr: bytes) -> bytes:
        known = self._types.get(stream_id)
        for ros_type in [known] if known else _TYPES:
            try:
                message = codec(ros_type).decode(cdr)
            except DataError:
                continue
            self._types[stream_id] = ros_type
            return _preview(message) or b""
        return b""


def _preview(message: Message) -> bytes | None:
    data = memoryview(cast("bytes", message["data"]))
    if "format" in message:
        return preview(data, str(message["format"]), None, WIDTH)
    height, width, step, big = (cast("int", message[name]) for name in ("height", "width", "step", "is_bigendian"))
    return preview(data, str(message["encoding"]), Rows(height, width, step, big_endian=bool(big)), WIDTH)
