"""Table `signature`: what makes an episode comparable with others (rules DS-02, DS-03, DS-09, DS-11)."""

from __future__ import annotations

import hashlib

import numpy as np

from embodied_kit.measure.derived.track import PATHS, Track, field_tracks, joint_tracks
from embodied_kit.measure.rows import make_row
from embodied_kit.measure.streams.episode import Episode
from embodied_kit.model.facts import Row
from embodied_kit.model.json import JsonValue

STATE_POINTS = 64
PATH_POINTS = 256


def signature_rows(episode: Episode) -> list[Row]:
    """The one row of an episode."""
    states, path = _state_points(episode), _path_points(episode)
    values: dict[str, JsonValue] = {
        "payload_sha256": payload_signature(episode),
        "state_points": states,
        "path_points": path,
    }
    reasons = {
        "state_points": "no stream of role state has finite joint positions",
        "path_points": "no stream of role state or observation has finite positions in space",
    }
    return [make_row("signature", values, episode=episode.episode_id, reasons=reasons)]


def payload_signature(episode: Episode) -> str:
    """SHA-256 over the sorted payload digests of all streams with messages, as lower-case hex joined by LF."""
    digests = sorted(series.payload.hexdigest() for series in episode.scan.series.values() if series.n)
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()


def _state_points(episode: Episode) -> JsonValue:
    """Joint positions at 64 equally spaced moments (last known value), columns in order of joint name."""
    for view in episode.by_role("state"):
        for track in joint_tracks(view):
            return _points(track, STATE_POINTS, sorted(track.names))
    return None


def _path_points(episode: Episode) -> JsonValue:
    """Positions x, y, z in m at 256 equally spaced moments (last known value)."""
    for view in (*episode.by_role("state"), *episode.by_role("observation")):
        for series in view.series:
            for path in PATHS:
                if path in series.numeric.fields:
                    for track in field_tracks(series.numeric.fields[path]):
                        return _points(track, PATH_POINTS, list(track.names))
    return None


def _points(track: Track, n: int, names: list[str]) -> JsonValue:
    """Rows of a track at equally spaced moments; None where a value is not finite."""
    first, last = int(track.stamps[0]), int(track.stamps[-1])
    times = np.array([first + (last - first) * point // (n - 1) for point in range(n)], np.int64)
    rows = track.values[track.before(times)][:, [track.names.index(name) for name in names]]
    return rows.tolist() if np.isfinite(rows).all() else None
