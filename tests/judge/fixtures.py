"""Facts-level fixtures: a line of expectations, then units, each a header line and its rows.

    {"expect": [{"rule": "TM-07", "state": "failed", "level": "L2", "place": {...}, "measured": 0.06}]}
    {"unit": {"scope": "dataset", "subject": "dataset", "depth": "full"}}
    {"table": "file", "path": "dataset.json", ...}

`skipped` beside `expect`: rule that tells the cause ("" for none) -> some of the rules that it made impossible.
The first line may also hold a `context`.
A table without a row counts as measured and empty, unless the unit's `absent` names it.
"""

import functools
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from embodied_kit.canonical import parse_json
from embodied_kit.model.facts import TABLES, Facts
from embodied_kit.model.report import Context, Finding
from embodied_kit.model.rule import Profile
from embodied_validators.context import make_context
from embodied_validators.profiles import all_rules_profile, load_profile

RULES = Path(__file__).parents[1] / "rules"
CONTEXT = make_context(1_790_100_000_000_000_000)


@dataclass(frozen=True)
class Fixture:
    expect: list[dict[str, Any]]
    skipped: dict[str, list[str]]
    units: tuple[Facts, ...]
    context: Context = CONTEXT


PARAMETERS = {
    "min_jpeg_quality": 60,
    "min_video_bits_per_pixel": 0.02,
    "max_ee_speed_m_s": 0.5,
    "unchanged_grippers": [False],
}
"""Of rules that no preview profile lists."""


@functools.cache
def all_rules() -> Profile:
    return all_rules_profile({**load_profile("arm-preview@0.1").parameters, **PARAMETERS})


def fixture_paths(kind: str) -> list[Path]:
    return sorted(RULES.glob(f"*/{kind}/*.jsonl"))


def read_fixture(path: Path) -> Fixture:
    lines = []
    for line in path.read_bytes().splitlines():
        parsed = parse_json(line)
        assert parsed.value is not None, f"{path}: {parsed.problem} {parsed.place}"
        lines.append(dict(parsed.value))
    context = replace(CONTEXT, **lines[0].get("context", {}))
    return Fixture(lines[0]["expect"], lines[0].get("skipped", {}), tuple(_units(lines[1:])), context)


def _units(lines: list[dict[str, Any]]) -> Iterator[Facts]:
    starts = [index for index, line in enumerate(lines) if "table" not in line]
    assert starts[:1] == [0], "the second line is a unit"
    for start, stop in zip(starts, [*starts[1:], len(lines)], strict=True):
        head = lines[start]["unit"]
        tables: dict[str, list[dict[str, Any]]] = {name: [] for name in TABLES if name not in head.get("absent", [])}
        for row in lines[start + 1 : stop]:
            tables[row["table"]].append({name: value for name, value in row.items() if name != "table"})
        yield Facts(scope=head["scope"], depth=head["depth"], subject=head["subject"], tables=tables)


def expectation(finding: Finding) -> dict[str, Any]:
    """A finding as a fixture writes it."""
    place = {
        name: str(value) if name.endswith("_ns") else value
        for name, value in asdict(finding.place).items()
        if value not in ("", None)
    }
    entry = {"rule": finding.rule_id, "state": finding.state, "level": finding.level, "place": place}
    for name in ("measured", "required", "reason"):
        if getattr(finding, name) not in ("", None):
            entry[name] = getattr(finding, name)
    return json.loads(json.dumps(entry))
