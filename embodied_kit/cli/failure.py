"""What a reader is told when something fails: one line, the remedy, an exit code; in both languages."""

from __future__ import annotations

import errno
import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import click

from embodied_kit.cli.sentences import told
from embodied_kit.cli.texts import Texts
from embodied_kit.errors import EmbodiedKitError

EXIT_USAGE = 2
EXIT_ENVIRONMENT = 4
_WRONG_PATH = frozenset({errno.ENOENT, errno.EEXIST, errno.EISDIR, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP})

# error number -> English, Chinese, command that shows more; its `{path}` and `{folder}` are those of the error
_SYSTEM: Mapping[int, tuple[str, str, str]] = MappingProxyType(
    {
        errno.ENOSPC: ("no space left on the disk", "磁盘空间不足", "df -h"),
        errno.EDQUOT: ("the disk quota is used up", "磁盘配额已用完", "quota -s"),
        errno.EACCES: ("no permission", "没有权限", "ls -ld {path}"),
        errno.EPERM: ("no permission", "没有权限", "ls -ld {path}"),
        errno.EROFS: ("the file system is read-only", "文件系统只读", "df {folder}"),
        errno.EMFILE: ("too many open files", "打开的文件过多", "ulimit -n 4096"),
        errno.ENOENT: ("no such file or folder", "文件或文件夹不存在", "ls {folder}"),
        errno.EEXIST: ("it exists already", "已存在", "ls -ld {path}"),
        errno.EISDIR: ("it is a folder", "是文件夹", "ls {path}"),
        errno.ENOTDIR: ("it is not a folder", "不是文件夹", "ls -ld {path}"),
        errno.ENAMETOOLONG: ("the path is too long", "路径过长", ""),
        errno.ELOOP: ("its links lead in a circle", "符号链接成环", "ls -l {folder}"),
    }
)

# click's own sentences, and ours in Chinese; `{1}` is the first group
_CLICK_IN_CHINESE = tuple(
    (re.compile(english), chinese)
    for english, chinese in (
        (r"No such command '([^']+)'\..*", "没有命令“{1}”"),
        (r"No such option:? '?(-[^' .]+)'?.*", "没有选项“{1}”"),
        (r"Missing command\.?", "缺少命令"),
        (r"Missing argument '([^']+)'.*", "缺少参数 {1}"),
        (r"Missing option '(.+?)'\..*", "缺少选项 {1}"),
        (r"Option '([^']+)' requires an argument\.", "选项 {1} 需要一个值"),
        (r"Option '([^']+)' does not take a value\.", "选项 {1} 不带值"),
        (r"Got unexpected extra arguments? \((.+)\)", "多余的参数：{1}"),
        (r"Invalid value for (.+?): (.+) is not one of (.+)\.", "{1} 应为 {3} 之一，实为 {2}"),
        (r"Invalid value for (.+?): (.+) is not in the range (.+)\.", "{1} 应在 {3} 范围内，实为 {2}"),
        (r"Invalid value for (.+?): (.+) is not a valid (?:integer|float)(?: range)?\.", "{1} 应为数字，实为 {2}"),
        (r"Invalid value for (.+?): \w+ (.+) does not exist\.", "{1} 的路径不存在：{2}"),
    )
)


@dataclass(frozen=True)
class Failure:
    """A failure as it is shown: what is wrong, what to do next (may be empty), the program's exit code."""

    message: str
    remedy: str
    exit_code: int


def failure_of(error: EmbodiedKitError | click.ClickException | OSError, texts: Texts) -> Failure:
    """How an error that is no bug is shown."""
    if isinstance(error, EmbodiedKitError):
        return Failure(told(error.message, texts), told(error.remedy, texts), error.exit_code)
    if isinstance(error, OSError):
        return _of_system(error, texts)
    message = _one_line(error.format_message())
    context = error.ctx if isinstance(error, click.UsageError) else None
    command = context.command_path if context is not None else "embodied-kit"
    return Failure(_in_chinese(message) if texts.language == "zh" else message, f"{command} --help", EXIT_USAGE)


def tell(failure: Failure, texts: Texts) -> int:
    """Print one line and its remedy on the error stream.

    Returns:
        The exit code.
    """
    click.echo(f"{texts('error', '错误')}: {_one_line(failure.message)}", err=True)
    if failure.remedy:
        click.echo(f"  -> {_one_line(failure.remedy)}", err=True)
    return failure.exit_code


def _of_system(error: OSError, texts: Texts) -> Failure:
    """A wrong path is the caller's mistake; whatever else the operating system refuses is the machine's lack."""
    plain = error.strerror or str(error)
    english, chinese, remedy = _SYSTEM.get(error.errno or 0, (plain, plain, ""))
    path = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else ""
    if path:
        remedy = remedy.format(path=shlex.quote(path), folder=shlex.quote(str(Path(path).parent)))
    elif "{" in remedy:
        remedy = ""
    said = texts(english, chinese)
    code = EXIT_USAGE if error.errno in _WRONG_PATH else EXIT_ENVIRONMENT
    return Failure(f"{said}: {path}" if path else said, remedy, code)


def _in_chinese(message: str) -> str:
    """Click's sentence in Chinese; itself where the table does not know it."""
    for english, chinese in _CLICK_IN_CHINESE:
        if match := english.fullmatch(message):
            return chinese.format(message, *match.groups())
    return message


def _one_line(text: str) -> str:
    """The text in one line, without characters that a terminal would obey."""
    shown = (char if char.isprintable() else f"\\u{ord(char):04x}" for char in " ".join(text.split()))
    return "".join(shown)
