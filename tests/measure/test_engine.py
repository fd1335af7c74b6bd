from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from measure.synthetic import StreamSpec, Take, streams, write_dataset
from measure.test_cache import opened_data_files

from embodied_kit.errors import UsageError
from embodied_kit.measure import Sample, facts_lines, make_engine, measure_path, spooled_lines
from embodied_kit.measure.declared.links import DatasetDocuments
from embodied_kit.measure.engines.engine import Engine
from embodied_kit.measure.engines.engine_pool import ProcessEngine
from embodied_kit.measure.engines.job import LOST_REASON, EpisodeJob, Shared
from embodied_kit.measure.kept.cache import Cache
from embodied_kit.measure.places.folder import Place
from embodied_kit.measure.places.location import LocalFolder
from embodied_kit.measure.places.walk import list_folder
from embodied_kit.measure.progress import MeasureProgress

EPISODES_N = 16


def episode_id(number: int) -> str:
    return f"0192f0c1-8a3b-7c1d-9e2f-0000000000{number:02x}"


def short(stream_id: str = "joint_states") -> dict[str, StreamSpec]:
    return {stream_id: streams()[stream_id]}


def names(root: Path) -> list[str]:
    return sorted(path.name for path in (root / "episodes").iterdir())


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    takes = [(short(), Take(episode_id=episode_id(number))) for number in range(EPISODES_N)]
    return write_dataset(tmp_path_factory.mktemp("many"), *takes)


@pytest.fixture(scope="module")
def expected(many: Path) -> bytes:
    return b"".join(facts_lines(measure_path(many, depth="signal")))


def lines(root: Path, engine: Engine, cache: Path | None = None) -> bytes:
    return b"".join(spooled_lines(measure_path(root, depth="signal", engine=engine, cache=cache, trust_index=True)))


@pytest.mark.parametrize(("name", "workers"), [("serial", None), ("auto", 1), ("auto", 2), ("processes", 3)])
def test_every_engine_says_the_same(many: Path, expected: bytes, name: str, workers: int | None) -> None:
    assert lines(many, make_engine(name, workers)) == expected  # type: ignore[arg-type]


def test_ray_says_the_same(many: Path, expected: bytes) -> None:
    pytest.importorskip("ray", reason="the extra ray is not installed")
    code = (
        "import sys; from pathlib import Path\n"
        "from embodied_kit.measure import make_engine, measure_path, spooled_lines\n"
        f"found = measure_path(Path({str(many)!r}), depth='signal', engine=make_engine('ray', 2))\n"
        "sys.stdout.buffer.writelines(spooled_lines(found))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout == expected


def children(process: int) -> list[int]:
    """Processes that one has started and not ended."""
    tasks = Path(f"/proc/{process}/task").iterdir()
    return [int(number) for task in tasks for number in (task / "children").read_text(encoding="ascii").split()]


def test_a_killed_worker_costs_its_episode_only(tmp_path: Path) -> None:
    root = write_dataset(tmp_path / "set", *((short(), Take(episode_id=episode_id(i))) for i in range(4)))
    entries = tuple(list_folder(root))
    jobs = [EpisodeJob(name, tuple(e for e in entries if e.episode == name)) for name in names(root)]
    (first,) = (root / "episodes" / jobs[0].name).glob("*.mcap")
    first.unlink()
    os.mkfifo(first)  # its worker waits for a writer until it is killed, as by an out-of-memory killer

    before = set(children(os.getpid()))  # of other tests

    def kill(files_n: int, _done: int, _total: int) -> None:
        if files_n == len(jobs) - 1:
            for process in set(children(os.getpid())) - before:
                os.kill(process, signal.SIGKILL)

    shared = Shared(Place(LocalFolder(root)), DatasetDocuments([]), "signal", Cache(None))
    results = [result.facts for result in ProcessEngine(2).run(shared, jobs, MeasureProgress(kill))]
    assert [facts.scope for facts in results] == names(root)
    lost, *others = results
    (row,) = lost.tables["error"]
    assert row["reason"] == LOST_REASON
    assert {"container", "stream", "dim", "pair", "span", "signature"} <= set(row["tables"])  # type: ignore[arg-type]
    assert all(not facts.tables["error"] and facts.tables["stream"] for facts in others)
    assert set(children(os.getpid())) <= before


def is_worker(process: int) -> bool:
    """Whether it runs its own program; stopped before, it would hold its parent inside vfork."""
    return b"engine_worker" in Path(f"/proc/{process}/cmdline").read_bytes()


def started(root: Path, cache: Path) -> tuple[subprocess.Popen[bytes], list[int]]:
    """`measure` and its two workers, once the first episode is in the cache; the run cannot end: one is stopped."""
    environment = {
        **os.environ,
        "XDG_CACHE_HOME": str(cache),
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }
    command = [sys.executable, "-m", "embodied_kit", "measure", str(root), "--depth", "signal"]
    process = subprocess.Popen(
        [*command, "--engine", "processes", "--jobs", "2"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=environment,
        start_new_session=True,
    )
    workers, stopped = children(process.pid), False
    while not (stopped and kept(cache)):
        assert process.poll() is None
        workers = children(process.pid)
        if not stopped and len(workers) == 2 and is_worker(workers[1]):
            os.kill(workers[1], signal.SIGSTOP)
            stopped = True
        time.sleep(0.005)
    return process, workers


def kept(cache: Path) -> list[Path]:
    return list(cache.rglob("*.jsonl"))


def test_a_run_that_was_killed_goes_on_where_it_was(many: Path, expected: bytes, tmp_path: Path) -> None:
    process, workers = started(many, tmp_path)
    with process:
        process.kill()
    os.kill(workers[1], signal.SIGCONT)
    deadline_s = time.monotonic() + 60
    while any(Path(f"/proc/{worker}").exists() for worker in workers):  # each ends when its parent is gone
        assert time.monotonic() < deadline_s
        time.sleep(0.01)
    done_n = len(kept(tmp_path))
    assert 0 < done_n < EPISODES_N
    with opened_data_files() as opened:
        assert lines(many, make_engine("serial"), tmp_path / "embodied-kit" / "measure") == expected
    assert len([name for name in opened if "episodes" in name]) == EPISODES_N - done_n


def test_an_interrupted_run_leaves_no_process(many: Path, tmp_path: Path) -> None:
    process, workers = started(many, tmp_path)
    with process:
        os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"Traceback" not in said
    assert not any(Path(f"/proc/{worker}").exists() for worker in workers)


def test_a_sample_is_seeded_nested_and_says_so(many: Path) -> None:
    small, large, other = (Sample(n, seed).choose(names(many)) for n, seed in ((3, 0), (5, 0), (3, 1)))
    assert small < large
    assert small != other
    *episodes, dataset = measure_path(many, depth="index", sample=Sample(3))
    assert {facts.scope for facts in episodes} == small
    sampled = {row["path"] for row in dataset.tables["coverage"] if row["sampled"]}
    assert sampled == {f"episodes/{name}" for name in names(many) if name not in small}
    (row,) = dataset.tables["error"]
    assert {"file", "link"} <= set(row["tables"])  # type: ignore[arg-type]
    whole = list(measure_path(many, depth="index", sample=Sample(EPISODES_N)))
    assert list(facts_lines(whole)) == list(facts_lines(measure_path(many, depth="index")))


def test_a_sample_is_blamed_for_nothing_that_only_the_whole_can_tell(many: Path) -> None:
    *_, dataset = measure_path(many, sample=Sample(3))
    wrong = {"different", "dangling", "missing"}
    assert [row for row in dataset.tables["link"] if row["state"] in wrong] == []
    assert not {row["kind"] for row in dataset.tables["link"]} & {"totals", "core_fields", "general_fields"}
    assert dataset.tables["corpus"] == []
    assert {"link", "corpus"} <= {str(table) for row in dataset.tables["error"] for table in row["tables"]}  # type: ignore[union-attr]


def test_a_sample_of_an_episode_is_refused(many: Path) -> None:
    with pytest.raises(UsageError):
        list(measure_path(many / "episodes" / names(many)[0], sample=Sample(1)))
