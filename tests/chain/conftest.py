"""One long run of the simulated robot, a take a fault, and a short one for the fault of its description."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from chain.lab import Run, record

from embodied_recorders.sim import FAULTS, SimOptions, parse_fail_take, parse_fault

CLEAN_TAKE = 1
LAST = "clock_jump"  # the next take sets the clock right again, and takes follow each other without a pause
OF_A_TAKE = (*(name for name, kind in FAULTS.items() if kind.topic and name != LAST), LAST)
TAKE_OF = {name: number for number, name in enumerate(OF_A_TAKE, CLEAN_TAKE + 1)}


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Whole takes of one dataset; the task fails in the last one, which is no fault of the data."""
    options = SimOptions(
        seed=11,
        takes=len(TAKE_OF) + 1,
        lead_s=0.0,
        gap_s=0.5,
        faults=tuple(parse_fault(f"{name}@{take}") for name, take in TAKE_OF.items()),
        fail_takes=(parse_fail_take(f"{len(TAKE_OF) + 1}:miss"),),  # a hand that lets go early is SM-14's to tell
    )
    return record(tmp_path_factory.mktemp("run"), options)


@pytest.fixture(autouse=True, scope="session")
def cache_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Measurements of these tests lie apart from the user's."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("XDG_CACHE_HOME", str(folder))
        yield folder


@pytest.fixture(scope="session")
def misdescribed(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One take of a robot that declares depth in m, its last seconds, with its outcome and motion enough."""
    options = SimOptions(seed=11, takes=1, lead_s=0.0, gap_s=0.5, faults=(parse_fault("wrong_unit"),))
    return record(tmp_path_factory.mktemp("misdescribed"), options, window_s=(6.575, 11.0))
