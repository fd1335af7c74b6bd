"""The recorder at a terminal, on a real disk that fills up, fails, turns read-only or is pulled out, and comes back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from recorder import support
from recorder.disks import Disk, Kind
from recorder.support import JOINT_STREAM, Robot, Screen, attachments, problems_of, read, running_robot
from transports.harness import until

from embodied_kit.canonical import load_json, parse_json
from embodied_kit.episode.dataset import Dataset

pytestmark = pytest.mark.wire
SCENE = '{"scene_id": "table", "scene_type": "tabletop"}'
JOINTS = {"topic": "/joint_states", "kind": "joint", "rate_hz": 100}
# A busy machine slows the robot: no rate may keep a recorder from starting.
ON_CHANGE = {name: value for name, value in JOINT_STREAM.items() if name not in {"nominal_rate_hz", "rate_tolerance"}}
CONTRACT = ON_CHANGE | {"cadence": "on_change"}
RECORDING = {"en": "● REC", "zh": "● 采集中"}
INVITED = {"en": "Enter starts", "zh": "回车开始"}
NOT_SAVED = {"en": "NOT SAVED", "zh": "未保存"}
CAME_BACK = {"en": "Take 2: recovered: ", "zh": "第 2 次：已恢复："}


@pytest.fixture
def robot(tmp_path: Path) -> Iterator[Robot]:
    with running_robot(tmp_path, [JOINTS]) as running:
        yield running


class Desk:
    """A recorder at a terminal, its dataset on a disk of the test's."""

    def __init__(self, folder: Path, kind: Kind, robot: Robot, language: str, **limits: object) -> None:
        self.disk, self.language = Disk(folder, kind), language
        self.dataset: Dataset = support.dataset_in(self.disk.outside)
        contract = support.contract_file(folder, CONTRACT, **limits)
        self.screen = Screen(
            folder, "record", contract, "--dataset", self.disk.inside / "dataset", "--task", "pick", "--domain",
            robot.domain_id, "--episodes", 9, "--operator", "Li", "--scene", SCENE,
            language=language, within=self.disk.within,
        )  # fmt: skip
        self.screen.wait_for(INVITED[language])

    def begins(self) -> None:
        """A take, until something of it is on the disk."""
        self.screen.type("\r")
        self.screen.wait_for(RECORDING[self.language])
        until(self.is_on_the_disk, "messages on the disk")

    def is_on_the_disk(self) -> bool:
        partial = [path.stat().st_size for path in self.dataset.root.glob(".embodied/recording/*/*.partial")]
        return bool(partial) and max(partial) > 10_000

    def saves(self) -> str:
        """A take from start to end; its id."""
        before = set(self.dataset.episode_ids())
        self.begins()
        self.screen.type("s")
        self.screen.wait_for(INVITED[self.language])
        (episode_id,) = set(self.dataset.episode_ids()) - before
        assert_whole(self.dataset.root / "episodes" / episode_id)
        return episode_id

    def ends(self) -> int:
        self.screen.type("q")
        return self.screen.end()

    def close(self) -> None:
        if self.screen.process.poll() is None:
            self.screen.process.kill()
            self.screen.end()
        self.disk.close()


@pytest.fixture
def desk_on(tmp_path: Path, robot: Robot) -> Iterator[Callable[..., Desk]]:
    """Makes a desk: of a kind of disk, a language and limits of the contract."""
    with ExitStack() as stack:

        def made(kind: Kind, language: str = "en", **limits: object) -> Desk:
            desk = Desk(tmp_path, kind, robot, language, **limits)
            stack.callback(desk.close)
            return desk

        yield made


def assert_whole(folder: Path) -> None:
    assert len(read(folder)) > 20
    assert {kind: found for kind, found in problems_of(folder).items() if found} == {}


def ending(folder: Path) -> object:
    return parse_json(attachments(folder)["closing.json"]).value["stop_reason"]


LOST: list[tuple[Kind, str, Callable[[Disk], None], Callable[[Disk], None], str, str]] = [
    ("tmpfs", "zh", Disk.vanishes, Disk.returns, "文件或文件夹不存在", "请重新接上磁盘"),
    ("ext4", "en", Disk.fails, Disk.is_mended, "Input/output error", "plug the disk in again"),
    ("ext4", "zh", Disk.turns_read_only, Disk.is_mended, "文件系统只读", "请使磁盘可写"),
]


@pytest.mark.parametrize(
    ("kind", "language", "befalls", "mends", "error", "remedy"), LOST, ids=["gone", "eio", "erofs"]
)
def test_a_disk_that_is_lost_costs_one_take_its_last_second_and_the_session_goes_on(
    desk_on: Callable[..., Desk],
    kind: Kind,
    language: str,
    befalls: Callable[[Disk], None],
    mends: Callable[[Disk], None],
    error: str,
    remedy: str,
) -> None:
    desk = desk_on(kind, language)
    first = desk.saves()
    desk.begins()
    befalls(desk.disk)
    desk.screen.wait_for(NOT_SAVED[language])
    desk.screen.wait_for(error)
    desk.screen.wait_for(remedy)
    desk.screen.type("\r")
    desk.screen.wait_for(error)  # refused, with the reason
    mends(desk.disk)  # neither recorder nor judge holds anything open there
    desk.screen.wait_for(CAME_BACK[language])
    third = desk.saves()
    before, lost, after = [desk.dataset.root / "episodes" / name for name in desk.dataset.episode_ids()]
    assert (before.name, after.name) == (first, third)
    assert_whole(before)  # as before the fault
    assert_whole(lost)
    assert load_json(lost / "episode.json")["origin"] == "recovered"
    assert desk.ends() == 0


def test_a_full_disk_keeps_the_take_in_memory_until_there_is_room(desk_on: Callable[..., Desk]) -> None:
    desk = desk_on("tmpfs", min_free_bytes=1)
    desk.begins()
    filler = desk.disk.is_filled()
    desk.screen.wait_for("amiss: cannot write")
    desk.screen.wait_for("No space left on device; free disk space")
    filler.unlink()
    desk.screen.wait_for("(write_error)")
    desk.screen.wait_for(INVITED["en"])
    (episode_id,) = desk.dataset.episode_ids()
    assert_whole(desk.dataset.root / "episodes" / episode_id)
    filler = desk.disk.is_filled()
    desk.screen.type("\r")
    desk.screen.wait_for("expected 1 bytes free for")
    desk.screen.wait_for("free disk space")
    filler.unlink()
    desk.saves()
    assert desk.ends() == 0
