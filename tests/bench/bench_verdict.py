"""How long after stop the operator knows: the judging process over a take of 60 s; prints, asserts nothing.

python tests/bench/bench_verdict.py [rounds] [folder]

The take is of the simulated robot, made without waiting (three cameras, 1 kHz joints); a folder keeps it for the next
call. Each round judges the file as if it were new: the cache of measurements is emptied before.
"""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, fields
from pathlib import Path

import psutil

from embodied_kit.cli.instant import InstantJudge
from embodied_kit.episode.datafile import FileWriter
from embodied_kit.episode.dataset import Dataset
from embodied_kit.episode.ids import uuid7
from embodied_kit.messages.definitions import TypeStore
from embodied_kit.model.stream import Qos
from embodied_recorders.contract import load_contract
from embodied_recorders.control import Verdict
from embodied_recorders.documents import TakeOptions, TakeResult
from embodied_recorders.session import Session
from embodied_recorders.sim.files import HOST, OPERATOR, TASK_ID, create_sim_dataset, write_description
from embodied_recorders.sim.headless import simulate
from embodied_recorders.sim.offline import ReplayClock, ReplayedGraph
from embodied_recorders.sim.options import SimOptions

TAKE_S = 60.0
EPOCH_NS = 1_790_000_000_000_000_000
_PATIENCE_S = 300.0
_WARM_S = 8.0


def make(folder: Path) -> Path:
    """The dataset with one take, made unless it is there; its episode folder."""
    root = folder / "dataset"
    if not root.is_dir():
        options = SimOptions(duration_s=TAKE_S + 3)
        robot_json, contract_yaml = write_description(folder / "described", options, EPOCH_NS)
        dataset = create_sim_dataset(root, robot_json, dataset_id=uuid7(EPOCH_NS, 1), now_ns=EPOCH_NS)
        _record(dataset, contract_yaml, options)
    return next((root / "episodes").iterdir())


def _record(dataset: Dataset, contract_yaml: Path, options: SimOptions) -> None:
    contract = load_contract(contract_yaml)
    clock = ReplayClock(EPOCH_NS, EPOCH_NS)
    graph = ReplayedGraph(clock)
    for stream in contract.streams:
        graph.subscribe(stream.topic, stream.ros_type, qos=Qos(), type_hash=None)
    simulate(options, graph, epoch_ns=EPOCH_NS)
    session = Session(graph, dataset, contract, TypeStore(), HOST, new_sink=FileWriter, clock=clock)
    take = TakeOptions(TASK_ID, operator_pseudonym=OPERATOR, operator_skill_level="expert", acquisition_mode="sim")
    started_ns = clock.time_ns

    def over(_samples: object) -> str:
        return "duration" if clock.time_ns - started_ns >= TAKE_S * 1e9 else ""

    session.record(take, over, lambda _progress: TakeResult("success", outcome_source="operator"), lambda _p: None)
    session.close()


@dataclass(frozen=True)
class Round:
    """One judgement of the take at each depth: s from its close to the verdict, and s of CPU that the judge took."""

    index_s: float
    index_cpu_s: float
    signal_s: float
    signal_cpu_s: float
    full_s: float
    full_cpu_s: float


def judge_once(judge: InstantJudge, episode: Path) -> Round:
    """Hand the take over, and wait for its verdicts."""
    process = psutil.Process(judge.process_id)
    before_s = _cpu_s(process)
    judge.submit(episode.name, str(episode))
    found: list[float] = []
    for _ in range(3):
        found.append(_next(judge).seconds)
        now_s = _cpu_s(process)
        found.append(now_s - before_s)
        before_s = now_s
    return Round(*found)


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def _next(judge: InstantJudge) -> Verdict:
    until_s = time.monotonic() + _PATIENCE_S
    while time.monotonic() < until_s:
        for _, verdict in judge.finished():
            return verdict
        time.sleep(0.005)
    raise TimeoutError("no verdict")


def main() -> None:
    """Judge the take again and again."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as cache, tempfile.TemporaryDirectory() as made:
        os.environ["XDG_CACHE_HOME"] = cache  # the judge's, too
        episode = make(Path(sys.argv[2]) if len(sys.argv) > 2 else Path(made))
        size = sum(path.stat().st_size for path in episode.glob("*.mcap"))
        judge = InstantJudge(episode.parents[1])
        time.sleep(_WARM_S)  # a preflight takes longer
        rows: list[Round] = []
        for _ in range(rounds):
            shutil.rmtree(Path(cache) / "embodied-kit", ignore_errors=True)
            rows.append(judge_once(judge, episode))
            print(rows[-1], flush=True)
        judge.close()
    print(f"{TAKE_S:.0f} s, {size / 1e6:.0f} MB, {rounds} rounds, load {os.getloadavg()[0]:.1f} of {os.cpu_count()}")
    for field in fields(Round):
        column = [float(getattr(row, field.name)) for row in rows]
        print(f"{field.name:13} {statistics.median(column):6.2f}  ({min(column):.2f} .. {max(column):.2f})")


if __name__ == "__main__":
    main()
