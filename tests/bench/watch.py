"""A pytest plugin that notes which lines of a folder's modules each test runs."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest

ENTERED_ENOUGH = 20
"""Calls of a function in one test that are watched: what they ran decides the order of tests, no more."""


class Watch:
    """What was seen is `told`: test -> CPU seconds, and pairs of a module's name and a line."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)
        self.told: dict[str, tuple[float, list[tuple[str, int]]]] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Watch one test."""
        seen: set[tuple[str, int]] = set()
        entered: Counter[CodeType] = Counter()

        def inside(frame: FrameType, _event: str, _argument: Any) -> Callable[..., Any]:
            seen.add((frame.f_code.co_filename, frame.f_lineno))
            return inside

        def enter(frame: FrameType, event: str, argument: Any) -> Callable[..., Any] | None:
            code = frame.f_code
            if not code.co_filename.startswith(self._folder) or entered[code] == ENTERED_ENOUGH:
                return None
            entered[code] += 1
            return inside(frame, event, argument)

        began = time.process_time()
        sys.settrace(enter)
        try:
            return (yield)
        finally:
            sys.settrace(None)
            lines = [(Path(file).stem, line) for file, line in sorted(seen)]
            self.told[item.nodeid] = time.process_time() - began, lines
