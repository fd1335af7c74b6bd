"""Work that may wait for a disk, done by a thread beside the receiving one, which goes on meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

_MOMENT_S = 0.5  # most disks need less, and the caller need not turn
_LOOK_S = 0.005
_T = TypeVar("_T")


def patiently(do: Callable[[], _T], meanwhile: Callable[[], object]) -> _T:
    """Do it in a thread, and wait for it; after a moment `meanwhile` is called again and again.

    Args:
        do: Shares with `meanwhile` nothing that either changes.
        meanwhile: Short.

    Raises:
        Exception: What either raises.
    """
    with ThreadPoolExecutor(1, "embodied-kit-disk") as pool:
        future = pool.submit(do)
        wait([future], _MOMENT_S)
        while not future.done():
            meanwhile()
            wait([future], _LOOK_S)
    return future.result()
