"""Skill segments against data with known answers: places, cover, words, objects, and the gripper's own word."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embodied_kit.measure.declared.given import Given, GivenLayer, GivenRobot
from embodied_kit.measure.declared.layers import covered_ratio, derive_segments, misplaced
from embodied_kit.measure.declared.segments import Piece, by_arm, tidy
from embodied_kit.measure.derived.derive import DeriveInput
from embodied_kit.measure.derived.gripper_events import crossings, events_inside
from embodied_kit.measure.derived.track import Track
from embodied_kit.measure.derived.tracks import StreamTrack, Tracks
from embodied_kit.spec import check, standard

SECOND = 1_000_000_000
SPAN = (0, 10 * SECOND)
EPISODE = "0192f0c1-8a3b-7c1d-9e2f-0123456789ab"
times = st.tuples(st.integers(-2, 12), st.integers(-2, 12))


def piece(place: int, start_s: float, end_s: float, arm: str = "single", code: str = "lift") -> Piece:
    return Piece(round(start_s * SECOND), round(end_s * SECOND), code, arm, place, (), True)


def pieces(*ends: tuple[float, float]) -> list[Piece]:
    return [piece(place, *pair) for place, pair in enumerate(ends)]


def test_what_is_in_its_place_is_not_misplaced() -> None:
    assert misplaced(pieces((0, 4), (4, 10)), SPAN).all == set()
    assert misplaced(pieces((0, 4), (4, 10)), None).all is None


@pytest.mark.parametrize(
    ("ends", "unordered", "overlapping", "outside"),
    [
        ([(4, 10), (0, 4)], {1}, set(), set()),
        ([(0, 5), (4, 10)], set(), {1}, set()),
        ([(0, 9), (1, 2), (3, 4)], set(), {1, 2}, set()),
        ([(-1, 4), (4, 11)], set(), set(), {0, 1}),
        ([(0, 4), (6, 5)], {1}, set(), set()),
    ],
)
def test_each_misplaced_segment_is_told_by_its_fault(
    ends: Sequence[tuple[float, float]], unordered: set[int], overlapping: set[int], outside: set[int]
) -> None:
    assert misplaced(pieces(*ends), SPAN) == (unordered, overlapping, outside)


@given(st.lists(times, max_size=8))
def test_the_cover_is_that_of_every_second_counted(ends: list[tuple[int, int]]) -> None:
    counted = sum(any(start <= second < end for start, end in ends) for second in range(10))
    assert covered_ratio(pieces(*ends), SPAN) == counted / 10


@given(st.lists(times, max_size=8))
def test_tidy_segments_are_in_order_and_cover_the_same(ends: list[tuple[int, int]]) -> None:
    found = tidy(pieces(*ends))
    assert all(one.end_ns <= other.start_ns for one, other in itertools.pairwise(found))
    assert all(item.start_ns < item.end_ns for item in found)
    assert covered_ratio(found, SPAN) == covered_ratio(pieces(*ends), SPAN)


def test_what_both_arms_do_belongs_to_each() -> None:
    both, left = piece(0, 0, 5, "both"), piece(1, 5, 10, "left")
    assert by_arm([both, left]) == {"left": [both, left], "right": [both]}
    assert by_arm([both]) == {"both": [both]}


# The gripper


def test_a_gripper_crosses_the_middle_once_however_it_trembles() -> None:
    stamps = np.arange(1000, dtype=np.int64)
    opening = np.interp(stamps, [0, 300, 400, 700, 800, 999], [0.04, 0.04, 0.0, 0.0, 0.04, 0.04])
    trembling = opening + 0.003 * np.sin(stamps)
    for values in (opening, trembling):
        found = crossings(stamps, values, 0.004)
        assert len(found) == 2
        assert found == pytest.approx([360, 760], abs=10)
    assert crossings(stamps, 0.0005 * np.sin(stamps), 0.001) == []
    assert crossings(stamps[:0], opening[:0], 0.001) == []
    assert crossings(stamps, np.where(stamps % 7, opening, np.nan), 0.004) == pytest.approx(found, abs=10)


@given(st.lists(st.integers(0, 20), max_size=12), st.lists(times, max_size=6))
def test_events_inside_are_those_that_some_segment_holds(events: list[int], ends: list[tuple[int, int]]) -> None:
    grasps = [Piece(start, end, "grasp", "single", place, (), True) for place, (start, end) in enumerate(ends)]
    others = [Piece(0, 20, "move", "single", 9, (), True)]
    expected = sum(any(start <= event <= end for start, end in ends) for event in events)
    assert events_inside(sorted(events), [*grasps, *others]) == expected


# Rows


def finger() -> StreamTrack:
    stamps = np.arange(0, 10 * SECOND, SECOND // 100, dtype=np.int64)
    values = np.interp(stamps / SECOND, [0, 3, 3.4, 7, 7.4, 10], [0.04, 0.04, 0.02, 0.02, 0.04, 0.04])
    names = ("joint_1", "finger_left_joint")
    track = Track(names, stamps, np.stack([np.zeros(len(stamps)), values], axis=1))
    return StreamTrack("joint_states", "", "sensor_msgs/JointState", "position", names, len(stamps), lambda: track)


def known(document: Any, *, layer: Any = None, left_out: tuple[str, ...] = (), span: Any = SPAN) -> DeriveInput:
    robot = {"robot_id": "arm", "joint_limits": [{"name": "finger_left_joint", "lower_m": 0.0, "upper_m": 0.04}]}
    told = GivenLayer(f"annotations/skills/{EPISODE}.json", layer or {"layer_id": "skills", "kind": "skills"}, document)
    given_ = Given((GivenRobot(robot),), (), (told,) if document is not None else (), ("cube_1",))
    streams = ({"stream_id": "joint_states", "role": "state", "unit": {"position": "rad"}},)
    kept = () if left_out else (finger(),)
    return DeriveInput(EPISODE, "full", Tracks(kept, left_out), streams, given_, span)


def document(*segments: tuple[float, float, str], **more: Any) -> Any:
    return {
        "skill_segments": [
            {"start_ns": str(round(a * SECOND)), "end_ns": str(round(b * SECOND)), "skill_code": code, **more}
            for a, b, code in segments
        ]
    }


def rows(found: DeriveInput) -> dict[str, Any]:
    (table,) = derive_segments(found).values()
    for row in table:
        assert check("segment", row, standard().fact_schema("segment")) == []
    return {str(row["kind"]): row for row in table}


def test_a_clean_layer_is_whole_and_the_gripper_agrees() -> None:
    told = document((0, 3, "approach"), (3, 4, "grasp"), (4, 7, "move"), (7, 8, "release"), (8, 10, "retreat"))
    found = rows(known({"skill_segments": [{**item, "object_ids": ["cube_1"]} for item in told["skill_segments"]]}))
    assert found["episode"]["layers_n"] == 1
    layer = {name: found["layer"][name] for name in ("n", "covered_ratio", "unknown_skill_n", "object_coded_ratio")}
    assert layer == {"n": 5, "covered_ratio": 1.0, "unknown_skill_n": 0, "object_coded_ratio": 1.0}
    assert (found["arm"]["arm"], found["arm"]["misplaced_n"], found["arm"]["index"]) == ("single", 0, None)
    assert (found["layer"]["shortest_s"], found["layer"]["longest_s"]) == (1.0, 3.0)
    assert (found["gripper"]["n"], found["gripper"]["gripper_inside_ratio"]) == (2, 1.0)


@pytest.mark.parametrize(
    ("ends", "shortest_s"),
    [
        ([(0, 0.08), (0.08, 5), (5, 9.95), (9.95, 10)], 4.92),  # both ends cut a skill
        ([(0, 4), (4, 4.08), (4.08, 10)], 0.08),  # a slip within
        ([(0, 0.08), (0.08, 10)], 0.08),  # nothing whole
        ([(0, 10)], 10.0),
    ],
)
def test_a_segment_that_the_episode_may_cut_is_not_the_shortest(
    ends: list[tuple[float, float]], shortest_s: float
) -> None:
    found = rows(known(document(*((start, end, "move") for start, end in ends))))
    assert found["layer"]["shortest_s"] == found["arm"]["shortest_s"] == pytest.approx(shortest_s)


def test_a_shifted_layer_disagrees_with_the_gripper() -> None:
    found = rows(known(document((1, 2, "grasp"), (7, 8, "release"))))
    assert found["gripper"]["gripper_inside_ratio"] == 0.5


def test_words_and_objects_that_nobody_knows_are_counted() -> None:
    told = document((0, 5, "grab"), (5, 10, "lift"), object_ids=["cup_1"])
    found = rows(known(told))
    assert (found["layer"]["unknown_skill_n"], found["layer"]["object_coded_ratio"]) == (1, 0.0)
    other = rows(known(told, layer={"layer_id": "skills", "kind": "skills", "vocabulary_version": "1.7.0"}))
    assert other["layer"]["unknown_skill_n"] is None
    assert other["layer"]["undetermined"]["unknown_skill_n"]


def test_what_cannot_be_known_is_null_with_its_reason() -> None:
    assert rows(known(None)) == {"episode": rows(known(None))["episode"]}
    assert rows(known(None))["episode"]["layers_n"] == 0
    assert rows(known({"skill_segments": []})) == rows(known(None))  # an empty layer is none
    spanless = rows(known(document((0, 5, "lift")), span=None))
    assert (spanless["arm"]["misplaced_n"], spanless["layer"]["covered_ratio"]) == (None, None)
    long = rows(known(document((0, 5, "lift")), left_out=("joint_states",)))
    assert long["gripper"]["gripper_inside_ratio"] is None
    assert set(long["gripper"]["undetermined"]) == {"n", "gripper_inside_ratio"}


def test_a_layer_of_another_kind_is_not_read() -> None:
    found = rows(known(document((0, 5, "lift")), layer={"layer_id": "trip", "kind": "round_trip"}))
    assert list(found) == ["episode"]
    assert found["episode"]["layers_n"] == 0
