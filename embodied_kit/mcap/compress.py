"""How a chunk's records are stored: compressed, or as they are where that would gain next to nothing.

JPEG and H.264 do not become smaller, and trying costs more than all the rest of writing; so a few pieces are tried.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

import lz4.frame
import zstandard

Compression = Literal["none", "zstd", "lz4"]
Parts: TypeAlias = Sequence[bytes | memoryview]
_ZSTD_LEVEL = 1
_PIECES, _PIECE_BYTES = 8, 4096
_SMALL_BYTES = 8 * _PIECES * _PIECE_BYTES  # asking costs as much as doing
_GAIN = 0.97


class Compressor:
    """Stores chunks; not safe for threads.

    Args:
        compression: What may be used.
    """

    def __init__(self, compression: Compression) -> None:
        self._name = "" if compression == "none" else compression
        self._zstd = zstandard.ZstdCompressor(level=_ZSTD_LEVEL)

    def stored(self, parts: Parts) -> tuple[str, Parts]:
        """MCAP's name of the compression used, empty for none, and the bytes: the same object where none was."""
        if self._name == "" or not self._gains(parts):
            return "", parts
        whole = parts[0] if len(parts) == 1 else b"".join(parts)
        return self._name, [self._zstd.compress(whole) if self._name == "zstd" else lz4.frame.compress(whole)]

    def _gains(self, parts: Parts) -> bool:
        """Whether pieces from all over a large chunk become smaller."""
        size = sum(map(len, parts))
        if size < _SMALL_BYTES:
            return True
        step, before = size // _PIECES, 0
        pieces: list[bytes | memoryview] = []
        for part in parts:
            pieces += [part[at : at + _PIECE_BYTES] for at in range(-before % step, len(part), step)]
            before += len(part)
        joined = b"".join(pieces)
        return len(self._zstd.compress(joined)) < _GAIN * len(joined)
