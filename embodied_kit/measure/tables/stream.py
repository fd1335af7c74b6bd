"""Table `stream`: one row per publisher of a stream, or per child frame of a transform topic."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from embodied_kit.measure.columns.distribution import quantiles
from embodied_kit.measure.columns.float32 import float32_ratio
from embodied_kit.measure.columns.judged import Judged, period_ns
from embodied_kit.measure.columns.store import Array, Blocks
from embodied_kit.measure.columns.timing import NS_PER_S, Timing, span_covered_ratio
from embodied_kit.measure.declared.jsonget import get_bool, get_object, get_objects, get_positive, get_text
from embodied_kit.measure.declared.units import is_si, units_of
from embodied_kit.measure.rows import make_row
from embodied_kit.measure.streams.episode import Episode, StreamView
from embodied_kit.measure.streams.series import Series
from embodied_kit.model.facts import Row
from embodied_kit.model.json import JsonObject, JsonValue

NO_RATE = "no nominal rate is declared"
UNSUPPORTED = "this tool does not decode messages of this encoding"
FEW = "fewer than two stamps"
_NOMINAL_COLUMNS = ("rate_error_ratio", "max_gap_periods", "jitter_ratio", "lost_n", "lost_ratio", "gap_count_nominal")
_STEP_COLUMNS = ("rate_hz", "dt_median_ns", "dt_p95_ns", "dt_p99_ns", "max_gap_ns", "gap_count_median")
_DECLARED_TEXTS = ("role", "modality", "cadence", "stamp_semantics", "clock_id", "encoding")
_TENTH = 10


def stream_rows(episode: Episode) -> list[Row]:
    """Rows of the table, also for declared topics without messages."""
    return [row for view in episode.streams for row in _rows_of(episode, view)]


def control_rates(robots: Sequence[JsonObject]) -> list[float]:
    """Declared control rates in Hz."""
    return [rate for robot in robots if (rate := get_positive(robot, "control_rate_hz"))]


def _rows_of(episode: Episode, view: StreamView) -> Iterator[Row]:
    if not view.series:
        yield _absent_row(episode, view)
    for series in view.series:
        if episode.depth == "index":
            yield _index_row(episode, view, series)
        elif not series.n:
            yield _absent_row(episode, view, series)
        else:
            yield from _measured_rows(episode, view, series)


def _measured_rows(episode: Episode, view: StreamView, series: Series) -> Iterator[Row]:
    common = _common(episode, view, series) | _counted(series)
    for judged in episode.judged(view, series):
        yield _row(episode, view, series, common, judged)


def _row(episode: Episode, view: StreamView, series: Series, common: Mapping[str, JsonValue], judged: Judged) -> Row:
    nominal = period_ns(view.declared)
    timing = judged.timing
    values = dict(common) | {"child_frame": judged.child_frame, "stamp_source": judged.source}
    if judged.child_frame:
        values["n"] = timing.n
    values |= _timed(timing, nominal) | _equal_stamps(episode, view, timing) | _skews(series, judged.child_frame)
    values["span_covered_ratio"] = _span_covered(timing, nominal, episode.recorded_ns)
    values["float32_ratio"] = float32_ratio(judged.stamps, timing)
    rates = control_rates(episode.robots)
    if view.role == "state" and timing.rate_hz is not None and rates:
        values["control_rate_ratio"] = timing.rate_hz / max(rates)
    return make_row("stream", values, episode=episode.episode_id, reasons=_reasons(episode, view, series, timing))


def _timed(timing: Timing, nominal: float | None) -> dict[str, JsonValue]:
    numbers = vars(timing)
    names = (*_STEP_COLUMNS, "regular_ratio", "jitter_ratio", "lost_n", "lost_ratio", "gap_count_nominal", "reversals")
    values: dict[str, JsonValue] = {name: numbers[name] for name in names}
    values |= {
        "first_stamp_ns": timing.first_ns,
        "last_stamp_ns": timing.last_ns,
        "zero_stamps_n": timing.zero_n,
    }
    if nominal:
        rate = timing.rate_hz
        values["rate_error_ratio"] = None if rate is None else abs(rate * nominal / NS_PER_S - 1)
        values["max_gap_periods"] = None if timing.max_gap_ns is None else timing.max_gap_ns / nominal
    return values


def _equal_stamps(episode: Episode, view: StreamView, timing: Timing) -> dict[str, JsonValue]:
    """Repeated stamps; that each further data file begins with what is latched is no fault of the publisher."""
    repeated_n = len(episode.scan.files) - 1 if get_text(view.declared, "cadence") == "latched" else 0
    equal_n = max(0, timing.equal_n - repeated_n)
    steps = max(0, timing.n - timing.zero_n - 1)
    return {"equal_stamps_n": equal_n, "equal_stamps_ratio": equal_n / steps if steps else 0.0}


def _span_covered(timing: Timing, nominal: float | None, recorded_ns: int | None) -> float | None:
    if timing.first_ns is None or timing.last_ns is None or not nominal or not recorded_ns:
        return None
    return span_covered_ratio(timing.first_ns, timing.last_ns, nominal, recorded_ns)


def _common(episode: Episode, view: StreamView, series: Series | None) -> dict[str, JsonValue]:
    declared = view.declared
    unit = declared.get("unit") if view.is_declared else None
    values: dict[str, JsonValue] = {
        "stream": view.stream,
        "publisher": series.publisher if series else "",
        "child_frame": "",
        "topic": view.topic,
        "ros_type": (series.ros_type if series else "") or get_text(declared, "ros_type") or None,
        "declared": view.is_declared,
        "nominal_rate_hz": get_positive(declared, "nominal_rate_hz"),
        "unit": unit if isinstance(unit, str | Mapping) and unit else None,
        "contains_pi": get_bool(declared, "contains_pi"),
        "loss_declared": _loss_declared(episode, view),
        **{name: get_text(declared, name) or None for name in _DECLARED_TEXTS},
    }
    if series is not None:
        values["schema_ok"] = series.definition_ok
        values["sequence_source"] = series.sequence_source
    values |= _unit_columns(view, series)
    return values


def _unit_columns(view: StreamView, series: Series | None) -> dict[str, JsonValue]:
    if series is None or not series.numeric.fields:
        return {}
    units = units_of(view.declared, series.short_type, list(series.numeric.fields))
    return {
        "unit_declared": all(unit is not None for unit in units.values()),
        "unit_si": all(is_si(unit) for unit in units.values() if unit is not None) if any(units.values()) else None,
    }


def _loss_declared(episode: Episode, view: StreamView) -> bool | None:
    if not episode.closing:
        return None
    entries = get_objects(episode.closing, "streams")
    return any(get_text(entry, "stream_id") == view.stream and get_object(entry, "loss") for entry in entries)


def _counted(series: Series) -> dict[str, JsonValue]:
    """Numbers of the whole topic; the rows of all child frames carry them."""
    values: dict[str, JsonValue] = {
        "present": True,
        "n": series.n,
        "bytes": series.payload.total_bytes,
        "payload_sha256": series.payload.hexdigest(),
        "decode_failures": series.decode_failures,
        "zero_log_times_n": _zeros(series.column("log")),
        "zero_publish_times_n": _zeros(series.column("publish")),
        "shape_changes_n": series.shape_changes_n + _size_changes(series),
        "names_changes_n": series.names_changes_n,
    }
    if series.sequence_source == "publisher":
        values["sequence_gaps"], values["sequence_lost"] = sequence_gaps(series.column("sequence"))
    return values


def sequence_gaps(numbers: Blocks) -> tuple[int, int]:
    """Jumps forward of a 32-bit number that wraps, and the sum of what they leave out (rule CT-09)."""
    gaps = lost = 0
    last: NDArray[np.uint32] = np.empty(0, np.uint32)
    for block in numbers():
        joined = np.concatenate([last, block])
        step = joined[1:] - joined[:-1]  # modulo 2^32
        jumps = step[(step > 1) & (step < 2**31)]
        gaps += len(jumps)
        lost += int(jumps.astype(np.int64).sum()) - len(jumps)
        last = joined[-1:]
    return gaps, lost


def _zeros(times: Blocks) -> int:
    return sum(int((block == 0).sum()) for block in times())


def _size_changes(series: Series) -> int:
    if series.frames is None:
        return 0
    changes = 0
    last: Array = np.empty((0, 2), np.int64)
    for block in series.frames.rows.blocks():
        told = block[block["height"] > 0]
        sizes = np.concatenate([last, np.stack([told["width"], told["height"]], axis=1)])
        changes += int((sizes[1:] != sizes[:-1]).any(axis=1).sum())
        last = sizes[-1:]
    return changes


def _skews(series: Series, child_frame: str) -> dict[str, JsonValue]:
    """Quantiles of log minus header and log minus publish time, and the drift of the former.

    Drift: median over the last tenth of the messages minus median over the first tenth (rule TM-13).
    """
    values: dict[str, JsonValue] = {}
    skew = _skew(series, child_frame)
    n = sum(len(block) for block in skew())
    middle, far = quantiles(skew, n, (0.5,)), quantiles(_absolute(skew), n, (0.95,))
    values["header_log_p50_ns"] = int(middle[0]) if middle else None
    values["header_log_p95_ns"] = int(far[0]) if far else None
    if n >= _TENTH * 2:
        values["drift_ns"] = _median_of(skew, n - n // _TENTH, n) - _median_of(skew, 0, n // _TENTH)
    published = quantiles(
        lambda: (np.abs(block["log"] - block["publish"]) for block in series.base.blocks()), series.n, (0.95,)
    )
    values["publish_log_p95_ns"] = int(published[0]) if published else None
    return values


def _skew(series: Series, child_frame: str) -> Blocks:
    return lambda: (block["log"] - block["stamp"] for block in series.times(child_frame)())


def _absolute(values: Blocks) -> Blocks:
    return lambda: (np.abs(block) for block in values())


def _median_of(values: Blocks, first: int, stop: int) -> int:
    """Median of the values first..stop of a column."""

    def blocks() -> Iterator[Array]:
        at = 0
        for block in values():
            yield block[max(0, first - at) : max(0, stop - at)]
            at += len(block)

    found = quantiles(blocks, stop - first, (0.5,))
    return int(found[0]) if found else 0


def _reasons(episode: Episode, view: StreamView, series: Series, timing: Timing) -> dict[str, str]:
    reasons = _declared_reasons(episode, view)
    if timing.n - timing.zero_n < 2:
        reasons |= dict.fromkeys((*_STEP_COLUMNS, *_NOMINAL_COLUMNS), FEW)
    if timing.zero_n == timing.n:
        reasons |= dict.fromkeys(("first_stamp_ns", "last_stamp_ns"), "every stamp is zero")
    if period_ns(view.declared) is None:
        reasons |= dict.fromkeys((*_NOMINAL_COLUMNS, "span_covered_ratio"), NO_RATE)
    elif episode.recorded_ns is None:
        reasons["span_covered_ratio"] = "the span of the episode is not declared"
    reasons["decode_failures"] = UNSUPPORTED
    if series.sequence_source == "none":
        reasons |= dict.fromkeys(("sequence_gaps", "sequence_lost"), "the publisher gave no sequence numbers")
    if not series.header_n and not series.children:
        reasons |= dict.fromkeys(
            ("header_log_p50_ns", "header_log_p95_ns", "drift_ns"), "no message has a header stamp"
        )
    reasons.setdefault("drift_ns", "fewer than twenty stamps")
    if view.role != "state":
        reasons["control_rate_ratio"] = "the stream is not of role state"
    elif not control_rates(episode.robots):
        reasons["control_rate_ratio"] = "no control rate is declared"
    else:
        reasons["control_rate_ratio"] = FEW
    return reasons


def _declared_reasons(episode: Episode, view: StreamView) -> dict[str, str]:
    """Why a column that only a document can fill is null."""
    names = (*_DECLARED_TEXTS, "nominal_rate_hz", "unit", "contains_pi")
    where = "the stream is not declared" if episode.declared_streams else "no contract is embedded"
    reason = "the contract does not declare it" if view.is_declared else where
    reasons: dict[str, str] = dict.fromkeys(names, reason)
    reasons["loss_declared"] = "no closing document is embedded"
    reasons["unit_declared"] = "the stream carries no physical number"
    reasons["unit_si"] = "no unit is declared"
    return reasons


def _index_row(episode: Episode, view: StreamView, series: Series) -> Row:
    count = episode.scan.declared_n.get((series.topic, series.publisher))
    values = _common(episode, view, series) | {"n": count, "present": None if count is None else count > 0}
    reasons = _declared_reasons(episode, view) | {"unit_declared": "needs depth signal"}
    return make_row("stream", values, episode=episode.episode_id, reasons=reasons, depth="index")


def _absent_row(episode: Episode, view: StreamView, series: Series | None = None) -> Row:
    values = _common(episode, view, series) | {"present": False, "n": 0, "reversals": 0, "zero_stamps_n": 0}
    if episode.depth != "index":
        values |= {"bytes": 0, "decode_failures": 0, "equal_stamps_n": 0, "equal_stamps_ratio": 0.0}
    reasons = {**dict.fromkeys(make_row("stream", {}), "no message was recorded"), **_declared_reasons(episode, view)}
    return make_row("stream", values, episode=episode.episode_id, reasons=reasons, depth=episode.depth)
