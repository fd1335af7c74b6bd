"""RFC 3339 text back to nanoseconds."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

from embodied_kit.errors import DataError

NS_PER_S = 1_000_000_000
NS_PER_DAY = 86_400 * NS_PER_S
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?(Z|[+-]\d\d:\d\d)", re.ASCII)


def time_ns(text: str) -> int:
    """Nanoseconds since the Unix epoch of an RFC 3339 time with offset and at most microseconds.

    Raises:
        DataError: It is no such time.
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise DataError(f"expected a time such as 2026-11-24T08:15:30Z, got {text[:40]!r}")
    seconds, fraction, offset = match.groups(default="0")
    try:
        moment = datetime.fromisoformat(seconds + ("+00:00" if offset == "Z" else offset))
        since = moment - _EPOCH + timedelta(microseconds=int(fraction.ljust(6, "0")))
    except (ValueError, OverflowError) as error:
        raise DataError(f"expected a time that exists, got {text!r}") from error
    return since // timedelta(microseconds=1) * 1000
