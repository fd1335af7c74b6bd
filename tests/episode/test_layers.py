"""Annotation layers: what is written, where, in which order, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from convert.support import dataset_in, imported, write_mcap

from embodied_kit.episode.dataset import Dataset
from embodied_kit.episode.layers import Segment, SkillLayer, annotate
from embodied_kit.errors import UsageError
from embodied_kit.spec import check, standard

LAYER = SkillLayer("skills_v1", ("an-3f90", "an-77b1"), {"model_id": "m-2"}, {"method": "cohen_kappa", "kappa": 0.9})
NOW_NS = 1_790_904_601_250_000_000


def segment(start_s: float, end_s: float, arm: str = "single") -> Segment:
    return Segment(int(start_s * 1e9), int(end_s * 1e9), "grasp", "抓住方块", "Grasp the cube", arm, ("cube_1",))


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    made = dataset_in(tmp_path)
    imported(write_mcap(tmp_path / "bag.mcap"), made)
    return made


def test_it_writes_both_documents_as_the_standard_has_them(dataset: Dataset) -> None:
    (episode_id,) = dataset.episode_ids()
    path = annotate(dataset, LAYER, episode_id, [segment(2, 3), segment(1, 2)], now_ns=NOW_NS)
    assert path == dataset.root / "annotations" / "skills_v1" / f"{episode_id}.json"
    found = json.loads(path.read_bytes())
    assert [item["start_ns"] for item in found["skill_segments"]] == ["1000000000", "2000000000"]
    layer = json.loads((path.parent / "layer.json").read_bytes())
    assert layer["dataset_id"] == dataset.document()["dataset_id"]
    assert layer["created_time"] == "2026-10-02T01:30:01.250000Z"
    for kind, value in (("layer", layer), ("layer_episode", found)):
        assert check(kind, value, standard().level_schema(kind, "L3")) == []
        assert check(kind, value, standard().document_schema(kind, "authoring")) == []


def test_annotating_again_replaces(dataset: Dataset) -> None:
    (episode_id,) = dataset.episode_ids()
    annotate(dataset, LAYER, episode_id, [segment(1, 2)], now_ns=NOW_NS)
    path = annotate(dataset, SkillLayer("skills_v1"), episode_id, [], now_ns=NOW_NS + 10**9)
    assert json.loads(path.read_bytes())["skill_segments"] == []
    layer = json.loads((path.parent / "layer.json").read_bytes())
    assert layer["annotator_pseudonyms"] == []
    assert "auto_annotation" not in layer
    assert layer["created_time"] == "2026-10-02T01:30:02.250000Z"


def test_what_is_refused_leaves_nothing(dataset: Dataset) -> None:
    (episode_id,) = dataset.episode_ids()
    for layer_id, episode, segments, words in (
        ("../skills", episode_id, [], "layer"),
        ("skills", "0192f0c1-8a3b-7c1d-9e2f-0123456789ab", [], "episode.json"),
        ("skills", episode_id, [segment(2, 1)], "ends after"),
    ):
        with pytest.raises(UsageError, match=words):
            annotate(dataset, SkillLayer(layer_id), episode, segments, now_ns=NOW_NS)
    assert not (dataset.root / "annotations").exists()
    dataset.seal("1.0.0", NOW_NS)
    with pytest.raises(UsageError, match="sealed"):
        annotate(dataset, LAYER, episode_id, [], now_ns=NOW_NS)


def test_a_layer_of_another_kind_is_not_written_over(dataset: Dataset) -> None:
    (episode_id,) = dataset.episode_ids()
    folder = dataset.root / "annotations" / "skills_v1"
    folder.mkdir(parents=True)
    (folder / "layer.json").write_text('{"schema_version": "1.0.0", "layer_id": "skills_v1", "kind": "boxes"}')
    with pytest.raises(UsageError, match="boxes"):
        annotate(dataset, LAYER, episode_id, [], now_ns=NOW_NS)
    assert [path.name for path in folder.iterdir()] == ["layer.json"]
