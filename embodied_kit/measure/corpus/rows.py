"""Table `corpus`: every part of it, in one list."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from embodied_kit.measure.corpus.alike import near_duplicates, transcoded
from embodied_kit.measure.corpus.groups import distributions, kinds, series, split_leaks
from embodied_kit.measure.corpus.layered import agreements, round_trips
from embodied_kit.measure.corpus.members import Corpus
from embodied_kit.measure.corpus.spreads import diversity, drift, durations
from embodied_kit.measure.corpus.stored import stored_statistics
from embodied_kit.measure.declared.links import DatasetDocuments, EpisodeSummary
from embodied_kit.model.facts import Depth, Row

PARTS: Sequence[Callable[[Corpus], Iterator[Row]]] = (
    near_duplicates,
    transcoded,
    split_leaks,
    stored_statistics,
    durations,
    kinds,
    diversity,
    distributions,
    drift,
    series,
    agreements,
    round_trips,
)


def corpus_rows(episodes: Iterable[EpisodeSummary], dataset: DatasetDocuments, depth: Depth) -> list[Row]:
    """Rows of a dataset; nothing depends on the order of its episodes.

    Args:
        episodes: What is kept of each.
        dataset: The documents outside the episodes.
        depth: How deep the episodes were measured.
    """
    corpus = Corpus(dataset, sorted(episodes, key=lambda item: item.name), depth)
    return [row for part in PARTS for row in part(corpus)]
