"""Pseudonyms of people and machines: a keyed hash, its key kept on this machine only."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from pathlib import Path

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
    return f"{kind}-" + hmac.new(_key(), name.strip().encode(), hashlib.sha256).hexdigest()[:_SHOWN_HEX]


def _key() -> bytes:
    import platformdirs  # noqa: PLC0415  # only where a name is given

    path = Path(platformdirs.user_data_dir("embodied-kit")) / _KEY_FILE
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{_KEY_FILE}.{os.getpid()}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_bytes(32))
        with suppress(FileExistsError):  # another process was first: its key holds
            os.link(draft, path)
        draft.unlink()
    return path.read_bytes()
