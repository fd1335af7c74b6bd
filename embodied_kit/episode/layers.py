"""Annotation layers of an open dataset: `annotations/<layer>/layer.json`, and beside it one document an episode."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from embodied_kit.canonical import load_json, pretty_bytes
from embodied_kit.episode.dataset import Dataset
from embodied_kit.episode.document import SCHEMA_VERSION
from embodied_kit.episode.ids import require_slug
from embodied_kit.episode.layout import ANNOTATIONS, LAYER_JSON, write_whole, writing
from embodied_kit.episode.times import rfc3339
from embodied_kit.errors import UsageError
from embodied_kit.model.json import JsonObject, JsonValue


@dataclass(frozen=True)
class Segment:
    """What one arm does for a while.

    Attributes:
        start_ns, end_ns: ns since the Unix epoch, within the episode.
        skill_code: Word of the vocabulary `skill`.
        arm: Word of the vocabulary `arm`.
        object_ids: Instances of the task's objects that are handled; empty for none, None where nobody looked.
    """

    start_ns: int
    end_ns: int
    skill_code: str
    text_zh: str
    text_en: str
    arm: str = "single"
    object_ids: tuple[str, ...] | None = None

    def value(self) -> JsonObject:
        """As it stands in the document."""
        value: dict[str, JsonValue] = {
            "start_ns": str(self.start_ns),
            "end_ns": str(self.end_ns),
            "skill_code": self.skill_code,
            "text_zh": self.text_zh,
            "text_en": self.text_en,
            "arm": self.arm,
        }
        if self.object_ids is not None:
            value["object_ids"] = list(self.object_ids)
        return value


@dataclass(frozen=True)
class SkillLayer:
    """A layer of skill segments, and who or what made it.

    Attributes:
        layer_id: Slug; the name of its folder.
        annotator_pseudonyms: Keyed hashes of people; empty where only a program annotated.
        auto_annotation: Model that proposed labels, as layer.json has it; None where none did.
        annotation_agreement: As layer.json has it; None where nobody compared.
        vocabulary_version: Version of the standard whose skill codes are used.
    """

    layer_id: str
    annotator_pseudonyms: tuple[str, ...] = ()
    auto_annotation: JsonObject | None = None
    annotation_agreement: JsonObject | None = None
    vocabulary_version: str = SCHEMA_VERSION


def annotate(dataset: Dataset, layer: SkillLayer, episode_id: str, segments: Sequence[Segment], *, now_ns: int) -> Path:
    """Write the segments of one episode, in order of time, and bring the layer's own document up to date.

    What the layer said of the episode before is replaced.

    Args:
        dataset: Open.
        layer: Made with its first episode.
        episode_id: An episode of the dataset.
        segments: In any order.
        now_ns: When the layer was finished, ns since the Unix epoch.

    Returns:
        The document of the episode.

    Raises:
        UsageError: The dataset is sealed, has no such episode, or its folder of that name is no layer of skills; the
            name is no slug; a segment ends before it starts.
        EnvironmentUnfitError: It cannot be written.
    """
    dataset.require_open()
    dataset.episode(episode_id)
    folder = dataset.root / ANNOTATIONS / require_slug(layer.layer_id, "a layer")
    ordered = sorted(segments, key=lambda segment: (segment.start_ns, segment.end_ns, segment.arm))
    for segment in ordered:
        if segment.end_ns < segment.start_ns:
            raise UsageError(
                f"expected a segment that ends after {segment.start_ns} ns, where it starts, got {segment.end_ns} ns"
            )
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    head: dict[str, JsonValue] = {"schema_version": SCHEMA_VERSION, "layer_id": layer.layer_id}
    _write_layer(folder / LAYER_JSON, head, dataset, layer, now_ns)
    path = folder / f"{episode_id}.json"
    values = [segment.value() for segment in ordered]
    write_whole(path, pretty_bytes({**head, "episode_id": episode_id, "skill_segments": values}))
    return path


def _write_layer(path: Path, head: JsonObject, dataset: Dataset, layer: SkillLayer, now_ns: int) -> None:
    if path.is_file() and (kind := load_json(path).get("kind", "skills")) != "skills":
        raise UsageError(f"expected a layer of skills, got the layer {layer.layer_id} of kind {kind}")
    document: dict[str, JsonValue] = {
        **head,
        "dataset_id": dataset.document().get("dataset_id"),
        "kind": "skills",
        "created_time": rfc3339(now_ns),
        "annotator_pseudonyms": list(layer.annotator_pseudonyms),
        "auto_annotation": layer.auto_annotation,
        "vocabulary_version": layer.vocabulary_version,
        "annotation_agreement": layer.annotation_agreement,
    }
    write_whole(path, pretty_bytes({name: value for name, value in document.items() if value is not None}))
