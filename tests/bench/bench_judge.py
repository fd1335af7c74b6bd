"""What judging costs: facts of many episodes held against a profile; prints, asserts nothing.

python tests/bench/bench_judge.py [episodes] [profile]

The facts are those of a recording of the simulated robot (`sample_episodes/good`), renamed for each episode. The time
that renaming takes is measured by itself and taken off.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from embodied_kit.measure import measure_path
from embodied_kit.model.facts import DATASET_SCOPE, Facts, Row
from embodied_kit.model.report import Context
from embodied_validators.judge import judge, report_lines
from embodied_validators.profiles import load_profile

SAMPLE = Path(__file__).parents[2] / "sample_episodes" / "good" / "dataset"
EPISODES = 10_000
CONTEXT = Context(as_of_ns=1_790_100_000_000_000_000)


def episodes(units: list[Facts], count: int) -> Iterator[Facts]:
    """As many episodes as wanted, each with an identifier of its own, then the dataset."""
    templates = [unit for unit in units if unit.scope != DATASET_SCOPE]
    for number in range(count):
        unit = templates[number % len(templates)]
        name = f"0197c34a-0000-7000-8000-{number:012x}"
        tables: dict[str, list[Row]] = {
            table: [{**row, "episode": name} for row in rows] for table, rows in unit.tables.items()
        }
        tables["document"] = [_renamed(row, name, number) for row in tables["document"]]
        yield replace(unit, scope=name, tables=tables)
    yield from (unit for unit in units if unit.scope == DATASET_SCOPE)


def _renamed(row: Row, name: str, number: int) -> Row:
    """A document with what differs from take to take: identifier, times, digests, counts of messages."""
    value = row["value"]
    if not isinstance(value, dict) or "episode_id" not in value:
        return row
    changed = {**value, "episode_id": name}
    for field in ("start_ns", "end_ns"):
        if field in value:
            changed[field] = str(int(value[field]) + number * 60_000_000_000)
    for field in ("capture_sha256", "closing_sha256"):
        if field in value:
            changed[field] = f"{number:064x}"
    if isinstance(value.get("streams"), list):
        changed["streams"] = [{**item, "n": item["n"] + number} if "n" in item else item for item in value["streams"]]
    return {**row, "value": changed}


def main() -> None:
    """Measure once, judge many."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else EPISODES
    profile = load_profile(sys.argv[2] if len(sys.argv) > 2 else "sim-preview@0.1")
    units = list(measure_path(SAMPLE))
    rows_n = sum(len(rows) for unit in units for rows in unit.tables.values() if unit.scope != DATASET_SCOPE)
    started = time.process_time()
    for _ in episodes(units, count):
        pass
    made_s = time.process_time() - started
    started = time.process_time()
    report = judge(episodes(units, count), profile, CONTEXT)
    judged_s = time.process_time() - started - made_s
    started = time.process_time()
    size = len(report_lines(report))
    written_s = time.process_time() - started
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{count} episodes, {rows_n // 2} rows each, {len(profile.rules)} rules of {profile.name}; CPU seconds")
    print(f"judge          {judged_s:7.2f} s   {judged_s / count * 1e6:7.0f} us an episode")
    print(f"report lines   {written_s:7.2f} s   {size / 1e6:.1f} MB, {len(report.findings)} findings")
    print(f"renaming facts {made_s:7.2f} s   (taken off)")
    print(f"peak memory    {peak_mb:7.0f} MB")


if __name__ == "__main__":
    main()
