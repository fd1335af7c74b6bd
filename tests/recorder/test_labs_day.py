"""docs/how-to/a-labs-day.md as it is written: each of its commands, in order, as a process on DDS."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from recorder import lab, support
from recorder.sensors import RATE_HZ
from recorder.support import Screen, running_robot
from transports.harness import free_domain, until

from embodied_kit.canonical import load_json
from embodied_kit.episode.dataset import Dataset
from embodied_kit.episode.quarantine import quarantined

pytestmark = [pytest.mark.wire, pytest.mark.timeout(300)]
PAGE = support.ROOT / "docs" / "how-to" / "a-labs-day.md"


class Page:
    """The commands of the page, one after the other."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        blocks = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
        lines = "".join(blocks).replace("\\\n", " ").splitlines()
        self._left = [shlex.split(line, comments=True) for line in lines]

    def next(self, *verb: str) -> list[str]:
        """Words of the next command, which must be of this verb."""
        program, *words = self._left.pop(0)
        assert (program, *words[: len(verb)]) == ("embodied-kit", *verb)
        return words

    def run(self, *verb: str, code: int = 0) -> str:
        """Run the next command to its end; what it printed."""
        done = support.run(self._folder, *self.next(*verb))
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def is_over(self) -> bool:
        return not self._left


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, int]]:
    """The folder in which the operator types, and the domain of the robot."""
    monkeypatch.chdir(tmp_path)
    with free_domain() as domain_id:
        monkeypatch.setenv("ROS_DOMAIN_ID", str(domain_id))
        yield tmp_path, domain_id


def test_a_labs_day(bench: tuple[Path, int]) -> None:
    folder, domain_id = bench
    page = Page(folder)
    lab.describe(folder)
    with running_robot(folder, lab.arm_node(folder), domain_id=domain_id) as arm:
        with lab.camera(folder, domain_id):
            assert "dataset " in page.run("dataset", "init")
            assert "4 topics -> contract.yaml" in page.run("contract", "init")
        lab.complete(folder / "contract.yaml")
        missing = page.run("contract", "check", code=4)
        assert re.search(r"^FAIL +cam_front_image_compressed .*\n +no publisher$", missing, re.MULTILINE), missing
        assert "no-go: 1 to mend" in missing
        with lab.camera(folder, domain_id):
            assert "FAIL" not in page.run("contract", "check")
            dataset = Dataset.open(folder / "my_ds")
            until_killed(Operator(page.next("record"), arm, folder), dataset)
            the_rest(Operator(page.next("record"), arm, folder))
    listed = page.run("dataset", "ls").splitlines()
    assert (len(listed), [line.split()[-2:] for line in listed].count(["unknown", "recovered"])) == (10, 1)
    assert "gripper slipped" in page.run("dataset", "restore")
    assert "L1 reached" in page.run("validate")
    assert "sealed my_ds as version 1.0.0" in page.run("dataset", "seal")
    assert "L1 reached" in page.run("validate")
    assert page.is_over()
    assert_ten_valid_takes(dataset)


def until_killed(operator: Operator, dataset: Dataset) -> None:
    """Nine takes, one that failed and two discarded, then the recorder dies in the tenth."""
    for key in "sfs":
        operator.take(key)
    operator.take("d", "gripper slipped")
    for key in "sss":
        operator.take(key)
    operator.discard("a hand in the picture")
    operator.take("s")
    assert len(dataset.episode_ids()) == 6
    assert {one.reason for one in quarantined(dataset)} == {"gripper slipped", "a hand in the picture"}
    operator.begin()
    operator.kill()
    assert support.staged(dataset)


def the_rest(operator: Operator) -> None:
    """The killed take comes back as the next session begins, which goes on until there are ten."""
    operator.shown.wait_for("recovered: ")
    for _ in range(3):
        operator.take("s")
    operator.shown.wait_for("3 saved, 0 discarded, 0 failed")
    assert operator.shown.end() == 0


def assert_ten_valid_takes(dataset: Dataset) -> None:
    episodes = [dataset.episode(episode_id) for episode_id in dataset.episode_ids()]
    assert [one.get("origin") for one in episodes].count("recovered") == 1
    outcomes = [str(one["outcome"]) for one in episodes]
    assert (outcomes.count("success"), outcomes.count("failure"), outcomes.count("unknown")) == (8, 1, 1)
    assert load_json(dataset.root / "dataset.json")["state"] == "sealed"
    assert support.staged(dataset) == []


class Operator:
    """Somebody at the terminal of `record`."""

    def __init__(self, words: list[str], arm: support.Robot, folder: Path) -> None:
        self.shown = Screen(folder, *words)
        self._arm = arm
        self._scene_said = self._invited = False

    def begin(self) -> None:
        """Begin a take and let the arm send half a second of it."""
        if not self._invited:
            self.shown.wait_for("Enter starts.")
        self._invited = False
        self.shown.type("\n")
        self.shown.wait_for("REC")
        sent = len(self._arm.sent("/joint_states"))
        until(lambda: len(self._arm.sent("/joint_states")) > sent + RATE_HZ // 2, "half a second of a take")

    def take(self, key: str, reason: str = "") -> None:
        """A take that ends by a key."""
        self.begin()
        self.shown.type(key)
        if key == "d":
            self.shown.wait_for("Why discard this take?")
            self.shown.type(f"{reason}\n")
            self.shown.wait_for(f"discarded: {reason}")
            return
        if key == "f":
            self.shown.wait_for("Why:")
            self.shown.type("1")
        if not self._scene_said:
            self.shown.wait_for("Scene")
            self.shown.type("\n")
            self._scene_said = True
        self.shown.wait_for("  (operator)")

    def discard(self, reason: str) -> None:
        """Discard the last take."""
        self.shown.wait_for("Enter starts.")
        self._invited = True
        self.shown.type("d")
        self.shown.wait_for("Why discard Take")
        self.shown.type(f"{reason}\n")
        self.shown.wait_for(f"discarded: {reason}")

    def kill(self) -> None:
        self.shown.process.kill()
        self.shown.process.wait(20)
