"""Where the page draws a robot's path: recorded poses, or else joints and URDF, against closed forms."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from report.samples import NS, START_NS, clean_report, rulebook
from report.test_views import HIDDEN, Take, stamp

from embodied_kit.model.facts import Facts
from embodied_validators.report import EpisodeInfo, EpisodeView, SubjectInfo, render_html
from embodied_validators.report.views import episode_view

URDF = """<robot name="two">
  <link name="base"/><link name="upper"/><link name="lower"/><link name="tool"/><link name="finger"/>
  <joint name="shoulder" type="revolute"><parent link="base"/><child link="upper"/><axis xyz="0 0 1"/>
    <limit lower="-3" upper="3" effort="1" velocity="1"/></joint>
  <joint name="elbow" type="continuous"><parent link="upper"/><child link="lower"/><origin xyz="0.5 0 0.1"/>
    <axis xyz="0 0 1"/></joint>
  <joint name="flange" type="fixed"><parent link="lower"/><child link="tool"/><origin xyz="0.3 0 0"/></joint>
  <joint name="jaw" type="prismatic"><parent link="tool"/><child link="finger"/><axis xyz="0 1 0"/>
    <limit lower="0" upper="1" effort="1" velocity="1"/></joint>
</robot>"""
BARE = Facts("bare", "full", "bare", {"container": ({"path": "take.mcap"},)})
INFO = EpisodeInfo("bare", START_NS, 2.0)


def record(path: Path, *, joints: tuple[str, ...], describe: str | None, pose: bool = False) -> None:
    take = Take(path)
    with take.writer:
        if describe is not None:
            take.put("/robot_description", "std_msgs/msg/String", START_NS, {"data": describe})
        for index in range(200):
            time_ns = START_NS + index * NS // 100
            state = {"header": stamp(time_ns), "name": list(joints), "position": [index / 100] * len(joints)}
            take.put("/joint_states", "sensor_msgs/msg/JointState", time_ns, state)
            if pose:
                place = {"header": stamp(time_ns), "pose": {"position": {"x": index / 100, "y": 0.0, "z": 0.0}}}
                take.put("/ee_pose", "geometry_msgs/msg/PoseStamped", time_ns, place)


def drawn(tmp_path: Path, **how: object) -> EpisodeView:
    path = tmp_path / "take.mcap"
    record(path, **how)  # type: ignore[arg-type]  # as `record` has them
    return episode_view(path, BARE, INFO, HIDDEN)


def test_joints_and_urdf_give_the_path_of_the_last_turning_link(tmp_path: Path) -> None:
    view = drawn(tmp_path, joints=("elbow", "shoulder", "jaw"), describe=URDF)
    (path,) = view.paths
    turn = np.arange(200) / 100
    assert (path.frame, path.tip, path.topic) == ("base", "lower", "/joint_states")
    assert np.array_equal(path.times_ns, START_NS + np.arange(200) * NS // 100)
    expected = np.column_stack([0.5 * np.cos(turn), 0.5 * np.sin(turn), np.full(200, 0.1)])
    assert np.allclose(path.points_m, expected, atol=1e-9)
    page = render_html(clean_report(), rulebook(), [view], SubjectInfo("x", 1), "zh")
    assert "由关节与 URDF 算出的 lower，" in page


def test_a_recorded_pose_is_drawn_as_it_was_recorded(tmp_path: Path) -> None:
    (path,) = drawn(tmp_path, joints=("elbow", "shoulder", "jaw"), describe=URDF, pose=True).paths
    assert (path.topic, path.tip) == ("/ee_pose", "")
    assert np.allclose(path.points_m[:, 0], np.arange(200) / 100)


@pytest.mark.parametrize(
    ("joints", "describe"),
    [
        (("shoulder",), URDF.replace("elbow", "other")),
        ((), URDF),
        (("elbow", "shoulder"), "<robot"),
        (("a", "b"), None),
    ],
)
def test_without_all_it_needs_there_is_at_most_a_shorter_path(
    tmp_path: Path, joints: tuple[str, ...], describe: str | None
) -> None:
    paths = drawn(tmp_path, joints=joints, describe=describe).paths
    assert [path.tip for path in paths] == (["upper"] if joints == ("shoulder",) else [])


def test_the_robots_of_the_dataset_are_asked_where_the_recording_is_silent(tmp_path: Path) -> None:
    episode = tmp_path / "episodes" / "e" / "data_000.mcap"
    robot = tmp_path / "robots" / "arm" / "arm.urdf"
    for folder in (episode.parent, robot.parent):
        folder.mkdir(parents=True)
    robot.write_text(URDF, encoding="utf-8")
    record(episode, joints=("elbow", "shoulder", "jaw"), describe=None)
    facts = Facts("e", "full", "episode", {"container": ({"path": "episodes/e/data_000.mcap"},)})
    assert [path.tip for path in episode_view(tmp_path, facts, INFO, HIDDEN).paths] == ["lower"]
