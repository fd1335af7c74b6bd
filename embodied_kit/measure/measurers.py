"""Every table that is made of an episode's data files, in one list."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from embodied_kit.measure.declared.documents import document_row
from embodied_kit.measure.streams.episode import Episode
from embodied_kit.measure.tables.audio import audio_rows
from embodied_kit.measure.tables.cloud import cloud_rows
from embodied_kit.measure.tables.container import container_rows
from embodied_kit.measure.tables.content_links import content_links
from embodied_kit.measure.tables.coverage import coverage_rows, error_rows
from embodied_kit.measure.tables.dim import dim_rows
from embodied_kit.measure.tables.frame import frame_rows
from embodied_kit.measure.tables.pair import pair_rows
from embodied_kit.measure.tables.signature import signature_rows
from embodied_kit.measure.tables.span import span_rows
from embodied_kit.measure.tables.stream import stream_rows
from embodied_kit.measure.tables.text import text_rows
from embodied_kit.model.facts import DEPTHS, Depth, Row


@dataclass(frozen=True)
class Measurer:
    """One table and how it is made.

    Attributes:
        name: Table.
        version: Raised with every change of a number; part of the cache key.
        needs: Least depth at which the table exists.
        run: Rows of one episode.
    """

    name: str
    version: int
    needs: Depth
    run: Callable[[Episode], list[Row]]


def _embedded_documents(episode: Episode) -> list[Row]:
    return [document_row(document) for document in episode.embedded]


MEASURERS: tuple[Measurer, ...] = (
    Measurer("container", 2, "index", container_rows),
    Measurer("document", 1, "index", _embedded_documents),
    Measurer("link", 5, "index", content_links),
    Measurer("stream", 4, "index", stream_rows),
    Measurer("coverage", 2, "index", coverage_rows),
    Measurer("error", 5, "index", error_rows),
    Measurer("dim", 2, "signal", dim_rows),
    Measurer("pair", 4, "signal", pair_rows),
    Measurer("span", 2, "signal", span_rows),
    Measurer("signature", 2, "signal", signature_rows),
    Measurer("audio", 1, "signal", audio_rows),
    Measurer("text", 3, "signal", text_rows),
    Measurer("frame", 5, "full", frame_rows),
    Measurer("cloud", 1, "full", cloud_rows),
)


def measured_at(depth: Depth) -> tuple[Measurer, ...]:
    """Measurers of one depth."""
    return tuple(item for item in MEASURERS if DEPTHS.index(item.needs) <= DEPTHS.index(depth))
