"""`embodied-kit record` and `contract` as processes: signals, keys, a full disk, a graph that is not as promised."""

from __future__ import annotations

import os
import re
import resource
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from recorder import support
from recorder.support import assert_as_sent, contract_file, environment, problems_of, program, run, stream
from transports.harness import free_domain, until

from embodied_kit.canonical import load_json
from embodied_kit.cli import main
from embodied_kit.episode.dataset import Dataset

pytestmark = pytest.mark.wire


@pytest.fixture(scope="module")
def robot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[support.Robot]:
    with support.running_robot(tmp_path_factory.mktemp("robot")) as running:
        yield running


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return support.dataset_in(tmp_path)


def record_words(dataset: Dataset, robot: support.Robot, *more: object, contract: Path | None = None) -> list[object]:
    path = contract or contract_file(dataset.root.parent)
    return ["record", path, "--dataset", dataset.root, "--task", "pick", "--domain", robot.domain_id, *more]


def started(dataset: Dataset, words: list[object], **options: object) -> subprocess.Popen[str]:
    """A recorder in a process group of its own, once a take runs and a chunk of it is on disk."""
    process = subprocess.Popen(
        program(*words),
        env=environment(dataset.root.parent),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
        **options,
    )
    until(lambda: process.poll() is not None or _growing(dataset), "a take", 60)
    assert process.poll() is None, process.communicate()
    return process


def _growing(dataset: Dataset) -> bool:
    partial = list((dataset.root / ".embodied" / "recording").glob("*/*.partial"))
    return bool(partial) and partial[0].stat().st_size > 8_000  # more than attachments and definitions


def only_episode(dataset: Dataset) -> Path:
    (episode_id,) = dataset.episode_ids()
    return dataset.root / "episodes" / episode_id


@pytest.mark.parametrize(
    ("numbers", "reason"),
    [
        ([signal.SIGINT], "sigint"),
        ([signal.SIGTERM], "sigterm"),
        ([signal.SIGHUP], "sigterm"),
        ([signal.SIGINT] * 100, "sigint"),
    ],
    ids=["ctrl_c", "sigterm", "hangup", "impatient"],
)
def test_a_signal_ends_the_take_as_a_valid_episode(
    numbers: list[signal.Signals], reason: str, robot: support.Robot, dataset: Dataset
) -> None:
    process = started(dataset, record_words(dataset, robot, "--episodes", 5))
    for number in numbers:
        if process.poll() is None:
            os.killpg(process.pid, number)
        time.sleep(0.02)
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    folder = only_episode(dataset)
    assert f"({reason})" in output
    assert_as_sent(folder, robot)
    assert {kind: problems for kind, problems in problems_of(folder).items() if problems} == {}
    assert load_json(folder / "episode.json")["outcome"] == "unknown"
    assert support.staged(dataset) == []


def test_kill_leaves_nothing_among_the_episodes(robot: support.Robot, dataset: Dataset) -> None:
    process = started(dataset, record_words(dataset, robot))
    process.kill()
    process.communicate(timeout=60)
    assert dataset.episode_ids() == []
    (folder,) = (dataset.root / ".embodied" / "recording").iterdir()
    partial = folder / "data_000.mcap.partial"
    size = until(lambda: _settled(partial), "the writer's end")  # it sees the end of its pipe and closes its chunk
    assert size > 8_000
    assert [path.name for path in folder.iterdir()] == [partial.name]


def _settled(path: Path) -> int:
    before = path.stat().st_size
    time.sleep(0.5)
    return before if path.stat().st_size == before else 0


def test_several_takes_by_duration(robot: support.Robot, dataset: Dataset) -> None:
    words = record_words(
        dataset, robot, "--episodes", 2, "--duration", 0.5, "--outcome", "failure", "--failure-cause", "timeout"
    )
    done = run(dataset.root.parent, *words, "--operator", "Ada", "--mode", "teleop_vr", "--skill", "expert")
    assert (done.returncode, done.stderr) == (0, "")
    documents = [dataset.episode(episode_id) for episode_id in dataset.episode_ids()]
    assert [(d["outcome"], d["failure_cause"], d["outcome_source"]) for d in documents] == [
        ("failure", "timeout", "operator")
    ] * 2
    assert {str(d["operator_pseudonym"])[:3] for d in documents} == {"op-"}
    assert "Ada" not in done.stdout + "".join(str(d) for d in documents)
    for episode_id in dataset.episode_ids():
        folder = dataset.root / "episodes" / episode_id
        assert_as_sent(folder, robot)
        assert {kind: problems for kind, problems in problems_of(folder).items() if problems} == {}


def test_takes_that_nobody_labels_are_told_at_both_ends(robot: support.Robot, dataset: Dataset) -> None:
    words = record_words(
        dataset, robot, "--duration", 0.3, "--mode", "teleop_vr", "--skill", "expert", "--operator", "A"
    )
    done = run(dataset.root.parent, *words)
    assert done.returncode == 0, done.stderr
    first, *_, label, _ = done.stdout.splitlines()
    assert first == "note: without --outcome these takes stay below L2"
    assert label == "without an outcome, so below L2: 1; give --outcome (embodied-kit rules explain SM-05)"
    assert re.search(r"^  FAIL SM-05 .* \(needed for L2\)", done.stdout, re.MULTILINE), done.stdout


def test_a_stream_that_is_not_as_promised_stops_everything(robot: support.Robot, dataset: Dataset) -> None:
    contract = contract_file(
        dataset.root.parent,
        support.JOINT_STREAM,
        stream("gone", "/gone", support.TEXT, None),
        stream("gone_too", "/gone_too", support.TEXT, None, required=False),
    )
    done = run(dataset.root.parent, *record_words(dataset, robot, "--duration", 1, contract=contract))
    assert done.returncode == 4
    note, *rows = [line for line in done.stdout.splitlines() if not line.startswith("      ")]
    below = "these takes stay below"
    assert note == f"note: without --mode {below} L1; without --operator, --outcome, --skill {below} L2"
    assert [row.split()[:2] for row in rows[:3]] == [["ok", "joint_states"], ["FAIL", "gone"], ["warn", "gone_too"]]
    assert "start its node, or set `required: false`" in done.stdout
    assert done.stderr == "no-go: 1 to mend. Not recording.\n"
    assert dataset.episode_ids() == []
    assert support.staged(dataset) == []


def test_draft_of_a_live_graph_passes_its_own_check(robot: support.Robot, tmp_path: Path) -> None:
    contract = tmp_path / "contract.yaml"
    drafted = run(tmp_path, "contract", "init", "-o", contract, "--robot", "arm_01", "--domain", robot.domain_id)
    assert drafted.returncode == 0, drafted.stderr
    assert "left out: /quarrel" in drafted.stderr
    document = yaml.safe_load(contract.read_text())
    entries = {entry["topic"]: entry for entry in document["streams"]}
    assert set(entries) == {"/camera/image", "/joint_states", "/robot_description", "/silent", "/twins"}
    assert entries["/robot_description"]["cadence"] == "latched"
    assert entries["/joint_states"]["ros_type"] == support.JOINTS
    lax = contract.read_text().replace("rate_tolerance: 0.1", "rate_tolerance: 0.6")  # of a machine under test
    (tmp_path / "lax.yaml").write_text(lax)
    checked = run(tmp_path, "contract", "check", tmp_path / "lax.yaml", "--domain", robot.domain_id)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    again = run(tmp_path, "contract", "init", "-o", contract, "--domain", robot.domain_id)
    assert again.returncode == 2
    assert "exists" in again.stderr


def test_a_draft_without_a_robot_says_what_to_do(robot: support.Robot, tmp_path: Path) -> None:
    drafted = run(tmp_path, "contract", "init", "--domain", robot.domain_id, "--window", 0.5)
    assert drafted.returncode == 0, drafted.stderr
    assert "No robot is named: give --robot my_arm, or write `robots: [my_arm]`" in drafted.stderr
    assert yaml.safe_load(drafted.stdout)["robots"] == []


def test_nobody_there(tmp_path: Path) -> None:
    with free_domain() as domain_id:
        done = run(tmp_path, "contract", "init", "-o", tmp_path / "c.yaml", "--domain", domain_id, "--window", 0.5)
    assert done.returncode == 4
    assert "No publisher" in done.stderr
    assert not (tmp_path / "c.yaml").exists()


def writer_of(partial: Path) -> int:
    """Process that writes a file; 0 for none."""
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if link.readlink() == partial:
                return int(link.parts[2])
        except OSError:  # noqa: PERF203 - a process that has ended meanwhile
            continue
    return 0


def test_a_file_that_cannot_grow_ends_in_one_line(robot: support.Robot, dataset: Dataset) -> None:
    if not hasattr(resource, "prlimit"):
        pytest.skip("limits of another process can be set on Linux alone")
    words = record_words(dataset, robot, "--duration", 60)
    with subprocess.Popen(
        program(*words),
        env=environment(dataset.root.parent),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        stdin=subprocess.DEVNULL,
    ) as process:
        partial = until(lambda: next(dataset.root.glob(".embodied/recording/*/*.partial"), None), "the file")
        resource.prlimit(until(lambda: writer_of(partial), "its writer"), resource.RLIMIT_FSIZE, (10_000, 10_000))
        _, errors = process.communicate(timeout=120)
    assert process.returncode == 4, errors
    message, remedy = errors.splitlines()
    assert "cannot write" in message
    assert "data_000.mcap" in message
    assert "stays in its .partial file" in remedy
    assert dataset.episode_ids() == []
    assert load_json(dataset.root / "dataset.json")["state"] == "open"


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (["--task", "dance"], 2, "expected a task of tasks.json (pick), got 'dance'"),
        (["--series", "s9"], 2, "series"),
        (["--collection", "c9"], 2, "collection"),
        (["--mode", "magic"], 2, "acquisition_mode"),
        (["--failure-cause", "bad luck"], 2, "failure_cause"),
        (["--transport", "carrier_pigeon"], 2, "carrier_pigeon"),
        (["--dataset", "/nowhere"], 2, "/nowhere"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_what_would_make_a_wrong_episode_is_refused_before_the_graph_is_looked_at(
    change: list[str],
    code: int,
    words: str,
    robot: support.Robot,
    dataset: Dataset,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(dataset.root.parent / "home"))
    wanted = [str(word) for word in record_words(dataset, robot, "--duration", 1)] + change
    assert main(["--lang", "en", *wanted]) == code
    output, errors = capsys.readouterr()
    assert output == ""
    assert words in errors.splitlines()[0]
    assert len(errors.splitlines()) <= 2


def test_too_little_disk_is_refused_before_the_take(robot: support.Robot, dataset: Dataset) -> None:
    contract = contract_file(dataset.root.parent, support.JOINT_STREAM, min_free_bytes=2**50)
    done = run(dataset.root.parent, *record_words(dataset, robot, "--duration", 1, contract=contract))
    assert done.returncode == 4
    assert re.search(r"^FAIL  disk for the next take +.* x 1 s = .* above the floor$", done.stdout, re.MULTILINE)
    assert (dataset.episode_ids(), support.staged(dataset)) == ([], [])


def test_a_robot_that_the_dataset_does_not_have(dataset: Dataset, robot: support.Robot) -> None:
    contract = contract_file(dataset.root.parent, support.JOINT_STREAM)
    contract.write_text(contract.read_text().replace("arm_01", "my_arm"))
    done = run(dataset.root.parent, *record_words(dataset, robot, "--duration", 1, contract=contract))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(
        f"error: expected robot 'my_arm' in {dataset.root}/robots, got arm_01\n  -> name under"
    )


def test_sealed_dataset_refuses(robot: support.Robot, dataset: Dataset) -> None:
    words = record_words(dataset, robot, "--duration", 0.3)
    assert run(dataset.root.parent, *words).returncode == 0
    dataset.seal(None, time.time_ns())
    done = run(dataset.root.parent, *words)
    assert done.returncode == 2
    assert "sealed" in done.stderr
    assert len(dataset.episode_ids()) == 1
