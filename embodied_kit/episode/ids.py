"""Identifiers: UUIDv7 for datasets and episodes, slugs for everything else."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable

from embodied_kit.errors import UsageError

_SLUG = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_NS_PER_MS = 1_000_000
_LONGEST = 64


def uuid7(now_ns: int, random_bits: int) -> str:
    """UUIDv7 (RFC 9562 section 5.7) of a moment.

    Args:
        now_ns: Time in ns since the Unix epoch; its milliseconds lead the id, so ids sort by time.
        random_bits: 74 bits of randomness, e.g. `secrets.randbits(74)`; a fixed number makes a fixed id.
    """
    milliseconds = (now_ns // _NS_PER_MS) & (2**48 - 1)
    rand_a = (random_bits >> 62) & 0xFFF
    rand_b = random_bits & (2**62 - 1)
    return str(uuid.UUID(int=milliseconds << 80 | 0x7 << 76 | rand_a << 64 | 0b10 << 62 | rand_b))


def require_slug(text: str, what: str) -> str:
    """The text itself where it is a slug.

    Raises:
        UsageError: It is not.
    """
    if not _SLUG.fullmatch(text):
        raise UsageError(
            f"expected {what} to be lower-case letters, digits, '-' or '_' (at most 64), got {text!r}",
            remedy=f"for example: {slugified(text)}",
        )
    return text


def slugified(text: str) -> str:
    """The nearest slug of any text, `stream` where nothing is left."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:_LONGEST] or "stream"


def unique_slugs(texts: Iterable[str]) -> dict[str, str]:
    """Text -> slug, no slug twice: a later text whose slug is taken gets a number."""
    slugs: dict[str, str] = {}
    taken: set[str] = set()
    for text in dict.fromkeys(texts):
        slug = slugified(text)
        number = 1
        while slug in taken:
            number += 1
            slug = f"{slugified(text)[: _LONGEST - 8]}_{number}"
        taken.add(slug)
        slugs[text] = slug
    return slugs
