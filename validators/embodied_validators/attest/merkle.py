"""Merkle tree in the shape of RFC 9162 section 2.1, with inclusion proofs; leaves are 32-byte digests."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence


def merkle_root(digests: Sequence[bytes]) -> bytes:
    """Root over the digests in order (RFC 9162 section 2.1.1); of none, the SHA-256 of nothing."""
    if not digests:
        return hashlib.sha256(b"").digest()
    return _level_up([leaf_hash(digest) for digest in digests])


def inclusion_path(digests: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """Sibling hashes from the leaf at an index up to the root (RFC 9162 section 2.1.3.1).

    Raises:
        IndexError: There is no such leaf.
    """
    if not 0 <= index < len(digests):
        raise IndexError(f"expected an index below {len(digests)}, got {index}")
    level = [leaf_hash(digest) for digest in digests]
    path = []
    while len(level) > 1:
        if index ^ 1 < len(level):
            path.append(level[index ^ 1])
        level = _pair_up(level)
        index //= 2
    return tuple(path)


def root_of_path(digest: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """Root that an inclusion proof leads to (RFC 9162 section 2.1.3.2); None where it fits no tree of that size.

    Args:
        digest: Unit digest, 32 bytes.
        index: Its place among the leaves.
        size: Number of leaves.
        path: Sibling hashes from the leaf upwards, 32 bytes each.
    """
    if not 0 <= index < size:
        return None
    current, last = leaf_hash(digest), size - 1
    for sibling in path:
        if last == 0:
            return None
        if index % 2 or index == last:
            current = node_hash(sibling, current)
            while index % 2 == 0 and index:
                index, last = index // 2, last // 2
        else:
            current = node_hash(current, sibling)
        index, last = index // 2, last // 2
    return current if last == 0 else None


def leaf_hash(digest: bytes) -> bytes:
    """SHA-256(00 || digest)."""
    return hashlib.sha256(b"\x00" + digest).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def _level_up(level: list[bytes]) -> bytes:
    while len(level) > 1:
        level = _pair_up(level)
    return level[0]


def _pair_up(level: list[bytes]) -> list[bytes]:
    """Next level: pairs are hashed, an odd last node rises as it is, which gives RFC 9162's shape."""
    pairs = [node_hash(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
    return pairs + level[len(pairs) * 2 :]
