"""A run of the simulated robot as a dataset, its facts and its report, and the robot's own word on what it did."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import yaml
from mcap.reader import make_reader

from embodied_kit.measure import default_cache, facts_lines, measure_path
from embodied_kit.model.facts import Facts
from embodied_kit.model.report import Report
from embodied_kit.model.rule import LEVELS
from embodied_recorders.sim import SimOptions
from embodied_recorders.sim.offline import Window, record_dataset
from embodied_recorders.take.session import Recorded
from embodied_validators.context import make_context
from embodied_validators.judge import judge
from embodied_validators.profiles import load_profile

PROFILE = "sim@1.0"
EPOCH_NS = 1_750_000_000_000_000_000
CONTEXT = make_context(EPOCH_NS + 400 * 86_400_000_000_000)  # the dated tables are in force by then
Answers = dict[str, str]
"""Rule -> first level at which it fails or is undetermined."""
FAULTS_YAML = Path(__file__).parents[1] / "faults.yaml"


def expected_answers() -> Mapping[str, Answers]:
    return yaml.safe_load(FAULTS_YAML.read_text("utf-8"))[PROFILE]


class Logged(NamedTuple):
    """One message as the robot's log has it."""

    sequence: int
    stamp_ns: int
    source_ns: int


@dataclass(frozen=True)
class Run:
    root: Path
    log_path: Path
    recorded: Sequence[Recorded]

    @cached_property
    def facts(self) -> tuple[Facts, ...]:
        return tuple(measure_path(self.root, cache=default_cache()))

    @cached_property
    def facts_bytes(self) -> bytes:
        return b"".join(facts_lines(self.facts))

    @cached_property
    def report(self) -> Report:
        return judge(self.facts, load_profile(PROFILE), CONTEXT)

    @cached_property
    def log(self) -> Mapping[str, list[Logged]]:
        """Topic -> everything that was published."""
        topics: dict[str, list[Logged]] = defaultdict(list)
        for line in self.log_path.read_text().splitlines():
            entry = json.loads(line)
            if "topic" in entry:
                message = Logged(entry["sequence"], int(entry["stamp_ns"]), int(entry["source_ns"]))
                topics[entry["topic"]].append(message)
        return topics

    @cached_property
    def events(self) -> list[dict[str, Any]]:
        return [entry for entry in map(json.loads, self.log_path.read_text().splitlines()) if "event" in entry]

    def episode(self, take: int) -> str:
        return self.recorded[take - 1].episode_id

    def sent(self, take: int, topic: str) -> list[Logged]:
        """What was published on a topic from its first to its last message in the take, by the robot's log."""
        entry = next(entry for entry in self.recorded[take - 1].closing["streams"] if entry["topic"] == topic)
        first, last = int(entry["first_source_ns"]), int(entry["last_source_ns"])
        return [message for message in self.log[topic] if first <= message.source_ns <= last]

    def payloads(self, take: int, topic: str) -> list[bytes]:
        """CDR of a topic as a reader that is not ours finds it."""
        with (self.recorded[take - 1].folder / "data_000.mcap").open("rb") as file:
            return [message.data for _, _, message in make_reader(file).iter_messages([topic])]

    def counts(self, take: int) -> Counter[str]:
        """Messages of each topic as a reader that is not ours counts them."""
        with (self.recorded[take - 1].folder / "data_000.mcap").open("rb") as file:
            return Counter(channel.topic for _, channel, _ in make_reader(file).iter_messages())

    def rows(self, take: int, table: str, **columns: object) -> list[Mapping[str, Any]]:
        unit = next(unit for unit in self.facts if unit.scope == self.episode(take))
        return [row for row in unit.tables[table] if columns.items() <= row.items()]

    def row(self, take: int, table: str, **columns: object) -> Mapping[str, Any]:
        (row,) = self.rows(take, table, **columns)
        return row

    def phase_ns(self, take: int, phase: str) -> int:
        """Start of a phase of a take, by the robot's log."""
        (start_ns,) = (
            int(event["start_ns"])
            for event in self.events
            if event["event"] == "phase" and (event["take"], event["phase"]) == (take, phase)
        )
        return start_ns


def record(folder: Path, options: SimOptions, *, window_s: Window | None = None) -> Run:
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "robot.jsonl"
    dataset, recorded = record_dataset(
        folder / "ds", replace(options, log=str(log)), epoch_ns=EPOCH_NS, window_s=window_s
    )
    return Run(dataset.root, log, recorded)


def answers(report: Report, scope: str) -> Answers:
    """Every rule that has something to say in a scope."""
    return {
        outcome.rule_id: first
        for outcome in report.outcomes
        if outcome.scope == scope
        for first in _first(outcome.states)
    }


def _first(states: Mapping[str, str]) -> Iterator[str]:
    yield from [level for level in LEVELS if states.get(level) in {"failed", "undetermined"}][:1]


def doubles(payloads: Sequence[bytes], count: int) -> np.ndarray:
    """The last `count` float64 of each message, shape (n, count)."""
    return np.array([np.frombuffer(data, "<f8", count, len(data) - 8 * count) for data in payloads])
