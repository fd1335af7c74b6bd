"""Digest of all payloads of a stream, the same however the messages were cut into chunks and batches."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from embodied_kit.messages.layout import Ints, gather

_PREFIX_BYTES = 8
_LARGE_BYTES = 1024
_PIECE_BYTES = 2**22


class PayloadDigest:
    """SHA-256 over all payloads in file order, each preceded by its length as 8 bytes, little-endian."""

    def __init__(self) -> None:
        self._sha = hashlib.sha256()
        self.total_bytes = 0

    def update(self, buffer: memoryview, offset: Ints, length: Ints) -> None:
        """Add messages.

        Args:
            buffer: What they lie in.
            offset: (n,) where each payload begins.
            length: (n,) bytes of each payload.
        """
        total = int(length.sum())
        self.total_bytes += total
        if total >= _LARGE_BYTES * len(length):
            prefixes = length.astype("<u8").tobytes()
            for row, (first, size) in enumerate(zip(offset.tolist(), length.tolist(), strict=True)):
                self._sha.update(prefixes[_PREFIX_BYTES * row : _PREFIX_BYTES * (row + 1)])
                self._sha.update(buffer[first : first + size])
            return
        data, ends = np.frombuffer(buffer, np.uint8), np.cumsum(length)
        cuts = np.unique(np.searchsorted(ends, np.arange(_PIECE_BYTES, total, _PIECE_BYTES), side="right"))
        for rows in np.split(np.arange(len(length)), cuts):
            if len(rows):
                self._sha.update(_prefixed(data, offset[rows], length[rows]).data)

    def hexdigest(self) -> str:
        """Digest of all payloads so far, lower-case hex."""
        return self._sha.hexdigest()


def _prefixed(data: NDArray[np.uint8], offset: Ints, length: Ints) -> NDArray[np.uint8]:
    """Payloads one after the other with their lengths before them; messages of one length move together."""
    size = length + _PREFIX_BYTES
    begin = np.cumsum(size) - size
    joined = np.empty(int(size.sum()), np.uint8)
    for width in np.unique(length).tolist():
        rows = np.flatnonzero(length == width)
        parts = np.empty((len(rows), _PREFIX_BYTES + width), np.uint8)
        parts[:, :_PREFIX_BYTES] = np.frombuffer(width.to_bytes(_PREFIX_BYTES, "little"), np.uint8)
        if width:
            parts[:, _PREFIX_BYTES:] = gather(data, offset[rows], f"V{width}").view(np.uint8).reshape(len(rows), width)
        whole = f"V{_PREFIX_BYTES + width}"
        view = np.ndarray((len(joined) - _PREFIX_BYTES - width + 1,), whole, joined, 0, (1,))
        view[begin[rows]] = parts.view(whole)[:, 0]
    return joined
