"""Files of a dataset that are missing, elsewhere, of another kind, or named to mislead."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hostile.kit import EVIL, GOOD, Program, edited, first_episode, spoil, well_behaved

from embodied_kit.mcap.records import MAGIC
from embodied_validators.attest.keys import new_key

OTHER_ID = "0192f0c1-8a3b-7c1d-9e2f-0123456789ab"


def take(root: Path) -> Path:
    return first_episode(root) / "data_000.mcap"


def take_is_a_link(root: Path) -> None:
    take(root).rename(root.parent / "out.mcap")
    take(root).symlink_to(root.parent / "out.mcap")


def take_is_a_pipe(root: Path) -> None:
    take(root).unlink()
    os.mkfifo(take(root))


def every_take_is_empty(root: Path) -> None:
    for path in root.rglob("*.mcap"):
        path.write_bytes(b"")


def every_take_is_a_placeholder(root: Path) -> None:
    for path in root.rglob("*.mcap"):
        path.write_bytes(MAGIC + MAGIC)


def links_to_the_dataset_itself(root: Path) -> None:
    (first_episode(root) / "self").symlink_to(root)
    (root / "self").symlink_to(root)


def dangling_links(root: Path) -> None:
    (first_episode(root) / "more.mcap").symlink_to("nowhere")


def episode_is_a_link(root: Path) -> None:
    path = first_episode(root)
    path.rename(root.parent / "elsewhere")
    path.symlink_to(root.parent / "elsewhere")


def no_episodes(root: Path) -> None:
    shutil.rmtree(root / "episodes")


def episodes_is_a_file(root: Path) -> None:
    shutil.rmtree(root / "episodes")
    (root / "episodes").write_text("x")


def two_episodes_of_one_id(root: Path) -> None:
    shutil.copytree(first_episode(root), root / "episodes" / OTHER_ID)


def names_that_mislead(root: Path) -> None:
    folder = os.fsencode(first_episode(root))
    for name in (
        b"a\nb.txt",
        EVIL.replace("/", "").encode(),
        b"x" * 255,
        b"\xff\xfe.mcap",
        "e\u0301".encode(),
        b" ",
        b"c:d",
        b"e\\f",
        b"Case",
        b"case",
    ):
        Path(os.fsdecode(os.path.join(folder, name))).write_bytes(b"x")  # noqa: PTH118  # names that are no text


def a_deep_folder(root: Path) -> None:
    folder = first_episode(root).joinpath(*["d"] * 100)
    folder.mkdir(parents=True)
    (folder / "file").write_text("x")


def many_files(root: Path) -> None:
    for number in range(1500):
        (first_episode(root) / f"more_{number}").touch()


def take_has_a_long_tail(root: Path) -> None:
    os.truncate(take(root), 1 << 28)


def declare(**file: object) -> Callable[[Path], None]:
    """Declare one more file."""
    return lambda root: edited(first_episode(root) / "episode.json", lambda it: it["files"].append(file))


def redirect(path: str) -> Callable[[Path], None]:
    """Declare the data file elsewhere."""
    return lambda root: edited(first_episode(root) / "episode.json", lambda it: it["files"][0].update(path=path))


CHANGES: Mapping[str, tuple[Callable[[Path], None], set[str]]] = {
    "take is missing": (lambda root: take(root).unlink(), {"ST-07"}),
    "take is a link": (take_is_a_link, {"ST-08"}),
    "take is a pipe": (take_is_a_pipe, {"ST-08"}),
    "every take is empty": (every_take_is_empty, {"PV-01", "CT-01"}),
    "every take is a placeholder": (every_take_is_a_placeholder, {"PV-01", "CT-01"}),
    "links to itself": (links_to_the_dataset_itself, {"ST-08"}),
    "dangling links": (dangling_links, {"ST-08"}),
    "episode is a link": (episode_is_a_link, {"ST-08"}),
    "no episodes": (no_episodes, {"ST-12"}),
    "episodes is a file": (episodes_is_a_file, {"ST-12"}),
    "folder named otherwise": (lambda root: first_episode(root).rename(root / "episodes" / OTHER_ID), {"ST-04"}),
    "folder named to mislead": (lambda root: first_episode(root).rename(root / "episodes" / "\x1b[2J<b>"), {"ST-08"}),
    "two of one id": (two_episodes_of_one_id, {"ST-04"}),
    "names that mislead": (names_that_mislead, {"ST-07", "ST-08"}),
    "a deep folder": (a_deep_folder, {"ST-08"}),
    "many files": (many_files, {"ST-07"}),
    "a long tail": (take_has_a_long_tail, {"PV-01"}),
    "declared absolute": (redirect("/etc/hostname"), {"ST-08"}),
    "declared above": (redirect("../../dataset.json"), {"ST-08"}),
    "declared beside": (redirect(f"../{OTHER_ID}/data_000.mcap"), {"ST-08"}),
    "declared nowhere": (redirect(""), {"ST-02"}),
    "nothing declared": (
        lambda root: edited(first_episode(root) / "episode.json", lambda it: it["files"].clear()),
        {"ST-07"},
    ),
    "no digests": (
        lambda root: edited(first_episode(root) / "episode.json", lambda it: [f.pop("sha256") for f in it["files"]]),
        {"ST-02"},
    ),
    "a number as digest": (
        lambda root: edited(first_episode(root) / "episode.json", lambda it: it["files"][0].update(sha256=5)),
        {"ST-02"},
    ),
    "long declared path": (declare(path="p" * 5000, size=1, sha256="0" * 64, media_type="a/b"), {"ST-07"}),
    "misleading declared path": (declare(path=EVIL + "\n", size=1, sha256="0" * 64, media_type="a/b"), {"ST-08"}),
    "declared twice": (declare(path="data_000.mcap", size=1, sha256="0" * 64, media_type="a/b"), {"PV-01"}),
}


@pytest.mark.parametrize("name", CHANGES)
def test_every_file_that_is_not_as_declared_is_found(name: str, program: Program, tmp_path: Path) -> None:
    change, rules = CHANGES[name]
    root = spoil(GOOD, tmp_path / "set", change)
    ran = program.judged(root, "--level", "L1")
    assert ran.code == 1
    assert rules <= ran.rules(), ran.rules()
    assert ran.report()["verdict"]["level"] is None
    if "mislead" in name:
        assert well_behaved(program.run("validate", root, "--level", "L1", "--lang", "zh")).code == 1


def test_one_digest_of_two_that_is_wrong_fails_in_either_order(program: Program, tmp_path: Path) -> None:
    wrong = {"path": "data_000.mcap", "size": 1, "sha256": "0" * 64, "media_type": "a/b"}
    root = spoil(
        GOOD,
        tmp_path / "set",
        lambda root: edited(first_episode(root) / "episode.json", lambda it: it["files"].insert(0, wrong)),
    )
    assert "PV-01" in program.judged(root, "--level", "L1").rules()


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads files whatever their mode")
def test_a_file_without_permission_is_not_read_as_clean(program: Program, tmp_path: Path) -> None:
    root = spoil(GOOD, tmp_path / "set", lambda root: take(root).chmod(0))
    assert program.judged(root, "--level", "L1").code in (1, 3)


@pytest.mark.parametrize(
    "name",
    [
        "take is a link",
        "take is a pipe",
        "every take is empty",
        "names that mislead",
        "links to itself",
        "two of one id",
        "a deep folder",
    ],
)
def test_an_attested_dataset_that_was_spoilt_is_invalid(
    name: str, attested: tuple[Path, Path], program: Program, tmp_path: Path
) -> None:
    good, trust = attested
    root = spoil(good, tmp_path / "set", CHANGES[name][0])
    ran = well_behaved(program.run("verify", root, "--trust", trust))
    assert ran.code == 1
    assert well_behaved(program.run("verify", root, "--trust", trust, "--format", "json", "--lang", "zh")).code == 1


@pytest.fixture(scope="module")
def attested(tmp_path_factory: pytest.TempPathFactory, program: Program) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("attested")
    shutil.copytree(GOOD, folder / "set")
    key = new_key(folder / "keys", "lab")
    if '"sealed"' not in (folder / "set" / "dataset.json").read_text():
        assert program.run("dataset", "seal", folder / "set", "--version", "1.0.0").code == 0
    assert program.run("attest", folder / "set", "--level", "L2", "--key", key.private).code == 0
    assert program.run("verify", folder / "set", "--trust", key.trust).code == 0
    return folder / "set", key.trust
