"""`--help` in Chinese: click's own words, which it has in English only."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

import click

_SECTIONS: Mapping[str, str] = MappingProxyType({"Options": "选项", "Commands": "命令", "Positional arguments": "参数"})
_PHRASES = (
    (re.compile(r"^Show this message and exit\.$"), "显示本帮助。"),
    (re.compile(r"\bdefault: "), "默认："),
    (re.compile(r"\brequired\]"), "必填]"),
)


class _ChineseFormatter(click.HelpFormatter):
    """Writes headings and notes in Chinese."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """The first line."""
        super().write_usage(prog, args, prefix or "用法：")

    @contextmanager
    def section(self, name: str) -> Iterator[None]:
        """A heading and what stands below it."""
        with super().section(_SECTIONS.get(name, name)):
            yield

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        """Two columns."""
        super().write_dl([(name, _in_chinese(text)) for name, text in rows], col_max, col_spacing)


class _ChineseContext(click.Context):
    formatter_class = _ChineseFormatter


def speak_chinese(command: click.Command) -> None:
    """Let a command, and those below it that exist already, write their help in Chinese."""
    command.context_class = _ChineseContext
    for below in getattr(command, "commands", {}).values():
        speak_chinese(below)


def _in_chinese(text: str) -> str:
    for english, chinese in _PHRASES:
        text = english.sub(chinese, text)
    return text
