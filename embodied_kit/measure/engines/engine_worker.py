"""The other side of `engine_pool`: a process that measures one episode after the other until its input ends."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import time
from dataclasses import dataclass
from typing import BinaryIO

from embodied_kit.measure.engines.job import EpisodeJob, EpisodeResult, Shared, measure_episode

_TELL_EVERY_S = 0.5


@dataclass(frozen=True)
class Read:
    """So many bytes more were read."""

    size: int


@dataclass(frozen=True)
class Failed:
    """What the job raised: no fault of the data."""

    error: BaseException


class _Teller:
    """Sends what was read, not for every batch."""

    def __init__(self, pipe: BinaryIO) -> None:
        self._pipe = pipe
        self._size, self._last_s = 0, time.monotonic()

    def __call__(self, size: int) -> None:
        self._size += size
        if time.monotonic() - self._last_s >= _TELL_EVERY_S:
            _send(self._pipe, Read(self._size))
            self._size, self._last_s = 0, time.monotonic()


def main() -> None:
    """Read `Shared`, then jobs, from standard input; answer each on what was standard output."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the caller's, which ends us
    pipe = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # nothing that prints may disturb the answers
    source = sys.stdin.buffer
    try:
        shared = pickle.load(source)  # noqa: S301  # from our own parent
        while True:
            _send(pipe, _answer(shared, pickle.load(source), pipe))  # noqa: S301
    except (EOFError, BrokenPipeError):
        return  # the parent has ended, or needs no more


def _answer(shared: Shared, job: EpisodeJob, pipe: BinaryIO) -> EpisodeResult | Failed | None:
    try:
        return measure_episode(shared, job, _Teller(pipe))
    except MemoryError:
        return None  # as if the system had ended us
    except Exception as error:  # noqa: BLE001  # the parent raises it
        return Failed(error)


def _send(pipe: BinaryIO, answer: object) -> None:
    pipe.write(pickle.dumps(answer))
    pipe.flush()
