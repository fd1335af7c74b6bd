"""ROS services of a recorder without ROS, called from another process on rmw_cyclonedds's wire."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from recorder.running import Running, running_controller
from transports.harness import REAL_RCLPY, Process, free_domain, rclpy_of, until

from embodied_kit.canonical import load_json
from embodied_kit.cli.recording.recorder import in_chinese
from embodied_kit.episode.quarantine import quarantined
from embodied_kit.errors import EnvironmentUnfitError
from embodied_kit.language import Language
from embodied_recorders.loop.words import Said
from embodied_recorders.ros.desk import SET_BOOL, TRIGGER, Desk
from embodied_recorders.ros.plain import serving
from embodied_recorders.transports.dds.service import joined, parted
from embodied_recorders.transports.dds.transport import DdsTransport
from embodied_recorders.transports.ros2.api import CYCLONE
from embodied_recorders.transports.ros2.load import Rclpy

CALLER, ROS2_CALLER = (Path(__file__).with_name(name) for name in ("caller.py", "ros2_caller.py"))


class Caller:
    """Calls the services of a node."""

    def __init__(self, process: Process, node: str = "/episode_recorder") -> None:
        self._process, self._node = process, node

    def __call__(self, word: str, ros_type: str = TRIGGER, **request: object) -> tuple[object, object]:
        answer = self._process.ask("call", service=f"{self._node}/{word}", type=ros_type, request=request)
        return answer["success"], answer.get("message")

    def ask(self, word: str, ros_type: str) -> dict[str, object]:
        return self._process.ask("call", service=f"{self._node}/{word}", type=ros_type)

    def set(self, name: str, value: object) -> dict[str, object]:
        """What `ros2 param set` does; over rclpy alone."""
        return self._process.ask("set", node=self._node, name=name, value=value)

    def status(self) -> dict[str, object]:
        return self._process.ask("status", topic=f"{self._node}/status")


@contextmanager
def called(domain_id: int, caller: Path = CALLER) -> Iterator[Caller]:
    process = Process([sys.executable, caller, str(domain_id)])
    try:
        yield Caller(process)
    finally:
        process.stop()


@contextmanager
def served(
    tmp_path: Path, language: Language, said: Callable[[], Said], caller: Path = CALLER
) -> Iterator[tuple[Running, Caller]]:
    with free_domain() as domain_id, running_controller(tmp_path) as running:
        desk = Desk(lambda: running.controller, lambda: running.controller, said, language, chinese=in_chinese)
        with serving(desk, DdsTransport(domain_id, node_name="/episode_recorder")), called(domain_id, caller) as call:
            yield running, call


def takes_by_services(running: Running, call: Caller) -> None:
    """What every way to offer the services must do; answers in English."""
    assert call("stop") == (False, "not now: the recorder is armed")
    done, text = call("start")
    shown = running.until("recording")
    assert (done, text) == (True, f"recording: {shown.take.episode_id}")
    assert call("intervene", SET_BOOL, data=True)[0]
    assert until(lambda: running.controller.snapshot().intervening, "the intervention")
    status = until(lambda: (shown := call.status()).get("intervening") and shown, "the status")
    assert (status["stage"], status["state"], status["task_id"]) == ("active", "recording", "pick")
    assert status["take"]["episode_id"] == shown.take.episode_id
    assert call("intervene", SET_BOOL, data=False)[0]
    assert call("mark")[0]
    assert call("stop")[0]
    assert running.until("closing").asks_label
    assert call("failure")[0]
    running.until("armed")
    (kept,) = running.dataset.episode_ids()
    folder = running.dataset.root / "episodes" / kept
    document = load_json(folder / "episode.json")
    assert (document["outcome"], document["failure_cause"]) == ("failure", "grasp_missed")
    assert call("start")[0]
    assert call("next")[0]
    assert call("discard")[0]
    assert [one.reason for one in quarantined(running.dataset)] == ["slipped"]
    running.until("armed")
    assert len(running.dataset.episode_ids()) == 2
    assert call("undo")[0]
    assert len(running.dataset.episode_ids()) == 3


SAID = Said(failure_cause="grasp_missed", discard_reason="slipped")


@pytest.mark.wire
def test_takes_driven_by_services_without_ros(tmp_path: Path) -> None:
    with served(tmp_path, "en", lambda: SAID) as (running, call):
        takes_by_services(running, call)


@pytest.mark.wire
@pytest.mark.parametrize("version", [REAL_RCLPY])
def test_a_real_rclpy_calls_services_without_ros(tmp_path: Path, version: str) -> None:
    with rclpy_of(version):
        if (rmw := Rclpy().rmw) != CYCLONE:
            pytest.skip(f"{rmw} sends the id of a request where plain DDS cannot see it")
        with served(tmp_path, "en", lambda: SAID, ROS2_CALLER) as (running, call):
            takes_by_services(running, call)


@pytest.mark.wire
def test_answers_speak_the_readers_language(tmp_path: Path) -> None:
    with served(tmp_path, "zh", lambda: Said(failure_cause="bad luck")) as (_, call):
        assert call("stop") == (False, "现在不行：采集器已就绪（armed）")
        done, text = call("failure")
        assert not done
        assert "实为 'bad luck'" in text
    desk = Desk(lambda: None, lambda: None, Said, "zh", chinese=in_chinese)
    error = EnvironmentUnfitError("the writer process died", remedy="see to disk space and permissions, then repeat")
    assert desk.refuse(error) == (False, "写入进程已终止；检查磁盘空间与权限，然后重试")


def test_without_a_recorder_every_answer_says_so() -> None:
    desk = Desk(lambda: None, lambda: None, Said, "en", lambda: "inactive")
    assert desk.press("start") == (False, "the recorder is inactive; configure and activate its node first")
    assert not desk.switch(on=True)[0]
    assert desk.status() == '{"stage":"inactive"}'


def test_the_id_of_a_request_lies_between_header_and_message() -> None:
    wire = joined(bytes(range(16)), b"\0\1\0\0" + b"data")
    assert wire == b"\0\1\0\0" + bytes(range(16)) + b"data"
    assert (parted(wire).id, parted(wire).cdr) == (bytes(range(16)), b"\0\1\0\0data")
