"""Live counts: a stream is as good as its slowest publisher, and as fresh as its stamps and pictures."""

from __future__ import annotations

import pytest
from recorder import support
from recorder.robot import message
from recorder.support import JOINT_STREAM, stream

from embodied_kit.episode.datafile import QueueCount
from embodied_kit.model.stream import Sample
from embodied_recorders.graph.watch import GraphView
from embodied_recorders.loop.control import StreamState
from embodied_recorders.loop.live import LiveStreams
from embodied_recorders.take.ledger import Evidence, Ledger

CAMERA = stream("camera", "/camera/image", support.IMAGE, 10, modality="vision", role="observation", rate_tolerance=0.1)
PERIOD_S = 0.1


def shown(
    entry: dict[str, object],
    kind: str,
    publishers: dict[str, list[float]],
    frozen_from: int = 10**6,
    stuck_from: int = 10**6,
) -> StreamState:
    """State of a stream after its publishers sent at these times in s."""
    contract = support.contract(entry)
    topic, live = str(entry["topic"]), LiveStreams(contract)
    now_s = 0.0
    ledger = Ledger(
        evidence_of=lambda _s: Evidence(True, PERIOD_S * 1e9, kind == "image"),
        monotonic_ns=lambda: round(now_s * 1e9),
    )
    live.see(GraphView({topic: list(publishers)}))
    moments = sorted((second, publisher) for publisher, seconds in publishers.items() for second in seconds)
    for n, (second, publisher) in enumerate(moments):
        stamp_ns = 1_790_000_000 * 10**9 + round(min(second, stuck_from * PERIOD_S) * 1e9)
        sample = Sample(topic, message(kind, min(n, frozen_from), stamp_ns), stamp_ns, stamp_ns, publisher, None)
        live.add([sample], now_s := second)
        ledger.add([sample])
        live.count(ledger.totals(), {(topic, publisher): QueueCount(3, 30, 1000)}, second)
    (state,) = live.states(moments[-1][0])
    return state


def every(period_s: float, n: int) -> list[float]:
    return [number * period_s for number in range(n)]


def test_a_healthy_camera() -> None:
    state = shown(CAMERA, "image", {"a": every(PERIOD_S, 40)})
    assert (state.band, state.stale_n, state.duplicate_n, state.missing_n, state.lost_n) == ("ok", 0, 0, 0, None)
    assert state.rate_hz == pytest.approx(10, rel=0.01)
    assert (state.queue_dropped_n, state.queue_high_bytes) == (3, 1000)


def test_a_frozen_picture_under_new_stamps() -> None:
    state = shown(CAMERA, "image", {"a": every(PERIOD_S, 60)}, frozen_from=20)
    assert (state.band, state.duplicate_n, state.stale_n) == ("bad", 39, 0)
    assert "100%" in state.problem["en"]
    assert "100%" in state.problem["zh"]


def test_a_stamp_that_does_not_advance() -> None:
    state = shown(CAMERA, "image", {"a": every(PERIOD_S, 60)}, stuck_from=20)
    assert (state.band, state.duplicate_n, state.stale_n) == ("bad", 0, 39)


def test_a_robot_at_rest_repeats_nothing() -> None:
    state = shown({**JOINT_STREAM, "nominal_rate_hz": 10}, "joint", {"a": every(PERIOD_S, 60)}, frozen_from=20)
    assert (state.band, state.duplicate_n, state.stale_n) == ("ok", 0, 0)


def test_the_slowest_publisher_counts() -> None:
    state = shown(CAMERA, "image", {"a": every(PERIOD_S, 40), "b": every(2 * PERIOD_S, 20)})
    assert state.rate_hz == pytest.approx(5, rel=0.01)
    assert state.band == "bad"


def test_a_slow_stream_keeps_its_band() -> None:
    slow = {**CAMERA, "nominal_rate_hz": 1}
    assert {shown(slow, "image", {"a": every(1.0, n)}).band for n in range(3, 12)} == {"ok"}


def test_periods_without_a_message_are_missing() -> None:
    state = shown(CAMERA, "image", {"a": [s for s in every(PERIOD_S, 60) if not 1.95 < s < 2.45]})
    assert state.missing_n == 5
