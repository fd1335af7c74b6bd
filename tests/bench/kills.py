"""What kill -9 costs: takes that come back, and the time from the last message kept to the kill; asserts nothing.
Ctrl-C ends it early, with what there is.

python tests/bench/kills.py [kills]
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from collections import Counter
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "recorders"), str(ROOT / "tests")]

from recorder.kills import kills, last_kept_ns  # noqa: E402 - the path comes first
from recorder.support import Robot, Sent, assert_as_sent, dataset_in, run, running_robot  # noqa: E402

from embodied_kit.canonical import load_json  # noqa: E402

KILLS = 200


class Log:
    """What a robot has sent so far, read once."""

    def __init__(self, robot: Robot) -> None:
        self._by_topic: dict[str, list[Sent]] = {}
        with robot.log.open(encoding="utf-8") as lines:
            for one in (Sent(**json.loads(line)) for line in lines):
                self._by_topic.setdefault(one.topic, []).append(one)

    def sent(self, topic: str) -> list[Sent]:
        """What it has sent on a topic, in order."""
        return self._by_topic.get(topic, [])


def main() -> None:
    """Kill, recover, and hold each episode against the robot's own log."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else KILLS
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        dataset = dataset_in(folder)
        with running_robot(folder) as robot:
            done = []
            with suppress(KeyboardInterrupt):
                for kill in kills(dataset, robot, count):
                    done.append(kill)
                    print(f"\r{len(done)} of {count}", end="", file=sys.stderr, flush=True)
            print(run(folder, "recover", dataset.root).stdout, file=sys.stderr)
            origins = Counter()
            log = Log(robot)
            for episode_id in dataset.episode_ids():
                assert_as_sent(dataset.root / "episodes" / episode_id, log)
                origins[load_json(dataset.root / "episodes" / episode_id / "episode.json")["origin"]] += 1
        print(f"{len(done)} kills; episodes: {dict(origins)}, each without a hole, by the robot's own log")
        for whole in (True, False):
            mine = [kill for kill in done if kill.whole == whole]
            left = [(kill.time_ns, last_kept_ns(dataset, name)) for kill in mine for name in kill.unfinished]
            missing_s = sorted((time_ns - kept) / 1e9 for time_ns, kept in left if kept is not None)
            nothing_n = sum(kept is None for _, kept in left)
            who = "recorder and writer" if whole else "recorder alone"
            if missing_s:
                print(
                    f"{who:<20} {len(mine)} kills, {len(left)} in a take, {nothing_n} before its first chunk; "
                    f"missing s: median {statistics.median(missing_s):.3f}, most {missing_s[-1]:.3f}, "
                    f"above 1 s: {sum(s > 1 for s in missing_s)}"
                )


if __name__ == "__main__":
    main()
