"""What the page's own plotter reads: each line as times and values in the page's pool, with axis and faults."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from embodied_kit.model.json import JsonValue
from embodied_validators.report.decimate import Times, Values, decimate
from embodied_validators.report.episode_view import EpisodeView, Path3, Rate, Series, Span
from embodied_validators.report.html.pool import Pool

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000
_LARGEST = 1e300  # a page need not tell greater numbers apart, and their differences stay finite
_MOST_POINTS = 12_000  # of a line that nobody thinned before
_HEADROOM = 1.15
_NOMINAL_PERIODS_SHOWN = 2.5


@dataclass(frozen=True)
class Plot:
    """One plot: its lines as JSON for the plotter, and what the page writes beside it.

    Attributes:
        kind: `series` or `rate`.
        unit: UCUM code of the values.
        names: Name of each line, in order.
        data: JSON for the plotter.
    """

    kind: str
    stream: str
    topic: str
    unit: str
    names: tuple[str, ...]
    nominal_rate_hz: float | None
    data: JsonValue


def series_plots(view: EpisodeView, pool: Pool) -> tuple[Plot, ...]:
    """One plot for each stream and unit, a line for each series."""
    groups: dict[tuple[str, str], list[Series]] = {}
    for series in view.series:
        groups.setdefault((series.stream, series.unit), []).append(series)
    return tuple(_series_plot(view, pool, stream, unit, found) for (stream, unit), found in groups.items())


def _series_plot(view: EpisodeView, pool: Pool, stream: str, unit: str, found: Sequence[Series]) -> Plot:
    lines: list[JsonValue] = [_line(view, pool, series.times_ns, series.values) for series in found]
    drawn = [_drawable(series.values) for series in found]
    low, high = _extent(np.concatenate([values[np.isfinite(values)] for values in drawn]))
    data: JsonValue = {"axis": [low, high], "lines": lines, "spans": _spans(view, stream)}
    return Plot("series", stream, stream, unit, tuple(series.name for series in found), None, data)


def rate_plots(view: EpisodeView, pool: Pool) -> tuple[Plot, ...]:
    """One plot for each stream: the interval in ms that ends at each message."""
    return tuple(_rate_plot(view, pool, rate) for rate in view.rates)


def _rate_plot(view: EpisodeView, pool: Pool, rate: Rate) -> Plot:
    times, intervals = rate.times_ns, rate.intervals_ns
    if intervals is None:
        times, intervals = rate.times_ns[1:], np.diff(rate.times_ns).astype(np.float64)
    values = intervals / NS_PER_MS
    data: JsonValue = {
        "axis": _rate_axis(values, rate.nominal_rate_hz),
        "lines": [_line(view, pool, times, values)],
        "spans": _spans(view, rate.stream),
        "nominal": 1000.0 / rate.nominal_rate_hz if rate.nominal_rate_hz else None,
    }
    return Plot("rate", rate.stream, rate.topic, "ms", (rate.topic,), rate.nominal_rate_hz, data)


def _rate_axis(values_ms: Values, nominal_rate_hz: float | None) -> list[JsonValue]:
    """Axis on which the usual intervals can be told apart; what lies beyond it is drawn as a mark at the edge."""
    if not len(values_ms):
        return [0.0, 1.0]
    usual = 1000.0 / nominal_rate_hz if nominal_rate_hz else float(np.median(values_ms))
    high = max(usual * _NOMINAL_PERIODS_SHOWN, float(np.quantile(values_ms, 0.99)) * _HEADROOM)
    return [0.0, min(high, max(float(values_ms.max()) * _HEADROOM, usual * 1.5)) or 1.0]


def _extent(values: Values) -> tuple[float, float]:
    if not len(values):
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    margin = (high - low) * 0.06 or max(abs(high) * 0.1, 1e-6)
    return low - margin, high + margin


def _line(view: EpisodeView, pool: Pool, times_ns: Times, values: Values) -> JsonValue:
    kept_ns, kept = decimate(times_ns, values, view.start_ns, view.end_ns, _MOST_POINTS)
    return {"t": pool.add_times((kept_ns - view.start_ns) / NS_PER_S), "v": pool.add_values(_drawable(kept))}


def _drawable(values: Values) -> Values:
    """The values, finite ones within what an axis can span; infinite ones are holes."""
    return np.where(np.isfinite(values), np.clip(values, -_LARGEST, _LARGEST), np.nan)


def path_data(view: EpisodeView, pool: Pool, path: Path3) -> JsonValue:
    """JSON for the page's drawing of a path: its points over time, how far it reaches, and its faults."""
    points = _drawable(path.points_m)
    whole = np.isfinite(points).all(axis=1)
    low = points[whole].min(axis=0).tolist() if whole.any() else [0.0, 0.0, 0.0]
    high = points[whole].max(axis=0).tolist() if whole.any() else [0.0, 0.0, 0.0]
    return {
        "t": pool.add_times((path.times_ns - view.start_ns) / NS_PER_S),
        "xyz": [pool.add_values(np.where(whole, points[:, axis], np.nan)) for axis in range(3)],
        "low": low,
        "high": high,
        "spans": _spans(view, path.stream),
    }


def _spans(view: EpisodeView, stream: str) -> list[JsonValue]:
    return [span_json(view, span) for span in view.spans if span.stream == stream]


def span_json(view: EpisodeView, span: Span) -> JsonValue:
    """`[start, end]` of a fault in s since the episode's start."""
    return [(span.start_ns - view.start_ns) / NS_PER_S, (span.end_ns - view.start_ns) / NS_PER_S]
