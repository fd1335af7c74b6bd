"""Table `pair`: two streams of one episode held against each other (rules TM-10, SR-07, SR-11, VS-04, VS-13, KN-11)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from embodied_kit.measure.columns.spots import Spot, Spots
from embodied_kit.measure.columns.timing import NS_PER_S
from embodied_kit.measure.derived.track import Track, joint_tracks
from embodied_kit.measure.images.frozen import FROZEN_SPAN_S, decoded_blocks, frozen_runs, seconds
from embodied_kit.measure.rows import make_row
from embodied_kit.measure.streams.episode import Episode, StreamView
from embodied_kit.measure.streams.series import Series
from embodied_kit.measure.tables.sync import sync_rows
from embodied_kit.measure.tables.views import colour_cameras, motion_numbers, read_views, similar_numbers
from embodied_kit.model.facts import Row
from embodied_kit.model.json import JsonValue

STUCK_STATE_RANGE = 1e-3
"""A joint whose measured range stays below it is stuck, if it was commanded over STUCK_COMMAND_RANGE (RoboMIND)."""
STUCK_COMMAND_RANGE = 1e-2
MOVED = 1e-2
"""A joint that changes by this much (rad or m) within a span has moved."""
_NO_VALUE = {
    "equal_ratio": "no sample to compare",
    "command_range": "no finite value",
    "state_range": "no finite value",
    "stuck": "no finite value",
    "correlation": "too few frames, or nothing moves",
    "lag_ms": "too few frames, or nothing moves",
}


def pair_rows(episode: Episode) -> list[Row]:
    """Rows of every kind."""
    rows = [*sync_rows(episode), *_commands(episode), *_identical(episode)]
    if episode.depth != "full":
        return rows
    return [*rows, *_freezes(episode), *_duplicates(episode), *_views(episode)]


def _row(episode: Episode, kind: str, a: str, b: str, values: dict[str, JsonValue], name: str = "") -> Row:
    key: dict[str, JsonValue] = {"kind": kind, "a": a, "b": b, "name": name}
    reasons = {column: reason for column, reason in _NO_VALUE.items() if column in values}
    return make_row("pair", key | values, episode=episode.episode_id, reasons=reasons)


def _joint_pairs(episode: Episode) -> Iterator[tuple[StreamView, StreamView, Track, Track, list[str]]]:
    """Command and state streams that share joints."""
    for action in episode.by_role("action"):
        for state in episode.by_role("state"):
            for commands in joint_tracks(action):
                for states in joint_tracks(state):
                    shared = [name for name in commands.names if name in states.names]
                    if shared:
                        yield action, state, commands, states, shared


def _commands(episode: Episode) -> Iterator[Row]:
    """Each commanded joint against its measured position."""
    done: set[tuple[str, str, str]] = set()
    for action, state, commands, states, shared in _joint_pairs(episode):
        for name in shared:
            key = (action.stream, state.stream, name)
            if key not in done:  # the longest tracks of a pair speak for it
                done.add(key)
                values = _joint_numbers(commands.column(name), states.column(name), states.before(commands.stamps))
                yield _row(episode, "command_state", action.stream, state.stream, values, name)


def stuck_spots(episode: Episode) -> Iterator[tuple[StreamView, Spots]]:
    """State streams with joints that never followed their command: from the first to the last state, in s."""
    for _, state, commands, states, shared in _joint_pairs(episode):
        row = states.before(commands.stamps)
        numbers = [_joint_numbers(commands.column(name), states.column(name), row) for name in shared]
        stuck_n = sum(bool(values["stuck"]) for values in numbers)
        if stuck_n:
            first, last = int(states.stamps[0]), int(states.stamps[-1])
            yield state, Spots((Spot(first, last, (last - first) / NS_PER_S),), stuck_n)


def _joint_numbers(
    command: NDArray[np.float64], state: NDArray[np.float64], row: NDArray[np.int64]
) -> dict[str, JsonValue]:
    """Ranges of a command and its state.

    Args:
        command: (n,) commanded positions.
        state: (m,) measured positions.
        row: (n,) state at or before each command, -1 for none.
    """
    command_range, state_range = _range(command), _range(state)
    told = row >= 0
    stuck = None
    if command_range is not None and state_range is not None:
        stuck = state_range < STUCK_STATE_RANGE and command_range >= STUCK_COMMAND_RANGE
    return {
        "n": int(told.sum()),
        "command_range": command_range,
        "state_range": state_range,
        "stuck": stuck,
    }


def _range(values: NDArray[np.float64]) -> float | None:
    finite = values[np.isfinite(values)]
    return float(finite.max() - finite.min()) if len(finite) else None


def _identical(episode: Episode) -> Iterator[Row]:
    """Share of commands that equal the state measured at or before them in every shared joint (rule SR-11)."""
    done: set[tuple[str, str]] = set()
    for action, state, commands, states, shared in _joint_pairs(episode):
        if (action.stream, state.stream) in done:
            continue
        done.add((action.stream, state.stream))
        row = states.before(commands.stamps)
        told = row >= 0
        columns = [commands.column(name)[told] == states.column(name)[row[told]] for name in shared]
        same = np.logical_and.reduce(columns)
        values: dict[str, JsonValue] = {"n": len(same), "equal_ratio": float(same.mean()) if len(same) else None}
        yield _row(episode, "identical", action.stream, state.stream, values)


def _freezes(episode: Episode) -> Iterator[Row]:
    """Runs of equal frames in which a joint moved."""
    tracks = [(view, track) for view in episode.by_role("state") for track in joint_tracks(view)]
    for camera, series in _cameras(episode):
        for view, track in tracks:
            longest, spans, n = 0.0, 0, 0
            for runs in frozen_runs(series.frames) if series.frames else ():
                lasting = seconds(runs)
                moved = _moved(track, runs.start_ns, runs.end_ns)
                n += len(lasting)
                spans += int((moved & (lasting >= FROZEN_SPAN_S)).sum())
                longest = max(longest, float(np.max(lasting, where=moved, initial=0.0)))
            values: dict[str, JsonValue] = {
                "n": n,
                "frozen_moving_s": longest,
                "frozen_moving_spans_n": spans,
            }
            yield _row(episode, "motion_freeze", camera.stream, view.stream, values)


def _moved(track: Track, start_ns: NDArray[np.int64], end_ns: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether any joint changed by MOVED within each span."""
    first = np.searchsorted(track.stamps, start_ns)
    stop = np.searchsorted(track.stamps, end_ns, side="right")
    moved = np.zeros(len(first), bool)
    for index, (begin, end) in enumerate(zip(first.tolist(), stop.tolist(), strict=True)):
        if end > begin:
            part = track.values[begin:end]
            moved[index] = bool((part.max(axis=0) - part.min(axis=0) >= MOVED).any())
    return moved


def _duplicates(episode: Episode) -> Iterator[Row]:
    """Share of the frames of one camera that also stand in another, by the digest of their pixels (rule VS-13)."""
    contents = [(view, _contents(series)) for view, series in _cameras(episode)]
    for (first, mine), (second, others) in combinations(contents, 2):
        if first.stream == second.stream:
            continue
        short, long = sorted((mine, others), key=len)
        ratio = float(np.isin(short, long).mean()) if len(short) else None
        values: dict[str, JsonValue] = {"n": len(short), "equal_ratio": ratio}
        yield _row(episode, "view_duplicate", first.stream, second.stream, values)


def _views(episode: Episode) -> Iterator[Row]:
    """What colour cameras show against one another, and against the joints."""
    shown = [(view, read_views(series.frames)) for view, series in colour_cameras(episode) if series.frames]
    for (first, mine), (second, others) in combinations(shown, 2):
        similar = similar_numbers(mine, others)
        if similar is not None and first.stream != second.stream:
            yield _row(episode, "view_similar", first.stream, second.stream, similar)
    for camera, views in shown:
        for state in episode.by_role("state"):
            for track in joint_tracks(state)[:1]:
                yield _row(episode, "motion_video", camera.stream, state.stream, motion_numbers(views, track))


def _contents(series: Series) -> NDArray[np.uint64]:
    """First 8 bytes of the digest of each decoded frame."""
    if series.frames is None:
        return np.empty(0, np.uint64)
    heads = [
        np.ascontiguousarray(block["content"]).view(np.uint64).reshape(-1, 4)[:, 0]
        for block in decoded_blocks(series.frames)()
    ]
    return np.concatenate(heads) if heads else np.empty(0, np.uint64)


def _cameras(episode: Episode) -> list[tuple[StreamView, Series]]:
    return [
        (view, series)
        for view in episode.streams
        for series in view.series
        if series.frames is not None and any(len(block) for block in decoded_blocks(series.frames)())
    ]
