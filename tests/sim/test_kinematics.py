"""URDF, MJCF, /tf and the closed inverse speak of the same arm."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embodied_kit.errors import UsageError
from embodied_recorders.sim import robot, urdf
from embodied_recorders.sim.inverse import solve
from embodied_recorders.sim.physics import Physics
from embodied_recorders.sim.rotation import matrix, transform

JOINT_POSITIONS = st.tuples(*(st.floats(joint.lower, joint.upper) for joint in robot.JOINTS)).map(np.array)


def euler(roll: float, pitch: float, yaw: float) -> np.ndarray:
    cr, sr, cp, sp, cy, sy = np.cos(roll), np.sin(roll), np.cos(pitch), np.sin(pitch), np.cos(yaw), np.sin(yaw)
    return (
        np.array([[cy, -sy, 0], [sy, cy, 0], [0, 0, 1]])
        @ np.array([[cp, 0, sp], [0, 1, 0], [-sp, 0, cp]])
        @ np.array([[1, 0, 0], [0, cr, -sr], [0, sr, cr]])
    )


def along(axis: np.ndarray, angle: float) -> np.ndarray:
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


class Urdf:
    """Forward kinematics of a URDF text, written apart from the code under test."""

    def __init__(self, text: str) -> None:
        root = ET.fromstring(text)  # noqa: S314 - our own text
        self.links = {link.get("name") for link in root.iter("link")}
        self.joints = list(root.iter("joint"))
        self.movable = [joint.get("name") for joint in self.joints if joint.get("type") != "fixed"]

    def pose(self, link: str, positions: dict[str, float]) -> np.ndarray:
        joint = next((one for one in self.joints if one.find("child").get("link") == link), None)
        if joint is None:
            return np.eye(4)
        origin = joint.find("origin")
        step = np.eye(4)
        step[:3, :3] = euler(*map(float, origin.get("rpy").split()))
        step[:3, 3] = list(map(float, origin.get("xyz").split()))
        if joint.get("type") != "fixed":
            axis = np.array(list(map(float, joint.find("axis").get("xyz").split())))
            move = np.eye(4)
            value = positions[joint.get("name")]
            if joint.get("type") == "revolute":
                move[:3, :3] = along(axis, value)
            else:
                move[:3, 3] = value * axis
            step = step @ move
        return self.pose(joint.find("parent").get("link"), positions) @ step


@pytest.fixture(scope="module")
def physics() -> Physics:
    return Physics()


@pytest.fixture(scope="module")
def parsed() -> Urdf:
    return Urdf(urdf())


@settings(max_examples=40, deadline=None)
@given(positions=JOINT_POSITIONS)
def test_urdf_and_mujoco_put_the_tool_in_the_same_place(physics: Physics, parsed: Urdf, positions: np.ndarray) -> None:
    physics.data.qpos[:8] = positions
    at = physics.tcp()
    pose = parsed.pose("tcp", dict(zip(robot.JOINT_NAMES, positions, strict=True)))
    assert np.abs(pose[:3, 3] - at).max() < 1e-9
    assert np.abs(pose[:3, :3] - physics.data.site("tcp").xmat.reshape(3, 3)).max() < 1e-9
    finger = parsed.pose("finger_left_link", dict(zip(robot.JOINT_NAMES, positions, strict=True)))
    assert np.abs(finger[:3, 3] - physics.data.body("finger_left_link").xpos).max() < 1e-9


@settings(max_examples=40, deadline=None)
@given(positions=JOINT_POSITIONS)
def test_every_frame_of_the_urdf_is_where_we_compute_it(parsed: Urdf, positions: np.ndarray) -> None:
    named = dict(zip(robot.JOINT_NAMES, positions, strict=True))
    poses = robot.link_poses(positions)
    assert parsed.links == set(poses)
    for link, pose in poses.items():
        assert np.abs(parsed.pose(link, named) - pose).max() < 1e-12
    place, turn = robot.tcp_pose(positions)
    assert np.abs(transform(place, turn) - poses["tcp"]).max() < 1e-12
    assert abs(np.linalg.norm(turn) - 1) < 1e-12


def test_the_urdf_declares_the_limits_that_the_servos_keep(physics: Physics, parsed: Urdf) -> None:
    assert parsed.movable == list(robot.JOINT_NAMES)
    for index, joint in enumerate(one for one in parsed.joints if one.get("type") != "fixed"):
        limit = {name: float(value) for name, value in joint.find("limit").items()}
        assert physics.model.jnt_range[index].tolist() == [limit["lower"], limit["upper"]]
        assert physics.model.actuator_forcerange[index].tolist() == [-limit["effort"], limit["effort"]]
        assert limit["velocity"] > 0


@settings(max_examples=100, deadline=None)
@given(
    q=st.tuples(
        st.floats(-2.8, 2.8),
        st.floats(-0.5, 1.2),
        st.floats(0.3, 1.6),
        st.floats(-1, 1),
        st.floats(0.3, 2.5),
        st.floats(-2, 2),
    ).map(np.array)
)
def test_the_inverse_brings_the_tool_back_to_the_pose(q: np.ndarray) -> None:
    place, turn = robot.tcp_pose(q)
    back = solve(np.array([place]), matrix(turn)[None])[0]
    again, turn_again = robot.tcp_pose(back)
    assert np.abs(np.array(again) - place).max() < 1e-9
    assert np.abs(matrix(turn_again) - matrix(turn)).max() < 1e-9


def test_the_inverse_refuses_what_is_out_of_reach() -> None:
    with pytest.raises(UsageError, match="within"):
        solve(np.array([[2.0, 0.0, 0.0]]), np.eye(3)[None])
