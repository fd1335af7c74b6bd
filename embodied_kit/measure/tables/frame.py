"""Table `frame`: one row per image stream (rules VS-01 to VS-03, VS-05 to VS-11, VS-14, DG-01, DG-02)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from embodied_kit.measure.declared.jsonget import get_list, get_objects, get_positive, get_text
from embodied_kit.measure.images.encoding import CODECS, LOSSY_CODECS, VIDEO_CODECS
from embodied_kit.measure.images.framelog import FrameLog
from embodied_kit.measure.images.framerow import State
from embodied_kit.measure.images.frozen import (
    FROZEN_SPAN_S,
    content_digest,
    dark_runs,
    decoded_blocks,
    first_size,
    frame_quantiles,
    frozen_runs,
    seconds,
)
from embodied_kit.measure.rows import make_row
from embodied_kit.measure.streams.episode import Episode, StreamView
from embodied_kit.measure.streams.series import Series
from embodied_kit.model.facts import Row
from embodied_kit.model.json import JsonObject, JsonValue

METRES_PER_UNIT = {"m": 1.0, "mm": 0.001}
PLAUSIBLE_M = (0.01, 10.0)
"""Range of a plausible median distance (rule DG-01)."""
_LOSSY = (*LOSSY_CODECS, "jpg", "h265", "mjpeg")
_COLOUR = (
    *("luma_mean_p05", "luma_mean_p50", "luma_mean_p95", "clipped_ratio_p95", "contrast_p50", "sharpness_p50"),
    *("motion_blur_px_p95", "motion_energy_p50"),
)
_DEPTH = ("zero_ratio_p50", "valid_p50_m", "valid_raw_p50", "unit_declared", "unit_guess", "unit_ok")
_VIDEO = ("keyframes_n", "keyframe_interval_n")


def frame_rows(episode: Episode) -> list[Row]:
    """Rows of every image stream that has messages."""
    return [
        _row(episode, view, series, series.frames)
        for view in episode.streams
        for series in view.series
        if series.frames is not None and series.n
    ]


def declared_size(episode: Episode, stream: str) -> tuple[int, int] | None:
    """Width and height by robot.json, else by the calibration; None where neither tells."""
    entries = [episode.cameras.get(stream, {})]
    entries += [item for doc in episode.calibrations for item in get_objects(doc, "cameras") if _is(item, stream)]
    for entry in entries:
        size = get_list(entry, "resolution")
        if len(size) == 2 and all(isinstance(item, int) and item > 0 for item in size):
            return int(str(size[0])), int(str(size[1]))
    return None


def _is(entry: JsonObject, stream: str) -> bool:
    return get_text(entry, "stream_id") == stream


def _row(episode: Episode, view: StreamView, series: Series, log: FrameLog) -> Row:
    states = np.zeros(len(State), np.int64)
    for block in log.rows.blocks():
        states += np.bincount(block["state"], minlength=len(State))
    decoded, failed, undecoded, leading = (int(states[state]) for state in State)
    if not decoded:  # before what never came
        failed, leading = failed + leading, 0
    values: dict[str, JsonValue] = {
        "stream": view.stream,
        "publisher": series.publisher,
        "n": series.n,
        "storage": "message",
        "encoding": ", ".join(sorted(log.encodings)) or None,
        "codec": _codec(log),
        "codec_declared": _codec_declared(episode.cameras.get(view.stream, {})),
        "decoded": decoded,
        "failed": failed + series.failed_n,
        "leading_n": leading,
        "leading_ratio": leading / series.n,
    }
    if undecoded or series.unsupported_n:
        values |= dict.fromkeys(("decoded", "failed", "leading_n", "leading_ratio"))
    reasons = dict.fromkeys(
        make_row("frame", {}), log.remedy if undecoded or series.unsupported_n else "no frame could be decoded"
    )
    reasons |= {"count_error_ratio": "frames are messages", "codec": "no or more than one codec is known"}
    if decoded and not undecoded:
        values |= _sizes(episode, view, log)
        values |= _runs(log)
        values |= _pixels(view, episode, log, decoded)
        values |= _coding(log, decoded, str(values["codec"]))
        reasons |= {"jpeg_quality_p05": "not for this codec"} | dict.fromkeys(_VIDEO, "not for this codec")
        reasons |= {"motion_blur_px_p95": "the images have too few strong edges"}
        reasons |= {"motion_energy_p50": "the images are too small or too few"}
        reasons |= dict.fromkeys(_DEPTH if values["kind"] == "color" else _COLOUR, f"not for {values['kind']} images")
    reasons |= dict.fromkeys(("declared_width", "declared_height", "size_ok"), "no size is declared")
    if values.get("kind") == "depth":
        reasons |= dict.fromkeys(("unit_declared", "unit_ok", "valid_p50_m"), "no depth unit is declared")
        reasons["unit_guess"] = "no or more than one unit is plausible"
    return make_row("frame", values, episode=episode.episode_id, reasons=reasons)


def _sizes(episode: Episode, view: StreamView, log: FrameLog) -> dict[str, JsonValue]:
    sizes: set[tuple[int, int]] = set()
    for block in decoded_blocks(log)():
        pairs = np.stack([block["width"], block["height"]], axis=1).astype(np.int64)
        sizes.update((int(width), int(height)) for width, height in np.unique(pairs, axis=0).tolist())
    declared = declared_size(episode, view.stream)
    width, height = first_size(log) or (None, None)
    return {
        "width": width,
        "height": height,
        "sizes_n": len(sizes),
        "declared_width": declared[0] if declared else None,
        "declared_height": declared[1] if declared else None,
        "size_ok": sizes == {declared} if declared else None,
    }


def _runs(log: FrameLog) -> dict[str, JsonValue]:
    frozen_n, spans, longest = 0, 0, 0.0
    for runs in frozen_runs(log):
        frozen_n += int(runs.n.sum())
        lasting = seconds(runs)
        spans += int((lasting >= FROZEN_SPAN_S).sum())
        longest = max(longest, float(lasting.max()))
    return {
        "frozen_n": frozen_n,
        "longest_frozen_s": longest,
        "frozen_spans_n": spans,
        "content_sha256": content_digest(log),
    }


def _pixels(view: StreamView, episode: Episode, log: FrameLog, decoded: int) -> dict[str, JsonValue]:
    depth_n = sum(int(block["depth"].sum()) for block in decoded_blocks(log)())
    if depth_n:
        return {"kind": "depth"} | _depth(episode, view, log, decoded)
    p05, p50, p95 = frame_quantiles(log, "mean", decoded, (0.05, 0.5, 0.95))
    return {
        "kind": "color",
        "luma_mean_p05": p05,
        "luma_mean_p50": p50,
        "luma_mean_p95": p95,
        "clipped_ratio_p95": frame_quantiles(log, "clipped", decoded, (0.95,))[0],
        "contrast_p50": frame_quantiles(log, "contrast", decoded, (0.5,))[0],
        "sharpness_p50": frame_quantiles(log, "sharpness", decoded, (0.5,))[0],
        "motion_blur_px_p95": frame_quantiles(log, "blur", decoded, (0.95,))[0],
        "motion_energy_p50": frame_quantiles(log, "energy", decoded, (0.5,))[0],
        "black_run_n": sum(len(runs.n) for runs in dark_runs(log, white=False)),
        "white_run_n": sum(len(runs.n) for runs in dark_runs(log, white=True)),
    }


def _codec(log: FrameLog) -> str | None:
    """The one codec of all frames; None where it is unknown or there are several."""
    found = {int(code) for block in log.rows.blocks() for code in np.unique(block["codec"])}
    return CODECS[found.pop()] if len(found) == 1 and 0 not in found else None


def _coding(log: FrameLog, decoded: int, codec: str) -> dict[str, JsonValue]:
    """What the codec left of the pixels."""
    bits = sum(float(np.sum(block["bits"])) for block in decoded_blocks(log)())
    pixels = sum(int((block["width"].astype(np.int64) * block["height"]).sum()) for block in decoded_blocks(log)())
    values: dict[str, JsonValue] = {"bits_per_pixel": bits / pixels if pixels else None}
    if codec == "jpeg":
        values["jpeg_quality_p05"] = frame_quantiles(log, "quality", decoded, (0.05,))[0]
    if codec in VIDEO_CODECS:
        keys = np.concatenate([block["key"] for block in log.rows.blocks()])
        places = np.flatnonzero(keys)
        values["keyframes_n"] = len(places)
        values["keyframe_interval_n"] = int(np.diff(np.append(places, len(keys))).max()) if len(places) else None
    return values


def _depth(episode: Episode, view: StreamView, log: FrameLog, decoded: int) -> dict[str, JsonValue]:
    raw = frame_quantiles(log, "valid", decoded, (0.5,))[0]
    unit = _depth_unit(episode, view)
    values: dict[str, JsonValue] = {
        "zero_ratio_p50": frame_quantiles(log, "zero", decoded, (0.5,))[0],
        "valid_raw_p50": raw,
        "unit_declared": unit or None,
    }
    if raw is not None:
        fitting = [name for name, scale in METRES_PER_UNIT.items() if PLAUSIBLE_M[0] <= raw * scale <= PLAUSIBLE_M[1]]
        values["unit_guess"] = fitting[0] if len(fitting) == 1 else None
        if unit in METRES_PER_UNIT:
            values["unit_ok"] = unit in fitting
            values["valid_p50_m"] = raw * METRES_PER_UNIT[unit]
    return values


def _depth_unit(episode: Episode, view: StreamView) -> str:
    """Unit of the stream by its contract, else by robot.json."""
    unit = view.declared.get("unit")
    if isinstance(unit, Mapping):
        unit = next((item for item in unit.values() if isinstance(item, str)), None)
    return unit if isinstance(unit, str) and unit else get_text(episode.cameras.get(view.stream, {}), "depth_unit")


def _codec_declared(camera: JsonObject) -> bool:
    """Whether robot.json states codec, bit depth and, for a lossy codec, quality (rule VS-10)."""
    codec = get_text(camera, "codec")
    lossy = codec.lower() in _LOSSY
    return bool(codec and get_positive(camera, "bit_depth") and (not lossy or camera.get("quality") is not None))
