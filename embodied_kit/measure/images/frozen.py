"""Runs of equal, black and white frames, and quantiles over frames; reads what FrameLog kept."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from embodied_kit.measure.columns.distribution import order
from embodied_kit.measure.columns.spots import Flags, Runs, find_runs
from embodied_kit.measure.columns.store import Array, Blocks
from embodied_kit.measure.columns.timing import NS_PER_S
from embodied_kit.measure.images.framelog import FrameLog
from embodied_kit.measure.images.framerow import State

FROZEN_SPAN_S = 0.5
DARK_RUN_FRAMES = 5
BLACK_BELOW, WHITE_ABOVE = 5.0, 250.0


def decoded_blocks(log: FrameLog) -> Blocks:
    """Rows of the frames that were decoded."""
    return lambda: (block[block["state"] == State.DECODED] for block in log.rows.blocks())


def first_size(log: FrameLog) -> tuple[int, int] | None:
    """Width and height of the first decoded frame; None where none was decoded."""
    for block in decoded_blocks(log)():
        if len(block):
            return int(block["width"][0]), int(block["height"][0])
    return None


def frozen_runs(log: FrameLog) -> Iterator[Runs]:
    """Runs of equal frames; a run begins at the first of them, and `n` counts those that repeat it."""
    return find_runs(_equal_to_last(log))


def frame_quantiles(log: FrameLog, name: str, n: int, fractions: tuple[float, ...]) -> list[float | None]:
    """Quantiles over decoded frames of one number of each (nearest rank); None where no frame has it."""

    def blocks() -> Iterator[Array]:
        for block in decoded_blocks(log)():
            values = block[name].astype(np.float64)
            yield values[~np.isnan(values)]

    told = sum(len(block) for block in blocks())
    found = order(blocks, min(n, told), fractions)
    return list(found.quantiles) if found else [None] * len(fractions)


def dark_runs(log: FrameLog, *, white: bool) -> Iterator[Runs]:
    """Runs of more than 5 frames with a mean luma below 5 (black) or above 250 (white)."""

    def flags() -> Iterator[Flags]:
        for block in decoded_blocks(log)():
            bad = block["mean"] > WHITE_ABOVE if white else block["mean"] < BLACK_BELOW
            yield bad & ~block["depth"], block["stamp"], block["stamp"]

    for runs in find_runs(flags()):
        long = runs.n > DARK_RUN_FRAMES
        yield Runs(runs.start_ns[long], runs.end_ns[long], runs.n[long])


def seconds(runs: Runs) -> NDArray[np.float64]:
    """Time from the first to the last frame of each run; 0 where the clock goes back."""
    return np.asarray(np.maximum(0, runs.end_ns - runs.start_ns) / NS_PER_S, np.float64)


def content_digest(log: FrameLog) -> str:
    """SHA-256 over the digests of the decoded frames, in order."""
    digest = hashlib.sha256()
    for block in decoded_blocks(log)():
        digest.update(block["content"].tobytes())
    return digest.hexdigest()


def _equal_to_last(log: FrameLog) -> Iterator[Flags]:
    """Flags of frames that equal the one before; a run begins with that one."""
    last: Array | None = None
    for block in decoded_blocks(log)():
        if not len(block):
            continue
        joined = block if last is None else np.concatenate([last, block])
        same = joined["content"][1:] == joined["content"][:-1]
        yield same, joined["stamp"][:-1], joined["stamp"][1:]
        last = block[-1:]
