"""Times in documents: RFC 3339 text, and decimal strings for nanoseconds."""

from __future__ import annotations

from datetime import datetime, timezone

_NS_PER_S = 1_000_000_000


def rfc3339(time_ns: int) -> str:
    """UTC time with microseconds, e.g. `2026-11-24T08:15:30.123456Z`.

    Args:
        time_ns: ns since the Unix epoch.
    """
    seconds, rest_ns = divmod(time_ns, _NS_PER_S)
    moment = datetime.fromtimestamp(seconds, timezone.utc).replace(microsecond=rest_ns // 1000)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def duration_s(start_ns: int, end_ns: int) -> float:
    """Length of a span in s."""
    return (end_ns - start_ns) / _NS_PER_S
