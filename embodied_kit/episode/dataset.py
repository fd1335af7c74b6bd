"""One dataset folder: make it, read its documents, exclude a take, seal it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from embodied_kit.canonical import load_json, parse_json, pretty_bytes
from embodied_kit.episode.document import SCHEMA_VERSION
from embodied_kit.episode.layout import (
    DATASET_JSON,
    EPISODE_JSON,
    EPISODES,
    GOVERNANCE_JSON,
    PRIVATE,
    ROBOT_JSON,
    ROBOTS,
    TASKS_JSON,
    write_whole,
    writing,
)
from embodied_kit.episode.locking import dataset_locked
from embodied_kit.episode.times import rfc3339
from embodied_kit.errors import UsageError
from embodied_kit.model.json import JsonObject, JsonValue

DEFAULT_GROUP = "default"
_SCENE_FIELDS = ("scene_id", "scene_type", "scene_text_zh", "scene_text_en")


@dataclass(frozen=True)
class Dataset:
    """A dataset folder that exists and has a dataset.json.

    Attributes:
        root: The folder.
    """

    root: Path

    @classmethod
    def open(cls, root: Path) -> Dataset:
        """The dataset in a folder.

        Raises:
            UsageError: There is none.
        """
        if not (root / DATASET_JSON).is_file():
            raise UsageError(
                f"expected a dataset folder with {DATASET_JSON}, got {root}",
                remedy=f"embodied-kit dataset init {root}",
            )
        return cls(root)

    def document(self) -> JsonObject:
        """dataset.json."""
        return load_json(self.root / DATASET_JSON)

    @property
    def sealed(self) -> bool:
        """Whether recording into it is refused."""
        return self.document().get("state") == "sealed"

    def require_open(self) -> None:
        """Refuse a change to a sealed dataset.

        Raises:
            UsageError: It is sealed.
        """
        if self.sealed:
            raise UsageError(
                f"the dataset {self.root} is sealed: its files may not change",
                remedy=f"go on in a new version: embodied-kit dataset new-version {self.root} NEW_DIR --version X.Y.Z",
            )

    def episode_ids(self) -> list[str]:
        """Ids of the episode folders, in order of time."""
        folder = self.root / EPISODES
        if not folder.is_dir():
            return []
        return sorted(child.name for child in folder.iterdir() if child.is_dir() and not child.is_symlink())

    def episode(self, episode_id: str) -> JsonObject:
        """episode.json of one episode.

        Raises:
            UsageError: There is no such episode.
        """
        path = self.root / EPISODES / episode_id / EPISODE_JSON
        if not path.is_file():
            raise UsageError(
                f"expected {EPISODE_JSON} of an episode in {self.root}, got none for {episode_id!r}",
                remedy=f"embodied-kit dataset ls {self.root}; a lost one comes back by embodied-kit dataset rebuild",
            )
        return load_json(path)

    def find_episode(self, prefix: str) -> str:
        """The one episode whose id starts or ends with a text.

        Raises:
            UsageError: None or several do.
        """
        ids = self.episode_ids() if prefix else []
        hits = [name for name in ids if name.startswith(prefix) or name.endswith(prefix)]
        if len(hits) != 1:
            raise UsageError(
                f"expected the id of one episode, got {prefix!r}, which {len(hits)} episodes match",
                remedy=f"embodied-kit dataset ls {self.root}",
            )
        return hits[0]

    def robot(self, robot_id: str) -> JsonObject:
        """robot.json of one robot.

        Raises:
            UsageError: The dataset has no such robot.
        """
        path = self.root / ROBOTS / robot_id / ROBOT_JSON
        if not path.is_file():
            known = sorted(path.parent.name for path in self.root.glob(f"{ROBOTS}/*/{ROBOT_JSON}"))
            raise UsageError(
                f"expected robot {robot_id!r} in {self.root / ROBOTS}, got {', '.join(known) or 'none'}",
                remedy="name under `robots:` of the contract one that is there, or bring it:"
                " embodied-kit dataset init --robot FILE",
            )
        return load_json(path)

    def task_ids(self) -> list[str]:
        """Ids in tasks.json."""
        return _ids(self._tasks(), "task_id")

    def task_scenes(self) -> dict[str, JsonObject]:
        """Scenes of the tasks in tasks.json by task id; a task that names no place has none."""
        scenes = {
            str(task.get("task_id")): {name: task[name] for name in _SCENE_FIELDS if name in task}
            for task in _entries(self._tasks())
        }
        return {task_id: scene for task_id, scene in scenes.items() if "scene_id" in scene}

    def _tasks(self) -> JsonValue:
        path = self.root / TASKS_JSON
        return load_json(path).get("tasks") if path.is_file() else None

    def collection_ids(self) -> list[str]:
        """Ids of the collections in dataset.json."""
        return _ids(self.document().get("collections"), "collection_id")

    def series_ids(self) -> list[str]:
        """Ids of the series in dataset.json."""
        return _ids(self.document().get("series"), "series_id")

    def exclude(self, episode_id: str, reason: str, now_ns: int) -> None:
        """Keep an episode in the set and out of its level, with the reason.

        Raises:
            UsageError: It is unknown or already excluded, the reason is empty, or the dataset is sealed.
        """
        self.require_open()
        self.episode(episode_id)
        if not reason.strip():
            raise UsageError(
                "expected a reason for excluding an episode, got none", remedy="--reason 'camera lost frames'"
            )
        with dataset_locked(self.root):
            document = dict(self.document())
            excluded = _entries(document.get("excluded"))
            if any(entry.get("episode_id") == episode_id for entry in excluded):
                raise UsageError(f"episode {episode_id} is excluded already")
            entry = {"episode_id": episode_id, "reason": reason, "excluded_at": rfc3339(now_ns)}
            document["excluded"] = [*excluded, entry]
            self._write(document, self._readable_episodes(), now_ns)

    def seal(self, version: str | None, now_ns: int) -> JsonObject:
        """Fix totals, modalities and version; from now on its files may not change.

        Returns:
            The new dataset.json.

        Raises:
            UsageError: It is sealed already, has no id, or has no episode.
        """
        self.require_open()
        self._require_id()
        if not self.episode_ids():
            raise UsageError(f"expected at least one episode to seal, got none in {self.root}")
        with dataset_locked(self.root):
            document = dict(self.document())
            if version is not None:
                document["dataset_version"] = version
            document["state"] = "sealed"
            document["sealed_time"] = rfc3339(now_ns)
            return self._write(document, [self.episode(name) for name in self.episode_ids()], now_ns)

    def _require_id(self) -> None:
        """Refuse to seal what nothing could name; the episodes know whose they are."""
        if self.document().get("dataset_id"):
            return
        known = {str(episode["dataset_id"]) for episode in self._readable_episodes() if "dataset_id" in episode}
        named = known.pop() if len(known) == 1 else "UUID"
        raise UsageError(
            f"expected a dataset_id in {self.root / DATASET_JSON}, got none",
            remedy=f'write "dataset_id": "{named}" into it',
        )

    def refresh(self, now_ns: int) -> None:
        """Bring totals, modalities and times of an open dataset up to date, after a take was added.

        Raises:
            UsageError: It is sealed.
        """
        with dataset_locked(self.root):
            self.require_open()
            self._write(dict(self.document()), self._readable_episodes(), now_ns)

    def _readable_episodes(self) -> list[JsonObject]:
        """Documents of the episodes; a damaged one is a finding of its own and must not stop a day of recording."""
        paths = [self.root / EPISODES / name / EPISODE_JSON for name in self.episode_ids()]
        results = [parse_json(path.read_bytes()) for path in paths if path.is_file()]
        return [result.value for result in results if result.value is not None]

    def _write(self, document: dict[str, JsonValue], episodes: Sequence[JsonObject], now_ns: int) -> JsonObject:
        excluded = {str(entry.get("episode_id")) for entry in _entries(document.get("excluded"))}
        streams = [stream for episode in episodes for stream in _entries(episode.get("streams"))]
        document["totals"] = totals(episodes, excluded)
        modalities = sorted({str(stream["modality"]) for stream in streams if "modality" in stream})
        if modalities:  # of imported streams nobody has declared any
            document["modalities"] = modalities
        starts = sorted(str(episode["start_time"]) for episode in episodes if "start_time" in episode)
        document["original_time"] = starts[0] if starts else document.get("original_time", rfc3339(now_ns))
        document["last_modified_time"] = rfc3339(now_ns)
        write_whole(self.root / DATASET_JSON, pretty_bytes(document))
        return document


def create(
    root: Path, dataset: JsonObject, *, governance: JsonObject, tasks: Sequence[JsonObject], now_ns: int
) -> Dataset:
    """Make a dataset folder with its three documents; fields that are not given stay out and become findings.

    Args:
        root: Folder that does not exist or is empty.
        dataset: Known fields of dataset.json, at least `dataset_id`.
        governance: Known fields of governance.json.
        tasks: Entries of tasks.json, each with `task_id`.
        now_ns: ns since the Unix epoch.

    Raises:
        UsageError: The folder has content already.
        EnvironmentUnfitError: It cannot be made.
    """
    with writing(root):
        if root.exists() and (not root.is_dir() or any(root.iterdir())):
            raise UsageError(f"expected a new or empty folder, got {root}", remedy="choose another path")
        (root / EPISODES).mkdir(parents=True)
        (root / ROBOTS).mkdir()
        (root / PRIVATE).mkdir()
    head = {"schema_version": SCHEMA_VERSION}
    now = rfc3339(now_ns)
    groups: dict[str, JsonValue] = {
        "state": "open",
        "original_time": now,
        "last_modified_time": now,
        "collections": [{"collection_id": DEFAULT_GROUP}],
        "series": [{"series_id": DEFAULT_GROUP, "collection_id": DEFAULT_GROUP}],
        "excluded": [],
        "lineage": [],
    }
    write_whole(root / GOVERNANCE_JSON, pretty_bytes({**head, "dataset_id": dataset["dataset_id"], **governance}))
    write_whole(root / TASKS_JSON, pretty_bytes({**head, "tasks": list(tasks)}))
    write_whole(root / DATASET_JSON, pretty_bytes({**head, **dataset, **groups}))
    return Dataset(root)


def totals(episodes: Sequence[JsonObject], excluded: set[str]) -> JsonObject:
    """Totals of dataset.json over its episode documents (sizes in bytes, times in s)."""
    left_out = [episode for episode in episodes if str(episode.get("episode_id")) in excluded]
    return {
        "episodes": len(episodes),
        "duration_s": _sum_duration_s(episodes),
        "size_bytes": sum(_integer(file, "size") for episode in episodes for file in _entries(episode.get("files"))),
        "messages": sum(_integer(s, "messages_n") for episode in episodes for s in _entries(episode.get("streams"))),
        "excluded_episodes": len(left_out),
        "excluded_duration_s": _sum_duration_s(left_out),
    }


def _sum_duration_s(episodes: Sequence[JsonObject]) -> float:
    values = [episode.get("duration_s") for episode in episodes]
    return round(sum(value for value in values if isinstance(value, int | float)), 6)


def _integer(value: JsonObject, name: str) -> int:
    item = value.get(name)
    return item if isinstance(item, int) else 0


def _ids(entries: JsonValue, name: str) -> list[str]:
    return [str(entry[name]) for entry in _entries(entries) if name in entry]


def _entries(value: JsonValue) -> list[JsonObject]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        return []
    return [entry for entry in value if isinstance(entry, Mapping)]
