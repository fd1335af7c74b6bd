"""What a take refers to must be there: its task, its collection, its series."""

from __future__ import annotations

from collections.abc import Sequence

from embodied_kit.episode.dataset import Dataset
from embodied_kit.episode.layout import DATASET_JSON, TASKS_JSON
from embodied_kit.errors import UsageError
from embodied_recorders.take.documents import TakeOptions


def require_references(dataset: Dataset, take: TakeOptions) -> None:
    """Refuse a take that would refer to nothing.

    Raises:
        UsageError: Its task is not in tasks.json, or its collection or series not in dataset.json.
    """
    _require_known("task", take.task_id, dataset.task_ids(), TASKS_JSON)
    _require_known("collection", take.collection_id, dataset.collection_ids(), DATASET_JSON)
    _require_known("series", take.series_id, dataset.series_ids(), DATASET_JSON)


def _require_known(kind: str, wanted: str, known: Sequence[str], place: str) -> None:
    if wanted not in known:
        raise UsageError(
            f"expected a {kind} of {place} ({', '.join(known) or 'it has none'}), got {wanted!r}",
            remedy=f"add it to {place}",
        )
