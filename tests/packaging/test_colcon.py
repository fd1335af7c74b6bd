"""The ROS 2 package, built by colcon from a copy of the clone: what `ros2 run` and `ros2 launch` look for is there."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
from clone import copy_to

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(importlib.util.find_spec("colcon_ros") is None, reason="colcon-ros is not installed"),
]


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the package is installed."""
    return built(tmp_path_factory.mktemp("ws"))


def built(workspace: Path, *options: str) -> Path:
    """Where colcon installs the package."""
    source = copy_to(workspace / "src" / "embodied_kit")
    command = [sys.executable, "-m", "colcon", "build", "--paths", str(source), *options]
    environment = {**os.environ, "COLCON_LOG_PATH": str(workspace / "log")}
    done = subprocess.run(command, cwd=workspace, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return workspace / "install" / "embodied_kit"


def test_the_program_lies_where_ros2_run_looks_and_runs(prefix: Path, tmp_path: Path) -> None:
    programs = {path.name for path in (prefix / "lib" / "embodied_kit").iterdir() if os.access(path, os.X_OK)}
    assert programs == {"embodied-kit", "episode_recorder", "episode_recorder_node"}
    program = prefix / "lib" / "embodied_kit" / "episode_recorder"
    assert (
        program.read_text(encoding="utf-8").splitlines()[0] == "#!/usr/bin/env python3"
    )  # that of a venv, if one is on
    (packages,) = prefix.glob("lib/python3*/site-packages")
    command = [sys.executable, str(program), "--help", "--lang", "en"]
    environment = {**os.environ, "PYTHONPATH": str(packages)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "embodied-kit record contract.yaml" in done.stdout


def test_a_build_of_links_into_the_clone_finds_the_standard(tmp_path: Path) -> None:
    prefix = built(tmp_path, "--symlink-install")
    program = prefix / "lib" / "embodied_kit" / "embodied-kit"
    script = f'. install/setup.sh && exec "{sys.executable}" "{program}" rules explain TM-07 --lang en'
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        ["/bin/sh", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "TM-07" in done.stdout


def test_the_package_is_announced_with_its_launch_file(prefix: Path) -> None:
    share = prefix / "share"
    assert (share / "ament_index" / "resource_index" / "packages" / "embodied_kit").is_file()
    for name in ("episode_recorder", "episode_recorder_node"):
        assert (share / "embodied_kit" / "launch" / f"{name}.launch.py").is_file()
    assert "AMENT_PREFIX_PATH" in (share / "embodied_kit" / "hook" / "ament_prefix_path.sh").read_text(encoding="utf-8")
