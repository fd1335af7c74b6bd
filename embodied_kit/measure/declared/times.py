"""RFC 3339 times of documents as integers."""

from __future__ import annotations

import re
from datetime import datetime

_TIME = re.compile(r"(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)")


def parse_rfc3339(text: str) -> int | None:
    """Nanoseconds since the Unix epoch; None where it is no RFC 3339 time with offset."""
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    whole, fraction, offset = match.groups()
    try:
        moment = datetime.fromisoformat(whole.upper() + ("+00:00" if offset in "Zz" else offset))
    except ValueError:
        return None
    seconds = int(moment.timestamp())
    return seconds * 1_000_000_000 + int((fraction or "").ljust(9, "0"))
