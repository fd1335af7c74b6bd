"""What an operator sees of a running session on one line of a terminal, and lines that stay above it."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from embodied_kit.cli.texts import Texts, columns

if TYPE_CHECKING:
    from embodied_recorders.loop.control import Snapshot, StreamState
    from embodied_recorders.take.running import Progress

_WATCH_PERIOD_S = 0.5
_BANDS = ("ok", "warn", "bad", "silent", "absent")
_SHORT_S = 3600.0
_ERASE = "\r\x1b[K"


class Screen:
    """Standard output, and below it a line of standard error that is written anew, where that is a terminal."""

    def __init__(self) -> None:
        self.has_line = sys.stderr.isatty()
        self._shown = False

    def show(self, text: str) -> None:
        """Put a text on the line, cut to the width of the terminal."""
        if self.has_line:
            sys.stderr.write(_ERASE + _cut(text, shutil.get_terminal_size().columns - 1))
            sys.stderr.flush()
            self._shown = True

    def clear(self) -> None:
        """Empty the line."""
        if self._shown:
            sys.stderr.write(_ERASE)
            sys.stderr.flush()
            self._shown = False

    def say(self, text: str, *, err: bool = False) -> None:
        """Print a line that stays."""
        self.clear()
        click.echo(text, err=err)

    def ask(self, text: str) -> None:
        """Print a question; the answer is typed behind it."""
        self.clear()
        click.echo(text, nl=False)


def _cut(text: str, width: int) -> str:
    if columns(text) <= width:
        return text
    while text and columns(text) >= width:
        text = text[:-1]
    return text + "…"


def live_line(shown: Snapshot, texts: Texts) -> str:
    """A snapshot on one line: state, elapsed, messages, MB, worst stream with its band, losses, free disk."""
    parts = [_state(shown, texts)]
    if shown.take is not None:
        seconds, n = shown.take.elapsed_s, shown.take.messages_n
        parts.append(texts(f"{seconds:.0f} s", f"{seconds:.0f} 秒"))
        parts.append(texts(f"{n} messages", f"{n} 条消息"))
        parts.append(f"{shown.take.bytes_n / 1e6:.1f} MB")
    parts.append(_worst(shown, texts))
    if shown.take is not None:
        parts.append(_lost(shown, texts))
    return "  ".join([*parts, _disk(shown, texts)])


def _state(shown: Snapshot, texts: Texts) -> str:
    if shown.state == "recording" and shown.intervening:
        return texts("● REC, intervention", "● 采集中（人工介入）")
    words = {
        "idle": texts("waiting", "等待中"),
        "armed": texts("ready", "就绪"),
        "recording": texts("● REC", "● 采集中"),
        "closing": texts("saving", "保存中"),
        "closed": texts("ended", "已结束"),
    }
    return words[shown.state]


def _worst(shown: Snapshot, texts: Texts) -> str:
    """The stream in the worst band, those that are required first; how many others are not well."""
    unwell = sorted((one for one in shown.streams if one.band != "ok"), key=_order)
    if not unwell:
        return texts(f"{len(shown.streams)} streams ok", f"{len(shown.streams)} 路数据流正常")
    worst = f"{unwell[0].stream_id}: {texts.of(unwell[0].problem)}"
    more = len(unwell) - 1
    return worst + (texts(f" (and {more} more)", f"（另有 {more} 路）") if more else "")


def _order(stream: StreamState) -> tuple[bool, int]:
    return not stream.required, -_BANDS.index(stream.band)


def _lost(shown: Snapshot, texts: Texts) -> str:
    """Messages lost before us, dropped by us, and what the transport counts; unknown where nobody numbers them."""
    known = [stream.lost_n for stream in shown.streams if stream.lost_n is not None]
    said = texts(f"lost {sum(known)}", f"丢失 {sum(known)}") if known else texts("losses unknown", "丢失情况未知")
    if dropped := sum(stream.queue_dropped_n for stream in shown.streams):
        said += texts(f", dropped {dropped}", f"，本机丢弃 {dropped}")
    for name, n in shown.transport_counters.items():
        said += f", {name} {n}" if n else ""
    return said


def _disk(shown: Snapshot, texts: Texts) -> str:
    free = f"{shown.machine.free_bytes / 1e9:.0f} GB"
    left_s = shown.machine.seconds_left
    if left_s is None or left_s > _SHORT_S:
        return texts(f"disk {free}", f"磁盘 {free}")
    return texts(f"disk {free}, for {left_s / 60:.0f} min", f"磁盘 {free}，还可采集 {left_s / 60:.0f} 分钟")


class Ticker:
    """Shows a running take on one line of a terminal, twice a second."""

    def __init__(self, texts: Texts, out: Callable[[str], object] = sys.stderr.write) -> None:
        self._texts = texts
        self._out = out
        self._next_s = 0.0

    def show(self, progress: Progress) -> None:
        """Print, if it is time and someone watches."""
        if not sys.stderr.isatty() or (progress.elapsed_s < self._next_s and not progress.stop_reason):
            return
        self._next_s = progress.elapsed_s + _WATCH_PERIOD_S
        seconds, megabytes = f"{progress.elapsed_s:6.1f}", f"{progress.bytes_n / 1e6:8.1f}"
        line = self._texts(
            f"  {seconds} s  {progress.messages_n:9d} messages  {megabytes} MB",
            f"  {seconds} 秒  {progress.messages_n:9d} 条消息  {megabytes} MB",
        )
        self._out("\r" + line + ("\n" if progress.stop_reason else ""))
        sys.stderr.flush()
