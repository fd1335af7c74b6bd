"""`episode_recorder`, the program of the ROS 2 package, over the stand-in of rclpy; and its launch file."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

import click
import pytest
import yaml
from recorder import support
from recorder.support import JOINT_STREAM, assert_as_sent, contract_file, problems_of, stream
from transports.harness import REAL, REAL_RCLPY, free_domain, rclpy_of, rclpy_standin

from embodied_kit.canonical import load_json
from embodied_kit.cli import main as program
from embodied_kit.cli.app import application
from embodied_kit.cli.recording.episode_recorder import main, split
from embodied_kit.cli.texts import Texts
from embodied_kit.model.stream import Qos
from embodied_recorders.transports.dds.transport import DdsTransport

LAUNCH = support.ROOT / "recorders" / "launch" / "episode_recorder.launch.py"
SCRIPT = "import sys\nfrom embodied_kit.cli.recording.episode_recorder import main\nsys.exit(main())\n"
STREAMS = (
    JOINT_STREAM,
    stream("camera", "/camera/image", support.IMAGE, 10, modality="vision", role="observation"),
    stream("description", "/robot_description", support.TEXT, None, cadence="latched", role="description"),
)


@pytest.mark.wire
@pytest.mark.parametrize("version", ["jazzy", REAL_RCLPY])
def test_a_take_over_rclpy_holds_what_the_robot_sent(tmp_path: Path, version: str) -> None:
    dataset = support.dataset_in(tmp_path)
    contract = contract_file(tmp_path, *STREAMS)
    with rclpy_of(version), support.running_robot(tmp_path) as robot:
        environment = support.environment(tmp_path)
        words = [contract, "--dataset", dataset.root, "--task", "pick", "--domain", robot.domain_id, "--duration", "1"]
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, *map(str, words), "--ros-args"],
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == 0, done.stderr
        assert not done.stderr or version == REAL  # an RMW may tell of itself there
        (episode_id,) = dataset.episode_ids()
        folder = dataset.root / "episodes" / episode_id
        counts = assert_as_sent(folder, robot)
    assert {topic for topic, _ in counts} == {"/joint_states", "/camera/image", "/robot_description"}
    assert all(len(publisher) == 32 for _, publisher in counts)
    assert counts["/joint_states", next(p for t, p in counts if t == "/joint_states")] > 50
    assert {kind: problems for kind, problems in problems_of(folder).items() if problems} == {}
    capture = support.attachments(folder)["capture.json"]
    assert b'"transport": "ros2"' in capture
    assert load_json(folder / "episode.json")


@pytest.mark.wire
@pytest.mark.parametrize("version", ["jazzy", REAL_RCLPY])
def test_a_draft_says_which_types_are_not_sourced(capsys: pytest.CaptureFixture[str], version: str) -> None:
    with rclpy_of(version), free_domain() as domain_id:
        robot = DdsTransport(domain_id, node_name="arm")
        robot.advertise("/grip", "arm_msgs/msg/Grip", qos=Qos(), type_hash=None)
        robot.advertise("/text", support.TEXT, qos=Qos(), type_hash=None)
        words = ["contract", "init", "--transport", "ros2", "--domain", str(domain_id), "--robot", "arm_01"]
        code = program([*words, "--window", "0.5", "--lang", "en"])
        robot.close()
    shown = capsys.readouterr()
    assert code == 0
    assert [entry["topic"] for entry in yaml.safe_load(shown.out)["streams"]] == ["/text"]
    left_out, remedy = shown.err.splitlines()
    assert left_out == "left out: /grip, expected the Python class of the message type arm_msgs/msg/Grip, got none"
    assert remedy.startswith("  -> source the workspace that holds the package arm_msgs")


def test_ros_arguments_are_parted_from_ours() -> None:
    assert split(["c.yaml", "--task", "t", "--ros-args"]) == (["c.yaml", "--task", "t"], [])
    assert split(["--ros-args", "-r", "a:=b", "--", "c.yaml"]) == (["c.yaml"], ["-r", "a:=b"])
    assert split(["c", "--", "d", "--ros-args", "-p", "x:=1"]) == (["c", "--", "d"], ["-p", "x:=1"])


def test_a_remapping_is_refused_and_not_ignored(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["contract.yaml", "--ros-args", "-r", "/a:=/b"]) == 2
    assert "expected no ROS arguments, got -r /a:=/b" in capsys.readouterr().err


def test_the_launch_file_gives_the_program_what_it_asks_for() -> None:
    with rclpy_standin("jazzy"):
        described = runpy.run_path(str(LAUNCH))["generate_launch_description"]()
    *arguments, node = described.entities
    required = [one.name for one in arguments if one.default_value is None]
    assert required == ["contract", "dataset", "task"]
    assert all(one.description for one in arguments)
    assert node.killed_after_s >= 60  # a Ctrl-C ends the take that runs, which may have to be saved first
    given = {one.name: one.default_value or f"my_{one.name}" for one in arguments}
    words = [word if isinstance(word, str) else word.perform(given) for word in node.cmd]
    own, ros = split(words)
    assert ros == []
    assert (node.package, node.executable) == ("embodied_kit", "episode_recorder")
    command = application(Texts("en"))
    record = command.get_command(click.Context(command), "record")
    for parameter in record.params:
        if isinstance(parameter.type, click.Path):
            parameter.type.exists = False
    parsed = record.make_context("record", ["--transport", "ros2", *own]).params
    for name, value in given.items():
        assert str(parsed[name]) in {value, f"{value}.0"}, name
