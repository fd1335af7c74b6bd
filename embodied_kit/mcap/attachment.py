"""Attachments that a scan passes by."""

from __future__ import annotations

import hashlib

from embodied_kit.errors import DataError
from embodied_kit.mcap.container import Attachment, Crc, check_size
from embodied_kit.mcap.crc import crc32
from embodied_kit.mcap.ledger import Ledger
from embodied_kit.mcap.records import HEAD, parse_attachment_head
from embodied_kit.mcap.span import HEAD_PEEK, SpanReader


def pass_attachment(span: SpanReader, ledger: Ledger, offset: int, length: int) -> None:
    """Pass an attachment by: hashed, its CRC checked, never held."""
    peek = min(length, HEAD_PEEK)
    span.ensure(HEAD.size + peek)
    try:
        head = parse_attachment_head(span.peek(peek, HEAD.size))
        check_size(head.data_at + head.size + 4, length)
    except DataError as error:
        ledger.problem(offset, f"attachment not seen: {error.message}")
        span.skip(HEAD.size + length)
        return
    span.skip(HEAD.size)
    crc = 0
    for piece in span.pieces(head.data_at):
        crc = crc32(piece, crc)
    sha, data_offset = hashlib.sha256(), span.offset
    for piece in span.pieces(head.size):
        crc = crc32(piece, crc)
        sha.update(piece)
    tail = b"".join(span.pieces(length - head.data_at - head.size))
    told = int.from_bytes(tail[:4], "little")
    state: Crc = "absent" if not told else "ok" if told == crc else "bad"
    ledger.add_attachment(
        Attachment(
            head.name,
            head.media_type,
            head.log_time,
            head.create_time,
            head.size,
            sha.hexdigest(),
            state,
            offset,
            data_offset,
        ),
        HEAD.size + length,
    )
