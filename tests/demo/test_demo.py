"""The demo as a user runs it: real processes, real DDS, a real signature; then read by tools of others."""

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest
from mcap.reader import make_reader
from mcap_ros2.decoder import DecoderFactory
from transports.harness import free_domain

pytest.importorskip("mujoco", reason="the simulated robot needs the extra 'sim'")
pytestmark = [pytest.mark.wire, pytest.mark.timeout(400)]
TAKES = 3


def run(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "embodied_kit", "--lang", "en", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=380, check=False)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    out = tmp_path_factory.mktemp("demo") / "out"
    with free_domain() as domain_id:
        done = run("demo", "--out", str(out), "--domain", str(domain_id))
    if "too busy" in done.stdout:
        pytest.skip("this machine is too busy to run the simulated robot in real time")
    assert done.returncode == 0, done.stdout + done.stderr
    return out, done.stdout


def test_it_says_where_everything_is_and_the_printed_commands_work(demo: tuple[Path, str]) -> None:
    out, said = demo
    for path in (out / "demo_ds", out / "report.html", out / "keys" / "demo_lab.trust.json"):
        assert path.exists()
        assert str(path) in said
    printed = next(line.split()[1:] for line in said.splitlines() if line.strip().startswith("embodied-kit verify"))
    verified = run(*printed)
    assert verified.returncode == 0, verified.stdout + verified.stderr


def test_the_defective_take_is_excluded_for_its_lost_frames_and_stays_in_the_set(demo: tuple[Path, str]) -> None:
    out, _ = demo
    dataset = json.loads((out / "demo_ds" / "dataset.json").read_text())
    episodes = sorted(path.name for path in (out / "demo_ds" / "episodes").iterdir())
    assert len(episodes) == TAKES
    reasons = {entry["episode_id"]: entry["reason"] for entry in dataset["excluded"]}
    assert "TM-07" in reasons[episodes[-1]]


def test_outcomes_are_those_of_the_robots_own_log(demo: tuple[Path, str]) -> None:
    out, _ = demo
    log = [json.loads(line) for line in (out / "sim_arm" / "robot.jsonl").read_text().splitlines()]
    truth = [event["outcome"] for event in log if event.get("event") == "take"]
    found = [
        json.loads((folder / "episode.json").read_text())["outcome"]
        for folder in sorted((out / "demo_ds" / "episodes").iterdir())
    ]
    assert found == truth == ["success", "failure", "success"]


def test_topics_and_stamps_equal_the_robots_own_log(demo: tuple[Path, str]) -> None:
    """Read with the plain `mcap` reader, decoded with mcap-ros2-support; between first and last of each stream."""
    out, _ = demo
    sent: dict[str, list[int]] = defaultdict(list)
    for line in (out / "sim_arm" / "robot.jsonl").read_text().splitlines():
        entry = json.loads(line)
        if "topic" in entry and entry["stamp_ns"] != "0":
            sent[entry["topic"]].append(int(entry["stamp_ns"]))
    folder = min((out / "demo_ds" / "episodes").iterdir())
    recorded: dict[str, list[int]] = defaultdict(list)
    with (folder / "data_000.mcap").open("rb") as file:
        reader = make_reader(file, validate_crcs=True, decoder_factories=[DecoderFactory()])
        for _schema, channel, message, decoded in reader.iter_decoded_messages(log_time_order=False):
            assert message.log_time
            assert message.publish_time
            stamp_ns = header_stamp_ns(decoded)
            if stamp_ns is not None:
                recorded[channel.topic].append(stamp_ns)
    assert set(sent) == set(recorded)
    for topic, stamps in recorded.items():
        first = sent[topic].index(stamps[0])
        assert sent[topic][first : first + len(stamps)] == stamps, topic


def header_stamp_ns(message: object) -> int | None:
    header = getattr(message, "header", None)
    if header is None:
        transforms = getattr(message, "transforms", None)
        header = transforms[0].header if transforms else None
    return None if header is None else header.stamp.sec * 1_000_000_000 + header.stamp.nanosec
