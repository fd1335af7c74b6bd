"""Datagrams that the kernel dropped at this process's own UDP sockets (Linux)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

_TABLES: Final = (Path("/proc/self/net/udp"), Path("/proc/self/net/udp6"))
_FILES: Final = Path("/proc/self/fd")
_SOCKET: Final = re.compile(r"socket:\[(\d+)\]")
# Columns of the kernel's table, counted from 0 (net/ipv4/udp.c, udp4_format_sock).
_INODE_COLUMN: Final = 9
_DROPS_COLUMN: Final = 12


class UdpDrops:
    """Counts from its creation; sockets opened later count from their first datagram."""

    def __init__(self) -> None:
        self._before = self._now = _drops_of_own_sockets()

    def counters(self) -> Mapping[str, int]:
        """`udp_datagrams_dropped`, or nothing where the kernel does not tell."""
        with suppress(OSError):  # too many open files, say: what was last known is still so, at least
            self._now = _drops_of_own_sockets()
        if self._now is None or self._before is None:
            return {}
        dropped_n = sum(max(0, n - self._before.get(inode, 0)) for inode, n in self._now.items())
        return {"udp_datagrams_dropped": dropped_n}


def _drops_of_own_sockets() -> Mapping[str, int] | None:
    """Drops by socket inode; the table lists the sockets of every process, so it is matched with our open files."""
    if not _TABLES[0].exists():
        return None
    own = _own_socket_inodes()
    rows = (line.split() for table in _TABLES if table.exists() for line in table.read_text().splitlines()[1:])
    return {row[_INODE_COLUMN]: int(row[_DROPS_COLUMN]) for row in rows if row[_INODE_COLUMN] in own}


def _own_socket_inodes() -> frozenset[str]:
    inodes = set()
    for file in _FILES.iterdir():
        try:
            target = str(file.readlink())
        except FileNotFoundError:  # the listing's own descriptor is closed by now
            continue
        if found := _SOCKET.fullmatch(target):
            inodes.add(found[1])
    return frozenset(inodes)
