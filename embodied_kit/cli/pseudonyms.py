"""Pseudonyms of people and machines: a keyed hash, its key kept on this machine only."""

from __future__ import annotations

import hashlib
import hmac

from embodied_kit.cli.kept_secret import kept_secret

_KEY_FILE = "pseudonym.key"
_SHOWN_HEX = 32


def pseudonym(kind: str, name: str) -> str:
    """`<kind>-` and 32 hex digits of a name (HMAC-SHA256); empty for an empty name.

    A bare hash of a name can be guessed; this one only with the key, which stays in the user's data folder.

    Args:
        kind: Two letters: `op` for an operator, `ho` for a host.
        name: What must not be written down.
    """
    if not name:
        return ""
    return f"{kind}-" + hmac.new(kept_secret(_KEY_FILE), name.strip().encode(), hashlib.sha256).hexdigest()[:_SHOWN_HEX]
