"""The dataset folder and its verbs: what is made, kept, excluded, sealed, and what is refused in one line."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from convert.support import dataset_in, imported, tree, write_mcap

from embodied_kit.canonical import load_json, pretty_bytes
from embodied_kit.cli import main
from embodied_kit.episode.dataset import Dataset, create
from embodied_kit.episode.ids import slugified, unique_slugs
from embodied_kit.episode.rebuild import rebuild
from embodied_kit.episode.robots import add_robot, read_robot
from embodied_kit.errors import DataError, UsageError
from embodied_kit.spec import check, standard


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    """An open dataset with three episodes."""
    made = dataset_in(tmp_path)
    for index in range(3):
        imported(write_mcap(tmp_path / f"bag_{index}.mcap"), made)
    return made


class Program:
    """The command line inside this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *words: object) -> tuple[int, str, str]:
        """Exit code, output, errors."""
        code = main(["--lang", "en", *[str(word) for word in words]])
        output, errors = self._capsys.readouterr()
        assert len(errors.splitlines()) <= 2, errors
        return code, output, errors


@pytest.fixture
def program(capsys: pytest.CaptureFixture[str]) -> Program:
    return Program(capsys)


def robot_folder(folder: Path, **changes: object) -> Path:
    (folder / "calibration").mkdir(parents=True, exist_ok=True)
    document = {"schema_version": "1.0.0", "robot_id": "arm_02", "urdf_uri": "arm.urdf", **changes}
    (folder / "robot.json").write_bytes(pretty_bytes(document))
    (folder / "arm.urdf").write_text("<robot/>")
    (folder / "calibration" / "c1.json").write_text('{"schema_version": "1.0.0", "calibration_id": "c1"}')
    return folder / "robot.json"


def test_init_makes_documents_that_the_standard_accepts(program: Program, tmp_path: Path) -> None:
    root = tmp_path / "new" / "ds"
    robot = robot_folder(tmp_path / "arm")
    code, output, _ = program("dataset", "init", root, "--task", "pick", "--robot", robot, "--license", "CC-BY-4.0")
    assert code == 0
    document = load_json(root / "dataset.json")
    assert str(document["dataset_id"]) in output
    for kind, name in [("dataset", "dataset.json"), ("governance", "governance.json"), ("task", "tasks.json")]:
        assert check(kind, load_json(root / name), standard().document_schema(kind, "authoring")) == []
    copied = {path: data for path, data in tree(root).items() if path.startswith("robots/")}
    assert copied == {f"robots/arm_02/{path}": data for path, data in tree(robot.parent).items()}
    assert (document["license"], document["state"]) == ("CC-BY-4.0", "open")


def test_init_touches_nothing_that_is_there(program: Program, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("x")
    (tmp_path / "file").write_text("x")
    for place in ("full", "file"):
        code, _, errors = program("dataset", "init", tmp_path / place)
        assert code == 2
        assert "new or empty folder" in errors
    assert tree(tmp_path) == {"full/mine.txt": b"x", "file": b"x"}
    assert program("dataset", "init", tmp_path / "file" / "below")[0] in {2, 4}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"robot_id": "../evil"}, "robot_id"),
        ({"robot_id": 5.5}, "robot_id"),
        ({"urdf_uri": "../../etc/passwd"}, "urdf_uri"),
        ({"urdf_uri": ".."}, "urdf_uri"),
        ({"urdf_uri": ""}, "urdf_uri"),
        ({"urdf_uri": "a\0b"}, "urdf_uri"),
        ({"urdf_uri": "gone.urdf"}, "gone.urdf"),
    ],
    ids=str,
)
def test_init_refuses_a_hostile_robot_and_makes_nothing(
    change: dict[str, object], words: str, program: Program, tmp_path: Path
) -> None:
    robot = robot_folder(tmp_path / "arm", **change)
    code, _, errors = program("dataset", "init", tmp_path / "ds", "--robot", robot)
    assert code in {1, 2}
    assert words in errors
    assert not (tmp_path / "ds").exists()


def test_init_refuses_what_is_no_robot(program: Program, tmp_path: Path) -> None:
    code, _, errors = program("dataset", "init", tmp_path / "ds", "--robot", tmp_path / "gone.json")
    assert (code, "gone.json" in errors) == (2, True)
    (tmp_path / "robot.json").write_text('{"a": 1, "a": 2}')
    code, _, errors = program("dataset", "init", tmp_path / "ds", "--robot", tmp_path / "robot.json")
    assert (code, "duplicate_key" in errors) == (1, True)
    one, other = robot_folder(tmp_path / "one"), robot_folder(tmp_path / "other", robot_model="x")
    code, _, errors = program("dataset", "init", tmp_path / "ds", "--robot", one, "--robot", other)
    assert (code, "arm_02" in errors) == (2, True)
    code, _, errors = program("dataset", "init", tmp_path / "ds", "--task", "Not A Slug")
    assert (code, "not_a_slug" in errors) == (2, True)
    assert not (tmp_path / "ds").exists()


def test_the_same_robot_again_is_fine_and_adds_what_is_new(dataset: Dataset, tmp_path: Path) -> None:
    robot = robot_folder(tmp_path / "arm")
    add_robot(dataset.root, read_robot(robot))
    before = tree(dataset.root)
    add_robot(dataset.root, read_robot(robot))
    assert tree(dataset.root) == before
    (robot.parent / "calibration" / "c2.json").write_text('{"calibration_id": "c2"}')
    add_robot(dataset.root, read_robot(robot))
    assert set(tree(dataset.root)) - set(before) == {"robots/arm_02/calibration/c2.json"}


@pytest.mark.parametrize("name", ["robot.json", "arm.urdf", "calibration/c1.json"])
def test_another_robot_under_a_taken_id_changes_nothing(name: str, dataset: Dataset, tmp_path: Path) -> None:
    robot = robot_folder(tmp_path / "arm")
    add_robot(dataset.root, read_robot(robot))
    before = tree(dataset.root)
    changed = robot.parent / name
    changed.write_text(changed.read_text().replace("}", " }").replace("<robot/>", "<robot />"))
    (robot.parent / "calibration" / "c0.json").write_text('{"calibration_id": "c0"}')
    with pytest.raises(UsageError, match="another"):
        add_robot(dataset.root, read_robot(robot))
    assert tree(dataset.root) == before


def test_exclude_keeps_the_take_and_the_reason(dataset: Dataset, program: Program) -> None:
    episode_id = dataset.episode_ids()[1]
    code, output, _ = program(
        "dataset", "exclude", episode_id[-8:], "--dataset", dataset.root, "--reason", "camera lost frames"
    )
    assert code == 0
    assert episode_id in output
    (entry,) = dataset.document()["excluded"]
    assert (entry["episode_id"], entry["reason"]) == (episode_id, "camera lost frames")
    assert check("dataset", dataset.document(), standard().document_schema("dataset", "authoring")) == []
    assert dataset.document()["totals"]["excluded_episodes"] == 1
    assert episode_id in dataset.episode_ids()
    lines = program("dataset", "ls", dataset.root)[1].splitlines()
    assert [line.endswith("excluded") for line in lines] == [False, True, False]


@pytest.mark.parametrize(
    ("episode", "reason", "words"),
    [("zzz", "x", "0 episodes"), ("", "x", ""), ("0", "x", "3 episodes"), (None, "  ", "reason")],
)
def test_exclude_refuses_what_names_no_one_episode(
    episode: str | None, reason: str, words: str, dataset: Dataset, program: Program
) -> None:
    before = tree(dataset.root)
    wanted = dataset.episode_ids()[0] if episode is None else episode
    code, _, errors = program("dataset", "exclude", wanted, "--dataset", dataset.root, "--reason", reason)
    assert code == 2
    assert words in errors
    assert tree(dataset.root) == before


def test_exclude_twice_is_refused(dataset: Dataset, program: Program) -> None:
    words = ("dataset", "exclude", dataset.root / "episodes" / dataset.episode_ids()[0], "--reason", "x")
    assert program(*words)[0] == 0
    code, _, errors = program(*words)
    assert (code, "already" in errors) == (2, True)


def test_seal_fixes_totals_and_then_nothing_changes(dataset: Dataset, program: Program) -> None:
    dataset.exclude(dataset.episode_ids()[2], "bad", time.time_ns())
    assert program("dataset", "seal", dataset.root, "--version", "1.2.0")[0] == 0
    document = dataset.document()
    episodes = [dataset.episode(name) for name in dataset.episode_ids()]
    assert document["totals"] == {
        "episodes": 3,
        "duration_s": pytest.approx(sum(float(str(e["duration_s"])) for e in episodes), abs=1e-6),
        "size_bytes": sum(f["size"] for e in episodes for f in e["files"]),
        "messages": 1500,
        "excluded_episodes": 1,
        "excluded_duration_s": pytest.approx(float(str(episodes[2]["duration_s"])), abs=1e-6),
    }
    assert (document["state"], document["dataset_version"]) == ("sealed", "1.2.0")
    before = tree(dataset.root)
    for words in (
        ("exclude", dataset.root / "episodes" / dataset.episode_ids()[0], "--reason", "x"),
        ("seal", dataset.root),
    ):
        code, _, errors = program("dataset", *words)
        assert code == 2
        assert "sealed" in errors
    assert tree(dataset.root) == before


def test_seal_refuses_what_it_cannot_vouch_for(dataset: Dataset, program: Program, tmp_path: Path) -> None:
    before = tree(dataset.root)
    code, _, errors = program("dataset", "seal", dataset.root, "--version", "first")
    assert (code, "version" in errors) == (2, True)
    assert tree(dataset.root) == before
    document = dict(dataset.document())
    name = document.pop("dataset_id")
    (dataset.root / "dataset.json").write_bytes(pretty_bytes(document))
    code, _, errors = program("dataset", "seal", dataset.root)
    assert (code, f'-> write "dataset_id": "{name}" into it' in errors) == (2, True)
    assert dataset.document() == document
    (dataset.root / "dataset.json").write_bytes(pretty_bytes({**document, "dataset_id": name}))
    (dataset.root / "episodes" / dataset.episode_ids()[0] / "episode.json").unlink()
    code, _, errors = program("dataset", "seal", dataset.root)
    assert (code, "rebuild" in errors) == (2, True)
    empty = create(tmp_path / "empty", {"dataset_id": "x"}, governance={}, tasks=[], now_ns=1)
    code, _, errors = program("dataset", "seal", empty.root)
    assert (code, "at least one episode" in errors) == (2, True)


def test_ls_and_rebuild_cope_with_a_lost_document(dataset: Dataset, program: Program) -> None:
    before = tree(dataset.root)
    lost = dataset.root / "episodes" / dataset.episode_ids()[1] / "episode.json"
    lost.unlink()
    code, output, _ = program("dataset", "ls", dataset.root)
    assert code == 0
    assert len(output.splitlines()) == 3
    assert "dataset rebuild" in output.splitlines()[1]
    code, output, _ = program("dataset", "rebuild", dataset.root)
    assert (code, str(lost) in output) == (0, True)
    after = tree(dataset.root)
    assert {path for path in before if after[path] != before[path]} <= {"dataset.json"}  # its time of change


@pytest.mark.parametrize("damage", ["truncated", "bit", "no capture", "empty"])
def test_rebuild_vouches_for_no_damaged_file(damage: str, dataset: Dataset) -> None:
    folder = dataset.root / "episodes" / dataset.episode_ids()[0]
    (folder / "episode.json").unlink()
    data = folder / "data_000.mcap"
    content = data.read_bytes()
    if damage == "truncated":
        data.write_bytes(content[: len(content) // 2])
    elif damage == "bit":
        place = content.index(b"capture.json") + 40
        data.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
    elif damage == "no capture":
        write_mcap(data)
    else:
        data.unlink()
    with pytest.raises(DataError):
        rebuild(dataset.root)
    assert not (folder / "episode.json").exists()


@pytest.mark.parametrize("verb", ["ls", "info", "seal", "rebuild"])
def test_what_is_no_dataset(verb: str, program: Program, tmp_path: Path) -> None:
    code, _, errors = program("dataset", verb, tmp_path)
    assert code == 2
    assert str(tmp_path) in errors


@pytest.mark.parametrize("verb", ["ls", "info", "seal"])
@pytest.mark.parametrize("content", ["", "[]", '{"a": NaN}', '{"a": 1, "a": 2}', "[" * 100_000, "\ud800"])
def test_a_dataset_document_that_is_none(verb: str, content: str, dataset: Dataset, program: Program) -> None:
    (dataset.root / "dataset.json").write_bytes(content.encode("utf-8", "surrogatepass"))
    code, _, errors = program("dataset", verb, dataset.root)
    assert code == 1
    assert "dataset.json" in errors


def test_documents_of_odd_shape_end_no_verb_with_a_traceback(dataset: Dataset, program: Program) -> None:
    path = dataset.root / "episodes" / dataset.episode_ids()[0] / "episode.json"
    odd = {
        **load_json(path),
        "task_id": [1],
        "outcome": {},
        "duration_s": "x",
        "streams": 5,
        "files": [1, {"size": "x"}],
    }
    path.write_text(json.dumps(odd))
    (dataset.root / "tasks.json").write_text('{"tasks": [1, {"a": 2}, "x"]}')
    for verb in ("ls", "info", "seal"):
        assert program("dataset", verb, dataset.root)[0] == 0
    assert dataset.task_ids() == []


def test_slugs_are_slugs_and_differ() -> None:
    texts = ["/a/b", "/a_b", "/A/B", "a b", "", "///", "x" * 100, "x" * 101, "/a_b_2"]
    slugs = unique_slugs(texts)
    assert set(slugs) == set(texts)
    assert len(set(slugs.values())) == len(texts)
    assert all(slug == slugified(slug) and 0 < len(slug) <= 64 for slug in slugs.values())
