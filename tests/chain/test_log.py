"""What was measured of a take is what the robot's own log says it sent."""

from __future__ import annotations

import numpy as np
import pytest
from chain.conftest import CLEAN_TAKE, TAKE_OF
from chain.lab import Run

from embodied_recorders.sim.streams import TOPICS

TAKES = (CLEAN_TAKE, TAKE_OF["drop_frames"], TAKE_OF["late_stream"])


@pytest.mark.parametrize("take", TAKES)
@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.stream_id)
def test_numbers_and_stamps_equal_the_log(run: Run, take: int, topic: object) -> None:
    sent = run.sent(take, topic.name)
    stamps = np.array([m.stamp_ns or m.source_ns for m in sent])
    rows = run.rows(take, "stream", stream=topic.stream_id)
    assert rows
    for row in rows:
        assert row["n"] == len(sent)
        assert (row["first_stamp_ns"], row["last_stamp_ns"]) == (str(stamps.min()), str(stamps.max()))
        assert row["stamp_source"] == ("header" if sent[0].stamp_ns else "publish")
        if topic.rate_hz is not None:
            assert row["rate_hz"] == pytest.approx((len(sent) - 1) * 1e9 / np.ptp(stamps), rel=1e-8)
            steps = np.diff(stamps)
            period = 1e9 / topic.rate_hz
            lost = np.rint(steps[steps > 1.5 * period] / period - 1).sum()
            assert row["lost_n"] == lost
            assert row["max_gap_ns"] == str(steps.max())
            assert row["header_log_p95_ns"] == "150000"  # the delay that the simulation's clock puts in


def test_the_recorder_left_nothing_out(run: Run) -> None:
    """From the first to the last message of a take every number of the log's is there, and in the file."""
    recorded = run.counts(CLEAN_TAKE)
    for topic in TOPICS:
        if topic.cadence == "periodic":
            numbers = [message.sequence for message in run.sent(CLEAN_TAKE, topic.name)]
            assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
            assert recorded[topic.name] == len(numbers)


def test_tf_is_measured_joint_by_joint(run: Run) -> None:
    children = [row["child_frame"] for row in run.rows(CLEAN_TAKE, "stream", stream="tf")]
    assert len(children) == len(set(children)) == 8
