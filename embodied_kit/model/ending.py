"""How a take may end, by the vocabulary `outcome`; named here so that help reads no file."""

from __future__ import annotations

from typing import Final

OUTCOMES: Final = ("success", "failure", "partial", "aborted", "unknown")
UNDONE: Final = ("failure", "partial", "aborted")
"""Outcomes that have a cause."""
