"""Which stamps of a stream are judged, and their numbers, made once for all tables that need them."""

from __future__ import annotations

from dataclasses import dataclass

from embodied_kit.measure.columns.store import Blocks
from embodied_kit.measure.columns.timing import NS_PER_S, Timing, measure_timing
from embodied_kit.measure.declared.jsonget import get_positive, get_text
from embodied_kit.measure.streams.series import TF, Series
from embodied_kit.model.json import JsonObject

PERIODIC = "periodic"


@dataclass(frozen=True)
class Judged:
    """Stamps of one row of the table `stream`.

    Attributes:
        child_frame: Child frame of a transform topic; empty for other topics.
        source: `header`, `publish` or `log`.
        stamps: int64 ns in file order.
    """

    child_frame: str
    source: str
    stamps: Blocks
    timing: Timing


def judge_stamps(series: Series, declared: JsonObject) -> list[Judged]:
    """Stamps of a stream with messages: one item, or one a child frame of a transform topic.

    Args:
        series: With at least one message.
        declared: Entry of the stream in the contract; empty where there is none.
    """
    period = period_ns(declared)
    if series.short_type == TF and series.children:
        columns = [(child, "header", _stamps_of(series, child)) for child in sorted(series.children)]
    else:
        columns = [("", *judged_stamps(series))]
    return [Judged(child, source, stamps, measure_timing(stamps, period)) for child, source, stamps in columns]


def _stamps_of(series: Series, child: str) -> Blocks:
    return lambda: (block["stamp"] for block in series.times(child)())


def judged_stamps(series: Series) -> tuple[str, Blocks]:
    """Source and column of the stamps that are judged: the header's, else the publish times, else the log times."""
    if series.header_n:
        return "header", series.column("stamp")
    if any(bool(block.any()) for block in series.column("publish")()):
        return "publish", series.column("publish")
    return "log", series.column("log")


def period_ns(declared: JsonObject) -> float | None:
    """Nominal period of a stream in ns; None unless its cadence is periodic and its rate declared."""
    rate_hz = get_positive(declared, "nominal_rate_hz")
    return NS_PER_S / rate_hz if rate_hz and get_text(declared, "cadence") == PERIODIC else None
