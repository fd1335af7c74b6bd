"""The coded picture in a message of a camera, found without decoding the message: some bytes are skipped."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass

IMAGE, COMPRESSED_IMAGE = "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"
COMPRESSED_VIDEO, FFMPEG_PACKET = "foxglove_msgs/msg/CompressedVideo", "ffmpeg_image_transport_msgs/msg/FFMPEGPacket"
PICTURE_TYPES = frozenset({IMAGE, COMPRESSED_IMAGE, COMPRESSED_VIDEO, FFMPEG_PACKET})
_HEADER = ("int", "int", "text")  # stamp and frame_id
_FIELDS: Mapping[str, tuple[str, ...]] = {
    COMPRESSED_IMAGE: (*_HEADER, "format", "data"),
    COMPRESSED_VIDEO: (*_HEADER, "data", "format"),
    FFMPEG_PACKET: (*_HEADER, "int", "int", "format", "long", "byte", "byte", "data"),
}
_SIZES: Mapping[str, int] = {"byte": 1, "int": 4, "long": 8}
_ORDERS: Mapping[bytes, str] = {b"\0\0": ">I", b"\0\1": "<I"}  # plain CDR, big- and little-endian
_ENCAPSULATION = 4


@dataclass(frozen=True)
class CodedPicture:
    """A picture as a message holds it.

    Attributes:
        coding: Its `format` or `encoding`.
        data: Its bytes.
    """

    coding: str
    data: memoryview


def coded_picture(ros_type: str, cdr: bytes) -> CodedPicture | None:
    """Coded picture of a message; None for a type that holds none, and for bytes that are no such message."""
    fields, order = _FIELDS.get(ros_type), _ORDERS.get(cdr[:2])
    if fields is None or order is None:
        return None
    body, at = memoryview(cdr)[_ENCAPSULATION:], 0
    found: dict[str, memoryview] = {}
    for field in fields:
        size = _SIZES.get(field, 4)
        at += -at % size
        if field not in _SIZES:  # a length, and so many bytes
            if at + size > len(body):
                return None
            at, size = at + size, struct.unpack_from(order, body, at)[0]
            found[field] = body[at : at + size]
        at += size
    if at > len(body):
        return None
    return CodedPicture(bytes(found["format"]).rstrip(b"\0").decode("ascii", "replace"), found["data"])
