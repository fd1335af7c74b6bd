"""Rows of the table `kin` and of the kinds `fk` and `lag`: a planar arm whose numbers can be told beforehand."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from measure.synthetic import EPISODE_ID, URDF, Take, streams, write_dataset
from measure.test_cache import opened_data_files

from embodied_kit.measure import measure_path
from embodied_kit.measure.declared.given import Given, GivenRobot
from embodied_kit.measure.derived.derive import DeriveInput
from embodied_kit.measure.derived.track import Track
from embodied_kit.measure.derived.tracks import StreamTrack, Tracks
from embodied_kit.measure.kinematics.body import Body
from embodied_kit.measure.kinematics.derived import derive_kinematics
from embodied_kit.spec import check, standard

ARM = b"""<robot name="planar">
<joint name="j1" type="revolute"><parent link="base"/><child link="l1"/><axis xyz="0 0 1"/>
  <limit lower="-2" upper="2" velocity="2" effort="1"/></joint>
<joint name="j2" type="revolute"><parent link="l1"/><child link="l2"/><origin xyz="0.5 0 0"/><axis xyz="0 0 1"/>
  <limit lower="-2" upper="2" velocity="2" effort="1"/></joint>
<joint name="tool" type="fixed"><parent link="l2"/><child link="tcp"/><origin xyz="0.4 0 0"/></joint>
<joint name="jaw" type="prismatic"><parent link="tcp"/><child link="finger"/><axis xyz="0 1 0"/>
  <limit lower="0" upper="0.04" velocity="0.2" effort="1"/></joint>
</robot>"""
ROBOT = {
    "robot_id": "arm",
    "base_frame": "base",
    "gripper_semantics": "0=closed, 0.04=open",
    "action_representation": "joint_absolute",
    "ft_zero_offset": [0.0] * 6,
}
START = 1_790_000_000_000_000_000
JOINT_STATE, POSE = "sensor_msgs/JointState", "geometry_msgs/PoseStamped"
UNIT = {"position": "rad", "velocity": "rad/s"}
STREAMS: tuple[dict[str, Any], ...] = (
    {"stream_id": "states", "role": "state", "unit": UNIT},
    {"stream_id": "commands", "role": "action", "unit": UNIT},
    {"stream_id": "pose", "role": "state", "frame_id": "base"},
    {"stream_id": "force", "role": "observation", "modality": "force"},
)
LAG_S = 0.03
T = np.arange(0, 10, 0.005)


def joints(t: np.ndarray) -> np.ndarray:
    return np.stack([0.8 * np.sin(t), 0.6 * np.cos(1.3 * t), 0.02 + 0.02 * np.sin(0.5 * t)], axis=1)


def pose(angles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    one, both = angles[:, 0], angles[:, 0] + angles[:, 1]
    x, y = 0.5 * np.cos(one) + 0.4 * np.cos(both), 0.5 * np.sin(one) + 0.4 * np.sin(both)
    zero = np.zeros(len(one))
    return np.stack([x, y, zero], axis=1), np.stack([zero, zero, np.sin(both / 2), np.cos(both / 2)], axis=1)


def track(stream: str, ros_type: str, field: str, names: str, t: np.ndarray, values: np.ndarray) -> StreamTrack:
    stamps = START + np.round(t * 1e9).astype(np.int64)
    return StreamTrack(
        stream, "p", ros_type, field, tuple(names.split()), len(t), lambda: Track(tuple(names.split()), stamps, values)
    )


def clean() -> dict[str, StreamTrack]:
    places, turns = pose(joints(T[::2]))
    noise = np.random.default_rng(0).normal(size=(len(T), 3))
    return {
        "states": track("states", JOINT_STATE, "position", "j1 j2 jaw", T, joints(T)),
        "commands": track("commands", JOINT_STATE, "position", "j1 j2 jaw", T, joints(T + LAG_S)),
        "places": track("pose", POSE, "pose.position", "x y z", T[::2], places),
        "turns": track("pose", POSE, "pose.orientation", "x y z w", T[::2], turns),
        "force": track("force", "geometry_msgs/WrenchStamped", "wrench.force", "x y z", T, noise),
    }


def rows(
    tracks: Mapping[str, StreamTrack],
    *,
    robot: Mapping[str, Any] = ROBOT,
    urdf: bytes | None = ARM,
    declared: Any = STREAMS,
) -> dict[tuple[str, str], Mapping[str, Any]]:
    """(kind, name or stream) -> row."""
    given = Given((GivenRobot(robot, urdf),)) if robot else Given()
    tables = derive_kinematics(DeriveInput(EPISODE_ID, "signal", Tracks(tuple(tracks.values())), declared, given))
    assert tables["error"] == []
    for table in ("kin", "pair", "span"):
        for row in tables[table]:
            assert check(table, row, standard().fact_schema(table)) == [], row
    found = [*tables["kin"], *tables["pair"]]
    return {(str(row["kind"]), str(row["name"] or row.get("stream") or row.get("b"))): row for row in found}


def spans(tracks: Mapping[str, StreamTrack], kind: str, robot: Mapping[str, Any] = ROBOT) -> list[Mapping[str, Any]]:
    given = Given((GivenRobot(robot, ARM),))
    tables = derive_kinematics(DeriveInput(EPISODE_ID, "signal", Tracks(tuple(tracks.values())), STREAMS, given))
    return [row for row in tables["span"] if row["kind"] == kind]


def why(row: Mapping[str, Any], column: str) -> str:
    assert row[column] is None
    return str(row["undetermined"][column])


def test_a_clean_arm() -> None:
    found = rows(clean())
    assert set(found) == {
        *(("joint", name) for name in ("j1", "j2", "jaw")),
        *(("lag", name) for name in ("j1", "j2")),
        *(("gripper", "jaw"), ("chain", "l2"), ("tool", "tcp"), ("idle", "states"), ("action", "commands")),
        *(("wrench", "force"), ("fk", "tcp")),
    }
    fk = found["fk", "tcp"]
    assert (fk["stuck"], fk["n"]) == (False, 1000)
    marked = {kind for kind in standard().vocabulary("span_kind").codes if spans(clean(), str(kind))}
    assert marked == {"tool_speed"}  # this arm is faster than a table allows
    assert fk["position_error_p95_mm"] < 0.01
    assert fk["rotation_error_p95_deg"] < 0.001
    joint = found["joint", "j1"]
    assert (joint["unit"], joint["gripper"], joint["position_excess_ratio"]) == ("rad", False, 0)
    assert joint["velocity_ratio"] == pytest.approx(0.8 / 2, rel=1e-3)
    jaw = found["joint", "jaw"]
    assert (jaw["unit"], jaw["gripper"]) == ("m", True)
    assert jaw["velocity_ratio"] == pytest.approx(0.01 / 0.2, rel=1e-2)
    assert found["lag", "j1"]["lag_ms"] == pytest.approx(30, abs=0.5)
    assert found["lag", "j1"]["saturated_ratio"] == 0
    assert found["gripper", "jaw"]["semantics_excess_ratio"] == 0
    assert found["wrench", "force"]["offset_declared"] is True
    speed = np.linalg.norm(np.gradient(pose(joints(T))[0], T, axis=0), axis=1).max()
    assert found["tool", "tcp"]["speed_max_m_s"] == pytest.approx(speed, rel=2e-3)


def test_a_frozen_end_effector_is_stuck_while_the_joints_move() -> None:
    tracks = clean()
    places, turns = (tracks[name].load().values[:1].repeat(1000, axis=0) for name in ("places", "turns"))
    tracks["places"] = track("pose", POSE, "pose.position", "x y z", T[::2], places)
    tracks["turns"] = track("pose", POSE, "pose.orientation", "x y z w", T[::2], turns)
    (fk,) = (row for (kind, _), row in rows(tracks).items() if kind == "fk")
    assert fk["stuck"] is True
    assert fk["position_error_p95_mm"] > 100
    world = ({**STREAMS[2], "frame_id": "map"}, *STREAMS[:2])
    (fk,) = (row for (kind, _), row in rows(tracks, declared=world).items() if kind == "fk")
    assert fk["stuck"] is True  # without a frame in common, the extents tell


def test_an_offset_and_a_wrong_order_of_the_quaternion_are_measured() -> None:
    tracks = clean()
    places, turns = tracks["places"].load().values, tracks["turns"].load().values
    tracks["places"] = track("pose", POSE, "pose.position", "x y z", T[::2], places + np.array([0.0, 0.0, 0.012]))
    tracks["turns"] = track("pose", POSE, "pose.orientation", "x y z w", T[::2], turns[:, [3, 0, 1, 2]])
    fk = rows(tracks)["fk", "tcp"]
    (apart,) = spans(tracks, "apart")
    assert (apart["stream"], int(str(apart["start_ns"]))) == ("pose", START)
    assert fk["position_error_p95_mm"] == pytest.approx(12, abs=0.01)
    assert fk["rotation_error_p95_deg"] > 90
    tracks["turns"] = track("pose", POSE, "pose.orientation", "x y z w", T[::2], np.zeros((1000, 4)))
    assert rows(tracks)["fk", "tcp"]["rotation_error_p95_deg"] == 180


def test_a_pose_in_the_frame_of_a_link_that_moves() -> None:
    tracks = clean()
    angle = joints(T[::2])[:, 1]
    zero = np.zeros(1000)
    places = np.stack([0.5 + 0.4 * np.cos(angle), 0.4 * np.sin(angle), zero], axis=1)
    turns = np.stack([zero, zero, np.sin(angle / 2), np.cos(angle / 2)], axis=1)
    tracks["places"] = track("pose", POSE, "pose.position", "x y z", T[::2], places)
    tracks["turns"] = track("pose", POSE, "pose.orientation", "x y z w", T[::2], turns)
    fk = rows(tracks, declared=({**STREAMS[2], "frame_id": "l1"}, *STREAMS[:2]))["fk", "tcp"]
    assert fk["position_error_p95_mm"] < 0.01


@pytest.mark.parametrize(
    ("robot", "urdf", "declared", "reason"),
    [
        ({}, None, STREAMS, "no robot is described"),
        (ROBOT, None, STREAMS, "there is no URDF"),
        (ROBOT, b"<robot", STREAMS, "the URDF cannot be read"),
        (ROBOT, ARM.replace(b'"j1"', b'"other"'), STREAMS, "the state streams lack joints of the URDF"),
        (ROBOT, ARM, ({**STREAMS[0], "unit": "deg"}, *STREAMS[1:]), "the joints are not in rad and m"),
        (ROBOT, ARM.replace(b'"fixed"', b'"floating"'), STREAMS, "the chain has a joint with more than one axis"),
    ],
)
def test_what_cannot_be_computed_says_why(robot: Any, urdf: bytes | None, declared: Any, reason: str) -> None:
    found = rows(clean(), robot=robot, urdf=urdf, declared=declared)
    fk, tool = (next(row for (kind, _), row in found.items() if kind == wanted) for wanted in ("fk", "tool"))
    assert why(fk, "position_error_p95_mm") == why(fk, "stuck") == reason
    assert why(tool, "speed_max_m_s") == reason


def test_a_pose_in_a_frame_that_no_urdf_has_is_not_compared() -> None:
    fk = rows(clean(), declared=({**STREAMS[2], "frame_id": "map"}, *STREAMS[:2]))["fk", "tcp"]
    assert why(fk, "position_error_p95_mm") == "the frame of the pose is not in the URDF"
    assert fk["stuck"] is False


def test_limits_of_the_controller_go_before_those_of_the_urdf() -> None:
    limits = [{"name": "j1", "lower_rad": -0.4, "upper_rad": 0.6, "velocity_rad_s": 0.5}]
    found = rows(clean(), robot={**ROBOT, "joint_limits": limits})
    assert found["joint", "j1"]["position_excess_ratio"] == pytest.approx(0.4, abs=1e-3)
    assert found["joint", "j1"]["velocity_ratio"] == pytest.approx(1.6, rel=1e-3)
    times = {kind: spans(clean(), kind, {**ROBOT, "joint_limits": limits}) for kind in ("limit", "joint_speed")}
    first = min(int(str(row["start_ns"])) for row in times["limit"])
    assert (first - START) / 1e9 == pytest.approx(math.asin(0.61 / 0.8), abs=0.01)  # 1 % of the range beyond
    assert max(row["value"] for row in times["joint_speed"]) == found["joint", "j1"]["velocity_ratio"]
    assert found["joint", "j2"]["position_excess_ratio"] == 0
    without = rows(clean(), urdf=None)["joint", "j1"]
    assert why(without, "position_excess_ratio") == why(without, "velocity_ratio") == "no limit is declared"
    endless = rows(clean(), urdf=ARM.replace(b'"j1" type="revolute"', b'"j1" type="continuous"'))["joint", "j1"]
    assert endless["position_excess_ratio"] == 0


def test_a_lift_is_measured_in_m_and_has_no_degrees() -> None:
    lift = ARM.replace(b'"j1" type="revolute"', b'"j1" type="prismatic"')
    row = rows(clean(), urdf=lift)["lag", "j1"]
    assert row["unit"] == "m"
    assert why(row, "saturated_ratio") == "the unit is not rad"


def test_a_blocked_joint_is_saturated_and_a_stuck_one_is_left_to_its_own_rule() -> None:
    tracks, values = clean(), joints(T)
    values[:, 0] = np.clip(values[:, 0], -0.2, 0.2)
    tracks["states"] = track("states", JOINT_STATE, "position", "j1 j2 jaw", T, values)
    gap = np.abs(joints(T + LAG_S)[:, 0] - values[:, 0])
    assert rows(tracks)["lag", "j1"]["saturated_ratio"] == pytest.approx((gap > np.deg2rad(7)).mean(), abs=0.002)
    values[:, 0] = 0.1
    tracks["states"] = track("states", JOINT_STATE, "position", "j1 j2 jaw", T, values)
    assert ("lag", "j1") not in rows(tracks)


def test_a_state_that_moves_on_its_own_has_no_lag() -> None:
    tracks, values = clean(), joints(T)
    values[:, 0] = np.cumsum(np.random.default_rng(3).normal(size=len(T))) / 200
    tracks["states"] = track("states", JOINT_STATE, "position", "j1 j2 jaw", T, values)
    row = rows(tracks)["lag", "j1"]
    assert why(row, "lag_ms") == "the state does not follow the command"
    assert row["correlation"] < 0.5


def test_increments_are_no_positions_to_follow() -> None:
    found = rows(clean(), robot={**ROBOT, "action_representation": "joint_delta"})
    assert [key for key in found if key[0] == "lag"] == []


def test_an_arm_that_does_not_move_is_idle_and_has_no_smoothness() -> None:
    tracks = clean()
    tracks["states"] = track("states", JOINT_STATE, "position", "j1 j2 jaw", T, np.zeros((len(T), 3)))
    tracks["commands"] = track("commands", JOINT_STATE, "position", "j1 j2 jaw", T, np.zeros((len(T), 3)))
    found = rows(tracks)
    assert found["idle", "states"]["idle_ratio"] == 1
    assert found["chain", "l2"]["moves"] is False
    assert why(found["chain", "l2"], "ldlj") == "it does not move"
    assert found["action", "commands"]["moves"] is False
    assert found["joint", "j1"]["unchanged_ratio"] == 1


def test_names_of_an_array_come_from_the_contract() -> None:
    tracks = clean()
    values = tracks["states"].load().values
    tracks["states"] = track("states", "std_msgs/Float64MultiArray", "data", "", T, values)
    tracks["states"] = StreamTrack(
        "states", "p", "std_msgs/Float64MultiArray", "data", ("", "", ""), len(T), tracks["states"].load
    )
    named = {"stream_id": "states", "role": "state", "unit": "rad", "names": ["j1", "j2", "jaw"]}
    found = rows(tracks, declared=(named, *STREAMS[1:]))
    assert found["fk", "tcp"]["position_error_p95_mm"] < 0.01
    efforts = rows(tracks, declared=({**named, "unit": "N.m"}, *STREAMS[1:]))
    assert ("joint", "j1") not in efforts


def test_a_stream_that_was_left_out_makes_the_tables_undecided() -> None:
    known = DeriveInput(EPISODE_ID, "signal", Tracks((), ("states",)), STREAMS, Given((GivenRobot(ROBOT, ARM),)))
    (error,) = derive_kinematics(known)["error"]
    assert error["tables"] == ["kin", "pair"]


def _chain_of(count: int) -> bytes:
    return b"".join(
        b'<joint name="j%d" type="revolute"><parent link="%d"/><child link="%d"/></joint>' % (i, i, i + 1)
        for i in range(count)
    )


def _star_of(count: int) -> bytes:
    return b"".join(
        b'<joint name="j%d" type="revolute"><parent link="root"/><child link="%d"/></joint>' % (i, i)
        for i in range(count)
    )


@pytest.mark.parametrize("joints", [_chain_of(65), _chain_of(1024), _star_of(33), _star_of(1024)])
def test_a_urdf_with_more_chains_than_a_robot_is_not_computed(joints: bytes) -> None:
    found = rows(clean(), urdf=b'<robot name="r">' + joints + b"</robot>")
    (tool,) = (row for (kind, _), row in found.items() if kind == "tool")
    assert why(tool, "speed_max_m_s") == "the URDF has more or longer chains than are measured"
    assert ("joint", "j1") in found


def test_only_the_urdf_changed_no_recording_is_opened_and_the_poses_are_computed_anew(tmp_path: Path) -> None:
    specs = streams()
    specs["ee_pose"].entry |= {"role": "state", "frame_id": "base"}
    root = write_dataset(tmp_path / "set", (specs, Take()))

    def measured() -> tuple[float, float]:
        facts = {unit.scope: unit for unit in measure_path(root, cache=tmp_path / "cache", trust_index=True)}
        tables = facts[EPISODE_ID].tables
        (tool,) = (row for row in tables["kin"] if row["kind"] == "tool")
        (fk,) = (row for row in tables["pair"] if row["kind"] == "fk")
        return float(str(tool["speed_max_m_s"])), float(str(fk["position_error_p95_mm"]))

    speed, error = measured()
    assert speed == 0  # every origin of this URDF is in one place
    moved = URDF.replace(b'<child link="l2"/>', b'<child link="l2"/><origin xyz="0 0.7 0"/>')
    (root / "robots" / "arm" / "arm.urdf").write_bytes(moved)
    with opened_data_files() as opened:
        again = measured()
        assert [name for name in opened if EPISODE_ID in name] == []
    assert again[0] == pytest.approx(0.7 * 0.5, rel=0.01)
    assert abs(again[1] - error) > 100


def test_limits_of_robot_json_are_nowhere_wider_than_those_of_the_urdf() -> None:
    wide = [{"name": "j1", "lower_rad": -100, "upper_rad": 100, "velocity_rad_s": 1000}]
    told = rows(clean(), robot={**ROBOT, "joint_limits": wide})["joint", "j1"]
    urdf = rows(clean(), robot={**ROBOT, "joint_limits": []})["joint", "j1"]
    for name in ("position_excess_ratio", "velocity_ratio"):
        assert told[name] == urdf[name] is not None
    assert told["velocity_ratio"] > 0.1


def test_without_a_urdf_limits_tell_turning_from_sliding_joints() -> None:
    turning = {"name": "j1", "lower_rad": -2.0, "upper_rad": 2.0, "velocity_rad_s": 3.0, "effort_n_m": 90.0}
    sliding = {"name": "jaw", "lower_m": 0.0, "upper_m": 0.04, "velocity_m_s": 0.4, "effort_n": 15.0}
    body = Body((), "there is no URDF", ({"joint_limits": [turning, sliding]},))
    assert [body.unit(name, "rad") for name in ("j1", "jaw", "other")] == ["rad", "m", "rad"]
