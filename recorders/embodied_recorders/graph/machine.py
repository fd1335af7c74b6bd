"""What a recorder needs of its machine: each check looks at one thing and names the command that mends it."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from embodied_kit.errors import EmbodiedKitError, EnvironmentUnfitError, MissingExtraError
from embodied_kit.language import Texts
from embodied_recorders.graph.clock import clock_state
from embodied_recorders.transports import LOCAL_ROUTER, open_transport

CheckState = Literal["ok", "warn", "fail"]
WANTED_RMEM_BYTES = 4 * 2**20  # 3 MB images at 30 Hz were lost below it (measured)
WANTED_FREE_BYTES = 5 * 2**30
_OLDEST_PYTHON = (3, 10)
_NEWEST_PYTHON = (3, 13)
_HIGHEST_SAFE_DOMAIN = 101  # above it, ports run into Linux's ephemeral range (ROS 2 documentation)
_SELF_TEST_DOMAIN = 99
_EXTRAS = {"sim": "mujoco"}


@dataclass(frozen=True)
class CheckRow:
    """Result of one check: what was looked at, what was found, the command that mends it (empty where all is well)."""

    state: CheckState
    what: Texts
    found: Texts
    remedy: str = ""


def check_machine(dataset_folder: Path) -> tuple[CheckRow, ...]:
    """Run every check.

    Args:
        dataset_folder: Where data would be written; its file system's free space counts.
    """
    checks: tuple[Callable[[], CheckRow], ...] = (
        python,
        *(lambda extra=extra, module=module: optional(extra, module) for extra, module in _EXTRAS.items()),
        lambda: transport("dds"),
        ros2,
        zenoh,
        ros_control,
        socket_buffer_limit,
        socket_buffer,
        domain,
        lambda: disk(dataset_folder),
        clock,
        cores,
    )
    return tuple(check() for check in checks)


def python() -> CheckRow:
    """CPython of a supported version."""
    what = {"en": "Python", "zh": "Python"}
    found = f"{platform.python_implementation()} {platform.python_version()} ({platform.machine()})"
    fine = _OLDEST_PYTHON <= sys.version_info[:2] <= _NEWEST_PYTHON
    return CheckRow("ok" if fine else "warn", what, _same(found), "" if fine else "python3.12 -m venv .venv")


def optional(extra: str, module: str) -> CheckRow:
    """An extra is installed."""
    what = {"en": f"extra {extra}", "zh": f"可选组件 {extra}"}
    if importlib.util.find_spec(module) is not None:
        return CheckRow("ok", what, {"en": f"{module} found", "zh": f"已安装 {module}"})
    missing = {"en": f"{module} not installed", "zh": f"未安装 {module}"}
    return CheckRow("warn", what, missing, f"pip install 'embodied_kit[{extra}]'")


def transport(name: str) -> CheckRow:
    """A transport opens and passes its own round trip."""
    what = {"en": f"transport {name}", "zh": f"传输 {name}"}
    try:
        opened = open_transport(name, domain_id=_SELF_TEST_DOMAIN, node_name="embodied_doctor")
    except EmbodiedKitError as error:
        return CheckRow("fail", what, _same(error.message), error.remedy)
    opened.close()
    return CheckRow("ok", what, {"en": "opened, round trip fine", "zh": "已打开，往返正常"})


def zenoh() -> CheckRow:
    """What robots on rmw_zenoh need: the package, and a router that answers on this machine."""
    what = {"en": "transport zenoh", "zh": "传输 zenoh"}
    try:
        open_transport("zenoh", domain_id=_SELF_TEST_DOMAIN, interface=LOCAL_ROUTER).close()
    except MissingExtraError as error:
        return CheckRow("warn", what, {"en": "eclipse-zenoh not installed", "zh": "未安装 eclipse-zenoh"}, error.remedy)
    except EnvironmentUnfitError as error:
        return CheckRow("warn", what, _zenoh_seen("no router on tcp 7447", "tcp 7447 上没有路由器"), error.remedy)
    except EmbodiedKitError as error:
        return CheckRow("fail", what, _same(error.message), error.remedy)
    return CheckRow("ok", what, _zenoh_seen("a router on tcp 7447 answers", "tcp 7447 上的路由器有应答"))


def _zenoh_seen(router_en: str, router_zh: str) -> Texts:
    package = f"eclipse-zenoh {metadata.version('eclipse-zenoh')}"
    return {
        "en": f"{package}, {router_en}; not verified against rmw_zenoh here",
        "zh": f"{package}，{router_zh}；未在此与 rmw_zenoh 核实",
    }


def ros2() -> CheckRow:
    """The transport over rclpy, which only a machine with ROS 2 has."""
    what = {"en": "transport ros2", "zh": "传输 ros2"}
    if importlib.util.find_spec("rclpy") is None and not os.environ.get("ROS_DISTRO"):
        return CheckRow("ok", what, {"en": "no ROS 2 sourced (not needed)", "zh": "未加载 ROS 2（非必需）"})
    from embodied_recorders.transports.ros2.load import Rclpy  # noqa: PLC0415  # not before it is known to be there

    try:
        rclpy = Rclpy()
        open_transport("ros2", domain_id=_SELF_TEST_DOMAIN, node_name="embodied_doctor").close()
    except EmbodiedKitError as error:
        return CheckRow("warn", what, _same(error.message), error.remedy)
    taken_by = {"en": "own wait set", "zh": "自有等待集"}
    if rclpy.native is None:
        taken_by = {
            "en": "rclpy's executor, several times slower: this version hides its wait set",
            "zh": "rclpy 执行器，慢数倍：此版本不公开等待集",
        }
    names = " ".join(filter(None, ("rclpy", rclpy.version(), os.environ.get("ROS_DISTRO", ""), rclpy.rmw)))
    found = {
        "en": f"opened: {names}; {taken_by['en']}",
        "zh": f"已打开：{names}；{taken_by['zh']}",
    }
    return CheckRow("ok", what, found)


def ros_control() -> CheckRow:
    """The recorder as a node with services; a lifecycle where lifecycle_msgs is installed too."""
    what = {"en": "ROS services", "zh": "ROS 服务"}
    if importlib.util.find_spec("rclpy") is None:
        return CheckRow("ok", what, {"en": "over plain DDS (--services)", "zh": "经纯 DDS（--services）"})
    from embodied_recorders.ros.load import RosModules  # noqa: PLC0415  # not before it is known to be there

    try:
        managed = RosModules().lifecycle is not None
    except EmbodiedKitError as error:
        return CheckRow("warn", what, _same(error.message), error.remedy)
    if managed:
        return CheckRow("ok", what, {"en": "managed node", "zh": "生命周期节点"})
    plain = {"en": "plain node: no lifecycle_msgs", "zh": "普通节点：没有 lifecycle_msgs"}
    return CheckRow("warn", what, plain, "sudo apt install ros-$ROS_DISTRO-lifecycle-msgs")


def socket_buffer_limit() -> CheckRow:
    """The kernel's cap on receive buffers lets large images through."""
    what = {"en": "net.core.rmem_max", "zh": "net.core.rmem_max"}
    path = Path("/proc/sys/net/core/rmem_max")
    if not path.is_file():
        return CheckRow("warn", what, {"en": "not readable here", "zh": "此处无法读取"})
    value = int(path.read_text())
    fine = value >= WANTED_RMEM_BYTES
    remedy = "" if fine else f"sudo sysctl -w net.core.rmem_max={WANTED_RMEM_BYTES * 4}"
    return CheckRow("ok" if fine else "warn", what, _same(f"{value} B"), remedy)


def socket_buffer() -> CheckRow:
    """What a UDP socket that asks for the wanted buffer is really given."""
    what = {"en": "UDP receive buffer granted", "zh": "UDP 接收缓冲（实得）"}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, WANTED_RMEM_BYTES)
        granted = probe.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
    fine = granted >= WANTED_RMEM_BYTES
    remedy = "" if fine else f"sudo sysctl -w net.core.rmem_max={WANTED_RMEM_BYTES * 4}"
    return CheckRow("ok" if fine else "warn", what, _same(f"{granted} B"), remedy)


def domain() -> CheckRow:
    """ROS_DOMAIN_ID is a number that leaves room for ports."""
    what = {"en": "ROS_DOMAIN_ID", "zh": "ROS_DOMAIN_ID"}
    text = os.environ.get("ROS_DOMAIN_ID", "")
    if not text:
        return CheckRow("ok", what, {"en": "0 (not set)", "zh": "0（未设置）"})
    if text.isdecimal() and int(text) <= _HIGHEST_SAFE_DOMAIN:
        return CheckRow("ok", what, _same(text))
    return CheckRow("fail", what, _same(text), f"export ROS_DOMAIN_ID=0   # 0..{_HIGHEST_SAFE_DOMAIN}")


def disk(folder: Path) -> CheckRow:
    """Room for some takes, in a folder that may be written."""
    what = {"en": f"free disk at {folder}", "zh": f"{folder} 的可用磁盘"}
    place = existing(folder)
    if not os.access(place, os.W_OK | os.X_OK):
        return CheckRow("fail", what, {"en": "not writable", "zh": "不可写"}, f"sudo chown {_user()} {place}")
    free = shutil.disk_usage(place).free
    fine = free >= WANTED_FREE_BYTES
    remedy = "" if fine else "df -h   # then free some, or use --dataset elsewhere"
    return CheckRow("ok" if fine else "warn", what, _same(f"{free / 2**30:.1f} GiB"), remedy)


def clock() -> CheckRow:
    """The system clock is disciplined."""
    what = {"en": "clock synchronised", "zh": "时钟同步"}
    state = clock_state()
    if state.synchronised is None:
        return CheckRow("warn", what, {"en": "this system cannot tell", "zh": "本系统无法判断"}, "timedatectl status")
    if not state.synchronised:
        return CheckRow("warn", what, {"en": "no", "zh": "否"}, "sudo timedatectl set-ntp true")
    bound_ms = (state.max_error_ns or 0) / 1e6
    found = {"en": f"yes, error at most {bound_ms:.1f} ms", "zh": f"是，误差不超过 {bound_ms:.1f} ms"}
    return CheckRow("ok", what, found)


def cores() -> CheckRow:
    """Two cores carry the simulated robot and a recorder."""
    what = {"en": "processor cores", "zh": "处理器核数"}
    count = os.cpu_count() or 1
    remedy = "" if count > 1 else "nproc   # then use a machine with two cores or more"
    return CheckRow("ok" if count > 1 else "warn", what, _same(str(count)), remedy)


def _same(text: str) -> Texts:
    """A number or name that reads the same in both languages."""
    return {"en": text, "zh": text}


def _user() -> str:
    return os.environ.get("USER") or "$(id -u)"


def existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    folder = folder.absolute()
    while not folder.exists():
        folder = folder.parent
    return folder
