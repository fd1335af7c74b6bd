"""Compact reports of the real bags, and their regeneration.

    python tests/golden/reports.py           shows what differs from the golden files
    python tests/golden/reports.py --write   writes them; notes are kept, and each new finding wants one

A golden report holds, of one bag: files, messages, streams; rules that passed; rules that failed or are undetermined,
with the number of findings; a note for each rule that failed, saying why that is true of the bag.
"""

from __future__ import annotations

import difflib
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path[:0] = [str(ROOT / part) for part in ("", "validators", "recorders", "tests")]

from convert.support import REAL, dataset_in, imported  # noqa: E402

from embodied_kit.errors import DataError  # noqa: E402
from embodied_kit.measure import measure_path  # noqa: E402
from embodied_kit.model.facts import Facts  # noqa: E402
from embodied_kit.model.report import Context  # noqa: E402
from embodied_validators.judge import judge  # noqa: E402
from embodied_validators.profiles import load_profile  # noqa: E402

PROFILE = "arm-preview@0.1"
CONTEXT = Context(as_of_ns=1_790_100_000_000_000_000)
FOLDER = Path(__file__).parent
Golden = dict[str, dict[str, Any]]


def mcap_bags() -> list[Path]:
    """Bag folders with MCAP storage, and MCAP files that lie in no bag."""
    folders = {path.parent for path in REAL.glob("rosbag2_*/**/metadata.yaml") if list(path.parent.glob("*.mcap"))}
    files = {path for path in REAL.glob("rosbag2_*/**/*.mcap") if path.parent not in folders}
    return sorted(folders | files)


def sqlite_bags() -> list[Path]:
    """Bag folders with sqlite3 storage that hold messages, and such files in no bag."""
    files = sorted(REAL.glob("rosbag2_*/**/*.db3"))
    found = {path.parent if (path.parent / "metadata.yaml").exists() else path for path in files}
    return sorted(path for path in found if path.name != "empty_bag")


def name_of(path: Path) -> str:
    """How a golden file names a bag."""
    return path.relative_to(REAL).as_posix()


def bag_report(path: Path) -> dict[str, Any]:
    """Golden report of a bag as it is."""
    return _compact(measure_path(path))


def import_report(path: Path, folder: Path) -> dict[str, Any]:
    """Golden report of a bag after it was imported as the one episode of a dataset.

    Args:
        path: The bag.
        folder: New, for the dataset.
    """
    try:
        episode = imported(path, dataset_in(folder))
    except DataError as error:
        return {"refused": error.message}
    return _compact(measure_path(episode))


def _compact(units: Iterable[Facts]) -> dict[str, Any]:
    (facts,) = units
    report = judge([facts], load_profile(PROFILE), CONTEXT, raise_bugs=True)
    last = {item.rule_id: list(item.states.values())[-1] for item in report.outcomes}
    counts = {
        state: Counter(item.rule_id for item in report.findings if item.state == state)
        for state in ("failed", "undetermined")
    }
    messages = sum(int(str(row["messages_n"])) for row in facts.tables["container"])
    return {
        "files": len(facts.tables["container"]),
        "messages": messages,
        "streams": len({str(row["stream"]) for row in facts.tables["stream"]}),
        "passed": " ".join(sorted(rule for rule, state in last.items() if state == "passed")),
        **{state: dict(sorted(found.items())) for state, found in counts.items()},
    }


def read_golden(name: str) -> Golden:
    """A golden file."""
    path = FOLDER / name
    golden: Golden = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return golden


def told(entry: Mapping[str, Any]) -> list[str]:
    """What wants a note: each rule that failed, or the refusal."""
    return sorted(entry.get("failed", [])) if "refused" not in entry else ["refused"]


def without_notes(golden: Mapping[str, Mapping[str, Any]]) -> Golden:
    """What is compared."""
    return {name: {key: value for key, value in entry.items() if key != "note"} for name, entry in golden.items()}


def made() -> dict[str, Golden]:
    """Every golden file made anew, without notes."""
    with tempfile.TemporaryDirectory() as folder:
        imports = {
            name_of(path): import_report(path, _new(Path(folder) / str(number)))
            for number, path in enumerate(sqlite_bags())
        }
    return {"bags.json": {name_of(path): bag_report(path) for path in mcap_bags()}, "imports.json": imports}


def _new(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _text(golden: Golden) -> str:
    return json.dumps(golden, indent=1, ensure_ascii=False) + "\n"


def main() -> int:
    """Show what differs; write it where that is asked for."""
    differ = 0
    for name, fresh in made().items():
        old = read_golden(name)
        for bag, entry in fresh.items():
            notes = old.get(bag, {}).get("note", {})
            entry["note"] = {rule: notes.get(rule, "") for rule in told(entry)}
        before, after = _text(old), _text(fresh)
        differ += before != after
        sys.stdout.writelines(difflib.unified_diff(before.splitlines(True), after.splitlines(True), name, name))
        if "--write" in sys.argv:
            (FOLDER / name).write_text(after, "utf-8")
    return int(bool(differ))


if __name__ == "__main__":
    sys.exit(main())
