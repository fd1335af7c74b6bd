"""The episodes of a dataset as its statistics see them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from embodied_kit.episode.layout import EPISODE_JSON, EPISODES
from embodied_kit.measure.corpus.traits import Traits
from embodied_kit.measure.declared.jsonget import get_ns, get_object, get_objects, get_text, get_texts
from embodied_kit.measure.declared.links import DatasetDocuments, EpisodeSummary
from embodied_kit.measure.rows import make_row
from embodied_kit.model.facts import Depth, Row
from embodied_kit.model.json import JsonObject, JsonValue

TOP_ROWS = 64
_NS_PER_S = 1e9
Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, eq=False)
class Member:
    """One episode with a readable episode.json.

    Attributes:
        name: Of its folder.
        scene: scene_id of the episode, else of its task; empty where nobody says.
        payload: Digest of its payloads; empty where it was not computed.
    """

    name: str
    document: JsonObject
    traits: Traits
    scene: str
    payload: str

    @property
    def path(self) -> str:
        """Of its document."""
        return f"{EPISODES}/{self.name}/{EPISODE_JSON}"

    @cached_property
    def task(self) -> str:
        """task_id; empty for none."""
        return get_text(self.document, "task_id")

    @cached_property
    def robots(self) -> tuple[str, ...]:
        """robot_ids in order."""
        return tuple(sorted(get_texts(self.document, "robot_ids")))

    @cached_property
    def duration_s(self) -> float | None:
        """Length of its span, s; None where it has none."""
        start, end = get_ns(self.document, "start_ns"), get_ns(self.document, "end_ns")
        return (end - start) / _NS_PER_S if start is not None and end is not None and end > start else None


@dataclass(frozen=True)
class Corpus:
    """A dataset and its episodes.

    Attributes:
        episodes: In order of their names.
        depth: How deep they were measured.
    """

    dataset: DatasetDocuments
    episodes: Sequence[EpisodeSummary]
    depth: Depth

    @cached_property
    def document(self) -> JsonObject:
        """dataset.json; empty where it cannot be read."""
        return self.dataset.first("dataset")

    @cached_property
    def tasks(self) -> Mapping[str, JsonObject]:
        """task_id -> entry of tasks.json."""
        return {get_text(item, "task_id"): item for item in get_objects(self.dataset.first("task"), "tasks")}

    @cached_property
    def members(self) -> tuple[Member, ...]:
        """Every episode whose document can be read."""
        return tuple(self._member(item) for item in self.episodes if item.document)

    @cached_property
    def accepted(self) -> tuple[Member, ...]:
        """Those that are not excluded."""
        excluded = {get_text(item, "episode_id") for item in get_objects(self.document, "excluded")}
        return tuple(member for member in self.members if member.name not in excluded)

    def _member(self, item: EpisodeSummary) -> Member:
        task = self.tasks.get(get_text(item.document, "task_id"), {})
        scene = get_text(get_object(item.document, "scene"), "scene_id") or get_text(task, "scene_id")
        return Member(item.name, item.document, item.traits, scene, item.payload)


def corpus_row(
    kind: str,
    source: str,
    values: Mapping[str, JsonValue],
    *,
    target: str = "",
    name: str = "",
    episode: str | None = None,
    reasons: Mapping[str, str] | None = None,
) -> Row:
    """A row of the table `corpus`."""
    key: dict[str, JsonValue] = {"kind": kind, "source": source, "target": target, "name": name}
    return make_row("corpus", key | dict(values), episode=episode, reasons=reasons)


def grouped(members: Iterable[Member], key: Callable[[Member], Key]) -> dict[Key, list[Member]]:
    """Members by a key, in order."""
    groups: dict[Key, list[Member]] = {}
    for member in members:
        groups.setdefault(key(member), []).append(member)
    return groups
