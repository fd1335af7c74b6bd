"""Python's cycle collector paused where millions of rows are made and none of them is part of a cycle."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_paused() -> Iterator[None]:
    """No search for cycles inside: with many rows in memory it walks them all, again and again.

    For our own code only, and for bounded work: what others do may make cycles.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
