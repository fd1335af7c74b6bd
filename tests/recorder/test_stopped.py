"""Processes that are stopped for a while, as by a suspend or a debugger: nothing is lost without being told."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from recorder import support
from recorder.support import JOINT_STREAM, Screen, attachments, contract_file, read, running_robot
from recorder.test_program import writer_of
from transports.harness import until

from embodied_kit.episode.dataset import Dataset

pytestmark = pytest.mark.wire
_STOPPED_S = 1.6  # beyond what the robot keeps for who is slow, 100 messages at 100 Hz
SCENE = '{"scene_id": "table", "scene_type": "tabletop"}'
TOPICS = ({"topic": "/joint_states", "kind": "joint", "rate_hz": 100},)


@pytest.fixture(scope="module")
def robot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[support.Robot]:
    with running_robot(tmp_path_factory.mktemp("robot"), TOPICS) as running:
        yield running


@pytest.mark.parametrize("who", ["writer", "recorder", "both"])
def test_what_is_lost_while_a_process_is_stopped_is_told(tmp_path: Path, robot: support.Robot, who: str) -> None:
    dataset: Dataset = support.dataset_in(tmp_path)
    screen = Screen(
        tmp_path, "record", contract_file(tmp_path, JOINT_STREAM), "--dataset", dataset.root, "--task", "pick",
        "--domain", robot.domain_id, "--outcome", "success", "--operator", "Li", "--scene", SCENE, "--no-verdict",
    )  # fmt: skip
    screen.wait_for("Enter starts")
    screen.type("\r")
    partial = until(lambda: next(dataset.root.glob(".embodied/recording/*/*.partial"), None), "the file")
    until(lambda: partial.stat().st_size > 5000, "messages on the disk")
    writer = until(lambda: writer_of(partial), "its writer")
    stopped = {"writer": [writer], "recorder": [screen.process.pid], "both": [screen.process.pid, writer]}[who]
    for process_id in stopped:
        os.kill(process_id, signal.SIGSTOP)
    time.sleep(_STOPPED_S)
    for process_id in stopped:
        os.kill(process_id, signal.SIGCONT)
    size = partial.stat().st_size
    until(lambda: partial.stat().st_size > size, "more of them")
    screen.type("\r")
    assert screen.end() == 0
    (episode_id,) = dataset.episode_ids()
    folder = dataset.root / "episodes" / episode_id
    (entry,) = json.loads(attachments(folder)["closing.json"])["streams"]
    kept = [one.publish_ns for one in read(folder)]
    sent_n = sum(kept[0] <= one.source_ns <= kept[-1] for one in robot.sent("/joint_states"))
    lost_n, told_n = sent_n - len(kept), entry["loss"]["header_stamp"]
    print(f"{who}: sent {sent_n}, kept {len(kept)}, {entry['loss']}")
    assert entry["received_n"] == len(kept)
    assert entry["loss"]["queue"] == 0
    if who == "writer":
        assert lost_n == 0  # the ring holds it all
    if lost_n > 2:  # a robot that stutters leaves gaps of its own, and hides a single loss
        assert told_n > 0
