"""A sealed dataset goes on as a new version; a dataset begins with documents of a folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from convert.support import dataset_in, imported, tree, write_mcap

from embodied_kit.canonical import load_json
from embodied_kit.cli import main
from embodied_kit.episode.dataset import Dataset
from embodied_kit.episode.versions import new_version
from embodied_kit.errors import DataError, UsageError


@pytest.fixture
def sealed(tmp_path: Path) -> Dataset:
    made = dataset_in(tmp_path)
    imported(write_mcap(tmp_path / "bag.mcap"), made)
    made.seal("1.0.0", 1)
    return made


def test_a_new_version_is_open_and_leaves_the_sealed_one_as_it_was(sealed: Dataset, tmp_path: Path) -> None:
    before = tree(sealed.root)
    target = tmp_path / "next"
    assert main(["dataset", "new-version", str(sealed.root), str(target), "--version", "1.1.0"]) == 0
    again = Dataset.open(target)
    assert again.document()["dataset_version"] == "1.1.0"
    assert not again.sealed
    assert "sealed_time" not in again.document()
    again.exclude(again.episode_ids()[0], "the gripper slipped", 2)
    again.refresh(3)
    assert tree(sealed.root) == before
    assert sealed.sealed


def test_its_recordings_are_those_of_the_sealed_one(sealed: Dataset, tmp_path: Path) -> None:
    copy = new_version(sealed, tmp_path / "next", "1.1.0", 1)
    assert copy.episode_ids() == sealed.episode_ids()
    for path in sealed.root.glob("episodes/*/*"):
        assert (copy.root / path.relative_to(sealed.root)).read_bytes() == path.read_bytes()


def test_attestations_stay_with_what_they_are_about(sealed: Dataset, tmp_path: Path) -> None:
    (sealed.root / "attestation").mkdir()
    (sealed.root / "attestation" / "old.jsonl").write_text("{}")
    assert not (new_version(sealed, tmp_path / "next", "1.1.0", 1).root / "attestation").exists()


def test_what_cannot_be_is_refused(sealed: Dataset, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="another version"):
        new_version(sealed, tmp_path / "next", "1.0.0", 1)
    with pytest.raises(UsageError, match="new folder"):
        new_version(sealed, tmp_path, "1.1.0", 1)
    (sealed.root / "link").symlink_to(tmp_path)
    with pytest.raises(DataError, match="symlink"):
        new_version(sealed, tmp_path / "next", "1.1.0", 1)
    assert not (tmp_path / "next").exists()


def test_a_dataset_begins_with_documents_of_a_folder_and_an_identity_of_its_own(tmp_path: Path) -> None:
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "dataset.json").write_text(json.dumps({"title_en": "Cups", "data_origin": "sim", "dataset_id": "other"}))
    (folder / "governance.json").write_text(json.dumps({"contains_personal_info": False}))
    (folder / "tasks.json").write_text(json.dumps({"tasks": [{"task_id": "cups"}]}))
    root = tmp_path / "ds"
    assert main(["dataset", "init", str(root), "--documents", str(folder), "--task", "more"]) == 0
    dataset = load_json(root / "dataset.json")
    assert (dataset["title_en"], dataset["data_origin"], dataset["generated_data_indicator"]) == ("Cups", "sim", 1)
    assert dataset["dataset_id"] != "other"
    assert load_json(root / "governance.json")["contains_personal_info"] is False
    assert Dataset.open(root).task_ids() == ["cups", "more"]


def test_a_folder_without_documents_is_refused(tmp_path: Path) -> None:
    assert main(["dataset", "init", str(tmp_path / "ds"), "--documents", str(tmp_path)]) == 2
    assert not (tmp_path / "ds").exists()
