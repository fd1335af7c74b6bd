"""`dataset discard` and `dataset restore` by the program itself; the controller uses the same functions."""

from pathlib import Path

import pytest
from cli.verbs import run
from recorder.support import dataset_in

from embodied_kit.canonical import pretty_bytes

EPISODE = "0192f3c0-0000-7000-8000-00000000000a"


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    root = dataset_in(tmp_path).root
    folder = root / "episodes" / EPISODE
    folder.mkdir(parents=True)
    (folder / "episode.json").write_bytes(pretty_bytes({"episode_id": EPISODE, "duration_s": 1.5}))
    return root


def test_out_and_back(dataset: Path) -> None:
    assert "nothing is in quarantine" in run("dataset", "restore", str(dataset)).out
    done = run("dataset", "discard", str(dataset), "0192f3c0", "--reason", "gripper slipped")
    assert done.code == 0, done.err
    assert f"embodied-kit dataset restore {dataset} {EPISODE}" in done.out
    assert EPISODE not in run("dataset", "ls", str(dataset)).out
    assert f"{EPISODE}  " in (shown := run("dataset", "restore", str(dataset)).out)
    assert "gripper slipped" in shown
    assert run("dataset", "restore", str(dataset), EPISODE).code == 0
    assert EPISODE in run("dataset", "ls", str(dataset)).out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("discard", "{}", "nobody", "--reason", "x"), "expected the id of one episode"),
        (("discard", "{}", EPISODE, "--reason", " "), "expected a reason"),
        (("restore", "{}", "nobody"), "expected a discarded episode"),
    ],
)
def test_mistakes_are_told_in_one_line(dataset: Path, words: tuple[str, ...], said: str) -> None:
    done = run("dataset", *(word.format(dataset) for word in words))
    assert done.code == 2
    assert said in done.err


def test_a_sealed_dataset_stays_as_it_is(dataset: Path) -> None:
    assert run("dataset", "seal", str(dataset)).code == 0
    done = run("dataset", "discard", str(dataset), EPISODE, "--reason", "late thought")
    assert done.code == 2
    assert "sealed" in done.err
    assert (dataset / "episodes" / EPISODE / "episode.json").is_file()
