"""What a run of the simulated robot is asked for."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import cast

import numpy as np

from embodied_kit.errors import UsageError
from embodied_recorders.sim.faults import Fault
from embodied_recorders.sim.plan import FAILURES, Failure, choose_failure


@dataclass(frozen=True, slots=True)
class FailTake:
    """A take that is to fail; `how` None leaves the way to the seed."""

    take: int
    how: Failure | None = None


@dataclass(frozen=True)
class SimOptions:
    """Options of one run.

    Attributes:
        seed: Decides cubes, noise, ways of failing and which frames are dropped.
        transport: Name of the transport.
        domain_id: Domain of the graph; None leaves it to the transport (ROS_DOMAIN_ID).
        takes: End after so many takes; None goes on until stopped.
        duration_s: End after so long; None goes on until stopped.
        lead_s: Rest before the first take, all streams running.
        gap_s: Rest before each take, while the cube is laid out anew; also after the last.
        faults: See `faults.py`.
        fail_takes: Takes that fail.
        fail_rate: Share of the other takes that fail, drawn by the seed.
        log: Path of the robot's own log (JSON Lines), the ground truth; None writes none.
    """

    seed: int = 1
    transport: str = "dds"
    domain_id: int | None = None
    takes: int | None = None
    duration_s: float | None = None
    lead_s: float = 2.0
    gap_s: float = 1.5
    faults: tuple[Fault, ...] = ()
    fail_takes: tuple[FailTake, ...] = ()
    fail_rate: float = 0.0
    log: str | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises:
            UsageError: A number is out of its range.
        """
        for name, value, least in (
            ("seed", self.seed, 0),
            ("takes", self.takes, 1),
            ("duration_s", self.duration_s, 0.001),
            ("lead_s", self.lead_s, 0.0),
            ("gap_s", self.gap_s, 0.1),
        ):
            if value is not None and not value >= least:
                raise UsageError(f"expected {name} of at least {least}, got {value}")
        if not 0.0 <= self.fail_rate <= 1.0:
            raise UsageError(f"expected fail_rate from 0 to 1, got {self.fail_rate}")

    def failure(self, take: int) -> Failure | None:
        """How a take fails; None where it should succeed."""
        for fail in self.fail_takes:
            if fail.take == take:
                return fail.how or choose_failure(self.seed, take)
        drawn = float(np.random.default_rng([self.seed, take, 3]).random())
        return choose_failure(self.seed, take) if drawn < self.fail_rate else None

    def has_fault(self, name: str) -> bool:
        """Whether a fault was asked for, in whatever take."""
        return any(fault.name == name for fault in self.faults)


def parse_fail_take(text: str) -> FailTake:
    """Read `TAKE[:HOW]`, e.g. `2` or `2:drop`.

    Raises:
        UsageError: Not a take from 1 up, or no such way to fail.
    """
    number, colon, how = text.partition(":")
    if not (number.isascii() and number.isdigit() and int(number) >= 1):
        raise UsageError(f"expected a take from 1 up, got {number!r}")
    if colon and how not in FAILURES:
        raise UsageError(f"expected a way to fail of {', '.join(FAILURES)}, got {how!r}")
    return FailTake(int(number), cast("Failure", how) if colon else None)


def to_json(options: SimOptions) -> str:
    """One line that `from_json` reads back, for another process."""
    return json.dumps(asdict(options))


def from_json(line: str | bytes) -> SimOptions:
    """Options from the line of `to_json`."""
    fields = json.loads(line)
    fields["faults"] = tuple(Fault(**fault) for fault in fields["faults"])
    fields["fail_takes"] = tuple(FailTake(**fail) for fail in fields["fail_takes"])
    return SimOptions(**fields)
