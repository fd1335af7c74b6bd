"""The two roots of every error that embodied-kit raises on purpose; anything else that escapes is a bug.

Bad data *inside a dataset under validation* is a finding, never one of these.
"""

from __future__ import annotations


class EmbodiedKitError(Exception):
    """Common base; the command line prints it in one line with its remedy.

    Args:
        message: What was expected and what was found ("expected X, got Y").
        remedy: The next step for the reader; empty where the message already names it.
    """

    exit_code = 2

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


class DataError(EmbodiedKitError):
    """Data that cannot be read: truncated, malformed, over a limit, of an unknown version."""

    exit_code = 1


class UsageError(EmbodiedKitError):
    """The caller asked for something that cannot be: a wrong path, name, state or combination."""

    exit_code = 2


class EnvironmentUnfitError(UsageError):
    """The machine lacks what the call needs: disk space, a transport, an optional package."""

    exit_code = 4


class WriteFaultError(EnvironmentUnfitError):
    """The disk refuses to be written. Nothing that was handed over is lost yet: the same may be tried again."""


class MissingExtraError(EnvironmentUnfitError):
    """An optional package is not installed.

    Args:
        extra: Name of the extra, as in `pip install 'embodied_kit[extra]'`.
        what: What needs it.
    """

    def __init__(self, extra: str, what: str) -> None:
        super().__init__(f"{what} needs the extra '{extra}'", remedy=f"pip install 'embodied_kit[{extra}]'")
        self.extra = extra
