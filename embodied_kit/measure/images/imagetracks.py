"""Tracks of images, all that is left of pixels after a scan: where something moved, and a few whole images."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from embodied_kit.measure.derived import tracks as kept_tracks
from embodied_kit.measure.derived.track import MAX_TRACK_VALUES, Track
from embodied_kit.measure.derived.tracks import StreamTrack, Tracks
from embodied_kit.measure.images.framelog import FrameLog
from embodied_kit.measure.images.frozen import decoded_blocks
from embodied_kit.measure.images.gallery import COLOUR_FIELD, DEPTH_FIELD, Sample
from embodied_kit.measure.images.thumbnail import GRID_COLUMNS, GRID_ROWS
from embodied_kit.measure.streams.episode import Episode, StreamView
from embodied_kit.measure.streams.series import Series

MOTION_FIELD = "image.motion"
MAX_MOTION_FRAMES = 2**14
CELLS = GRID_ROWS * GRID_COLUMNS


@dataclass(frozen=True, eq=False)
class Picture:
    """One image that was kept.

    Attributes:
        pixels: (height, width), every `step`-th row and column of the image; depth in the unit of the file.
    """

    stamp_ns: int
    pixels: NDArray[np.float64]
    step: int


def with_images(tracks: Tracks, episode: Episode) -> Tracks:
    """Tracks with those of the images added, as long as there is room; numbers of sensors come first."""
    room = kept_tracks.MAX_KEPT_VALUES - sum(item.n * len(item.names) for item in tracks.kept)
    more = []
    for track, values_n in _image_tracks(episode) if episode.depth == "full" else ():
        if values_n <= min(room, MAX_TRACK_VALUES):
            more.append(track)
            room -= values_n
    return Tracks((*tracks.kept, *more), tracks.left_out)


def _image_tracks(episode: Episode) -> Iterator[tuple[StreamTrack, int]]:
    """Tracks of image streams and how many values each holds; whole images only where one of them holds depth."""
    streams = [(view, series) for view in episode.streams for series in view.series]
    logs = [(view, series, series.frames) for view, series in streams if series.frames is not None]
    for view, series, log in logs:
        rows = min(sum(int((~block["depth"]).sum()) for block in decoded_blocks(log)()), MAX_MOTION_FRAMES)
        if rows:
            names = ("",) * CELLS
            load = partial(_motion, log, names)
            yield _track(view, series, MOTION_FIELD, names, rows, load), rows * CELLS
    if any(sample.pixels.dtype != np.uint8 for _, _, log in logs for sample in log.gallery.kept):
        for view, series, log in logs:
            kept = log.gallery.kept
            if kept:
                height, width = kept[0].pixels.shape
                field = COLOUR_FIELD if kept[0].pixels.dtype == np.uint8 else DEPTH_FIELD
                names, rows = ("",) * width, height * len(kept)
                load = partial(_pictures, kept, names)
                yield _track(view, series, f"{field}.{kept[0].step}", names, rows, load), rows * width


def read_pictures(item: StreamTrack) -> list[Picture]:
    """Images of a track of whole images, in order of time."""
    track = item.load()
    stamps, firsts = np.unique(track.stamps, return_index=True)
    step = int(item.field.rpartition(".")[2])
    parts = np.split(track.values, firsts[1:])
    return [Picture(int(stamp), part, step) for stamp, part in zip(stamps, parts, strict=True)]


def _track(
    view: StreamView, series: Series, field: str, names: tuple[str, ...], rows: int, load: Callable[[], Track]
) -> StreamTrack:
    return StreamTrack(view.stream, series.publisher, series.short_type, field, names, rows, load)


def _motion(log: FrameLog, names: tuple[str, ...]) -> Track:
    stamps, grids, left = [], [], MAX_MOTION_FRAMES
    for block in decoded_blocks(log)():
        colour = block[~block["depth"]][:left]
        stamps.append(colour["stamp"])
        grids.append(colour["grid"].astype(np.float64))
        left -= len(colour)
    times = np.concatenate(stamps)
    by_time = np.argsort(times, kind="stable")
    return Track(names, times[by_time], np.concatenate(grids)[by_time])


def _pictures(kept: Sequence[Sample], names: tuple[str, ...]) -> Track:
    ordered = sorted(kept, key=lambda sample: sample.stamp_ns)
    height = ordered[0].pixels.shape[0]
    stamps = np.repeat(np.array([sample.stamp_ns for sample in ordered], np.int64), height)
    return Track(names, stamps, np.concatenate([sample.pixels for sample in ordered]).astype(np.float64))
