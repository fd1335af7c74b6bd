"""Rows that count: splits, kinds, distributions, sameness within a series (rules DS-05, DS-08, DS-10, DS-13)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from embodied_kit.episode.layout import DATASET_JSON
from embodied_kit.measure.corpus.members import Corpus, Member, corpus_row, grouped
from embodied_kit.measure.declared.jsonget import get_objects, get_text, get_texts
from embodied_kit.model.facts import Row
from embodied_kit.model.json import JsonValue

_NO_MODALITY = "reference"  # allowed in modalities[] and never counted as one
_UNKNOWN_OUTCOME = "unknown"
_NO_SHARE = {
    "episode": "a split names an episode that the dataset does not have",
    "series": "the series of some episodes is not known",
    "scene": "the scene of some episodes is not known",
}


def split_leaks(corpus: Corpus) -> Iterator[Row]:
    """Episodes, series and scenes that stand in more than one split; nothing where there are no two splits."""
    splits = [
        (get_text(item, "split"), get_texts(item, "episode_ids")) for item in get_objects(corpus.document, "splits")
    ]
    if len({split for split, _ in splits}) < 2:
        return
    members = {item.name: item for item in corpus.members}
    ways: dict[str, Callable[[str], str]] = {
        "episode": lambda name: members[name].payload or name if name in members else "",
        "series": lambda name: get_text(members[name].document, "series_id") if name in members else "",
        "scene": lambda name: members[name].scene if name in members else "",
    }
    for way, of in ways.items():
        places: dict[str, set[str]] = {}
        missing = 0
        for split, names in splits:
            for name in names:
                identifier = of(name)
                missing += not identifier
                places.setdefault(identifier, set()).add(split)
        shared = sorted(name for name, where in places.items() if name and len(where) > 1)
        yield corpus_row(
            "split_leak",
            DATASET_JSON,
            {
                "n": sum(len(names) for _, names in splits),
                "missing_n": missing,
                "distinct_n": None if missing and not shared else len(shared),
            },
            target=shared[0] if shared else "",
            name=way,
            reasons={"distinct_n": _NO_SHARE[way]},
        )


def kinds(corpus: Corpus) -> Iterator[Row]:
    """Tasks that have episodes, and skills that stand in the layers of accepted episodes."""
    tasks = Counter(item.task for item in corpus.accepted if item.task)
    names = {item.name for item in corpus.accepted}
    skills: Counter[str] = Counter()
    for document in corpus.dataset.all("layer_episode"):
        if get_text(document.value, "episode_id") in names:
            segments = get_objects(document.value, "skill_segments")
            skills.update({code for item in segments if (code := get_text(item, "skill_code"))})
    for name, counts in (("task", tasks), ("skill", skills)):
        values: dict[str, JsonValue] = {
            "n": len(corpus.accepted),
            "distinct_n": len(counts),
            "counts": dict(sorted(counts.items())),
        }
        yield corpus_row("kinds", DATASET_JSON, values, name=name)


def distributions(corpus: Corpus) -> Iterator[Row]:
    """Number of episodes by modality, outcome, operator and scene."""
    if not corpus.accepted:
        return
    ways: Mapping[str, Callable[[Member], Iterable[str]]] = {
        "modality": _modalities,
        "outcome": lambda item: [get_text(item.document, "outcome").replace(_UNKNOWN_OUTCOME, "")],
        "operator": lambda item: [get_text(item.document, "operator_pseudonym")],
        "scene": lambda item: [item.scene],
    }
    for name, words_of in ways.items():
        counts: Counter[str] = Counter()
        missing = 0
        for item in corpus.accepted:
            words = {word for word in words_of(item) if word}
            counts.update(words)
            missing += not words
        values: dict[str, JsonValue] = {
            "n": len(corpus.accepted),
            "missing_n": missing,
            "distinct_n": len(counts),
            "counts": dict(sorted(counts.items())),
        }
        yield corpus_row("distribution", DATASET_JSON, values, name=name)


def _modalities(item: Member) -> Iterable[str]:
    return {get_text(stream, "modality") for stream in get_objects(item.document, "streams")} - {_NO_MODALITY}


def series(corpus: Corpus) -> Iterator[Row]:
    """Different robots, URDFs, and units of a stream within each series; what no episode tells is another rule's."""
    urdfs_at_home = {
        get_text(item.value, "robot_id"): get_text(item.value, "urdf_sha256") for item in corpus.dataset.all("robot")
    }
    for name, members in sorted(grouped(corpus.accepted, lambda item: get_text(item.document, "series_id")).items()):
        if name:
            robots = [{"": ",".join(item.robots)} if item.robots else {} for item in members]
            urdfs = [item.traits.urdfs or _known(urdfs_at_home, item.robots) for item in members]
            units = [item.traits.units for item in members]
            yield from _series_row(name, "robot", robots)
            yield from _series_row(name, "urdf", urdfs)
            yield from _series_row(name, "unit", units, sparse=True)


def _known(digests: Mapping[str, str], robots: Iterable[str]) -> Mapping[str, str]:
    return {robot: digest for robot in robots if (digest := digests.get(robot, ""))}


def _series_row(series_id: str, name: str, told: Sequence[Mapping[str, str]], *, sparse: bool = False) -> Iterator[Row]:
    """How many different values one thing has at most.

    Args:
        series_id: The series.
        name: Of the quantity.
        told: Of each episode: thing -> value.
        sparse: Whether an episode may tell nothing: images have no unit.
    """
    values: dict[str, set[str]] = {}
    for item in told:
        for thing, value in item.items():
            values.setdefault(thing, set()).add(value)
    distinct = max((len(found) for found in values.values()), default=0)
    missing = 0 if sparse else sum(not item for item in told)
    if not distinct:
        return
    row: dict[str, JsonValue] = {"n": len(told), "missing_n": missing}
    row["distinct_n"] = None if missing and distinct < 2 else distinct
    reasons = {"distinct_n": f"some episodes of the series tell no {name}"}
    yield corpus_row("series", DATASET_JSON, row, target=series_id, name=name, reasons=reasons)
