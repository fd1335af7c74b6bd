"""The recorder's node over the stand-in of rclpy, called from another process: services, lifecycle, parameters."""

from __future__ import annotations

import runpy
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from recorder import support
from recorder.running import running_controller
from recorder.test_ros_plain import CALLER, ROS2_CALLER, SAID, Caller, called, takes_by_services
from transports.harness import REAL, REAL_RCLPY, free_domain, rclpy_of, rclpy_standin, until

from embodied_kit.canonical import load_json
from embodied_kit.cli.recording.recorder_node import PARAMETERS, main, opened
from embodied_kit.cli.texts import Texts
from embodied_kit.errors import UsageError
from embodied_kit.messages.codec import codec
from embodied_kit.model.stream import Qos
from embodied_recorders.graph.machine import ros_control
from embodied_recorders.loop.control import Label, Recorder, Start
from embodied_recorders.loop.pedal import BOOL
from embodied_recorders.loop.words import Said
from embodied_recorders.ros.desk import Desk
from embodied_recorders.ros.load import RosModules
from embodied_recorders.ros.node import SAID as SAID_PARAMETERS
from embodied_recorders.ros.node import ManagedNode, attached, spinning
from embodied_recorders.ros.stages import Stages
from embodied_recorders.take.documents import TakeResult
from embodied_recorders.transports import open_transport
from embodied_recorders.transports.base import Publisher

pytestmark = pytest.mark.wire
LAUNCH = support.ROOT / "recorders" / "launch" / "episode_recorder_node.launch.py"
SCRIPT = "import sys\nfrom embodied_kit.cli.recording.recorder_node import main\nsys.exit(main())\n"
VERSIONS = pytest.mark.parametrize("version", ["jazzy", REAL_RCLPY])
SCENE = '{"scene_id": "b1", "scene_type": "tabletop"}'
CLOCK = {"topic": "/clock", "kind": "clock", "rate_hz": 10}
CHANGE, GET = "lifecycle_msgs/srv/ChangeState", "lifecycle_msgs/srv/GetState"


def caller_of(version: str) -> Path:
    """Over the real rclpy, requests are in the form of whatever RMW there is."""
    return ROS2_CALLER if version == REAL else CALLER


@VERSIONS
def test_takes_driven_by_services_of_a_node_beside_any_recorder(tmp_path: Path, version: str) -> None:
    with rclpy_of(version), free_domain() as domain_id, running_controller(tmp_path) as running:
        desk = Desk(lambda: running.controller, lambda: running.controller, lambda: SAID, "en")
        with attached(desk, domain_id), called(domain_id, caller_of(version)) as call:
            takes_by_services(running, call)


@contextmanager
def node(
    tmp_path: Path, version: str = "jazzy", *, simulator: bool = False, **parameters: object
) -> Iterator[tuple[subprocess.Popen[str], Caller]]:
    """The program, a robot for it, and a caller; the simulator offers /clock."""
    dataset = support.dataset_in(tmp_path)
    given = {
        "contract": support.contract_file(tmp_path, support.JOINT_STREAM),
        "dataset": dataset.root,
        "task": "pick",
        "verdict": "false",
        **parameters,
    }
    words = [word for name, value in given.items() for word in ("-p", f"{name}:={value}")]
    topics = [*support.TOPICS, CLOCK] if simulator else support.TOPICS
    with rclpy_of(version), support.running_robot(tmp_path, topics) as robot:
        environment = support.environment(tmp_path) | {"ROS_DOMAIN_ID": str(robot.domain_id)}
        with subprocess.Popen(
            [sys.executable, "-c", SCRIPT, "--ros-args", *words],
            env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        ) as process, called(robot.domain_id, caller_of(version)) as call:  # fmt: skip
            try:
                yield process, call
            finally:
                process.send_signal(signal.SIGINT)
                out, err = process.communicate(timeout=60)
                sys.stderr.write(out + err)  # shown where the test fails
                assert process.returncode == 0


def state(call: Caller) -> object:
    return call.ask("get_state", GET)["current_state"]["label"]


@VERSIONS
def test_a_take_from_a_launched_node_to_a_saved_episode(tmp_path: Path, version: str) -> None:
    with node(tmp_path, version, operator="Li", discard_reason="'gripper slipped'") as (_, call):
        until(lambda: call.status().get("state") == "armed", "armed")
        assert state(call) == "active"
        assert call("start")[0]
        until(lambda: call.status()["take"]["messages_n"] > 50, "messages")
        assert call("success")[0]
        until(lambda: call.status()["state"] == "armed", "saved")
    root = tmp_path / "dataset"
    (episode,) = (root / "episodes").iterdir()
    document = load_json(episode / "episode.json")
    assert document["outcome"] == "success"
    assert str(document["operator_pseudonym"]).startswith("op-")


@VERSIONS
def test_a_lifecycle_manager_decides_when(tmp_path: Path, version: str) -> None:
    def change(label: str) -> object:
        return call("change_state", CHANGE, transition={"id": 0, "label": label})[0]

    with node(tmp_path, version, autostart="false") as (process, call):
        assert state(call) == "unconfigured"
        assert call("start") == (False, "the recorder is unconfigured; configure and activate its node first")
        assert not change("activate")
        assert not call("change_state", CHANGE, transition={"id": 3, "label": ""})[0]  # by number, as nav2 asks
        assert change("configure")
        assert not call("start")[0]
        until(lambda: call.status().get("state") == "armed", "armed")  # shown, though not yet commanded
        assert change("activate")
        assert call("start")[0]
        assert change("deactivate")  # the take that runs is saved
        assert not call("start")[0]
        assert change("cleanup")
        assert state(call) == "unconfigured"
        until(lambda: call.status() == {"stage": "unconfigured"}, "the status")
        assert len(list((tmp_path / "dataset" / "episodes").iterdir())) == 1
        assert change("shutdown")
        assert process.wait(30) == 0


def test_without_lifecycle_messages_a_plain_node_starts_by_itself(tmp_path: Path) -> None:
    with node(tmp_path, "bare") as (_, call):
        until(lambda: call.status().get("state") == "armed", "armed")
        assert call("start")[0]


@VERSIONS
def test_a_preflight_that_fails_leaves_the_node_unconfigured_and_says_why(tmp_path: Path, version: str) -> None:
    absent = support.contract_file(tmp_path, support.stream("wrist", "/wrist", support.JOINTS, 10))
    other = tmp_path / "absent.yaml"
    absent.rename(other)
    with node(tmp_path, version, contract=other) as (process, call):
        assert process.stderr is not None
        expected = "expected everything that a take needs to be fit, got wrist unfit"
        until(lambda: expected in process.stderr.readline(), "the reason")
        assert state(call) == "unconfigured"


def test_parameters_between_takes_and_a_pedal(tmp_path: Path) -> None:
    dataset = support.dataset_in(tmp_path)
    values: dict[str, object] = dict(PARAMETERS)
    values |= {"contract": str(support.contract_file(tmp_path, support.JOINT_STREAM)), "dataset": str(dataset.root)}
    values |= {"task": "pick", "transport": "dds", "verdict": False, "pre_roll": 0.2, "duration": 1.0}
    values |= {"pedals": ["/pedal=start"], "operator": "Li Lei"}
    with support.running_robot(tmp_path) as robot:
        values["domain_id"] = robot.domain_id
        pedal = open_transport("dds", domain_id=robot.domain_id)
        foot = pedal.advertise("/pedal", BOOL, qos=Qos(), type_hash=None)
        with opened(lambda: values, Said, Texts("en")) as recorder:
            until(lambda: recorder.snapshot().state == "armed", "armed")
            for scene, words in ((SCENE, {}), ("", {"operator": "Han Meimei"})):
                values |= {"scene": scene, **words}
                until(lambda: pressed(foot, recorder), "a take")
                until(lambda: recorder.snapshot().asks_label, "its end by the duration")
                assert recorder.ask(Label(TakeResult("success"))).done
                until(lambda: recorder.snapshot().state == "armed", "saved")
            values["scene"] = '{"scene_id": "b1", "scene_type": "moon"}'
            with pytest.raises(UsageError, match="expected a scene"):
                recorder.ask(Start())
        pedal.close()
    first, second = (dataset.episode(name) for name in dataset.episode_ids())
    assert (first["scene"], "scene" in second) == ({"scene_id": "b1", "scene_type": "tabletop"}, False)
    assert len({first["operator_pseudonym"], second["operator_pseudonym"]}) == 2
    closing = support.attachments(dataset.root / "episodes" / dataset.episode_ids()[0])["closing.json"]
    assert b'"stop_reason": "duration"' in closing
    assert b"pre_roll_s" in closing


def pressed(foot: Publisher, recorder: Recorder) -> bool:
    """Whether a take runs after the pedal was let go and pressed."""
    for down in (False, True):
        foot.publish(codec(BOOL).encode({"data": down}), time.time_ns())
        time.sleep(0.1)
    return recorder.snapshot().state == "recording"


@VERSIONS
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-p", "task:=7"], "expected parameters of the node episode_recorder, got: Trying to set"),
        (["-p", "use_sim_time:=1"], "expected parameters of the node episode_recorder, got: Trying to set"),
        (["-p", "task"], "expected ROS arguments, got: failed to initialize rcl"),
        (["--task"], "expected ROS arguments, got: ['--task']"),
    ],
)
def test_ros_arguments_that_cannot_be_are_refused(
    capfd: pytest.CaptureFixture[str], version: str, words: list[str], said: str
) -> None:
    with rclpy_of(version), free_domain() as domain_id, pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROS_DOMAIN_ID", str(domain_id))
        patch.setenv("EMBODIED_KIT_LANG", "en")
        assert main(["--ros-args", *words]) == 2
    assert said in capfd.readouterr().err


@VERSIONS
def test_a_fault_of_our_own_in_a_transition_is_told(capfd: pytest.CaptureFixture[str], version: str) -> None:
    def opened() -> AbstractContextManager[Recorder]:
        raise ZeroDivisionError("of our own")

    with rclpy_of(version), free_domain() as domain_id:
        rclpy = RosModules()
        with spinning(rclpy, [], domain_id) as (executor, make):
            managed = ManagedNode(
                rclpy, make, executor, {}, lambda _values: Stages(opened),
                lambda _node, stages: Desk(stages.recorder, stages.shown, lambda: SAID, "en"),
            )  # fmt: skip
            managed.begin()
            assert managed.stages.stage == "unconfigured"
    assert "ZeroDivisionError: of our own" in capfd.readouterr().err


@VERSIONS
def test_simulated_time_is_told_and_wants_a_clock(tmp_path: Path, version: str) -> None:
    with node(tmp_path, version, use_sim_time="true") as (process, call):
        assert process.stdout is not None
        assert process.stdout.readline().startswith("use_sim_time: header stamps are to be those of /clock; log times")
        assert process.stderr is not None
        expected = "expected a publisher of /clock, since use_sim_time is set, got none"
        until(lambda: expected in process.stderr.readline(), "the reason")
        assert state(call) == "unconfigured"


@VERSIONS
def test_under_simulated_time_a_take_is_recorded_by_the_systems_clock(tmp_path: Path, version: str) -> None:
    with node(tmp_path, version, simulator=True, use_sim_time="true", msg_folders="[]") as (_, call):
        until(lambda: call.status().get("state") == "armed", "armed")
        began_ns = time.time_ns()
        assert call("start")[0]
        until(lambda: call.status()["take"]["messages_n"] > 50, "messages")
        assert call("success")[0]
        until(lambda: call.status()["state"] == "armed", "saved")
    (episode,) = (tmp_path / "dataset" / "episodes").iterdir()
    started_ns = int(str(load_json(episode / "episode.json")["start_ns"]))
    assert began_ns <= started_ns <= time.time_ns()


@pytest.mark.parametrize(
    ("version", "state", "said"),
    [("jazzy", "ok", "managed node"), ("bare", "warn", "plain node: no lifecycle_msgs")],
)
def test_doctor_says_which_node_it_would_be(version: str, state: str, said: str) -> None:
    with rclpy_standin(version):
        row = ros_control()
    assert (row.state, row.found["en"]) == (state, said)


def test_the_launch_file_gives_parameters_that_the_node_has() -> None:
    with rclpy_standin("jazzy"):
        described = runpy.run_path(str(LAUNCH))["generate_launch_description"]()
    *arguments, launched = described.entities
    assert [one.name for one in arguments if one.default_value is None] == ["contract", "dataset", "task"]
    assert launched.killed_after_s >= 60  # a Ctrl-C ends the take that runs, which may have to be saved first
    (parameters,) = launched.parameters
    known = {**PARAMETERS, **SAID_PARAMETERS}
    assert {name: value.value_type for name, value in parameters.items()} == {
        name: type(known[name]) for name in (one.name for one in arguments)
    }
    assert (launched.package, launched.executable, launched.name) == (
        "embodied_kit",
        "episode_recorder_node",
        "episode_recorder",
    )
