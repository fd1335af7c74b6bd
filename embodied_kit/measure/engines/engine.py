"""How the jobs of many episodes are carried out: one Protocol, results in the order of the jobs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Protocol

from embodied_kit.measure.engines.job import EpisodeJob, EpisodeResult, Shared, measure_episode
from embodied_kit.measure.progress import MeasureProgress
from embodied_kit.model.engine import EngineName

MANY_EPISODES = 4


class Engine(Protocol):
    """Carries out jobs."""

    def run(self, shared: Shared, jobs: Iterable[EpisodeJob], progress: MeasureProgress) -> Iterator[EpisodeResult]:
        """One result a job, in the order of the jobs.

        Args:
            shared: What all jobs share.
            jobs: Taken no faster than results are, but for a bounded look-ahead.
            progress: Told what was read.
        """
        ...


class SerialEngine:
    """One job after the other, in this process."""

    def run(self, shared: Shared, jobs: Iterable[EpisodeJob], progress: MeasureProgress) -> Iterator[EpisodeResult]:
        """One result a job, in the order of the jobs."""
        for job in jobs:
            result = measure_episode(shared, job, progress.read)
            progress.unit_done(job.data_files_n, job.data_bytes)
            yield result


class AutoEngine:
    """Processes where there are many episodes and more than one worker, else one after the other.

    Args:
        workers: Processes at most.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers

    def run(self, shared: Shared, jobs: Iterable[EpisodeJob], progress: MeasureProgress) -> Iterator[EpisodeResult]:
        """One result a job, in the order of the jobs."""
        source = iter(jobs)
        first = list(islice(source, MANY_EPISODES))
        few = len(first) < MANY_EPISODES or self._workers == 1
        engine = SerialEngine() if few else make_engine("processes", self._workers)
        return engine.run(shared, chain(first, source), progress)


def make_engine(name: EngineName = "auto", workers: int | None = None) -> Engine:
    """An engine by its name.

    Args:
        name: `auto`, `serial`, `processes` or `ray`.
        workers: Processes at most; None for as many as this process may use cores.
    """
    number = workers or _cores()
    if name == "serial":
        return SerialEngine()
    if name == "processes":
        from embodied_kit.measure.engines.engine_pool import ProcessEngine  # noqa: PLC0415  # only who needs it

        return ProcessEngine(number)
    if name == "ray":
        from embodied_kit.measure.engines.engine_ray import RayEngine  # noqa: PLC0415  # an extra

        return RayEngine(number)
    return AutoEngine(number)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
