"""`embodied-kit record` as an operator has it: keys in a pseudo-terminal, and lines of a pipe."""

from __future__ import annotations

import json
import os
import resource
import shlex
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest
from recorder import support
from recorder.support import Screen, contract_file, environment, problems_of, program
from recorder.test_program import writer_of
from transports.harness import until

from embodied_kit.episode.dataset import Dataset
from embodied_kit.episode.quarantine import quarantined

pytestmark = pytest.mark.wire
STREAMS = (support.JOINT_STREAM,)
SHELL = (
    sys.executable,
    "-c",
    "import fcntl, os, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execvp('sh', ['sh', '-i'])",
)
SCENE = ("--scene", '{"scene_id": "b1", "scene_type": "tabletop"}')


@pytest.fixture(scope="module")
def robot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[support.Robot]:
    with support.running_robot(tmp_path_factory.mktemp("robot")) as running:
        yield running


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return support.dataset_in(tmp_path)


def words(dataset: Dataset, robot: support.Robot, *more: object) -> list[object]:
    path = contract_file(dataset.root.parent, *STREAMS)
    return ["record", path, "--dataset", dataset.root, "--task", "pick", "--domain", robot.domain_id, *more]


def screen(dataset: Dataset, robot: support.Robot, *more: object, language: str = "en") -> Screen:
    return Screen(dataset.root.parent, *words(dataset, robot, *more), language=language)


def episodes(dataset: Dataset) -> list[dict[str, object]]:
    return [dict(dataset.episode(episode_id)) for episode_id in dataset.episode_ids()]


def test_a_session_by_keys(robot: support.Robot, dataset: Dataset) -> None:
    shown = screen(dataset, robot, "--episodes", 2, "--no-verdict", "--pre-roll", 0.2)
    shown.wait_for("Take 1 (0 of 2 saved): Enter starts.")
    shown.type("su")
    shown.wait_for("no take runs")
    shown.wait_for("nothing was discarded")
    assert dataset.episode_ids() == []
    shown.type("\n")
    shown.wait_for("REC")
    shown.type("mi")
    shown.wait_for("marked at")
    shown.wait_for("intervention begins")
    shown.type("\n")
    shown.wait_for("Outcome:")
    shown.type("xf")
    shown.wait_for("Why:")
    shown.type("2")
    shown.wait_for("Operator")
    shown.type("Li Lei\n")
    shown.wait_for("Scene")
    shown.type("bench_1 nowhere\n")
    shown.wait_for("types: tabletop")
    shown.wait_for("Scene")
    shown.type("bench_1 tabletop\n")
    shown.wait_for("failure  (operator)")
    shown.wait_for("Take 2 (1 of 2 saved): Enter starts.")
    shown.type(" ")
    shown.wait_for("REC")
    shown.type("d")
    shown.wait_for("Why discard this take?")
    shown.type("gripper slipped\n")
    shown.wait_for("discarded: gripper slipped")
    shown.wait_for("Take 3 (1 of 2 saved): Enter starts.")
    assert [one.reason for one in quarantined(dataset)] == ["gripper slipped"]
    shown.type(" ")
    shown.wait_for("REC")
    shown.type("s")
    shown.wait_for("success  (operator)")
    shown.wait_for("2 saved, 1 discarded, 0 failed; in ")
    shown.wait_for("Next: embodied-kit validate ")
    assert shown.end() == 0
    assert_said(dataset)


def assert_said(dataset: Dataset) -> None:
    first, second = episodes(dataset)
    assert (first["outcome"], first["failure_cause"]) == ("failure", "object_dropped")
    assert first["scene"] == second["scene"] == {"scene_id": "bench_1", "scene_type": "tabletop"}
    assert str(first["operator_pseudonym"]).startswith("op-")
    assert first["operator_pseudonym"] == second["operator_pseudonym"]
    assert (second["outcome"], second["outcome_source"]) == ("success", "operator")
    for episode_id in dataset.episode_ids():
        found = problems_of(dataset.root / "episodes" / episode_id)
        assert {kind: problems for kind, problems in found.items() if problems} == {}
    closing = support.attachments(dataset.root / "episodes" / dataset.episode_ids()[0])["closing.json"]
    assert b"pre_roll_s" in closing
    assert b'"mark"' in closing


def test_next_undo_and_quit_in_chinese(robot: support.Robot, dataset: Dataset) -> None:
    given = ("--operator", "Ada", "--scene", '{"scene_id": "b1", "scene_type": "tabletop"}', "--outcome", "success")
    shown = screen(dataset, robot, *given, "--episodes", 9, "--no-verdict", language="zh")
    shown.wait_for("第 1 次（已保存 0/9）：回车开始。")
    shown.type("?")
    shown.wait_for("显示按键")
    shown.type("\n")
    shown.wait_for("采集中")
    shown.type("n")
    shown.wait_for("成功  （采集员停止）")
    shown.wait_for("采集中")
    shown.type("q")
    shown.wait_for("第 2 次：")
    shown.wait_for("已保存 2，已隔离 0，失败 0")
    shown.wait_for("下一步：embodied-kit validate ")
    assert shown.end() == 0
    assert len(dataset.episode_ids()) == 2
    assert {str(one["scene"]) for one in episodes(dataset)} == {str({"scene_id": "b1", "scene_type": "tabletop"})}


def test_a_discarded_take_comes_back_by_a_key(robot: support.Robot, dataset: Dataset) -> None:
    given = ("--operator", "Ada", "--scene", '{"scene_id": "b1", "scene_type": "tabletop"}', "--outcome", "success")
    shown = screen(dataset, robot, *given, "--episodes", 2, "--no-verdict")
    shown.wait_for("Enter starts.")
    shown.type("\n")
    shown.wait_for("REC")
    shown.type("\n")
    shown.wait_for("Take 2 (1 of 2 saved)")
    shown.type("d")
    shown.wait_for("Why discard Take 1?")
    shown.type("too dark\n")
    shown.wait_for("Take 1: discarded: too dark")
    shown.wait_for("Take 2 (0 of 2 saved): Enter starts.")
    assert dataset.episode_ids() == []
    shown.type("u")
    shown.wait_for("Take 1: brought back")
    shown.wait_for("Take 2 (1 of 2 saved): Enter starts.")
    shown.type("q")
    shown.wait_for("1 saved, 0 discarded, 0 failed")
    assert shown.end() == 0
    assert len(dataset.episode_ids()) == 1


def test_a_signal_in_the_midst_of_a_question(robot: support.Robot, dataset: Dataset) -> None:
    shown = screen(dataset, robot, "--no-verdict")
    shown.wait_for("Enter starts.")
    shown.type("\n")
    shown.wait_for("REC")
    shown.type("s")
    shown.wait_for("Operator")
    os.killpg(shown.process.pid, signal.SIGTERM)
    shown.wait_for("1 saved, 0 discarded, 0 failed")
    assert shown.end() == 0
    (episode,) = episodes(dataset)
    assert (episode["outcome"], episode["outcome_source"]) == ("success", "operator")


def test_the_verdict_comes_and_the_judge_may_die(robot: support.Robot, dataset: Dataset) -> None:
    given = ("--operator", "Ada", "--scene", '{"scene_id": "b1", "scene_type": "tabletop"}', "--outcome", "success")
    shown = screen(dataset, robot, *given, "--episodes", 3, "--duration", 0.3)
    shown.wait_for("Take 1: verdict after")
    assert "rules undecided so far" in shown.wait_for("FAIL ")
    os.kill(judge_of(shown.process.pid), signal.SIGKILL)
    shown.wait_for("the judging process has ended")
    assert "the judging process has ended" not in shown.wait_for("3 saved, 0 discarded, 0 failed")
    assert shown.end() == 0
    assert len(dataset.episode_ids()) == 3


def test_ctrl_z_and_fg_in_a_take(robot: support.Robot, dataset: Dataset) -> None:
    def later(n: int) -> None:
        sent_n = len(robot.sent("/joint_states"))
        until(lambda: len(robot.sent("/joint_states")) > sent_n + n, "messages")

    given = ("--outcome", "success", "--operator", "Ada", *SCENE, "--no-verdict")
    shown = Screen(dataset.root.parent, within=SHELL)
    shown.type(shlex.join(program(*words(dataset, robot, *given))) + "\n")
    shown.wait_for("Enter starts.")
    assert not shown.in_lines()
    shown.type("\n")
    shown.wait_for("REC")
    later(20)
    shown.type("\x1a")
    shown.wait_for("Stopped")
    assert shown.in_lines()
    later(300)  # 3 s
    shown.type("fg\n")
    shown.wait_for("stood still for ")
    until(lambda: not shown.in_lines(), "single keys again")
    later(20)
    shown.type(" ")
    shown.wait_for("success  (operator)")
    shown.wait_for("1 saved, 0 discarded, 0 failed")
    until(shown.in_lines, "the terminal as it was")
    shown.type("exit\n")
    assert shown.end() == 0
    assert_told(dataset, robot)


def assert_told(dataset: Dataset, robot: support.Robot) -> None:
    """That the recorder stood still, and what was lost meanwhile."""
    folder = dataset.root / "episodes" / dataset.episode_ids()[0]
    closing = json.loads(support.attachments(folder)["closing.json"])
    (event,) = closing["events"]
    assert (event["name"], float(event["text"].removesuffix(" s")) > 2) == ("standstill", True)
    (stream,) = closing["streams"]
    first, last = (int(stream[f"{end}_source_ns"]) for end in ("first", "last"))
    sent_n = sum(first <= one.source_ns <= last for one in robot.sent("/joint_states"))
    assert stream["loss"]["header_stamp"] >= sent_n - stream["received_n"] - 1
    assert stream["loss"]["publisher_sequence"] == "not_observable"


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="limits of another process can be set on Linux alone")
def test_who_does_not_wait_for_the_disk_quits(robot: support.Robot, dataset: Dataset) -> None:
    shown = screen(dataset, robot, "--no-verdict", "--outcome", "success", "--operator", "Ada", *SCENE)
    shown.wait_for("Enter starts.")
    shown.type("\n")
    partial = until(lambda: next(dataset.root.glob(".embodied/recording/*/*.partial"), None), "the file")
    resource.prlimit(until(lambda: writer_of(partial), "its writer"), resource.RLIMIT_FSIZE, (10_000, 10_000))
    shown.wait_for("amiss: cannot write")
    shown.type("q")
    shown.wait_for("NOT SAVED")
    shown.wait_for("0 saved, 0 discarded, 1 failed")
    shown.wait_for("Next: embodied-kit recover ")
    assert shown.end() == 4
    assert dataset.episode_ids() == []


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="limits of another process can be set on Linux alone")
def test_too_many_open_files_cost_no_message_and_are_told(robot: support.Robot, dataset: Dataset) -> None:
    shown = screen(dataset, robot, "--no-verdict", "--outcome", "success", "--operator", "Ada", *SCENE)
    shown.wait_for("Enter starts.")
    shown.type("\n")
    partial = until(lambda: next(dataset.root.glob(".embodied/recording/*/*.partial"), None), "the file")
    before = resource.prlimit(shown.process.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(shown.process.pid, resource.RLIMIT_NOFILE, (3, before[1]))
    size = partial.stat().st_size
    until(lambda: partial.stat().st_size > size + 5000, "messages on the disk")
    shown.type("\n")
    shown.wait_for("amiss: cannot write")
    shown.wait_for("Too many open files; let the shell open more files (ulimit -n 4096)")
    resource.prlimit(shown.process.pid, resource.RLIMIT_NOFILE, before)
    shown.wait_for("1 saved, 0 discarded, 0 failed")
    assert shown.end() == 0
    (episode_id,) = dataset.episode_ids()
    support.assert_as_sent(dataset.root / "episodes" / episode_id, robot)


def test_a_killed_writer_costs_a_second_and_the_session_brings_the_take_back(
    robot: support.Robot, dataset: Dataset
) -> None:
    shown = screen(dataset, robot, "--no-verdict", "--outcome", "success", "--operator", "Ada", *SCENE, language="zh")
    shown.wait_for("回车开始")
    shown.type("\n")
    partial = until(lambda: next(dataset.root.glob(".embodied/recording/*/*.partial"), None), "the file")
    until(lambda: partial.stat().st_size > 5000, "messages on the disk")
    os.kill(until(lambda: writer_of(partial), "its writer"), signal.SIGKILL)
    shown.wait_for("未保存")
    shown.wait_for("写入进程已终止")
    shown.wait_for("第 1 次：已恢复：")
    shown.wait_for("结束前约 1 秒内的数据可能缺失")
    shown.type("\n")
    shown.wait_for("采集中")
    shown.type("\n")
    shown.wait_for("已保存 1，已隔离 0，失败 0，已恢复 1")
    assert shown.end() == 0
    first, second = episodes(dataset)
    assert (first["origin"], second["origin"]) == ("recovered", "recorded")
    assert support.staged(dataset) == []


def judge_of(process_id: int) -> int:
    """The child that judges: it alone is nice."""
    children = [int(word) for word in Path(f"/proc/{process_id}/task/{process_id}/children").read_text().split()]
    (found,) = [
        child
        for child in children
        if os.getpriority(os.PRIO_PROCESS, child) > os.getpriority(os.PRIO_PROCESS, process_id)
    ]
    return found


def test_lines_of_a_pipe_are_keys(robot: support.Robot, dataset: Dataset) -> None:
    given = ("--operator", "Ada", "--scene", '{"scene_id": "b1", "scene_type": "tabletop"}', "--no-verdict")
    with subprocess.Popen(
        program(*words(dataset, robot, *given)),
        env=environment(dataset.root.parent),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        until(lambda: support.staged(dataset), "a take", 60)
        process.stdin.write("success\n")
        process.stdin.flush()
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "success  (operator)" in output
    assert [one["outcome"] for one in episodes(dataset)] == ["success"]


def test_with_a_console_takes_wait_for_somebody(robot: support.Robot, dataset: Dataset) -> None:
    pytest.importorskip("starlette", reason="the extra console is not installed")
    with subprocess.Popen(
        program(*words(dataset, robot, "--no-verdict", "--console", "127.0.0.1:0")),
        env=environment(dataset.root.parent),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert any(line.startswith("console: http://127.0.0.1:") for line in process.stdout)
        process.send_signal(signal.SIGINT)
        output = process.stdout.read()
        assert process.wait(60) == 0
    assert output.endswith(f"0 saved, 0 discarded, 0 failed; in {dataset.root}\n")
    assert support.staged(dataset) == []


def test_the_terminal_is_left_as_it_was(robot: support.Robot, dataset: Dataset) -> None:
    ours, theirs = os.openpty()
    before = termios.tcgetattr(theirs)
    with subprocess.Popen(
        program(*words(dataset, robot, "--no-verdict")),
        env=environment(dataset.root.parent),
        stdin=theirs,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        until(lambda: termios.tcgetattr(theirs)[3] != before[3], "single keys", 60)
        os.write(ours, b"q")
        assert process.wait(60) == 0
    assert termios.tcgetattr(theirs) == before
    os.close(ours)
    os.close(theirs)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--scene", '{"scene_id": "b1", "scene_type": "moon"}'], "expected a scene"),
        (["--scene", "/nowhere.json"], "cannot read the scene"),
        (["--profile", "mars@9"], "mars@9"),
        (["--console", "nowhere"], "HOST:PORT"),
    ],
)
def test_what_cannot_be_is_refused(given: list[str], said: str, robot: support.Robot, dataset: Dataset) -> None:
    done = support.run(dataset.root.parent, *words(dataset, robot, "--duration", 0.3, *given))
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert dataset.episode_ids() == []
