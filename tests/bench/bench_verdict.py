"""How long after stop the operator knows: the judging process over a take of 60 s; prints, asserts nothing.

python tests/bench/bench_verdict.py [rounds] [folder]

The take is of the simulated robot, made without waiting (three cameras, 1 kHz joints); a folder keeps it for the next
call. Each round judges the file as if it were new: the cache of measurements is emptied before. `followed`: the file
grows for 60 s as the recorder's does, and the judge reads along; `at once`: it is there from the start, as after
`undo`.
"""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from embodied_kit.cli.recording.instant import InstantJudge
from embodied_kit.episode.datafile import FileWriter
from embodied_kit.episode.dataset import Dataset
from embodied_kit.episode.ids import uuid7
from embodied_kit.episode.layout import PARTIAL, data_file
from embodied_kit.messages.definitions import TypeStore
from embodied_kit.model.stream import Qos
from embodied_recorders.graph.contract import load_contract
from embodied_recorders.sim.files import HOST, OPERATOR, TASK_ID, create_sim_dataset, write_description
from embodied_recorders.sim.headless import simulate
from embodied_recorders.sim.offline import ReplayClock, ReplayedGraph
from embodied_recorders.sim.options import SimOptions
from embodied_recorders.take.documents import TakeOptions, TakeResult
from embodied_recorders.take.session import Session

TAKE_S = 60.0
EPOCH_NS = 1_790_000_000_000_000_000
DATA = data_file(0)
_PATIENCE_S = 300.0
_SYNC_S = 0.5
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
class Told:
    """One verdict: s from the close of the take to it, and whether it is the last."""

    seconds: float
    whole: bool


@dataclass(frozen=True)
class Round:
    """Verdicts on one take, s of CPU that the judge took for it before its close, and after."""

    told: Sequence[Told]
    before_cpu_s: float
    after_cpu_s: float


def judge_at_once(judge: InstantJudge, episode: Path) -> Round:
    """Hand the take over, and wait for its last verdict."""
    before_s = _cpu_s(judge)
    judge.submit(episode.name, str(episode))
    return Round(_all_told(judge), 0.0, _cpu_s(judge) - before_s)


def judge_followed(judge: InstantJudge, episode: Path, copy: Path) -> Round:
    """Let the take grow as a recorder does, then hand it over."""
    staging, data = copy / "staging", (episode / DATA).read_bytes()
    staging.mkdir(parents=True)
    before_s = _cpu_s(judge)
    judge.follow(episode.name, str(staging))
    begun_s, partial = time.monotonic(), staging / (DATA + PARTIAL)
    with partial.open("wb", buffering=0) as file:
        while file.tell() < len(data):
            due = min(len(data), int(len(data) * (time.monotonic() - begun_s) / TAKE_S))
            file.write(data[file.tell() : due])
            time.sleep(_SYNC_S)
    for other in episode.iterdir():
        if other.name != DATA:
            shutil.copy(other, staging)
    partial.rename(staging / DATA)
    folder = staging.rename(copy / episode.name)
    closed_s = _cpu_s(judge)
    judge.submit(episode.name, str(folder))
    return Round(_all_told(judge), closed_s - before_s, _cpu_s(judge) - closed_s)


def _all_told(judge: InstantJudge) -> list[Told]:
    told: list[Told] = []
    until_s = time.monotonic() + _PATIENCE_S
    while not told or not told[-1].whole:
        if time.monotonic() > until_s:
            raise TimeoutError("no verdict")
        told += [Told(verdict.seconds, verdict.whole) for _, verdict in judge.finished()]
        time.sleep(0.005)
    return told


def _cpu_s(judge: InstantJudge) -> float:
    times = psutil.Process(judge.process_id).cpu_times()
    return times.user + times.system


def main() -> None:
    """Judge the take again and again, both ways in turn."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as cache, tempfile.TemporaryDirectory() as made:
        os.environ["XDG_CACHE_HOME"] = cache  # the judge's, too
        episode = make(Path(sys.argv[2]) if len(sys.argv) > 2 else Path(made))
        judge = InstantJudge(episode.parents[1])
        time.sleep(_WARM_S)  # a preflight takes longer
        rows: dict[str, list[Round]] = {"followed": [], "at once": []}
        for number in range(rounds):
            for kind, found in rows.items():
                shutil.rmtree(Path(cache) / "embodied-kit", ignore_errors=True)
                copy = Path(made) / f"copy{number}"
                found.append(
                    judge_followed(judge, episode, copy) if kind == "followed" else judge_at_once(judge, episode)
                )
                print(kind, found[-1], flush=True)
                shutil.rmtree(copy, ignore_errors=True)
        judge.close()
        size = (episode / DATA).stat().st_size
    print(f"{TAKE_S:.0f} s, {size / 1e6:.0f} MB, {rounds} rounds, load {os.getloadavg()[0]:.1f} of {os.cpu_count()}")
    for kind, found in rows.items():
        _show(f"{kind}: first verdict, s", [row.told[0].seconds for row in found])
        _show(f"{kind}: last verdict, s", [row.told[-1].seconds for row in found])
        _show(f"{kind}: CPU before the close, s", [row.before_cpu_s for row in found])
        _show(f"{kind}: CPU after, s", [row.after_cpu_s for row in found])


def _show(name: str, column: list[float]) -> None:
    print(f"{name:35} {statistics.median(column):6.2f}  ({min(column):.2f} .. {max(column):.2f})")


if __name__ == "__main__":
    main()
