"""Episodes measured in other processes of this machine; a process that dies costs its episode, never the run.

Each worker is a Python of its own that is told one job at a time over its standard input and answers on its standard
output. `multiprocessing` would start the caller's main module again in every worker, and `concurrent.futures` gives up
all jobs when one worker is killed.
"""

from __future__ import annotations

import pickle
import queue
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from types import TracebackType
from typing import IO, TYPE_CHECKING

from embodied_kit.errors import EnvironmentUnfitError
from embodied_kit.measure.engines.engine_worker import Failed, Read
from embodied_kit.measure.engines.job import EpisodeJob, EpisodeResult, Shared, lost_episode
from embodied_kit.measure.progress import MeasureProgress

if TYPE_CHECKING:
    from typing_extensions import Self

_AHEAD = 4
_WORKER = "import sys; sys.path[:0] = sys.argv[1:]; from embodied_kit.measure.engines.engine_worker import main; main()"


class ProcessEngine:
    """Carries out jobs in worker processes.

    Args:
        workers: How many; each holds one episode at a time.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers

    def run(self, shared: Shared, jobs: Iterable[EpisodeJob], progress: MeasureProgress) -> Iterator[EpisodeResult]:
        """One result a job, in the order of the jobs; at most four jobs a worker are begun ahead of the next result.

        Raises:
            EnvironmentUnfitError: A worker process cannot be started.
        """
        source, order = iter(jobs), deque[EpisodeJob]()
        done: dict[str, EpisodeResult] = {}
        with _Pool(shared, self._workers) as pool:
            while True:
                while pool.has_room and len(order) < _AHEAD * self._workers and (job := next(source, None)):
                    pool.begin(job)
                    order.append(job)
                if not order:
                    return
                if order[0].name in done:
                    yield done.pop(order.popleft().name)
                    continue
                job, result = pool.finished(progress)
                done[job.name] = result
                progress.unit_done(job.data_files_n, job.data_bytes)


class _Worker:
    """One process, the job that it was given, and a thread that takes its answers."""

    def __init__(self, shared: bytes, answers: queue.Queue[tuple[_Worker, object]]) -> None:
        command = [sys.executable, "-c", _WORKER, *(path for path in sys.path if path)]
        try:
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        except OSError as error:
            raise EnvironmentUnfitError(f"expected to start a worker process, got {error.strerror}") from error
        self.job: EpisodeJob | None = None
        self._shared = shared
        self._answers = answers
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def begin(self, job: EpisodeJob) -> bool:
        """Hand a job over; False where the process is dead."""
        try:
            pipe = _opened(self.process.stdin)
            pipe.write(self._shared + pickle.dumps(job))
            pipe.flush()
        except OSError:
            return False
        self._shared, self.job = b"", job  # what is shared is sent once
        return True

    def end(self) -> None:
        """End the process, whatever it does; what it had finished is in the cache."""
        self.process.kill()
        self.process.wait()
        self._thread.join()
        for pipe in (self.process.stdin, self.process.stdout):
            with suppress(OSError):
                _opened(pipe).close()

    def _listen(self) -> None:
        pipe = _opened(self.process.stdout)
        while True:
            try:
                answer = pickle.load(pipe)  # noqa: S301  # from our own child
            except Exception:  # noqa: BLE001  # an answer cut anywhere by the death of its process
                self._answers.put((self, None))
                return
            self._answers.put((self, answer))


class _Pool:
    """Workers, started when they are needed and replaced when they die."""

    def __init__(self, shared: Shared, size: int) -> None:
        self._shared = shared
        self._pickled = pickle.dumps(shared)
        self._size = size
        self._workers: list[_Worker] = []
        self._answers: queue.Queue[tuple[_Worker, object]] = queue.Queue()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._workers:
            worker.end()

    @property
    def has_room(self) -> bool:
        """Whether a worker is free or can be started."""
        return len(self._workers) < self._size or any(worker.job is None for worker in self._workers)

    def begin(self, job: EpisodeJob) -> None:
        """Give a job to a free worker."""
        for worker in [worker for worker in self._workers if worker.job is None]:
            if worker.begin(job):
                return
            self._drop(worker)
        fresh = _Worker(self._pickled, self._answers)
        self._workers.append(fresh)
        if not fresh.begin(job):
            raise EnvironmentUnfitError("expected a worker process that lives, got none")

    def finished(self, progress: MeasureProgress) -> tuple[EpisodeJob, EpisodeResult]:
        """The next job that has a result."""
        while True:
            worker, answer = self._answers.get()
            if isinstance(answer, Read):
                progress.read(answer.size)
            elif isinstance(answer, Failed):
                raise answer.error
            elif worker.job is not None:
                job, worker.job = worker.job, None
                if isinstance(answer, EpisodeResult):
                    return job, answer
                self._drop(worker)
                return job, lost_episode(self._shared, job)

    def _drop(self, worker: _Worker) -> None:
        worker.end()
        self._workers.remove(worker)


def _opened(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise RuntimeError("expected a pipe to the worker")
    return pipe
