"""Failures: one line, a remedy, the right exit code, never a traceback; a bug keeps its traceback."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from cli.verbs import run

from embodied_kit.cli.app import run as run_program
from embodied_kit.cli.failure import failure_of
from embodied_kit.cli.texts import Texts
from embodied_kit.errors import DataError, EnvironmentUnfitError, MissingExtraError, UsageError

ROOT = Path(__file__).resolve().parents[2]
ENGLISH, CHINESE = Texts("en"), Texts("zh")


def program(error: BaseException) -> click.Group:
    """A program whose one verb fails."""

    def fail() -> int:
        raise error

    group = click.Group("embodied-kit")
    group.add_command(click.Command("fail", callback=fail))
    return group


@pytest.mark.parametrize(
    ("words", "english", "chinese", "remedy"),
    [
        (["frobnicate"], "No such command 'frobnicate'", "没有命令“frobnicate”", "embodied-kit --help"),
        (["rules", "lits"], "No such command 'lits'", "没有命令“lits”", "embodied-kit rules --help"),
        (["--frob"], "No such option", "没有选项“--frob”", "embodied-kit --help"),
        (["validate"], "Missing argument 'PATH'", "缺少参数 PATH", "embodied-kit validate --help"),
        (["record", "c.yaml"], "Missing option '--dataset'", "缺少选项 --dataset", "embodied-kit record --help"),
        (["validate", "x", "--level"], "requires an argument", "选项 --level 需要一个值", ""),
        (["doctor", "--at=.", "--help=1"], "does not take a value", "选项 --help 不带值", ""),
        (["rules", "list", "A", "B"], "unexpected extra argument", "多余的参数：B", "embodied-kit rules list --help"),
        (
            ["validate", "x", "--level", "L9"],
            "'L9' is not one of 'L1', 'L2', 'L3', 'L4'",
            "'--level' 应为 'L1', 'L2', 'L3', 'L4' 之一，实为 'L9'",
            "embodied-kit validate --help",
        ),
        (
            ["contract", "check", "c.yaml", "--domain", "999"],
            "999 is not in the range",
            "'--domain' 应在 0<=x<=232 范围内，实为 999",
            "embodied-kit contract check --help",
        ),
        (
            ["contract", "check", "c.yaml", "--domain", "one"],
            "'one' is not a valid integer",
            "'--domain' 应为数字，实为 'one'",
            "embodied-kit contract check --help",
        ),
    ],
)
def test_a_wrong_command_line_is_one_line_with_a_remedy(
    words: list[str], english: str, chinese: str, remedy: str
) -> None:
    for lang, said, mark in (("en", english, "error"), ("zh", chinese, "错误")):
        shown = run(*words, "--lang", lang)
        assert (shown.code, shown.out) == (2, "")
        first, *rest = shown.err.splitlines()
        assert first.startswith(f"{mark}: ")
        assert said in first
        assert len(rest) == 1
        assert rest[0].startswith("  -> embodied-kit")
        assert rest[0].endswith(remedy or "--help")


@pytest.mark.parametrize(
    "words",
    [
        ["validate", "{}"],
        ["measure", "{}"],
        ["dataset", "ls", "{}"],
        ["dataset", "info", "{}"],
        ["dataset", "seal", "{}"],
        ["contract", "check", "{}"],
        ["verify", "{}", "--trust", "{}"],
        ["attest", "{}", "--level", "L2", "--key", "{}"],
        ["import", "rosbag2", "{}", "--dataset", "{}", "--robot", "{}"],
    ],
    ids=" ".join,
)
def test_a_path_that_is_not_there_is_named_in_one_line(words: list[str], tmp_path: Path) -> None:
    absent = tmp_path / "absent"
    shown = run(*[word.format(absent) for word in words])
    assert (shown.code, shown.out) == (2, "")
    first, *rest = shown.err.splitlines()
    assert first.startswith("error: ")
    assert "absent" in first
    assert all(line.startswith("  -> ") for line in rest)
    assert len(rest) <= 1
    assert not absent.exists()


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (DataError("expected A, got B", remedy="do C"), 1),
        (UsageError("expected A, got B", remedy="do C"), 2),
        (EnvironmentUnfitError("expected A, got B", remedy="do C"), 4),
    ],
)
def test_an_expected_error_gives_its_exit_code(error: Exception, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_program(program(error), ["fail"], ENGLISH) == code
    assert capsys.readouterr() == ("", "error: expected A, got B\n  -> do C\n")


def test_a_missing_extra_says_how_to_install_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_program(program(MissingExtraError("sim", "robot sim")), ["fail"], CHINESE) == 4
    assert capsys.readouterr().err == "错误: robot sim：需要可选组件“sim”\n  -> pip install 'embodied_kit[sim]'\n"


@pytest.mark.parametrize(
    ("number", "code", "english", "chinese", "remedy"),
    [
        (errno.ENOSPC, 4, "no space left on the disk: /d/x y", "磁盘空间不足: /d/x y", "df -h"),
        (errno.EDQUOT, 4, "the disk quota is used up: /d/x y", "磁盘配额已用完: /d/x y", "quota -s"),
        (errno.EACCES, 4, "no permission: /d/x y", "没有权限: /d/x y", "ls -ld '/d/x y'"),
        (errno.EPERM, 4, "no permission: /d/x y", "没有权限: /d/x y", "ls -ld '/d/x y'"),
        (errno.EROFS, 4, "the file system is read-only: /d/x y", "文件系统只读: /d/x y", "df /d"),
        (errno.EMFILE, 4, "too many open files: /d/x y", "打开的文件过多: /d/x y", "ulimit -n 4096"),
        (errno.ENOENT, 2, "no such file or folder: /d/x y", "文件或文件夹不存在: /d/x y", "ls /d"),
        (errno.EEXIST, 2, "it exists already: /d/x y", "已存在: /d/x y", "ls -ld '/d/x y'"),
        (errno.EISDIR, 2, "it is a folder: /d/x y", "是文件夹: /d/x y", "ls '/d/x y'"),
        (errno.ENOTDIR, 2, "it is not a folder: /d/x y", "不是文件夹: /d/x y", "ls -ld '/d/x y'"),
        (errno.EIO, 4, os.strerror(errno.EIO) + ": /d/x y", os.strerror(errno.EIO) + ": /d/x y", ""),
    ],
)
def test_what_the_system_refuses_is_one_line(
    number: int, code: int, english: str, chinese: str, remedy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    error = OSError(number, os.strerror(number), "/d/x y")
    for texts, mark, said in ((ENGLISH, "error", english), (CHINESE, "错误", chinese)):
        assert run_program(program(error), ["fail"], texts) == code
        assert capsys.readouterr() == ("", f"{mark}: {said}\n" + (f"  -> {remedy}\n" if remedy else ""))


def test_a_remedy_about_a_path_is_left_out_where_no_path_is_known() -> None:
    shown = failure_of(PermissionError(errno.EACCES, "Permission denied"), ENGLISH)
    assert (shown.message, shown.remedy) == ("no permission", "")


def test_a_bug_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        run_program(program(ZeroDivisionError()), ["fail"], ENGLISH)


def test_an_interrupt_ends_as_a_shell_expects(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_program(program(KeyboardInterrupt()), ["fail"], CHINESE) == 130
    assert "已中断" in capsys.readouterr().err


def shell(line: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """Run a line with the program as $KIT."""
    paths = os.pathsep.join(str(ROOT / folder) for folder in (".", "recorders", "validators"))
    environment = {
        **os.environ,
        "PYTHONPATH": paths,
        "EMBODIED_KIT_LANG": "en",
        "KIT": f"{sys.executable} -m embodied_kit",
    }
    return subprocess.run(
        ["bash", "-c", line],  # noqa: S607  # wherever bash lies
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("words", ["rules list", "--help", "--version"])
def test_a_full_disk_under_the_output_is_told_once(words: str, tmp_path: Path) -> None:
    done = shell(f"$KIT {words} > /dev/full", tmp_path)
    assert (done.returncode, done.stderr) == (4, "error: no space left on the disk\n  -> df -h\n")


def test_a_verdict_that_nobody_reads_is_neither_passed_nor_failed(tmp_path: Path) -> None:
    done = shell("$KIT rules list | (exec 0<&-; sleep 1); echo ${PIPESTATUS[0]}", tmp_path)
    assert (done.stdout, done.stderr) == ("141\n", "")


def test_no_permission_to_write_is_told_with_the_path(tmp_path: Path) -> None:
    shut = tmp_path / "shut"
    shut.mkdir(mode=0o500)
    if os.access(shut, os.W_OK):
        pytest.skip("this user may write everywhere")
    shown = run("dataset", "init", str(shut / "ds"))
    assert shown.code == 4
    assert str(shut) in shown.err
