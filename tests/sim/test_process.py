"""The real robot: two processes on a real middleware."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
import psutil
import pytest
from sim.memory import STORE, grouped
from transports.harness import free_domain, reachable, until

from embodied_kit.errors import EnvironmentUnfitError, UsageError
from embodied_kit.model.stream import Qos, Sample
from embodied_recorders.sim import SimOptions, run, start
from embodied_recorders.sim.realtime import Lateness
from embodied_recorders.sim.run import child_environment
from embodied_recorders.sim.streams import TOPICS
from embodied_recorders.transports import open_transport

pytestmark = pytest.mark.wire
PATIENCE_S = 60.0


def stamp_ns(sample: Sample, ros_type: str) -> int:
    """Header stamp; 0 for a type that has none."""
    if ros_type == "std_msgs/msg/String":
        return 0
    message = STORE.deserialize_cdr(sample.cdr, ros_type)
    header = message.transforms[0].header if ros_type == "tf2_msgs/msg/TFMessage" else message.header
    return header.stamp.sec * 1_000_000_000 + header.stamp.nanosec


def family(pid: int) -> list[psutil.Process]:
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def gone(processes: list[psutil.Process]) -> bool:
    return not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in processes)


def test_all_that_the_robot_logs_arrives_on_exact_stamps(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    received: dict[str, list[Sample]] = defaultdict(list)
    with free_domain() as domain:
        transport = open_transport("dds", domain_id=domain)
        try:
            for topic in TOPICS:
                transport.subscribe(topic.name, topic.ros_type, qos=_reading(topic.qos), type_hash=None)
            with start(SimOptions(seed=3, domain_id=domain, duration_s=4.0, lead_s=1.0, log=str(log))) as sim:
                epoch_ns = sim.wait_ready(PATIENCE_S)
                pids = family(sim.pid)
                assert len(pids) == 2
                ended = []

                def drained() -> bool:
                    for sample in transport.take(0.05):
                        received[sample.topic].append(sample)
                    ended.append(not psutil.pid_exists(sim.pid) or psutil.Process(sim.pid).status() == "zombie")
                    return len(ended) > 3 and all(ended[-3:])  # nothing came for a while after the end

                until(drained, "the robot's end", PATIENCE_S)
                assert sim.wait(PATIENCE_S) == 0
            assert transport.loss_counters().get("udp_datagrams_dropped", 0) == 0
        finally:
            transport.close()
    logged = grouped([json.loads(line) for line in log.read_text().splitlines()])
    for topic in TOPICS:
        _compare(topic.name, topic.ros_type, received[topic.name], logged[topic.name])
        if topic.rate_hz is not None:
            stamps = np.array([one[1] for one in logged[topic.name]])
            grid = epoch_ns + np.round(np.arange(len(stamps)) * 1e9 / topic.rate_hz)
            assert len(stamps) == 4 * topic.rate_hz
            assert np.abs(stamps - grid).max() <= 500_000
    assert gone(pids)


def test_over_zenoh_each_number_is_that_of_the_robots_own_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "log.jsonl"
    with free_domain() as domain, reachable("zenoh") as environment:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        transport = open_transport("zenoh", domain_id=domain)
        received: list[Sample] = []
        try:
            for topic in TOPICS:
                transport.subscribe(topic.name, topic.ros_type, qos=_reading(topic.qos), type_hash=None)
            options = SimOptions(seed=3, transport="zenoh", domain_id=domain, duration_s=1.5, lead_s=0.5, log=str(log))
            with start(options) as sim:
                sim.wait_ready(PATIENCE_S)
                until(lambda: received.extend(transport.take(0.05)) or not transport.endpoints(), "its end", PATIENCE_S)
            received.extend(transport.take(0.2))
        finally:
            transport.close()
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    sent = {(one["topic"], one["sequence"]): one["source_ns"] for one in lines if "topic" in one}
    assert {sample.topic for sample in received} == {topic.name for topic in TOPICS}
    for sample in received:
        assert sample.sequence is not None
        assert sent[sample.topic, sample.sequence - 1] == str(sample.source_ns)


def _reading(qos: Qos) -> Qos:
    return Qos(qos.reliability, qos.durability, "keep_all", 0)


def _compare(name: str, ros_type: str, received: list[Sample], logged: list[tuple[int, int, int]]) -> None:
    """Between the first and the last that arrived, exactly what was logged arrived, in order."""
    assert received, name
    arrived = [(stamp_ns(sample, ros_type), sample.source_ns) for sample in received]
    sent = [(stamp, source) for _, stamp, source in logged]
    first = sent.index(arrived[0])
    assert arrived == sent[first : first + len(arrived)], name
    assert first + len(arrived) == len(sent), name
    assert len(arrived) > 0.5 * len(sent), name
    assert len({sample.publisher for sample in received}) == 1


def test_sigterm_ends_both_processes_cleanly(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    with free_domain() as domain, start(SimOptions(domain_id=domain, log=str(log))) as sim:
        sim.wait_ready(PATIENCE_S)
        processes = family(sim.pid)
        processes[0].send_signal(signal.SIGTERM)
        assert sim.wait(PATIENCE_S) == 0
        until(lambda: gone(processes), "both ends", PATIENCE_S)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    stops = {line["process"]: line["sent"] for line in lines if line.get("event") == "stop"}
    assert set(stops) == {"control", "cameras"}
    counts = {name: len(messages) for name, messages in grouped(lines).items()}
    assert counts == {name: count for sent in stops.values() for name, count in sent.items() if count}


def test_a_killed_parent_leaves_no_orphan() -> None:
    code = (
        "import sys, time; from embodied_recorders.sim import SimOptions, start\n"
        "if __name__ == '__main__':\n"
        "    sim = start(SimOptions(domain_id=int(sys.argv[1]))); sim.wait_ready(60); print(sim.pid, flush=True)\n"
        "    time.sleep(600)"
    )
    with free_domain() as domain:
        command = [sys.executable, "-c", code, str(domain)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=child_environment()) as parent:
            assert parent.stdout is not None
            processes = family(int(parent.stdout.readline()))
            assert len(processes) == 2
            parent.kill()
        until(lambda: gone(processes), "both ends", PATIENCE_S)


def test_without_its_cameras_the_robot_ends_and_says_why(capfd: pytest.CaptureFixture[str]) -> None:
    with free_domain() as domain, start(SimOptions(domain_id=domain)) as sim:
        sim.wait_ready(PATIENCE_S)
        family(sim.pid)[1].kill()
        assert sim.wait(PATIENCE_S) == EnvironmentUnfitError.exit_code
    assert "camera process ended" in capfd.readouterr().err


def test_a_robot_that_cannot_start_says_so() -> None:
    with start(SimOptions(transport="pigeon")) as sim, pytest.raises(EnvironmentUnfitError, match="ended with code 2"):
        sim.wait_ready(PATIENCE_S)


def test_a_log_that_cannot_be_written_is_refused_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="log file"):
        run(SimOptions(log=str(tmp_path / "no" / "such" / "log.jsonl")))


def test_a_robot_that_falls_behind_says_so_in_the_reader_s_language(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for language, said in (("en", "cameras fell 200 ms behind real time"), ("zh", "相机进程比实时慢 200 毫秒")):
        monkeypatch.setenv("EMBODIED_KIT_LANG", language)
        Lateness("cameras", 100, None).saw(200_000_000)
        assert said in capsys.readouterr().err
