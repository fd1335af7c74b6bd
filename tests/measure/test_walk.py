from __future__ import annotations

import os
from pathlib import Path

from embodied_kit.measure.places.walk import Entry, document_kind, list_folder, read_inside


def put(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(b"{}")


def listed(root: Path) -> dict[str, Entry]:
    return {entry.path: entry for entry in list_folder(root)}


def test_files_are_listed_with_what_the_layout_makes_of_them(tmp_path: Path) -> None:
    put(tmp_path, "dataset.json", "episodes/e1/episode.json", "episodes/e1/data_000.mcap", "robots/r/arm.urdf")
    put(tmp_path, "robots/r/calibration/c.json", "annotations/skills/layer.json", "annotations/skills/e1.json", "x.txt")
    put(tmp_path, ".embodied/cache/a", "attestation/abc/facts.jsonl", "episodes/e1/metadata.yaml", "bag.db3")
    found = listed(tmp_path)
    assert list(found) == sorted(found)
    assert {path: (entry.kind, entry.document, entry.episode) for path, entry in found.items()} == {
        "annotations/skills/e1.json": ("layer", "layer_episode", ""),
        "annotations/skills/layer.json": ("layer", "layer", ""),
        "bag.db3": ("sqlite", "", ""),
        "dataset.json": ("document", "dataset", ""),
        "episodes/e1/data_000.mcap": ("mcap", "", "e1"),
        "episodes/e1/episode.json": ("document", "episode", "e1"),
        "episodes/e1/metadata.yaml": ("bag_metadata", "", "e1"),
        "robots/r/arm.urdf": ("urdf", "", ""),
        "robots/r/calibration/c.json": ("document", "calibration", ""),
        "x.txt": ("other", "", ""),
    }
    assert {(entry.problem, entry.size) for entry in found.values()} == {("none", 2)}


def test_links_and_special_files_have_no_size_and_are_not_read(tmp_path: Path) -> None:
    put(tmp_path / "secret", "inside.json")
    root = tmp_path / "set"
    put(root, "dataset.json")
    (root / "folder_link").symlink_to(tmp_path / "secret")
    (root / "file_link").symlink_to(tmp_path / "secret" / "inside.json")
    os.mkfifo(root / "pipe")
    found = listed(root)
    assert {path: (entry.problem, entry.size) for path, entry in found.items()} == {
        "dataset.json": ("none", 2),
        "file_link": ("symlink", None),
        "folder_link": ("symlink", None),
        "pipe": ("not_regular", None),
    }
    for path in ("file_link", "folder_link/inside.json", "pipe", "../secret/inside.json", "absent"):
        assert read_inside(root, path, 100) is None
    assert read_inside(root, "dataset.json", 100) == b"{}"


def test_only_exact_places_are_documents() -> None:
    assert document_kind("sub/dataset.json") == ""
    assert document_kind("episodes/e/more/episode.json") == ""
