"""Rows of `pair` that hold what cameras show against one another and against the joints (rules VS-04, VS-13)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embodied_kit.measure.columns.timing import NS_PER_S
from embodied_kit.measure.derived.track import Track
from embodied_kit.measure.images.framelog import FrameLog
from embodied_kit.measure.images.frozen import decoded_blocks
from embodied_kit.measure.images.thumbnail import HASH_BYTES
from embodied_kit.measure.streams.episode import Episode, StreamView
from embodied_kit.measure.streams.series import Series
from embodied_kit.model.json import JsonValue

SIMILAR_BITS = 9
"""Of 180: a picture compressed again differs in a few, another view in forty and more."""
MAX_LAG_S = 0.5
MIN_MOTION_FRAMES = 30
_MAX_FRAMES = 2**20
_BITS = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).sum(axis=1, dtype=np.int64)
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Views:
    """Colour frames of one camera in order of their stamps.

    Attributes:
        stamps: (n,) int64 ns.
        hashes: (n, HASH_BYTES) uint8.
        hashed: (n,) whether the hash has a bit set.
        energy: (n,) motion energy; NaN for the first frame.
    """

    stamps: NDArray[np.int64]
    hashes: NDArray[np.uint8]
    hashed: NDArray[np.bool_]
    energy: Floats


def read_views(log: FrameLog) -> Views:
    """What the frames of a camera of `colour_cameras` show; a stream beyond 2^20 frames is cut there."""
    blocks, left = [], _MAX_FRAMES
    for block in decoded_blocks(log)():
        blocks.append(block[~block["depth"]][["stamp", "hash", "hashed", "energy"]][:left])
        left -= len(blocks[-1])
    rows = np.concatenate(blocks)
    rows = rows[np.argsort(rows["stamp"], kind="stable")]
    hashes = np.ascontiguousarray(rows["hash"]).view(np.uint8).reshape(-1, HASH_BYTES)
    return Views(rows["stamp"].astype(np.int64), hashes, rows["hashed"], rows["energy"].astype(np.float64))


def similar_numbers(first: Views, second: Views) -> dict[str, JsonValue] | None:
    """Share of the frames of the stream with fewer frames that the other shows to the eye too.

    None where no frame of the two can be told from an empty one.
    """
    short, long = sorted((first, second), key=lambda item: len(item.stamps))
    other = _nearest(short.stamps, long.stamps)
    told = short.hashed & long.hashed[other]
    if not told.any():
        return None
    bits = _BITS[short.hashes[told] ^ long.hashes[other[told]]].sum(axis=1)
    return {"n": int(told.sum()), "similar_ratio": float((bits <= SIMILAR_BITS).mean())}


def _nearest(stamps: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.int64]:
    """Index of the nearest of others, both ascending."""
    after = np.minimum(np.searchsorted(others, stamps), len(others) - 1)
    before = np.maximum(after - 1, 0)
    nearer = np.abs(others[before] - stamps) <= np.abs(others[after] - stamps)
    return np.where(nearer, before, after)


def motion_numbers(views: Views, track: Track) -> dict[str, JsonValue]:
    """Correlation between motion in the images and motion of the joints, and the lag that gives the largest.

    Args:
        views: Of a camera.
        track: Joint positions.
    """
    stamps, energy = views.stamps[1:], views.energy[1:]
    motion = _joint_motion(views.stamps, track)
    known = np.isfinite(energy) & np.isfinite(motion)
    values: dict[str, JsonValue] = {"n": int(known.sum()), "correlation": None, "lag_ms": None}
    if known.sum() < MIN_MOTION_FRAMES:
        return values
    period_ns = float(np.median(np.diff(stamps)))
    reach = int(MAX_LAG_S * NS_PER_S // period_ns) if period_ns > 0 else 0
    found = [(_correlation(energy, motion, lag), -abs(lag), lag) for lag in range(-reach, reach + 1)]
    told = [item for item in found if item[0] is not None]
    if told:
        best = max(told)
        values |= {"correlation": best[0], "lag_ms": best[2] * period_ns / (NS_PER_S // 1000)}
    return values


def _joint_motion(stamps: NDArray[np.int64], track: Track) -> Floats:
    """Sum over joints of |change| / range between neighbouring frames, shape (n - 1,); NaN outside the track."""
    reach = track.values.max(axis=0) - track.values.min(axis=0)
    moving = np.flatnonzero(np.isfinite(reach) & (reach > 0))
    row = track.before(stamps)
    inside = (row >= 0) & (stamps <= track.stamps[-1])
    total = np.zeros(len(stamps) - 1 if len(stamps) else 0)
    for index in moving.tolist():
        total += np.abs(np.diff(track.values[np.maximum(row, 0), index])) / reach[index]
    return np.where(inside[1:] & inside[:-1], total, np.nan)


def _correlation(energy: Floats, motion: Floats, lag: int) -> float | None:
    """Pearson correlation of energy[i + lag] with motion[i]; None where one of them does not vary."""
    a, b = (energy[lag:], motion[: len(motion) - lag]) if lag >= 0 else (energy[:lag], motion[-lag:])
    known = np.isfinite(a) & np.isfinite(b)
    if known.sum() < MIN_MOTION_FRAMES:
        return None
    a, b = a[known] - np.sum(a[known]) / known.sum(), b[known] - np.sum(b[known]) / known.sum()
    scale = float(np.sqrt(np.sum(a * a)) * np.sqrt(np.sum(b * b)))
    return float(np.sum(a * b)) / scale if scale > 0 else None


def colour_cameras(episode: Episode) -> list[tuple[StreamView, Series]]:
    """Image streams with a decoded frame that holds no distances."""
    return [(view, series) for view in episode.streams for series in view.series if _shows_colour(series)]


def _shows_colour(series: Series) -> bool:
    return series.frames is not None and any(bool((~block["depth"]).any()) for block in decoded_blocks(series.frames)())
