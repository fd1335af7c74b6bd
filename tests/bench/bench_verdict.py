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
from pathlib import Path

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


def heard(judge: InstantJudge, n: int) -> list[Verdict]:
    """The next verdicts."""
    found: list[Verdict] = []
    until_s = time.monotonic() + _PATIENCE_S
    while len(found) < n and time.monotonic() < until_s:
        found += [verdict for _, verdict in judge.finished()]
        time.sleep(0.01)
    return found


def main() -> None:
    """Judge the take again and again."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as cache, tempfile.TemporaryDirectory() as made:
        os.environ["XDG_CACHE_HOME"] = cache  # the judge's, too
        episode = make(Path(sys.argv[2]) if len(sys.argv) > 2 else Path(made))
        size = sum(path.stat().st_size for path in episode.glob("*.mcap"))
        judge = InstantJudge(episode.parents[1])
        rows: list[tuple[float, float]] = []
        for number in range(rounds + 1):
            shutil.rmtree(Path(cache) / "embodied-kit", ignore_errors=True)
            judge.submit(episode.name, str(episode))
            first, second = heard(judge, 2)
            if number:  # the first waits for the process to start
                rows.append((first.seconds, second.seconds))
            print(f"{first.level} {first.seconds:.2f} s, {second.level} {second.seconds:.2f} s", flush=True)
        judge.close()
    print(f"{TAKE_S:.0f} s, {size / 1e6:.0f} MB; medians of {rounds}: seconds from close to verdict")
    for name, column in zip(("signal", "full"), zip(*rows, strict=True), strict=True):
        print(f"{name:8} {statistics.median(column):6.2f}  ({min(column):.2f} .. {max(column):.2f})")


if __name__ == "__main__":
    main()
