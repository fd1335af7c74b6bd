"""Secrets of this user on this machine: made once, kept where nobody else reads them."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

_BYTES = 32


def kept_secret(name: str) -> bytes:
    """32 random bytes, the same at each call.

    Args:
        name: Of the file in the user's data folder; without it, new ones are made.
    """
    import platformdirs  # noqa: PLC0415  # few commands need it

    path = Path(platformdirs.user_data_dir("embodied-kit")) / name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{name}.{os.getpid()}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_bytes(_BYTES))
        with suppress(FileExistsError):  # another process was first: its secret holds
            os.link(draft, path)
        draft.unlink()
    return path.read_bytes()
