"""Seal, attest, verify through the program's own main; one change anywhere is invalid and named by its path."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from chain.test_levels import profile_copy
from chain.test_samples import SAMPLES

from embodied_kit.cli import main
from embodied_kit.episode.dataset import Dataset
from embodied_validators.profiles import load_profile

GOOD = SAMPLES / "good" / "dataset"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    assert main(["keys", "new", "lab", "--dir", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def attested(keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("attested") / "ds"
    shutil.copytree(GOOD, root)
    assert main(["attest", str(root), "--level", "L2", "--key", str(keys / "lab.pem")]) == 0
    return root


@pytest.fixture
def copy(attested: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(attested, tmp_path / "ds"))


def verify(root: Path, keys: Path, *options: str) -> int:
    return main(["--lang", "en", "verify", str(root), "--trust", str(keys / "lab.trust.json"), *options])


def test_the_sealed_sample_is_attested_and_verifies(attested: Path, keys: Path) -> None:
    assert verify(attested, keys, "--rejudge") == 0


def test_a_level_that_is_not_reached_is_refused(keys: Path, copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(copy / "attestation")
    assert main(["--lang", "en", "attest", str(copy), "--level", "L3", "--key", str(keys / "lab.pem")]) == 1
    assert "TM-14" in capsys.readouterr().err
    assert not (copy / "attestation").exists()


def test_a_rule_that_the_tool_lacks_is_no_attestation(
    keys: Path, copy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(copy / "attestation")
    rules = [rule.rule_id for rule in load_profile("sim@1.0").rules]
    profile = str(profile_copy(tmp_path, rules=[*rules, "ZZ-99"]))
    words = ["--lang", "en", "attest", str(copy), "--level", "L2", "--key", str(keys / "lab.pem"), "--profile", profile]
    assert main(words) == 3
    assert "ZZ-99" in capsys.readouterr().err
    assert not (copy / "attestation").exists()


def test_an_open_dataset_is_sealed_first(keys: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = Path(shutil.copytree(SAMPLES / "frozen_camera" / "dataset", tmp_path / "ds"))
    words = ["--lang", "en", "attest", str(root), "--level", "L2", "--key", str(keys / "lab.pem")]
    assert main(words) == 2
    assert "seal" in capsys.readouterr().err
    assert main(["dataset", "seal", str(root), "--version", "1.0.0"]) == 0
    assert main(words) == 0
    assert verify(root, keys, "--rejudge") == 0


def files(*patterns: str) -> list[str]:
    found = sorted(str(p.relative_to(GOOD)) for pattern in patterns for p in GOOD.glob(pattern) if p.is_file())
    assert found
    return found


def flip(path: Path, place: float = 0.5) -> None:
    data = bytearray(path.read_bytes())
    data[min(int(place * len(data)), len(data) - 1)] ^= 1
    path.write_bytes(data)


def flip_first(path: Path) -> None:
    flip(path, 0.0)


def flip_last(path: Path) -> None:
    flip(path, 1.0)


def edit(path: Path) -> None:
    """Change one text of a document, and nothing else."""
    value = json.loads(path.read_bytes())
    assert edited(value)
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2), "utf-8")


def edited(value: dict[str, Any]) -> bool:
    """Whether a text was found and changed, here or in the first object of a list."""
    for name, content in value.items():
        if isinstance(content, str) and name != "schema_version":
            value[name] = content + "x"
            return True
        if isinstance(content, list) and content and isinstance(content[0], dict):
            return edited(content[0])
    return False


def rename(path: Path) -> None:
    path.rename(path.with_name("renamed" + path.suffix))


def add(path: Path) -> None:
    shutil.copy(path, path.with_name("added" + path.suffix))


CHANGES: list[tuple[Callable[[Path], None], str, tuple[str, ...]]] = [
    *((flip, path, (path,)) for path in files("**/*.urdf", "**/metadata.yaml")),
    *((change, path, (path,)) for path in files("**/*.mcap") for change in (flip_first, flip, flip_last)),
    *((edit, path, (path,)) for path in files("*.json", "robots/**/*.json", "episodes/*/episode.json")),
    *((Path.unlink, path, (path,)) for path in files("**/*")),
    *(
        (rename, path, (path, str(Path(path).with_name("renamed" + Path(path).suffix))))
        for path in files("tasks.json", "**/*.mcap", "**/*.urdf")
    ),
    *(
        (add, path, (str(Path(path).with_name("added" + Path(path).suffix)),))
        for path in files("tasks.json", "**/*.mcap", "**/calibration/*.json")
    ),
]


@pytest.mark.parametrize(
    ("change", "path", "named"), CHANGES, ids=[f"{change.__name__}-{path[-40:]}" for change, path, _ in CHANGES]
)
def test_one_change_is_invalid_and_named(
    copy: Path,
    keys: Path,
    capsys: pytest.CaptureFixture[str],
    change: Callable[[Path], None],
    path: str,
    named: tuple[str, ...],
) -> None:
    change(copy / path)
    capsys.readouterr()
    assert verify(copy, keys) == 1
    said = capsys.readouterr().out
    assert all(name in said for name in named), said


def test_exclusion_after_sealing_is_refused(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    episode = Dataset.open(copy).episode_ids()[0]
    assert main(["--lang", "en", "dataset", "exclude", episode, "--dataset", str(copy), "--reason", "late"]) == 2
    assert "sealed" in capsys.readouterr().err
