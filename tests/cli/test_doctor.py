"""`doctor`: a line a check, the command that mends it below, columns that align in Chinese too."""

import importlib.util
import re
import socket
from pathlib import Path

import pytest
from cli.verbs import run
from rich.cells import cell_len
from transports.harness import rclpy_standin

from embodied_kit.cli.texts import columns, padded
from embodied_recorders.graph import machine
from embodied_recorders.graph.machine import CheckRow, check_machine
from embodied_recorders.transports import TRANSPORTS

LINE = re.compile(r"^(ok  |warn|FAIL)  (.*?\S)  +(\S.*)$")
LOOKED_AT = (
    "Python", "extra sim", *(f"transport {name}" for name in TRANSPORTS),
    "ROS services",
    "net.core.rmem_max", "UDP receive buffer granted", "ROS_DOMAIN_ID", "free disk at .", "clock synchronised",
    "processor cores",
)  # fmt: skip


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if not line.startswith("      -> ")]


def test_every_check_has_its_line() -> None:
    shown = run("doctor")
    named = [match.group(2) for match in map(LINE.match, lines(shown.out)) if match]
    assert tuple(named) == LOOKED_AT
    assert shown.code == (4 if "FAIL" in shown.out else 0)


def test_columns_align_in_chinese() -> None:
    shown = lines(run("doctor", "--lang", "zh").out)
    rows = check_machine(Path())
    starts = {cell_len(line.partition(row.found["zh"])[0]) for line, row in zip(shown, rows, strict=True)}
    assert len(starts) == 1
    assert any(len(line.partition(row.found["zh"])[0]) not in starts for line, row in zip(shown, rows, strict=True))


def test_a_text_is_padded_by_what_it_takes_in_a_terminal() -> None:
    assert columns("时钟") == 4
    assert padded("时钟", 6) == "时钟  "
    assert padded("ab", 6) == "ab    "


def test_every_row_speaks_both_languages_and_a_fault_has_a_remedy() -> None:
    for row in check_machine(Path()):
        assert row.what.keys() == row.found.keys() == {"en", "zh"}
        assert all(row.found.values())
        assert row.state == "ok" or row.remedy or row.found["en"] == "not readable here"


def test_without_ros_2_its_transport_is_not_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    if importlib.util.find_spec("rclpy") is not None:
        pytest.skip("a real rclpy is sourced")
    monkeypatch.delenv("ROS_DISTRO", raising=False)
    row = machine.ros2()
    assert (row.state, row.found["en"], row.remedy) == ("ok", "no ROS 2 sourced (not needed)", "")
    monkeypatch.setenv("ROS_DISTRO", "jazzy")  # sourced, but for another Python
    row = machine.ros2()
    assert row.state == "warn"
    assert "No module named 'rclpy'" in row.found["en"]
    assert "--transport dds" in row.remedy


def test_an_rclpy_that_opens_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROS_DISTRO", "jazzy")
    for version, how in (("jazzy", "own wait set"), ("hidden", "rclpy's executor")):
        with rclpy_standin(version):
            row = machine.ros2()
        assert (row.state, row.remedy) == ("ok", "")
        assert row.found["en"].startswith("opened: rclpy jazzy rmw_cyclonedds_cpp; " + how)
        assert "rmw_cyclonedds_cpp" in row.found["zh"]


@pytest.mark.parametrize("value", ["500", "232", "-1", "one", "1.5"])
def test_a_domain_that_cannot_be_fails_with_the_command(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROS_DOMAIN_ID", value)
    row = machine.domain()
    assert (row.state, row.found["en"]) == ("fail", value)
    assert row.remedy.startswith("export ROS_DOMAIN_ID=")


@pytest.mark.parametrize(("value", "found"), [("", "0 (not set)"), ("0", "0"), ("101", "101")])
def test_a_domain_that_can_be_is_fine(value: str, found: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROS_DOMAIN_ID", value)
    row = machine.domain()
    assert (row.state, row.found["en"], row.remedy) == ("ok", found, "")


def test_a_failing_check_ends_the_verb_with_4(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROS_DOMAIN_ID", "500")
    shown = run("doctor")
    assert shown.code == 4
    assert re.search(r"^FAIL  ROS_DOMAIN_ID +500\n      -> export ROS_DOMAIN_ID=0", shown.out, re.MULTILINE)


def test_disk_looks_at_the_nearest_folder_that_exists(tmp_path: Path) -> None:
    row = machine.disk(tmp_path / "not" / "yet")
    assert row.state in {"ok", "warn"}
    assert row.found["en"].endswith(" GiB")
    assert not (tmp_path / "not").exists()


def test_too_little_disk_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "WANTED_FREE_BYTES", 2**62)
    row = machine.disk(tmp_path)
    assert row.state == "warn"
    assert row.remedy.startswith("df -h")


def test_an_extra_that_is_missing_names_its_install_command() -> None:
    row = machine.optional("sim", "a_module_that_is_not_there")
    assert row == CheckRow(
        "warn",
        {"en": "extra sim", "zh": "可选组件 sim"},
        {"en": "a_module_that_is_not_there not installed", "zh": "未安装 a_module_that_is_not_there"},
        "pip install 'embodied_kit[sim]'",
    )


def test_the_granted_buffer_is_what_the_kernel_grants(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, machine.WANTED_RMEM_BYTES)
        granted = probe.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
    assert machine.socket_buffer().found["en"] == f"{granted} B"
    monkeypatch.setattr(machine, "WANTED_RMEM_BYTES", 2**30)
    row = machine.socket_buffer()
    assert row.state == "warn"
    assert row.remedy == f"sudo sysctl -w net.core.rmem_max={2**32}"
