"""How the jobs of many episodes are carried out: one Protocol, results in the order of the jobs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from embodied_kit.measure.job import EpisodeJob, EpisodeResult, Shared, measure_episode
from embodied_kit.measure.progress import MeasureProgress


class Engine(Protocol):
    """Carries out jobs."""

    def run(self, shared: Shared, jobs: Iterable[EpisodeJob], progress: MeasureProgress) -> Iterator[EpisodeResult]:
        """One result a job, in the order of the jobs.

        Args:
            shared: What all jobs share.
            jobs: Taken no faster than results are.
            progress: Told what was read.
        """
        ...


class SerialEngine:
    """One job after the other, in this process."""

    def run(self, shared: Shared, jobs: Iterable[EpisodeJob], progress: MeasureProgress) -> Iterator[EpisodeResult]:
        """One result a job, in the order of the jobs."""
        for job in jobs:
            result = measure_episode(shared, job, progress.read)
            progress.file_done(job.data_files_n)
            yield result
