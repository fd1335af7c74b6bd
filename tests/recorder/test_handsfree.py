"""`record --pedal --services` of the program, commanded from another process."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from recorder import support
from recorder.test_pedal import GAMEPAD
from recorder.test_ros_plain import called
from transports.harness import Process, until

from embodied_kit.canonical import load_json
from embodied_kit.cli.recording.handsfree import Graph, HandsFree, hands_free
from embodied_kit.cli.texts import Texts
from embodied_kit.errors import UsageError
from embodied_recorders.loop.pedal import BOOL
from embodied_recorders.loop.words import Said


@pytest.mark.wire
def test_a_session_without_a_terminal_is_driven_by_pedal_and_services(tmp_path: Path) -> None:
    dataset = support.dataset_in(tmp_path)
    contract = support.contract_file(tmp_path, support.JOINT_STREAM)
    with support.running_robot(tmp_path) as robot, called(robot.domain_id) as call:
        foot = Process([sys.executable, GAMEPAD, "dds", str(robot.domain_id), json.dumps({"/pedal": BOOL})])
        words = ["record", contract, "--dataset", dataset.root, "--task", "pick", "--domain", robot.domain_id]
        words += ["--no-verdict", "--pedal", "/pedal=toggle", "--services"]
        with subprocess.Popen(
            support.program(*words), env=support.environment(tmp_path), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        ) as process:  # fmt: skip
            until(lambda: call.status().get("state") == "armed", "armed")
            pedal = [{"data": True}, {"data": False}]
            foot.ask("press", topic="/pedal", type=BOOL, messages=pedal)
            until(lambda: call.status()["state"] == "recording", "the take")
            assert call("success")[0]
            until(lambda: call.status()["state"] == "armed", "saved")
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
        foot.stop()
    assert process.returncode == 0, (out, err)
    (episode_id,) = dataset.episode_ids()
    document = load_json(dataset.root / "episodes" / episode_id / "episode.json")
    assert (document["outcome"], document["outcome_source"]) == ("success", "operator")


def test_services_over_zenoh_are_refused() -> None:
    wanted = HandsFree(None, "", (), services=True)
    with (
        pytest.raises(UsageError, match="transport dds or ros2, got zenoh"),
        hands_free(None, wanted, Graph("zenoh", None, ""), Said, Texts("en")),
    ):
        pass
