"""Episodes measured by ray (extra `ray`): on this machine, or on the cluster that RAY_ADDRESS names.

On a cluster every machine must see the dataset under the same path and have embodied-kit installed.
"""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from embodied_kit.errors import MissingExtraError
from embodied_kit.measure.engines.job import EpisodeJob, EpisodeResult, Shared, lost_episode, measure_episode
from embodied_kit.measure.progress import MeasureProgress

_AHEAD = 4


class RayEngine:
    """Carries out jobs as ray tasks.

    Args:
        workers: Cores that ray may use on this machine.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers

    def run(self, shared: Shared, jobs: Iterable[EpisodeJob], progress: MeasureProgress) -> Iterator[EpisodeResult]:
        """One result a job, in the order of the jobs; at most four tasks a worker are begun ahead of the next result.

        Raises:
            MissingExtraError: ray is not installed.
        """
        with ray_running(self._workers) as ray:
            task = ray.remote(max_retries=0)(measure_episode)
            everywhere, source = ray.put(shared), iter(jobs)
            begun: deque[tuple[EpisodeJob, Any]] = deque()
            while True:
                while len(begun) < _AHEAD * self._workers and (job := next(source, None)):
                    begun.append((job, task.remote(everywhere, job)))
                if not begun:
                    return
                job, reference = begun.popleft()
                try:
                    result = ray.get(reference)
                except (ray.exceptions.WorkerCrashedError, ray.exceptions.OutOfMemoryError):
                    result = lost_episode(shared, job)
                progress.unit_done(job.data_files_n, job.data_bytes)
                yield result


@contextmanager
def ray_running(workers: int) -> Iterator[Any]:
    """Ray, started for this run unless it runs already; without dashboard and usage statistics."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # ray warns of its own default otherwise
    try:
        import ray  # noqa: PLC0415  # an extra
    except ImportError as error:
        raise MissingExtraError("ray", "measuring with ray") from error
    started = not ray.is_initialized()
    if started:
        _start(ray, workers)
    try:
        yield ray
    finally:
        if started:
            ray.shutdown()


def _start(ray: Any, workers: int) -> None:
    quiet: dict[str, Any] = {"logging_level": "ERROR", "log_to_driver": False, "configure_logging": False}
    if os.environ.get("RAY_ADDRESS"):
        ray.init(**quiet)
        return
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)  # workers import what we import
    try:
        ray.init(num_cpus=workers, include_dashboard=False, _node_ip_address="127.0.0.1", **quiet)
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before
