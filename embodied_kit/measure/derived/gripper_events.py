"""When a gripper closed or opened, and whether a segment says so (rule SM-14)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from embodied_kit.measure.declared.jsonget import get_text
from embodied_kit.measure.declared.segments import Piece
from embodied_kit.measure.derived.derive import DeriveInput
from embodied_kit.measure.kinematics.body import Body, joint_streams, read_body

GRASPING = frozenset({"grasp", "release", "handover"})
"""Skills during which a gripper closes or opens."""
HELD_SHARE, LEAST_M_OR_RAD = 0.1, 1e-3
"""A gripper that stays within this part of its limits, or this much where it has none, holds still."""
_LOW, _HIGH = 0.4, 0.6  # parts of the range: what lies between tells neither open nor closed


def gripper_events(known: DeriveInput) -> list[int] | None:
    """Times, ns, at which a joint of a gripper has crossed the middle of its range; None where it is too long to see.

    Joints of streams of role state count, one event a joint.
    """
    states = [get_text(entry, "stream_id") or get_text(entry, "topic") for entry in known.by_role("state")]
    if set(states) & set(known.tracks.left_out):
        return None
    body = read_body(known)
    events: list[int] = []
    for stream in joint_streams(known, "state"):
        for index, name in enumerate(stream.names):
            if body.is_gripper(name):
                events += crossings(stream.track.stamps, stream.track.values[:, index], _least_range(body, name))
    return sorted(events)


def crossings(stamps: NDArray[np.int64], values: NDArray[np.float64], least_range: float) -> list[int]:
    """Stamps, ns, of the first sample after each crossing of the middle of the range, with hysteresis.

    Args:
        stamps: (n,) ascending.
        values: (n,) positions; those that are not finite are left out.
        least_range: A smaller range holds no crossing.
    """
    finite = np.isfinite(values)
    stamps, values = stamps[finite], values[finite]
    if not len(values) or (reach := float(values.max() - values.min())) < least_range:
        return []
    share = (values - values.min()) / reach
    told = (share <= _LOW) | (share >= _HIGH)
    above, at = share[told] >= _HIGH, stamps[told]
    return [int(stamp) for stamp in at[1:][above[1:] != above[:-1]]]


def events_inside(events: Sequence[int], pieces: Sequence[Piece]) -> int:
    """How many events lie in a segment of a grasping skill, its ends included."""
    spans = sorted((piece.start_ns, piece.end_ns) for piece in pieces if piece.code in GRASPING)
    until: list[int] = []
    for _, end in spans:
        until.append(max(end, until[-1]) if until else end)
    starts = [start for start, _ in spans]
    places = [bisect_right(starts, event) - 1 for event in events]
    return sum(place >= 0 and event <= until[place] for event, place in zip(events, places, strict=True))


def _least_range(body: Body, name: str) -> float:
    limits = body.limits(name)
    if limits.lower is None or limits.upper is None:
        return LEAST_M_OR_RAD
    return max(HELD_SHARE * (limits.upper - limits.lower), LEAST_M_OR_RAD)
