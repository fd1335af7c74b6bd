"""The table of a check-up: a line each stream and each check, and under what is unfit what to do."""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO
from typing import TYPE_CHECKING

import click

from embodied_kit.cli.sentences import told
from embodied_kit.cli.texts import Texts, columns, padded

if TYPE_CHECKING:
    from embodied_recorders.graph.checkup import Checkup
    from embodied_recorders.graph.machine import CheckRow
    from embodied_recorders.graph.preflight import PreflightRow
    from embodied_recorders.graph.readiness import ReadyRow

EXIT_UNFIT = 4
MARKS = {"ok": "ok  ", "warn": "warn", "fail": "FAIL"}
WIDTH = 80
_INDENT = " " * 6


def show_checkup(seen: Checkup, texts: Texts, *, briefly: bool = False) -> None:
    """Print every stream, and every check.

    Args:
        seen: What was looked at.
        texts: Language.
        briefly: Leave out checks in which all is well.
    """
    show_preflight(seen.streams, texts)
    _show_checks([row for row in seen.checks if not (briefly and row.state == "ok")], texts)


def go_or_no_go(unfit: Sequence[str], texts: Texts) -> str:
    """The last line of the table."""
    n = len(unfit)
    return texts(f"no-go: {n} to mend", f"不能开始：{n} 项待处理") if n else texts("go", "可以开始")


def show_preflight(rows: Sequence[PreflightRow], texts: Texts) -> None:
    """Print one line a stream; under each that is unfit what is wrong with it, and a remedy."""
    width = max((len(row.stream.stream_id) for row in rows), default=0)
    for row in rows:
        rate = "" if row.rate_hz is None else f"{row.rate_hz:8.4g} Hz"
        mark = MARKS["ok" if row.problem is None else "fail" if row.blocks else "warn"]
        _echo_row(f"{mark}  {row.stream.stream_id:<{width}}  {rate:>11}", row.stream.topic)
        if row.problem is not None:
            _echo_indented(texts.of(row.problem))
        if row.remedy is not None:
            _echo_indented(f"-> {texts.of(row.remedy)}")
    if rows and not any(row.publishers for row in rows):
        click.echo(
            texts(
                "Nothing of the contract is there: is the robot on this --domain, and reachable by --interface?",
                "约定中的数据流一路都没有：机器人是否在此 --domain 内，能否经由 --interface 到达？",
            )
        )


def _show_checks(rows: Sequence[CheckRow | ReadyRow], texts: Texts) -> None:
    width = max((columns(texts.of(row.what)) for row in rows), default=0)
    for row in rows:
        _echo_row(f"{MARKS[row.state]}  {padded(texts.of(row.what), width)}", texts.of(row.found))
        if row.remedy:
            remedy = told(row.remedy, texts) if isinstance(row.remedy, str) else texts.of(row.remedy)
            _echo_indented(f"-> {remedy}")


def _echo_row(head: str, tail: str) -> None:
    """On one line where that is short enough."""
    if columns(f"{head}  {tail}") <= WIDTH:
        click.echo(f"{head}  {tail}")
        return
    click.echo(head.rstrip())
    _echo_indented(tail)


def _echo_indented(text: str) -> None:
    """A paragraph of at most 80 columns; words stay whole, Chinese breaks between characters."""
    from rich.console import Console  # noqa: PLC0415  # --help needs none of it
    from rich.text import Text  # noqa: PLC0415

    room = WIDTH - len(_INDENT)
    for line in Text(text).wrap(Console(width=room, file=StringIO()), room, overflow="fold"):
        click.echo(f"{_INDENT}{line.plain.rstrip()}")
