"""Names of the engines that measure many episodes."""

from __future__ import annotations

from typing import Literal

EngineName = Literal["auto", "serial", "processes", "ray"]
ENGINES: tuple[EngineName, ...] = ("auto", "serial", "processes", "ray")
