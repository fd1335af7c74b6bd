"""Facts: everything that was measured, as rows of named tables; judging reads nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from embodied_kit.model.json import JsonValue

Depth = Literal["index", "signal", "full"]
DEPTHS: tuple[Depth, ...] = ("index", "signal", "full")
Row = Mapping[str, JsonValue]
TABLES: tuple[str, ...] = (
    "coverage",
    "error",
    "file",
    "document",
    "container",
    "link",
    "stream",
    "dim",
    "frame",
    "cloud",
    "geometry",
    "pair",
    "kin",
    "span",
    "signature",
    "text",
    "corpus",
    "segment",
    "audio",
)

CONTEXT_TABLES: tuple[str, ...] = ("export", "licence")
"""Tables that the judge makes of documents and context; they are never written as facts."""
DATASET_SCOPE = "dataset"


@dataclass(frozen=True)
class Facts:
    """Facts of one unit: the dataset itself or one episode.

    A value that was not measured is None; the row's `undetermined` maps its column to the reason. None never passes.

    Attributes:
        scope: `dataset`, or the episode id.
        depth: How deep the scan went.
        subject: What was measured: a whole dataset, one episode of it, or a bare file or bag.
        tables: Table name -> rows; a table that was not measured is absent, one that was and has no row is empty.
        key: Content key of the measurement (sha256 hex), empty where it was not cached.
    """

    scope: str
    depth: Depth
    subject: Literal["dataset", "episode", "bare"]
    tables: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    key: str = ""
