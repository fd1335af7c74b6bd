"""The part of the page that shows one episode: faults in time, plots, camera frames."""

from __future__ import annotations

import base64
from collections.abc import Sequence

import numpy as np

from embodied_kit.measure.images.depthcolours import DEPTH_RANGE_M
from embodied_kit.model.json import JsonValue
from embodied_validators.report.episode_view import EpisodeView, Path3, Span, Strip
from embodied_validators.report.html.markup import Markup, both, element, escape, join, text, texts
from embodied_validators.report.html.plots import NS_PER_S, Plot, path_data, rate_plots, series_plots
from embodied_validators.report.html.pool import Pool
from embodied_validators.report.quantity import duration_text, span_text, unit_sign
from embodied_validators.report.words import reason_text, term

_COLOURS = 10
_MOST_SPANS = 4
_MOST_KINDS = 12


def episode_section(view: EpisodeView, index: int, pool: Pool) -> tuple[Markup, JsonValue]:
    """Markup of an episode, and the data that the plotter needs for it.

    Args:
        view: What to draw.
        index: Number of the episode on the page; ties markup and data together.
        pool: Where the numbers of the page go.
    """
    joints, rates = series_plots(view, pool), rate_plots(view, pool)
    plots = [*joints, *rates]
    data: JsonValue = {
        "duration": (view.end_ns - view.start_ns) / NS_PER_S,
        "plots": [plot.data for plot in plots],
        "paths": [path_data(view, pool, path) for path in view.paths],
    }
    body = element(
        "article",
        {"class": "episode", "id": f"episode-{index}", "data-episode": str(index)},
        _head(view),
        *(element("p", "note", _note(note)) for note in view.notes),
        _faults(view),
        _plots("episode.joints", joints, 0, "tall"),
        _plots("episode.rates", rates, len(joints), "flat"),
        _paths(view),
        _strips(view),
    )
    return body, data


def _note(note: str) -> Markup:
    """Why something is missing, in both languages."""
    return both(lambda words: words("episode.note", reason=reason_text(note, words.lang)))


def _head(view: EpisodeView) -> Markup:
    seconds = (view.end_ns - view.start_ns) / NS_PER_S
    return element(
        "header",
        None,
        element("h3", None, element("code", None, view.episode_id)),
        element("span", "muted", view.title),
        element("span", "muted num", both(lambda words: duration_text(seconds, words.lang))),
        element("span", "hint muted", text("episode.zoom_hint")),
        element("button", {"type": "button", "class": "reset", "data-reset": True}, text("episode.reset")),
    )


def _faults(view: EpisodeView) -> Markup:
    if not view.spans:
        return element("p", "muted faults", text("episode.no_spans"))
    alike: dict[tuple[str, str], list[Span]] = {}
    for span in view.spans:
        alike.setdefault((span.kind, span.stream), []).append(span)
    rows = [_alike(view, spans) for spans in list(alike.values())[:_MOST_KINDS]]
    rest = len(view.spans) - sum(len(spans) for spans in list(alike.values())[:_MOST_KINDS])
    more = element("span", "muted", text("detail.more_places", n=rest)) if rest > 0 else None
    return element("p", "faults", element("span", "label", text("episode.spans")), *rows, more)


def _alike(view: EpisodeView, spans: Sequence[Span]) -> Markup:
    """The first spans of one kind on one stream, and how many more there are."""
    rest = len(spans) - _MOST_SPANS
    more = element("span", "muted", text("episode.more_spans", n=rest)) if rest > 0 else None
    return join(*(_fault(view, span) for span in spans[:_MOST_SPANS]), more)


def _fault(view: EpisodeView, span: Span) -> Markup:
    start, end = ((edge - view.start_ns) / NS_PER_S for edge in (span.start_ns, span.end_ns))
    return element(
        "button",
        {"type": "button", "class": "fault", "data-from": f"{start:.6f}", "data-to": f"{end:.6f}"},
        element("b", None, texts(term("span_kind", span.kind))),
        element("code", None, span.stream),
        element("span", "num", span_text(span.start_ns, span.end_ns, view.start_ns)),
    )


def _plots(title: str, plots: Sequence[Plot], first: int, shape: str) -> Markup | None:
    if not plots:
        return None
    rows = [_plot(plot, first + index) for index, plot in enumerate(plots)]
    return element("section", f"plots {shape}", element("h4", None, text(title)), *rows)


def _plot(plot: Plot, index: int) -> Markup:
    legend = _legend(plot) if plot.kind == "series" else _rate_label(plot)
    return element(
        "div",
        "plot",
        element("div", "legend", legend),
        element("canvas", {"data-plot": str(index), "tabindex": "0", "role": "img", "aria-label": plot.topic}),
    )


def _legend(plot: Plot) -> Markup:
    unit = both(lambda words: unit_sign(plot.unit, words.lang))
    head = element("div", "stream", element("code", None, plot.stream), element("span", "muted", unit))
    rows = [
        element(
            "button",
            {"type": "button", "class": "line", "data-line": str(index), "aria-pressed": "true"},
            element("i", f"swatch c{index % _COLOURS}"),
            element("span", "name", name),
            element("output", "num", ""),
        )
        for index, name in enumerate(plot.names)
    ]
    return join(head, element("div", "lines", *rows))


def _rate_label(plot: Plot) -> Markup:
    rate = plot.nominal_rate_hz
    nominal = text("episode.nominal", value=f"{rate:g} Hz") if rate else None
    return join(
        element("div", "stream", element("code", None, plot.topic)),
        element("div", "muted small", nominal, element("output", {"class": "num", "data-line": "0"}, "")),
    )


def _paths(view: EpisodeView) -> Markup | None:
    if not view.paths:
        return None
    hint = element("span", "muted small", text("episode.path_hint"))
    rows = [_path(path, index) for index, path in enumerate(view.paths)]
    return element(
        "section",
        "paths",
        element("h4", None, text("episode.paths"), hint),
        element("div", "path-grid", *rows),
    )


def _path(path: Path3, index: int) -> Markup:
    frame = text("episode.frame", frame=path.frame) if path.frame else None
    tip = text("episode.by_joints", link=path.tip) if path.tip else None
    return element(
        "figure",
        "path",
        element("canvas", {"data-path": str(index), "tabindex": "0", "role": "img", "aria-label": path.topic}),
        element(
            "figcaption",
            "stream",
            element("code", None, path.topic),
            element("span", "muted", tip, frame, _extent(path)),
        ),
    )


def _extent(path: Path3) -> str:
    """How far the path reaches along each axis: `0.42 × 0.31 × 0.18 m`."""
    whole = path.points_m[np.isfinite(path.points_m).all(axis=1)]
    if not len(whole):
        return ""
    sizes = whole.max(axis=0) - whole.min(axis=0)
    return " × ".join(f"{size:.3g}" for size in sizes) + " m"


def _strips(view: EpisodeView) -> Markup:
    if not view.strips:
        note = both(lambda words: words("episode.no_pictures", reason=words(_why_no_pictures(view))))
        return element("section", "strips", element("h4", None, text("episode.strips")), element("p", "muted", note))
    rows = [_strip(view, strip) for strip in view.strips]
    why = element("span", "muted small", text(f"pictures.{view.pictures}"))
    return element("section", "strips", element("h4", None, text("episode.strips"), why), *rows)


def _why_no_pictures(view: EpisodeView) -> str:
    return f"pictures.{view.pictures}" if view.pictures in {"personal", "undeclared"} else "pictures.no_camera"


def _strip(view: EpisodeView, strip: Strip) -> Markup:
    faults = [span for span in view.spans if span.stream == strip.stream]
    frames = [
        element(
            "figure",
            "frame faulty" if any(span.start_ns <= time <= span.end_ns for span in faults) else "frame",
            _image(strip, jpeg),
            element("figcaption", "num", f"{(time - view.start_ns) / NS_PER_S:.2f} s"),
        )
        for time, jpeg in strip.frames
    ]
    label = element("div", "legend", element("div", "stream", element("code", None, strip.topic)), *_range(strip))
    return element("div", "strip", label, element("div", "frames", *frames))


def _range(strip: Strip) -> list[Markup]:
    near, far = (f"{metres:g}" for metres in DEPTH_RANGE_M)
    return [element("div", "muted small", text("episode.distances", near=near, far=far))] if strip.depth else []


def _image(strip: Strip, jpeg: bytes) -> Markup:
    source = base64.b64encode(jpeg).decode("ascii")
    return Markup(f'<img alt="{escape(strip.topic)}" src="data:image/jpeg;base64,{source}">')
