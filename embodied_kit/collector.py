"""Python's cycle collector kept away where millions of rows are made and none of them is part of a cycle."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_SELDOM = 20_000


@contextmanager
def collector_seldom() -> Iterator[None]:
    """A search for cycles after thousands of objects instead of hundreds, where others make many that live on."""
    before = gc.get_threshold()
    gc.set_threshold(max(before[0], _SELDOM) if before[0] else 0, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


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
