"""Rows of kind agreement and round_trip: what annotation layers say of the dataset (rules SM-12, DS-14)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from embodied_kit.episode.layout import DATASET_JSON
from embodied_kit.measure.corpus.agreement import agree
from embodied_kit.measure.corpus.members import Corpus, corpus_row
from embodied_kit.measure.declared.documents import Document
from embodied_kit.measure.declared.jsonget import get_ns, get_number, get_object, get_text, get_texts
from embodied_kit.measure.declared.segments import by_arm, pieces_of, tidy
from embodied_kit.model.facts import Row
from embodied_kit.model.json import JsonObject, JsonValue

MAX_LAYERS = 8
"""Layers of which each pair is compared."""
_SKILLS, _ROUND_TRIP = "skills", "round_trip"
_NUMBERS = ("kappa", "boundary_s")
_NO_EXPORT = "no exporter has left a round trip"
_ALONE = "one person annotated, and nobody else"
_NOBODY = "a model annotated, and no person"
_UNTOLD = "the layer declares no agreement"
_TOO_MANY = "more than 8 layers are not held against each other"
_NO_TIME = "the two layers share no annotated time, or one code"


def agreements(corpus: Corpus) -> Iterator[Row]:
    """Each pair of layers by different people; of a layer without such another one what it declares.

    A layer beyond the first MAX_LAYERS might have such another one: nobody knows, whatever it declares.
    """
    layers = [item for item in corpus.dataset.all("layer") if get_text(item.value, "kind") == _SKILLS]
    people = {item.path: set(get_texts(item.value, "annotator_pseudonyms")) for item in layers}
    by_people = [item for item in layers if people[item.path]]
    left_out = {item.path for item in by_people[MAX_LAYERS:]}
    compared: set[str] = set()
    for first, second in combinations(by_people[:MAX_LAYERS], 2):
        if not people[first.path] & people[second.path]:
            row = _measured(corpus, first, second)
            if row is not None:
                compared |= {first.path, second.path}
                yield row
    for layer in layers:
        if layer.path in left_out:
            yield corpus_row("agreement", layer.path, {}, name="measured", reasons=dict.fromkeys(_NUMBERS, _TOO_MANY))
        elif layer.path not in compared and (people[layer.path] or "auto_annotation" in layer.value):
            yield _declared(layer, len(people[layer.path]))


def _measured(corpus: Corpus, first: Document, second: Document) -> Row | None:
    """Agreement over the episodes that both annotate; None where there is none."""
    ours, theirs = _documents(corpus, first), _documents(corpus, second)
    episodes = []
    for member in corpus.accepted:
        start, end = get_ns(member.document, "start_ns"), get_ns(member.document, "end_ns")
        if member.name in ours and member.name in theirs and start is not None and end is not None and start < end:
            parts = [by_arm(pieces_of(found[member.name])) for found in (ours, theirs)]
            one, other = ({arm: tidy(pieces) for arm, pieces in part.items()} for part in parts)
            episodes.append(((start, end), one, other))
    if not episodes:
        return None
    result = agree(episodes)
    values: dict[str, JsonValue] = {"n": len(episodes), "kappa": result.kappa, "boundary_s": result.boundary_s}
    reasons: dict[str, str] = dict.fromkeys(_NUMBERS, _NO_TIME)
    target = get_text(second.value, "layer_id")
    return corpus_row("agreement", first.path, values, target=target, name="measured", reasons=reasons)


def _documents(corpus: Corpus, layer: Document) -> dict[str, JsonObject]:
    """Episode -> what a layer says of it."""
    folder = layer.path.rpartition("/")[0] + "/"
    return {
        get_text(item.value, "episode_id"): item.value
        for item in corpus.dataset.all("layer_episode")
        if item.path.startswith(folder)
    }


def _declared(layer: Document, people_n: int) -> Row:
    agreement = get_object(layer.value, "annotation_agreement")
    values: dict[str, JsonValue] = {
        "n": _integer(agreement, "episodes_n"),
        "kappa": get_number(agreement, "kappa") if people_n > 1 else None,
        "boundary_s": get_number(agreement, "boundary_s") if people_n > 1 else None,
    }
    why = {0: _NOBODY, 1: _ALONE}.get(people_n, _UNTOLD)
    return corpus_row("agreement", layer.path, values, name="declared", reasons=dict.fromkeys(_NUMBERS, why))


def round_trips(corpus: Corpus) -> Iterator[Row]:
    """What each exporter left in a layer; a row that says so where none did."""
    layers: Sequence[Document] = [
        item for item in corpus.dataset.all("layer") if get_text(item.value, "kind") == _ROUND_TRIP
    ]
    for layer in layers:
        told = get_object(layer.value, "round_trip")
        values: dict[str, JsonValue] = {
            "n": _integer(told, "episodes_n"),
            "lost_n": _integer(told, "lost_n"),
            "silent_n": _integer(told, "silent_n"),
        }
        reasons: dict[str, str] = dict.fromkeys(("lost_n", "silent_n"), _NO_EXPORT)
        yield corpus_row("round_trip", layer.path, values, target=get_text(told, "format"), reasons=reasons)
    if not layers:
        yield corpus_row("round_trip", DATASET_JSON, {}, reasons=dict.fromkeys(("lost_n", "silent_n"), _NO_EXPORT))


def _integer(value: JsonObject, name: str) -> int | None:
    number = get_number(value, name)
    return int(number) if number is not None and number >= 0 else None
