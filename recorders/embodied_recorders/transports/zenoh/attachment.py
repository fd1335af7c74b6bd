"""What rmw_zenoh attaches to each message: sequence number, source stamp and gid of the publisher.

Zenoh's serialisation puts the length before each text; releases before April 2025 also wrote each field's name.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

_GID_BYTES: Final = 16
_FIELDS: Final = struct.Struct("<qqB16s")


def _named(name: bytes) -> bytes:
    return bytes([len(name)]) + name


_NAMED_SEQUENCE: Final = _named(b"sequence_number")
_NAMED_STAMP: Final = _named(b"source_timestamp")
_NAMED_GID: Final = _named(b"source_gid")
_WITH_NAMES: Final = struct.Struct(f"<{len(_NAMED_SEQUENCE)}sq{len(_NAMED_STAMP)}sq{len(_NAMED_GID)}sB16s")


class Attachment(NamedTuple):
    """Sequence number (the publisher's own, from 1), source stamp in ns since the Unix epoch, gid as 32 hex digits."""

    sequence: int
    source_ns: int
    gid: str


def attachment_bytes(sequence: int, source_ns: int, gid: bytes) -> bytes:
    """The 33 bytes of today's form; `gid` has 16."""
    return _FIELDS.pack(sequence, source_ns, _GID_BYTES, gid)


def attachment_of(data: bytes) -> Attachment | None:
    """Either form; None for anything else."""
    if len(data) == _FIELDS.size:
        sequence, source_ns, size, gid = _FIELDS.unpack(data)
    elif len(data) == _WITH_NAMES.size:
        first, sequence, second, source_ns, third, size, gid = _WITH_NAMES.unpack(data)
        if (first, second, third) != (_NAMED_SEQUENCE, _NAMED_STAMP, _NAMED_GID):
            return None
    else:
        return None
    return Attachment(sequence, source_ns, gid.hex()) if size == _GID_BYTES else None
