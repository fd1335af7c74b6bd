"""Table `cloud`: one row per stream of point clouds (rule DG-11)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from embodied_kit.measure.columns.distribution import order
from embodied_kit.measure.columns.store import Array
from embodied_kit.measure.declared.jsonget import get_objects, get_text
from embodied_kit.measure.images.framerow import State
from embodied_kit.measure.rows import make_row
from embodied_kit.measure.streams.episode import Episode, StreamView
from embodied_kit.measure.streams.pointcloud import CloudLog
from embodied_kit.measure.streams.series import TF, Series
from embodied_kit.model.facts import Row
from embodied_kit.model.json import JsonValue

PLAUSIBLE_RANGE_M = (0.05, 200.0)
"""Range of a plausible median distance: below, a table is a coin; above, beyond any lidar on a robot."""
_METRES = {"m": 1.0, "mm": 0.001}
_MEASURED = ("nan_ratio_p50", "points_p50", "range_p50", "x_min", "x_max", "y_min", "y_max", "z_min", "z_max")
_JUDGED = ("unit_guess", "unit_ok")


def cloud_rows(episode: Episode) -> list[Row]:
    """Rows of every stream of point clouds that has messages."""
    frames = _known_frames(episode)
    return [
        _row(episode, view, series, series.clouds, frames)
        for view in episode.streams
        for series in view.series
        if series.clouds is not None and series.n
    ]


def _row(episode: Episode, view: StreamView, series: Series, log: CloudLog, frames: set[str]) -> Row:
    blocks = [block for block in log.rows.blocks() if len(block)]
    states = sum((np.bincount(block["state"], minlength=len(State)) for block in blocks), np.zeros(len(State), int))
    decoded, failed, undecoded = (int(states[state]) for state in (State.DECODED, State.FAILED, State.UNDECODED))
    unit = view.declared.get("unit")
    values: dict[str, JsonValue] = {
        "stream": view.stream,
        "publisher": series.publisher,
        "n": series.n,
        "decoded": None if undecoded or series.unsupported_n else decoded,
        "failed": None if undecoded or series.unsupported_n else failed + series.failed_n,
        "frame_id": next(iter(log.frame_ids)) if len(log.frame_ids) == 1 else None,
        "frame_known": bool(log.frame_ids) and log.frame_ids <= frames if frames else None,
        "unit_declared": unit if isinstance(unit, str) and unit else None,
    }
    values |= _numbers(log, decoded)
    values |= _unit(values)
    reasons = dict.fromkeys(("decoded", "failed"), "the clouds have no x, y and z of type float")
    reasons |= dict.fromkeys((*_MEASURED, *_JUDGED), "no cloud has a finite point")
    reasons |= {"frame_id": "no or more than one frame is named", "frame_known": "no tree of frames is known"}
    if values["unit_declared"] is None:
        reasons |= dict.fromkeys(("unit_declared", "unit_ok"), "no unit is declared")
    if values["range_p50"] is not None:
        reasons["unit_guess"] = "no or more than one unit is plausible"
    return make_row("cloud", values, episode=episode.episode_id, reasons=reasons)


def _numbers(log: CloudLog, decoded: int) -> dict[str, JsonValue]:
    def of(name: str) -> Iterator[Array]:
        for block in log.rows.blocks():
            told = block[(block["state"] == State.DECODED) & (block["points"] > 0)]
            if name == "nan":
                yield 1 - told["finite"] / told["points"]
            else:
                values = told[name].astype(np.float64)
                yield values[~np.isnan(values)]

    values: dict[str, JsonValue] = dict.fromkeys(_MEASURED)
    for column, name in (("nan_ratio_p50", "nan"), ("points_p50", "points"), ("range_p50", "range")):
        found = order(lambda name=name: of(name), sum(map(len, of(name))), (0.5,))  # type: ignore[misc]  # bound now
        values[column] = found.quantiles[0] if found else None
    told = [block[block["finite"] > 0] for block in log.rows.blocks()]
    if decoded and any(map(len, told)):
        low = np.min([block["low"].min(axis=0) for block in told if len(block)], axis=0)
        high = np.max([block["high"].max(axis=0) for block in told if len(block)], axis=0)
        for index, axis in enumerate("xyz"):
            values[f"{axis}_min"], values[f"{axis}_max"] = float(low[index]), float(high[index])
    return values


def _unit(values: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Whether metres are declared (REP-103), and put the median distance where a sensor can see."""
    distance, declared = values["range_p50"], values["unit_declared"]
    if not isinstance(distance, float):
        return {}
    fitting = [
        name for name, scale in _METRES.items() if PLAUSIBLE_RANGE_M[0] <= distance * scale <= PLAUSIBLE_RANGE_M[1]
    ]
    return {
        "unit_guess": fitting[0] if len(fitting) == 1 else None,
        "unit_ok": None if declared is None else declared == "m" and "m" in fitting,
    }


def _known_frames(episode: Episode) -> set[str]:
    """Frames of the recorded transforms and of robot.json."""
    edges = {edge for series in episode.scan.series.values() if series.short_type == TF for edge in series.edges}
    trees = [item for robot in episode.robots for item in get_objects(robot, "frame_tree")]
    edges |= {(get_text(item, "parent"), get_text(item, "child")) for item in trees}
    return {frame for edge in edges for frame in edge if frame}
