"""How much memory this process may still take: of the machine, or of the container that it runs in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

_SYSTEM: Final = Path("/")
_KIB: Final = 1024
# Limit, use, and statistics with the page cache, which gives way; control groups of version 2 and of version 1.
_GROUPS: Final = (
    ("sys/fs/cgroup", "memory.max", "memory.current", ("active_file", "inactive_file", "slab_reclaimable")),
    (
        "sys/fs/cgroup/memory",
        "memory.limit_in_bytes",
        "memory.usage_in_bytes",
        ("total_active_file", "total_inactive_file"),
    ),
)


def memory_room_bytes(system: Path = _SYSTEM) -> int | None:
    """Bytes that can still be had; None where the system does not tell (Linux does).

    Args:
        system: Root of /proc and /sys.
    """
    return min(_rooms(system), default=None)


def is_strict(system: Path = _SYSTEM) -> bool:
    """Whether the kernel refuses memory that it has promised no one: its pages may then be missing at first use."""
    return _text(system / "proc/sys/vm/overcommit_memory").strip() == "2"


def _rooms(system: Path) -> Iterator[int]:
    machine = _table(system / "proc/meminfo")
    if "MemAvailable" in machine:
        yield machine["MemAvailable"] * _KIB
    if is_strict(system) and "CommitLimit" in machine:
        yield (machine["CommitLimit"] - machine.get("Committed_AS", 0)) * _KIB
    for folder, limit, used, cached in _GROUPS:
        with suppress(ValueError):  # no such group, or no limit: "max"
            most, now = (int(_text(system / folder / name)) for name in (limit, used))
            statistics = _table(system / folder / "memory.stat")
            yield most - now + sum(statistics.get(name, 0) for name in cached)


def _table(path: Path) -> Mapping[str, int]:
    """Name -> number, of lines `name[:] number ...`."""
    rows = (line.split() for line in _text(path).splitlines())
    return {row[0].rstrip(":"): int(row[1]) for row in rows if len(row) > 1 and row[1].isdecimal()}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except OSError:
        return ""
