"""Go or no-go: what the next take needs, looked at once and in the same way, whoever asks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from embodied_kit.episode.robots import RobotFolder
from embodied_kit.model.contract import Contract
from embodied_recorders.graph.machine import CheckRow
from embodied_recorders.graph.preflight import Preflight, PreflightRow
from embodied_recorders.graph.readiness import NextTake, ReadyRow, readiness


@dataclass(frozen=True)
class Checkup:
    """What was seen: a row a stream of the contract, and a row each thing besides."""

    streams: tuple[PreflightRow, ...]
    checks: tuple[CheckRow | ReadyRow, ...]

    @property
    def unfit(self) -> tuple[str, ...]:
        """What keeps a take from starting: ids of streams, and English names of checks; empty for a go."""
        streams = (row.stream.stream_id for row in self.streams if row.blocks)
        return (*streams, *(row.what["en"] for row in self.checks if row.state == "fail"))


def check_up(
    preflight: Preflight, folder: Path, duration_s: float | None, robots: Sequence[RobotFolder] | None
) -> Checkup:
    """Look at the graph for one window, and with what came in it at the machine, the disk and the robots.

    Args:
        preflight: Of the contract, on an open transport.
        folder: In the file system that takes the next take.
        duration_s: Longest take that is asked for, s; None for no limit but the contract's.
        robots: As they are described; None where nobody says.
    """
    rows, graph = preflight.look(), preflight.transport
    checks = readiness(
        preflight.contract,
        graph.endpoints(),
        preflight.seen,
        preflight.window_s,
        NextTake(folder, longest_take_s(preflight.contract, duration_s)),
        robots,
        over_udp=graph.name != "zenoh",
    )
    return Checkup(rows, checks)


def longest_take_s(contract: Contract, duration_s: float | None) -> float | None:
    """The nearer of the two limits in s; None for none."""
    return min((limit for limit in (contract.max_episode_s, duration_s) if limit is not None), default=None)
