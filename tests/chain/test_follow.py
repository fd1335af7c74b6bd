"""An outcome belongs to the take that it ended."""

from __future__ import annotations

import json

from embodied_kit.messages.codec import codec
from embodied_kit.model.stream import Sample
from embodied_recorders.sim.follow import TakeFollower
from embodied_recorders.sim.streams import PHASE

ENDED = {"take": 1, "outcome": "success", "failure_cause": None, "end_ns": "1750000010000000000"}


def said(take: int, phase: str, last_take: dict[str, object] | None = None) -> list[Sample]:
    text = json.dumps({"take": take, "phase": phase, "last_take": last_take})
    return [Sample(PHASE, codec("std_msgs/msg/String").encode({"data": text}), 1, 1, "sim", None)]


def test_a_take_that_has_ended_has_its_outcome() -> None:
    follower = TakeFollower()
    follower.see(said(1, "reset"))
    stop = follower.stop_when()
    assert stop(said(1, "home")) == ""
    assert follower.result().outcome == "unknown"
    assert stop(said(2, "reset", ENDED)) != ""
    assert (follower.result().outcome, follower.result().end_ns) == ("success", int(ENDED["end_ns"]))


def test_a_take_that_is_cut_short_does_not_inherit_the_one_before() -> None:
    follower = TakeFollower()
    follower.see(said(2, "reset", ENDED))
    stop = follower.stop_when()
    assert stop(said(2, "approach", ENDED)) == ""
    assert (follower.result().outcome, follower.result().end_ns) == ("unknown", None)
