"""Rows of kind duration, drift and diversity (rules DS-07, DS-11, DS-09)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from embodied_kit.episode.layout import DATASET_JSON, TASKS_JSON
from embodied_kit.measure.corpus.ks import ks_two_sample
from embodied_kit.measure.corpus.members import TOP_ROWS, Corpus, Member, corpus_row, grouped
from embodied_kit.measure.corpus.outliers import find_spread
from embodied_kit.measure.corpus.paths import MAX_PATHS, mean_distance_m
from embodied_kit.measure.declared.jsonget import get_positive, get_text
from embodied_kit.measure.rows import NEEDS_SIGNAL
from embodied_kit.model.facts import Row
from embodied_kit.model.json import JsonValue

SIGNIFICANT_P = 0.01
"""deepen-grade 0.4.1."""
MIN_BATCH = 4
"""Fewer numbers have no distribution."""
_UNDECLARED = "the task declares no feasible distance"
_NO_PATHS = "fewer than two episodes of the task have a path"


def durations(corpus: Corpus) -> Iterator[Row]:
    """The 64 episodes whose durations lie farthest from those of their task."""
    found: list[tuple[float, Member, dict[str, JsonValue]]] = []
    timed = [item for item in corpus.accepted if item.duration_s is not None]
    for members in grouped(timed, lambda item: item.task).values():
        values = [item.duration_s or 0.0 for item in members]
        spread = find_spread(values)
        if spread is None:
            continue
        for item, duration, excess, sigma in zip(members, values, spread.excess, spread.sigma, strict=True):
            numbers: dict[str, JsonValue] = {"duration_s": duration, "median_s": spread.median}
            numbers |= {"n": len(members), "iqr_excess": excess, "sigma": sigma}
            found.append((-excess, item, numbers))
    found.sort(key=lambda entry: (entry[0], entry[1].name))
    for _, item, numbers in found[:TOP_ROWS]:
        yield corpus_row("duration", item.path, numbers, target=item.task, episode=item.name)


def drift(corpus: Corpus) -> Iterator[Row]:
    """Each batch against all before it, within a task and its robots; the 64 largest differences."""
    found: list[tuple[float, float, str, str, dict[str, JsonValue]]] = []
    for members in grouped(corpus.accepted, lambda item: (item.task, item.robots)).values():
        before: dict[str, list[float]] = {}
        for batch, part in grouped(members, lambda item: get_text(item.document, "collection_id")).items():
            later = _quantities(part)
            found += _compared(batch, before, later)
            for name, measured in later.items():
                before.setdefault(name, []).extend(measured)
    found.sort(key=lambda entry: entry[:4])
    for _, _, batch, name, numbers in found[:TOP_ROWS]:
        yield corpus_row("drift", DATASET_JSON, numbers, target=batch, name=name)


def _compared(
    batch: str, earlier: Mapping[str, Sequence[float]], later: Mapping[str, Sequence[float]]
) -> Iterator[tuple[float, float, str, str, dict[str, JsonValue]]]:
    for name in sorted(earlier.keys() & later.keys()):
        if min(len(earlier[name]), len(later[name])) < MIN_BATCH:
            continue
        result = ks_two_sample(earlier[name], later[name])
        drifted = result.d if result.p < SIGNIFICANT_P else 0.0
        numbers: dict[str, JsonValue] = {"n": len(earlier[name]) + len(later[name])}
        numbers |= {"ks_d": result.d, "p_value": result.p, "drift_d": drifted}
        yield -drifted, -result.d, batch, name, numbers


def _quantities(members: Sequence[Member]) -> dict[str, list[float]]:
    """One number an episode: its duration, the length of its path, the mean position of each joint."""
    values: dict[str, list[float]] = {}
    for item in members:
        if item.duration_s is not None:
            values.setdefault("duration_s", []).append(item.duration_s)
        if item.traits.path is not None:
            steps = np.diff(item.traits.path.astype(np.float64), axis=0)
            values.setdefault("path_m", []).append(math.fsum(np.sqrt((steps * steps).sum(axis=1)).tolist()))
        if item.traits.states is not None:
            for index, column in enumerate(item.traits.states.T.tolist()):
                values.setdefault(f"joint[{index}]", []).append(math.fsum(column) / len(column))
    return values


def diversity(corpus: Corpus) -> Iterator[Row]:
    """Mean Hausdorff distance of the paths of each task over the distance that the task declares feasible."""
    for task, members in sorted(grouped(corpus.accepted, lambda item: item.task).items()):
        feasible_m = get_positive(corpus.tasks.get(task, {}), "feasible_distance_m")
        paths = [item.traits.path for item in members if item.traits.path is not None]
        distance_m = mean_distance_m(paths) if feasible_m is not None else None
        measured = feasible_m is not None and distance_m is not None
        values: dict[str, JsonValue] = {
            "n": min(len(paths), MAX_PATHS),
            "missing_n": len(members) - len(paths),
            "distance_m": distance_m,
            "feasible_m": feasible_m,
            "diversity_ratio": distance_m / feasible_m if measured and feasible_m and distance_m is not None else None,
        }
        no_paths = NEEDS_SIGNAL if corpus.depth == "index" else _NO_PATHS
        why = _UNDECLARED if feasible_m is None else no_paths
        reasons = {"distance_m": why, "feasible_m": _UNDECLARED, "diversity_ratio": why}
        yield corpus_row("diversity", TASKS_JSON, values, target=task, reasons=reasons)
