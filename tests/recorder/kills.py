"""kill -9 of a real recorder over a real middleware, at moments chosen by chance."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from recorder.support import STREAMS, Robot, contract_file, environment, program
from transports.harness import until

from embodied_kit.episode.dataset import Dataset

_LONGEST_WAIT_S = 2.0
_TAKE_S = 0.9
_PATIENCE_S = 60
_RATE_FIELDS = {"nominal_rate_hz", "rate_tolerance"}
_WITHOUT_RATES = [
    {name: value for name, value in entry.items() if name not in _RATE_FIELDS}
    | {"cadence": "on_change" if entry["cadence"] == "periodic" else entry["cadence"]}
    for entry in STREAMS
]
"""A busy machine slows the robot, which then makes up for it: no rate may keep a recorder from starting."""


@dataclass(frozen=True)
class Kill:
    """One killed recorder.

    Attributes:
        whole: Its writer was killed with it, as by a power cut or when memory runs out; else the recorder alone.
        time_ns: When, ns since the Unix epoch.
        unfinished: Episode ids of what it left.
        said: What it had printed.
    """

    whole: bool
    time_ns: int
    unfinished: Sequence[str]
    said: str


def kills(dataset: Dataset, robot: Robot, count: int, seed: int = 1) -> Iterator[Kill]:
    """Kill so many recorders of short takes, one after the other; each first recovers what the last one left."""
    chooser = random.Random(seed)  # noqa: S311 - moments
    contract = contract_file(dataset.root.parent, *_WITHOUT_RATES)
    words = ["record", contract, "--dataset", dataset.root, "--task", "pick", "--domain", robot.domain_id]
    for number in range(count):
        known = {*_staged(dataset), *dataset.episode_ids()}
        with subprocess.Popen(
            program(*words, "--duration", _TAKE_S, "--episodes", 99),
            env=environment(dataset.root.parent),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        ) as process:
            until(lambda: process.poll() is not None or set(_staged(dataset)) - known, "a take", _PATIENCE_S)  # noqa: B023 - now
            time.sleep(chooser.uniform(0.0, _LONGEST_WAIT_S))
            assert process.poll() is None, process.communicate()
            whole, time_ns = number % 2 == 0, time.time_ns()
            if whole:
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
            said = process.communicate(timeout=_PATIENCE_S)[0]
        yield Kill(whole, time_ns, _staged(dataset), said)


def _staged(dataset: Dataset) -> list[str]:
    folder = dataset.root / ".embodied" / "recording"
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def last_kept_ns(dataset: Dataset, episode_id: str) -> int | None:
    """When the last message of an episode was received; None where no such episode came back."""
    from embodied_kit.episode.content import read_content  # noqa: PLC0415  # heavy

    path = Path(dataset.root / "episodes" / episode_id / "data_000.mcap")
    span = read_content(path).log_span if path.exists() else None
    return span[1] if span else None
