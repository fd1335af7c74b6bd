"""Make the sample datasets anew from the seeded simulated robot, and what is expected of each.

    python sample_episodes/make.py            # everything, beside this file
    python sample_episodes/make.py good       # one of them

The same machine makes the same bytes each time. Review the difference of every expected.json before committing.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from embodied_kit.episode.dataset import Dataset
from embodied_kit.measure import measure_path
from embodied_kit.model.json import JsonObject
from embodied_kit.model.report import Report
from embodied_recorders.sim import SimOptions, parse_fault
from embodied_recorders.sim.offline import Window, record_dataset
from embodied_validators.context import make_context
from embodied_validators.judge import judge
from embodied_validators.profiles import load_profile

HERE = Path(__file__).parent
PROFILE = "sim@1.0"
SEED = 7
EPOCH_NS = 1_751_328_000_000_000_000  # 2025-07-01T00:00:00Z
DAY_NS = 86_400_000_000_000
AS_OF_NS = EPOCH_NS + 365 * DAY_NS
DEPTH = ("cam_front_depth", "cam_front_depth_info")
WRIST = ("cam_wrist", "cam_wrist_info")


def leave(_dataset: Dataset, _now_ns: int) -> None:
    """Nothing more is done to it."""


def seal(dataset: Dataset, now_ns: int) -> None:
    """Fix version and totals."""
    dataset.seal("1.0.0", now_ns)


def cut(dataset: Dataset, _now_ns: int) -> None:
    """Take the last 64 bytes of the recording away, as a full disk or a broken copy does."""
    (path,) = dataset.root.glob("episodes/*/data_000.mcap")
    path.write_bytes(path.read_bytes()[:-64])


@dataclass(frozen=True)
class Sample:
    """One dataset.

    Attributes:
        window_s: Part of each take, in s from its reset phase: windows keep the files small. At 2.6 s the jaws are
            about to close (faults that come in mid-take begin there), at 3.6 s the arm lifts the cube, at 10.0 s it is
            home again. A window opens shortly before a frame of every camera (each 1/15 s), or its edge would cost more
            of the cameras' cover than TM-14 allows, and not shortly before a phase ends: such a segment is too short.
        without: Streams that are left out.
        faults: Of the robot.
        finish: What is done to the dataset after recording.
    """

    window_s: Window
    without: Sequence[str]
    faults: Sequence[str] = ()
    takes: int = 1
    finish: Callable[[Dataset, int], None] = leave


SAMPLES: Mapping[str, Sample] = {
    "good": Sample((9.3, 11.0), DEPTH, takes=2, finish=seal),
    "lost_frames": Sample((3.642, 4.442), (*WRIST, *DEPTH), ["drop_frames:0.1"]),
    "frozen_camera": Sample((3.642, 4.442), (*WRIST, *DEPTH), ["frozen_camera"]),
    "clock_jump": Sample((2.375, 2.775), (*WRIST, *DEPTH), ["clock_jump"]),
    "nan_force": Sample((3.642, 4.042), (*WRIST, *DEPTH), ["nan"]),
    "wrong_depth_unit": Sample((3.642, 4.042), WRIST, ["wrong_unit"]),
    "truncated_file": Sample((3.642, 3.842), (*WRIST, *DEPTH), finish=cut),
}


def make(name: str, folder: Path) -> None:
    """Record a sample into a new folder."""
    sample = SAMPLES[name]
    epoch_ns = EPOCH_NS + list(SAMPLES).index(name) * DAY_NS
    options = SimOptions(
        seed=SEED, takes=sample.takes, lead_s=0.0, gap_s=0.5, faults=tuple(map(parse_fault, sample.faults))
    )
    dataset, _ = record_dataset(folder, options, epoch_ns=epoch_ns, window_s=sample.window_s, without=sample.without)
    sample.finish(dataset, epoch_ns + DAY_NS // 2)
    shutil.rmtree(folder / ".embodied")


def judged(folder: Path) -> Report:
    """Measure and judge a sample."""
    return judge(measure_path(folder), load_profile(PROFILE), make_context(AS_OF_NS))


def expectation(report: Report) -> JsonObject:
    """What a person reviews: the level reached, and each rule that failed or could not be decided."""
    findings = report.findings
    failed = Counter(finding.rule_id for finding in findings if finding.state == "failed")
    first = {rule: min(f.level for f in findings if (f.rule_id, f.state) == (rule, "failed")) for rule in failed}
    return {
        "profile": PROFILE,
        "level": report.level,
        "failed": {rule: {"from_level": first[rule], "findings_n": failed[rule]} for rule in sorted(failed)},
        "undetermined": sorted({finding.rule_id for finding in findings if finding.state == "undetermined"}),
    }


def expected_json(folder: Path) -> str:
    """Text of expected.json, a line a failed rule."""
    found = expectation(judged(folder))
    rules = [f"    {json.dumps(rule)}: {json.dumps(what)}" for rule, what in found["failed"].items()]
    fields = [
        f'"profile": {json.dumps(found["profile"])}',
        f'"level": {json.dumps(found["level"])}',
        '"failed": {' + ("\n" + ",\n".join(rules) + "\n  " if rules else "") + "}",
        f'"undetermined": {json.dumps(found["undetermined"])}',
    ]
    return "{\n" + ",\n".join(f"  {field}" for field in fields) + "\n}\n"


def main(names: Sequence[str]) -> int:
    """Make the named samples, or all."""
    for name in names or SAMPLES:
        with TemporaryDirectory(dir=HERE) as made:
            fresh = Path(made) / "dataset"
            make(name, fresh)
            kept = HERE / name / "dataset"
            shutil.rmtree(kept, ignore_errors=True)
            kept.parent.mkdir(exist_ok=True)
            fresh.rename(kept)
        (HERE / name / "expected.json").write_text(expected_json(kept), encoding="utf-8")
        print(f"{name}: {sum(path.stat().st_size for path in kept.rglob('*') if path.is_file()):,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
