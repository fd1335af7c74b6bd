"""Safe paths: what is refused by its text, what by the disk, and the order of a walk."""

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embodied_kit.episode import paths
from embodied_kit.episode.paths import UnsafePathError, WalkedFile, open_inside, path_problem, walk_files

BOTH = pytest.mark.parametrize("openat", [True, False])


@pytest.fixture
def system(openat: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """With openat, or as on a system that lacks it."""
    assert paths._HAS_DIR_FD
    monkeypatch.setattr(paths, "_HAS_DIR_FD", openat)


def write(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("episodes/a/data_000.mcap", "none"),
        ("机器人/关节.urdf", "none"),
        (".hidden", "none"),
        ("/etc/passwd", "absolute"),
        ("C:/x", "absolute"),
        ("..", "parent"),
        ("a/../b", "parent"),
        ("", "unsafe_name"),
        (".", "unsafe_name"),
        ("a/./b", "unsafe_name"),
        ("a//b", "unsafe_name"),
        ("a/", "unsafe_name"),
        ("a\\b", "unsafe_name"),
        ("a\nb", "unsafe_name"),
        ("a\x00b", "unsafe_name"),
        ("a\x9bb", "unsafe_name"),
        ("a\u202egpj.exe", "unsafe_name"),
        ("data:stream", "unsafe_name"),
        ("name.", "unsafe_name"),
        ("name ", "unsafe_name"),
        ("\udcff", "unsafe_name"),
        ("x" * 1025, "unsafe_name"),
        ("/".join("x" * 65), "unsafe_name"),
        ("cafe\u0301", "not_nfc"),
        ("caf\u00e9", "none"),
    ],
)
def test_text_of_a_path(path: str, problem: str) -> None:
    assert path_problem(path) == problem


@given(st.text())
def test_any_text_has_an_answer_and_a_safe_one_stays_inside(path: str) -> None:
    if path_problem(path) == "none":
        assert os.path.normpath(os.path.join("/root", path)).startswith("/root/")  # noqa: PTH118 - the text, not a Path


@BOTH
def test_open_reads_a_file(tmp_path: Path, system: None) -> None:
    write(tmp_path, "a/b/c.json")
    with open_inside(tmp_path, "a/b/c.json") as file:
        assert file.read() == b"a/b/c.json"


@BOTH
@pytest.mark.parametrize("path", ["../outside", "/etc/passwd", "a\\b", "a/../../outside"])
def test_open_refuses_by_text(tmp_path: Path, system: None, path: str) -> None:
    write(tmp_path, "outside", "root/a/x")
    with pytest.raises(UnsafePathError) as caught:
        open_inside(tmp_path / "root", path)
    assert caught.value.problem == path_problem(path) != "none"


@BOTH
@pytest.mark.parametrize("link", ["a", "a/b", "a/b/c"])
def test_open_follows_no_link_anywhere(tmp_path: Path, system: None, link: str) -> None:
    write(tmp_path, "root/a/b/c")
    moved = tmp_path / "moved"
    (tmp_path / "root" / link).rename(moved)
    (tmp_path / "root" / link).symlink_to(moved)
    assert (tmp_path / "root/a/b/c").read_bytes() == b"root/a/b/c"
    with pytest.raises(UnsafePathError) as caught:
        open_inside(tmp_path / "root", "a/b/c")
    assert caught.value.problem == "symlink"


@BOTH
def test_open_of_no_regular_file_does_not_block(tmp_path: Path, system: None) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("pipe", "folder"):
        with pytest.raises(UnsafePathError) as caught:
            open_inside(tmp_path, name)
        assert caught.value.problem == "not_regular"


@BOTH
def test_open_of_a_missing_file_is_an_os_error(tmp_path: Path, system: None) -> None:
    write(tmp_path, "file")
    for path in ("missing", "folder/missing"):
        with pytest.raises(FileNotFoundError):
            open_inside(tmp_path, path)
    with pytest.raises(NotADirectoryError):
        open_inside(tmp_path, "file/x")


def test_open_leaks_no_descriptor(tmp_path: Path) -> None:
    write(tmp_path, "a/b/c")
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - only the number counts
    for path in ("a/b/c", "a/b/missing", "a/b", "a/missing/c"):
        with suppress(OSError, UnsafePathError):
            open_inside(tmp_path, path).close()
    next(walk_files(tmp_path))
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208 - only the number counts


@BOTH
def test_walk_names_every_problem(tmp_path: Path, system: None) -> None:
    write(tmp_path, "ok/x", "Case", "case", "Dir/a", "dir/b", "cafe\u0301", "bad\nname/x", "attestation/x")
    write(tmp_path, ".embodied/x", "ok/attestation/x")
    (tmp_path / "link").symlink_to(tmp_path / "ok")
    os.mkfifo(tmp_path / "pipe")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff")).write_bytes(b"")
    assert {file.path: file.problem for file in walk_files(tmp_path)} == {
        "\\xff": "unsafe_name",
        "Case": "case_clash",
        "case": "case_clash",
        "Dir/a": "case_clash",
        "dir/b": "case_clash",
        "bad\nname/x": "unsafe_name",
        "cafe\u0301": "not_nfc",
        "link": "symlink",
        "ok/attestation/x": "none",
        "ok/x": "none",
        "pipe": "not_regular",
    }


def test_only_directories_are_left_out(tmp_path: Path) -> None:
    write(tmp_path, "attestation", "elsewhere/x")
    (tmp_path / ".embodied").symlink_to(tmp_path / "elsewhere")
    assert list(walk_files(tmp_path)) == [
        WalkedFile(".embodied", "symlink"),
        WalkedFile("attestation", "none"),
        WalkedFile("elsewhere/x", "none"),
    ]


def test_walk_of_a_directory_that_cannot_be_read_names_it(tmp_path: Path) -> None:
    write(tmp_path, "shut/x", "open/x")
    (tmp_path / "shut").chmod(0)
    try:
        expected = "none" if os.access(tmp_path / "shut", os.R_OK) else "not_regular"  # root reads everything
        found = {file.path: file.problem for file in walk_files(tmp_path)}
    finally:
        (tmp_path / "shut").chmod(stat.S_IRWXU)
    assert found == {"open/x": "none", "shut/x" if expected == "none" else "shut": expected}


def test_walk_of_a_very_deep_tree_ends(tmp_path: Path) -> None:
    descriptor = os.open(tmp_path, os.O_RDONLY)
    for _ in range(150):  # deeper than a path may be, not too deep for cleaning up
        os.mkdir("d", dir_fd=descriptor)
        below = os.open("d", os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = below
    os.close(descriptor)
    assert list(walk_files(tmp_path)) == [WalkedFile("/".join("d" * 65), "unsafe_name")]


NAMES = st.text(st.sampled_from("ab.-0é关"), min_size=1, max_size=3).filter(lambda name: path_problem(name) == "none")


@settings(max_examples=30, deadline=None)
@given(st.sets(st.lists(NAMES, min_size=1, max_size=3).map("/".join), max_size=12))
def test_walk_is_sorted_by_bytes_and_complete(names: set[str]) -> None:
    files = {name for name in names if not any(other.startswith(name + "/") for other in names)}
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), *files)
        found = list(walk_files(Path(folder)))
    assert [file.path for file in found] == sorted(files, key=lambda path: path.encode())
    assert {file.problem for file in found} <= {"none"}
