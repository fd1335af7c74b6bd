"""What ray costs beside our own processes: the same small episodes, the same number of workers, in turn; ratios.

python tests/bench/bench_engines.py [episodes] [rounds]

The episodes are copies of one of `sample_episodes/good`, each with an identifier of its own; nothing is cached. Ray is
started by the engine for each run; how long that takes is measured by itself and taken off.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from embodied_kit.measure import measure_path
from embodied_kit.measure.engine import make_engine
from embodied_kit.measure.engine_ray import ray_running
from embodied_kit.model.engine import EngineName

SAMPLE = Path(__file__).parents[2] / "sample_episodes" / "good" / "dataset"
EPISODES, ROUNDS, WORKERS = 500, 5, 2


def make_dataset(folder: Path, count: int) -> Path:
    """A dataset of as many episodes as wanted; their data files are links to one."""
    root = folder / "dataset"
    shutil.copytree(SAMPLE, root)
    first = min((root / "episodes").iterdir())
    for number in range(count - 2):
        copy = root / "episodes" / f"0197c34a-0000-7000-8000-{number:012x}"
        copy.mkdir()
        for path in first.iterdir():
            (copy / path.name).hardlink_to(path)
    return root


def run_s(root: Path, engine: EngineName) -> float:
    """Wall seconds of one measurement at depth signal."""
    started = time.perf_counter()
    for _ in measure_path(root, depth="signal", engine=make_engine(engine, WORKERS)):
        pass
    return time.perf_counter() - started


def nothing() -> None:
    """A task that does nothing."""


def start_s() -> float:
    """Wall seconds in which ray starts and ends."""
    started = time.perf_counter()
    with ray_running(WORKERS) as ray:
        ray.get([ray.remote(nothing).remote() for _ in range(WORKERS)])
    return time.perf_counter() - started


def main() -> None:
    """Both engines in turn; the order changes with each round."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else EPISODES
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else ROUNDS
    names: tuple[EngineName, ...] = ("processes", "ray")
    times: dict[EngineName, list[float]] = {name: [] for name in names}
    starts: list[float] = []
    with tempfile.TemporaryDirectory(prefix="embodied-kit-") as folder:
        root = make_dataset(Path(folder), count)
        for number in range(rounds):
            starts.append(start_s())
            for name in names if number % 2 == 0 else names[::-1]:
                times[name].append(run_s(root, name))
            print(
                f"round {number + 1}: start {starts[-1]:.2f} s", *(f"{name} {times[name][-1]:.2f} s" for name in names)
            )
    start = statistics.median(starts)
    whole = [ray / own for ray, own in zip(times["ray"], times["processes"], strict=True)]
    steady = [(ray - at) / own for ray, own, at in zip(times["ray"], times["processes"], starts, strict=True)]
    print(f"{count} episodes, {WORKERS} workers, medians of {rounds} rounds; ray starts and ends in {start:.2f} s")
    print(f"processes {statistics.median(times['processes']):7.2f} s")
    print(f"ray       {statistics.median(times['ray']):7.2f} s   ratio {statistics.median(whole):.3f}")
    print(f"without its start                ratio {statistics.median(steady):.3f}")


if __name__ == "__main__":
    main()
