"""Table `link` between documents: identifiers, references, totals and times against each other (ST-04, 05, 09-12)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from embodied_kit.episode.layout import DATASET_JSON, TASKS_JSON
from embodied_kit.measure.corpus.traits import NO_TRAITS, Traits
from embodied_kit.measure.declared.documents import Document
from embodied_kit.measure.declared.jsonget import (
    get_list,
    get_ns,
    get_number,
    get_object,
    get_objects,
    get_text,
    get_texts,
)
from embodied_kit.measure.declared.times import parse_rfc3339
from embodied_kit.measure.rows import make_row
from embodied_kit.model.facts import Row
from embodied_kit.model.json import JsonObject, JsonValue

_SLUG = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_DURATION_STEP_S = 1e-6
_MANDATORY = ("dataset", "task")
_LETTERS = 200


@dataclass(frozen=True)
class EpisodeSummary:
    """What the links of a dataset need of one episode.

    Attributes:
        name: Name of its folder.
        document: episode.json; empty where it cannot be read.
        messages_n: Counted over its data files; None at depth `index`.
        size_bytes: Of the files that it lists, as they lie there.
        payload: Digest of its payloads; empty where it was not computed.
        traits: What the statistics of the dataset need.
    """

    name: str
    document: JsonObject
    messages_n: int | None
    size_bytes: int
    payload: str
    traits: Traits = NO_TRAITS


@dataclass(frozen=True)
class DatasetDocuments:
    """The documents of a dataset outside its episodes."""

    documents: Sequence[Document]

    @cached_property
    def _by_kind(self) -> Mapping[str, list[Document]]:
        """Of thousands of annotations each episode asks for a few documents."""
        found: dict[str, list[Document]] = {}
        for item in self.documents:
            found.setdefault(item.kind, []).append(item)
        return found

    @cached_property
    def annotations(self) -> Mapping[str, list[Document]]:
        """episode_id -> readable documents of layers about it."""
        found: dict[str, list[Document]] = {}
        for item in self.all("layer_episode"):
            found.setdefault(get_text(item.value, "episode_id"), []).append(item)
        return found

    def first(self, kind: str) -> JsonObject:
        """The first readable document of a kind; empty where there is none."""
        return next((item.value for item in self._by_kind.get(kind, ()) if item.ok), {})

    def all(self, kind: str) -> list[Document]:
        """Every readable document of a kind."""
        return [item for item in self._by_kind.get(kind, ()) if item.ok]

    def tells(self, kind: str) -> bool:
        """Whether every document that names objects of a kind is there and can be read; else ST-01 speaks of it."""
        at_home = {"collection": "dataset", "series": "dataset"}.get(kind, kind)
        found = self._by_kind.get(at_home, [])
        return all(item.ok for item in found) and bool(found or at_home not in _MANDATORY)

    def ids(self, kind: str) -> set[str]:
        """Ids that a kind of object has in this dataset: task, robot, collection, series, calibration."""
        if kind == "task":
            return {get_text(item, "task_id") for item in get_objects(self.first("task"), "tasks")}
        if kind in ("collection", "series"):
            plural = {"collection": "collections", "series": "series"}[kind]
            return {get_text(item, f"{kind}_id") for item in get_objects(self.first("dataset"), plural)}
        return {get_text(item.value, f"{kind}_id") for item in self.all(kind)}


def link_row(
    kind: str,
    source: str,
    target: str,
    state: str,
    *,
    expected: JsonValue = None,
    found: JsonValue = None,
    episode: str | None = None,
) -> Row:
    """One comparison; texts that others wrote are cut to 200 letters."""
    values: dict[str, JsonValue] = {
        "kind": kind,
        "source": source,
        "target": target[:_LETTERS],
        "state": state,
        "expected": None if expected is None else str(expected)[:_LETTERS],
        "found": None if found is None else str(found)[:_LETTERS],
    }
    return make_row("link", values, episode=episode)


def compared(kind: str, source: str, target: str, expected: str, found: str, *, episode: str | None = None) -> Row:
    """A row `equal` or `different`, or `missing` where nothing was found."""
    state = "missing" if not found else "equal" if expected == found else "different"
    return link_row(kind, source, target, state, expected=expected, found=found or None, episode=episode)


def episode_document_links(name: str, path: str, document: JsonObject, dataset: DatasetDocuments | None) -> list[Row]:
    """Identifiers, references and times of one episode.json.

    Args:
        name: Name of the episode's folder.
        path: Of episode.json.
        document: Its content; empty where it cannot be read.
        dataset: None where the episode is measured alone; then nothing outside it is referred to.
    """
    if not document:
        return []
    rows = [_form("episode_id", path, get_text(document, "episode_id"), _UUID7, name)]
    rows.append(compared("id_unique", path, "folder", name, get_text(document, "episode_id"), episode=name))
    rows += _order(path, document, ("start_time", "end_time"), episode=name)
    start, end = get_ns(document, "start_ns"), get_ns(document, "end_ns")
    if start is not None and end is not None:
        state = "equal" if start <= end else "out_of_order"
        rows.append(link_row("time_order", path, "start_ns <= end_ns", state, episode=name))
    rows += _lineage(path, document, name)
    return rows if dataset is None else [*rows, *_episode_references(name, path, document, dataset)]


def dataset_links(
    dataset: DatasetDocuments, episodes: Sequence[EpisodeSummary], left_out: Sequence[str] = ()
) -> list[Row]:
    """Every link of the dataset's own documents.

    Args:
        dataset: The documents.
        episodes: Those that were measured.
        left_out: Names of episodes that are there and were not; then nothing is held against totals.
    """
    value = dataset.first("dataset")
    rows: list[Row] = []
    if value:
        rows.append(_form("dataset_id", DATASET_JSON, get_text(value, "dataset_id"), _UUID7, None))
        rows += _order(DATASET_JSON, value, ("original_time", "last_modified_time"), episode=None)
        rows += _dataset_references(value, dataset, {*(episode.name for episode in episodes), *left_out})
        rows += [] if left_out else _totals(value, episodes)
        rows += _lineage(DATASET_JSON, value, None)
    rows += _cycles(episodes)
    rows += _unique(dataset, episodes)
    rows += _robot_references(dataset)
    return rows


def duplicate_links(episodes: Sequence[EpisodeSummary]) -> list[Row]:
    """One row an episode: whether another one has the same payloads (rule DS-02)."""
    holders: dict[str, list[str]] = {}
    for episode in episodes:
        if episode.payload:
            holders.setdefault(episode.payload, []).append(episode.name)
    rows = []
    for payload, names in holders.items():
        for name in names:
            other = next((item for item in names if item != name), "")
            state = "duplicate" if other else "equal"
            path = f"episodes/{name}/episode.json"
            rows.append(link_row("duplicate_episode", path, other, state, found=payload, episode=name))
    return rows


def field_links(rows: Iterable[Row]) -> list[Row]:
    """Sums of expected and missing fields over the rows of all documents that are files (rules ST-09, ST-10)."""
    sums: Counter[str] = Counter()
    for row in rows:
        for name in ("core_expected_n", "core_missing_n", "general_expected_n", "general_missing_n"):
            count = row.get(name)
            if row.get("embedded_in") is None and isinstance(count, int):
                sums[name] += count
    found = []
    for kind in ("core", "general"):
        expected, missing = sums[f"{kind}_expected_n"], sums[f"{kind}_missing_n"]
        if expected:
            values: dict[str, JsonValue] = {
                "kind": f"{kind}_fields",
                "source": DATASET_JSON,
                "target": "",
                "state": "missing" if missing else "equal",
                "expected_n": expected,
                "missing_n": missing,
                "missing_ratio": missing / expected,
            }
            found.append(make_row("link", values))
    return found


def _form(name: str, path: str, found: str, pattern: re.Pattern[str], episode: str | None) -> Row:
    state = "equal" if pattern.fullmatch(found) else "malformed"
    return link_row("id_form", path, name, state, found=found, episode=episode)


def _order(path: str, document: JsonObject, names: tuple[str, str], *, episode: str | None) -> list[Row]:
    first, last = (parse_rfc3339(get_text(document, name)) for name in names)
    if first is None or last is None:
        return []
    state = "equal" if first <= last else "out_of_order"
    return [link_row("time_order", path, f"{names[0]} <= {names[1]}", state, episode=episode)]


def _episode_references(name: str, path: str, document: JsonObject, dataset: DatasetDocuments) -> Iterator[Row]:
    wanted = [("dataset", "dataset_id", get_text(document, "dataset_id"))]
    wanted += [(kind, f"{kind}_id", get_text(document, f"{kind}_id")) for kind in ("task", "collection", "series")]
    wanted += [("robot", "robot_ids", robot_id) for robot_id in get_texts(document, "robot_ids")]
    for kind, field_name, identifier in wanted:
        if identifier:
            yield from _reference_to(dataset, kind, path, field_name, identifier, name)


def _reference_to(
    dataset: DatasetDocuments, kind: str, path: str, field_name: str, identifier: str, episode: str | None = None
) -> Iterator[Row]:
    """A reference, unless the document that would tell cannot be read: then nobody knows whether it dangles."""
    known = dataset.ids(kind)
    if identifier in known or dataset.tells(kind):
        yield _reference(path, field_name, identifier, known, episode)


def _reference(path: str, field_name: str, identifier: str, known: set[str], episode: str | None = None) -> Row:
    state = "equal" if identifier in known else "dangling"
    return link_row("reference", path, f"{field_name}: {identifier}", state, expected=identifier, episode=episode)


def _dataset_references(value: JsonObject, dataset: DatasetDocuments, episodes: set[str]) -> Iterator[Row]:
    for item in get_objects(value, "series"):
        collection = get_text(item, "collection_id")
        if collection:
            yield from _reference_to(dataset, "collection", DATASET_JSON, "series.collection_id", collection)
    for item in get_objects(value, "excluded"):
        yield _reference(DATASET_JSON, "excluded.episode_id", get_text(item, "episode_id"), episodes)
    layers = {item.path.rpartition("/")[0]: item.value for item in dataset.all("layer")}
    for document in dataset.all("layer_episode"):
        yield _reference(document.path, "episode_id", get_text(document.value, "episode_id"), episodes)
        layer = layers.get(document.path.rpartition("/")[0], {})
        if layer or dataset.tells("layer"):
            known = {get_text(layer, "layer_id")} if layer else set()
            yield _reference(document.path, "layer_id", get_text(document.value, "layer_id"), known)


def _robot_references(dataset: DatasetDocuments) -> Iterator[Row]:
    for document in dataset.all("robot"):
        folder = document.path.split("/")[1]
        robot_id = get_text(document.value, "robot_id")
        yield compared("id_unique", document.path, "folder", folder, robot_id)
        for identifier in get_texts(document.value, "calibration_ids"):
            yield from _reference_to(dataset, "calibration", document.path, "calibration_ids", identifier)
    for document in dataset.all("calibration"):
        yield _reference(document.path, "robot_id", get_text(document.value, "robot_id"), {document.path.split("/")[1]})


def _unique(dataset: DatasetDocuments, episodes: Sequence[EpisodeSummary]) -> Iterator[Row]:
    """Each identifier once, with its form: slugs here, UUIDs where they stand."""
    value = dataset.first("dataset")
    listed = {
        ("task_id", TASKS_JSON): [get_text(item, "task_id") for item in get_objects(dataset.first("task"), "tasks")],
        ("collection_id", DATASET_JSON): [get_text(i, "collection_id") for i in get_objects(value, "collections")],
        ("series_id", DATASET_JSON): [get_text(item, "series_id") for item in get_objects(value, "series")],
        ("robot_id", "robots"): [get_text(item.value, "robot_id") for item in dataset.all("robot")],
        ("calibration_id", "robots"): [get_text(i.value, "calibration_id") for i in dataset.all("calibration")],
        ("layer_id", "annotations"): [get_text(item.value, "layer_id") for item in dataset.all("layer")],
    }
    for (name, path), identifiers in listed.items():
        for identifier, count in sorted(Counter(identifiers).items()):
            state = "equal" if count == 1 else "duplicate"
            yield link_row("id_unique", path, f"{name}: {identifier}", state, expected="1", found=str(count))
            form = "equal" if _SLUG.fullmatch(identifier) else "malformed"
            yield link_row("id_form", path, f"{name}: {identifier}", form, found=identifier)
    ids = Counter(get_text(episode.document, "episode_id") for episode in episodes if episode.document)
    for episode in episodes:
        identifier = get_text(episode.document, "episode_id")
        if identifier:
            state = "equal" if ids[identifier] == 1 else "duplicate"
            path = f"episodes/{episode.name}/episode.json"
            yield link_row("id_unique", path, "episode_id", state, found=identifier, episode=episode.name)


def _totals(value: JsonObject, episodes: Sequence[EpisodeSummary]) -> Iterator[Row]:
    """Declared against counted totals (rule ST-12); only a sealed dataset declares them."""
    totals = get_object(value, "totals")
    excluded = {get_text(item, "episode_id") for item in get_objects(value, "excluded")}
    left_out = [episode for episode in episodes if episode.name in excluded]
    counted = [episode.messages_n for episode in episodes]
    found: dict[str, float | None] = {
        "episodes": len(episodes),
        "duration_s": _duration_s(episodes),
        "size_bytes": sum(episode.size_bytes for episode in episodes),
        "messages": None if None in counted else sum(count for count in counted if count is not None),
        "excluded_episodes": len(left_out),
        "excluded_duration_s": _duration_s(left_out),
    }
    for name, number in found.items():
        if name in totals and number is not None:
            kind = "excluded_sum" if name.startswith("excluded") else "totals"
            yield _number_row(kind, DATASET_JSON, f"totals.{name}", get_number(totals, name), number)


def _number_row(kind: str, path: str, target: str, declared: float | None, found: float) -> Row:
    same = declared is not None and abs(declared - found) <= (_DURATION_STEP_S if isinstance(found, float) else 0)
    state = "equal" if same else "different"
    return link_row(kind, path, target, state, expected=_shown(declared), found=_shown(found))


def _shown(number: float | None) -> str:
    return "" if number is None else f"{number:.9g}" if isinstance(number, float) else str(number)


def _duration_s(episodes: Sequence[EpisodeSummary]) -> float:
    """Sum of the spans of the episodes in s, as their own start and end say."""
    total_ns = 0
    for episode in episodes:
        start, end = get_ns(episode.document, "start_ns"), get_ns(episode.document, "end_ns")
        total_ns += end - start if start is not None and end is not None else 0
    return round(total_ns / 1e9, 6)


def _cycles(episodes: Sequence[EpisodeSummary]) -> Iterator[Row]:
    """Episodes that descend from themselves: what is left when every episode without unsettled parents is settled."""
    parents = {
        get_text(episode.document, "episode_id"): {
            get_text(step, "parent_id") for step in get_objects(episode.document, "lineage")
        }
        for episode in episodes
    }
    settled: set[str] = set(parents)
    while settled:
        settled = {name for name, known in parents.items() if not known & parents.keys()}
        parents = {name: known for name, known in parents.items() if name not in settled}
    for episode in episodes:
        if get_text(episode.document, "episode_id") in parents:
            path = f"episodes/{episode.name}/episode.json"
            yield link_row("lineage", path, "ancestors", "out_of_order", episode=episode.name)


def _lineage(path: str, document: JsonObject, episode: str | None) -> Iterator[Row]:
    """Each step names its parent and what was done, and an import names its source (rule PV-06)."""
    steps = get_list(document, "lineage")
    if get_text(document, "origin") == "imported" and not steps and not document.get("imported_from"):
        yield link_row("lineage", path, "imported_from", "missing", episode=episode)
    for index, step in enumerate(steps):
        told = isinstance(step, Mapping) and get_text(step, "parent_id") and get_text(step, "operation")
        state = "equal" if told else "malformed"
        yield link_row("lineage", path, f"lineage[{index}]", state, episode=episode)
    if not steps and get_text(document, "origin") in ("recorded", "recovered"):
        yield link_row("lineage", path, "origin", "equal", episode=episode)
