"""What ray costs beside our own processes: the same small episodes, the same number of workers, in turn; ratios.

python tests/bench/bench_engines.py [episodes] [rounds]

The episodes are copies of the first part of one of `sample_episodes/good`; nothing is cached. Ray is started anew for
each run and its workers import what ours import; how long it takes until it can be used is told apart.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from mcap.reader import make_reader
from mcap.writer import Writer

from embodied_kit.measure import measure_path
from embodied_kit.measure.engines.engine import make_engine
from embodied_kit.measure.engines.engine_ray import ray_running
from embodied_kit.model.engine import EngineName

SAMPLE = Path(__file__).parents[2] / "sample_episodes" / "good" / "dataset"
EPISODES, ROUNDS, WORKERS = 500, 5, 2
PART_NS = 200_000_000


def make_dataset(folder: Path, count: int) -> Path:
    """A dataset of as many episodes as wanted; their data files are links to one."""
    root = folder / "dataset"
    shutil.copytree(SAMPLE, root)
    first, second = sorted((root / "episodes").iterdir())
    shutil.rmtree(second)
    write_part(SAMPLE / "episodes" / first.name / "data_000.mcap", first / "data_000.mcap")
    for number in range(count - 1):
        copy = root / "episodes" / f"0197c34a-0000-7000-8000-{number:012x}"
        copy.mkdir()
        for path in first.iterdir():
            (copy / path.name).hardlink_to(path)
    return root


def write_part(source: Path, target: Path) -> None:
    """The attachments and the first messages of a recording."""
    target.unlink()
    with source.open("rb") as read, target.open("wb") as write:
        reader, writer = make_reader(read), Writer(write)
        writer.start("ros2", "bench")
        for item in reader.iter_attachments():
            writer.add_attachment(item.create_time, item.log_time, item.name, item.media_type, item.data)
        summary = reader.get_summary()
        assert summary is not None
        assert summary.statistics is not None
        end = summary.statistics.message_start_time + PART_NS
        schemas = {
            number: writer.register_schema(it.name, it.encoding, it.data) for number, it in summary.schemas.items()
        }
        channels = {
            number: writer.register_channel(it.topic, it.message_encoding, schemas[it.schema_id], it.metadata)
            for number, it in summary.channels.items()
        }
        for _, channel, message in reader.iter_messages(ending_before=end):
            writer.add_message(
                channels[channel.id], message.log_time, message.data, message.publish_time, message.sequence
            )
        writer.finish()


def run_s(root: Path, engine: EngineName) -> float:
    """Wall seconds of one measurement at depth signal."""
    started = time.perf_counter()
    for _ in measure_path(root, depth="signal", engine=make_engine(engine, WORKERS)):
        pass
    return time.perf_counter() - started


def nothing() -> None:
    """A task that does nothing."""


def ray_s(root: Path) -> tuple[float, float]:
    """Wall seconds until ray can be used, and of one measurement with it."""
    started = time.perf_counter()
    with ray_running(WORKERS) as ray:
        ray.get([ray.remote(nothing).remote() for _ in range(WORKERS)])
        usable = time.perf_counter() - started
        return usable, run_s(root, "ray")


def main() -> None:
    """Both engines in turn; the order changes with each round."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else EPISODES
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else ROUNDS
    own: list[float] = []
    starts: list[float] = []
    rays: list[float] = []
    with tempfile.TemporaryDirectory(prefix="embodied-kit-") as folder:
        root = make_dataset(Path(folder), count)
        for number in range(rounds):
            if number % 2 == 0:
                own.append(run_s(root, "processes"))
            usable, took = ray_s(root)
            starts.append(usable)
            rays.append(took)
            if number % 2:
                own.append(run_s(root, "processes"))
            told = f"processes {own[-1]:.2f} s, ray {took:.2f} s after {usable:.2f} s"
            print(f"round {number + 1}: {told}, ratio {took / own[-1]:.3f}", flush=True)
    ratio = statistics.median(ray / ours for ray, ours in zip(rays, own, strict=True))
    print(f"{count} episodes, {WORKERS} workers, medians of {rounds} rounds")
    print(f"processes {statistics.median(own):7.2f} s")
    print(
        f"ray       {statistics.median(rays):7.2f} s, ratio {ratio:.3f}; usable after {statistics.median(starts):.2f} s"
    )


if __name__ == "__main__":
    main()
