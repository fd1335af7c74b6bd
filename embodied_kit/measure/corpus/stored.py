"""Statistics that an imported set came with, against those of its recordings (rule DS-06)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from embodied_kit.episode.layout import DATASET_JSON
from embodied_kit.measure.corpus.members import Corpus, corpus_row
from embodied_kit.measure.corpus.traits import Element, Moments
from embodied_kit.measure.declared.jsonget import get_number, get_objects, get_text
from embodied_kit.measure.declared.links import DatasetDocuments
from embodied_kit.measure.rows import NEEDS_SIGNAL
from embodied_kit.model.facts import Row
from embodied_kit.model.json import JsonObject

_UNSEEN = "no episode has this element"
_KINDS = {"mean": "stored_moment", "std": "stored_moment", "min": "stored_extreme", "max": "stored_extreme"}


def stored_elements(dataset: DatasetDocuments | None) -> frozenset[Element]:
    """Elements of whose values dataset.json keeps statistics; None for an episode that is measured alone."""
    document = dataset.first("dataset") if dataset else {}
    return frozenset(_element(item) for item in get_objects(document, "stored_statistics"))


def stored_statistics(corpus: Corpus) -> Iterator[Row]:
    """A row a stored number."""
    for item in get_objects(corpus.document, "stored_statistics"):
        element = _element(item)
        parts = [part for member in corpus.members if (part := member.traits.moments.get(element)) is not None]
        whole = pooled(parts)
        for statistic, kind in _KINDS.items():
            stored = get_number(item, statistic)
            if stored is None:
                continue
            name = f"{element[0]}.{element[1]}[{element[2]}].{statistic}"
            ratio = None if whole is None else difference_ratio(statistic, stored, whole)
            reasons = {"difference_ratio": NEEDS_SIGNAL if corpus.depth == "index" else _UNSEEN}
            values = {"n": whole.n if whole else 0, "difference_ratio": ratio}
            yield corpus_row(kind, DATASET_JSON, values, name=name, reasons=reasons)


def pooled(parts: Sequence[Moments]) -> Moments | None:
    """Moments of all samples together; None for no sample."""
    n = sum(part.n for part in parts)
    if n == 0:
        return None
    mean = math.fsum(part.n * part.mean for part in parts) / n
    square = math.fsum(part.n * (part.std**2 + (part.mean - mean) ** 2) for part in parts) / n
    least, most = min(part.least for part in parts), max(part.most for part in parts)
    return Moments(n, mean, math.sqrt(square), least, most)


def difference_ratio(statistic: str, stored: float, whole: Moments) -> float:
    """Difference of a stored number from the measured one, over its scale.

    The scale of mean and std is the larger of |measured| and the deviation, that of min and max the span; where it is 0
    an equal number differs by 0 and any other by 1.
    """
    measured = {"mean": whole.mean, "std": whole.std, "min": whole.least, "max": whole.most}[statistic]
    scale = max(abs(measured), whole.std) if statistic in ("mean", "std") else whole.most - whole.least
    if scale == 0:
        return 0.0 if stored == measured else 1.0
    return abs(stored - measured) / scale


def _element(item: JsonObject) -> Element:
    index = get_number(item, "index")
    return get_text(item, "stream_id"), get_text(item, "field"), int(index) if index is not None else 0
