"""The facts about the robot that its documents need: joints, frames, cameras, units, streams."""

from __future__ import annotations

from collections.abc import Mapping

from embodied_kit.model.json import JsonObject, JsonValue
from embodied_recorders.sim import robot, streams
from embodied_recorders.sim.cameras import DEPTH_RANGE_M, FRONT, JPEG_QUALITY, WRIST, Camera
from embodied_recorders.sim.models import ROBOT_ID
from embodied_recorders.sim.options import SimOptions
from embodied_recorders.sim.physics import payload
from embodied_recorders.sim.rotation import product
from embodied_recorders.sim.streams import Topic

CALIBRATION_ID = "sim_exact"
CLOCK_ID = "sim_host"
MODEL, VENDOR = "SimArm 6", "embodied-kit"


def describe(options: SimOptions | None = None) -> JsonObject:
    """What a robot document, a calibration and a contract say about this robot.

    Returns:
        `robot`, `calibration` and `streams`, with the field names of those documents; no URDF digest, no times.
    """
    options = options or SimOptions()
    # The fault wrong_unit: the camera sends millimetres whatever this says.
    depth_unit = "m" if options.has_fault("wrong_unit") else "mm"
    return {
        "robot": _robot(depth_unit),
        "calibration": {
            "calibration_id": CALIBRATION_ID,
            "robot_id": ROBOT_ID,
            "method": "exact by construction (simulated)",
            "cameras": [
                _calibration("cam_front", FRONT),
                _calibration("cam_wrist", WRIST),
                _calibration("cam_front_depth", FRONT),
            ],
        },
        "streams": [_stream(topic, depth_unit) for topic in streams.TOPICS],
    }


def _robot(depth_unit: str) -> JsonObject:
    mass, centre_m = payload()
    return {
        "robot_id": ROBOT_ID,
        "robot_model": MODEL,
        "robot_vendor": VENDOR,
        "embodiment_class": "single_arm",
        "joint_names": list(robot.JOINT_NAMES),
        "joint_limits": [_limits(joint) for joint in robot.JOINTS],
        "end_effector_type": "parallel_gripper",
        "gripper_semantics": "0=closed, 0.04=open, m per finger",
        "gripper_range_m": [0.0, robot.FINGER_OPEN_M],
        "control_mode": "joint_position",
        "action_representation": "absolute_joint_position",
        "action_frame": robot.BASE,
        "control_rate_hz": streams.CONTROL_RATE_HZ,
        "base_frame": robot.BASE,
        "tool_frame": robot.TCP,
        "frame_tree": frame_tree(),
        "rotation_convention": "quaternion_xyzw",
        "cameras": [
            _camera("cam_front", FRONT, {"codec": "jpeg", "bit_depth": 8, "quality": JPEG_QUALITY}),
            _camera("cam_wrist", WRIST, {"codec": "jpeg", "bit_depth": 8, "quality": JPEG_QUALITY}),
            _camera(
                "cam_front_depth",
                FRONT,
                {"codec": "raw", "bit_depth": 16, "depth_unit": depth_unit, "depth_range_m": list(DEPTH_RANGE_M)},
            ),
        ],
        "ft_frame": robot.FT_FRAME,
        "ft_zero_offset": [0.0] * 6,
        "payload_mass_kg": mass,
        "payload_centre_m": [0.0, 0.0, centre_m],
        "calibration_ids": [CALIBRATION_ID],
    }


def frame_tree() -> list[JsonValue]:
    """Every frame with its parent: `moving` ones on /tf, `fixed` ones on /tf_static; one root, base_link."""
    links: list[tuple[str, str, str]] = [(joint.parent, joint.child, "moving") for joint in robot.JOINTS]
    links += [(fixed.parent, fixed.child, "fixed") for fixed in robot.FIXED]
    return [{"parent": parent, "child": child, "kind": kind} for parent, child, kind in links]


def _limits(joint: robot.Joint) -> JsonObject:
    if joint.kind == "revolute":
        units = ("lower_rad", "upper_rad", "velocity_rad_s", "effort_n_m")
    else:
        units = ("lower_m", "upper_m", "velocity_m_s", "effort_n")
    values = (joint.lower, joint.upper, joint.velocity, joint.effort)
    return {"name": joint.name, **dict(zip(units, values, strict=True))}


def _camera(stream_id: str, camera: Camera, more: Mapping[str, JsonValue]) -> JsonObject:
    return {
        "stream_id": stream_id,
        "camera_model": "simulated pinhole",
        "frame_id": camera.frame_id,
        "resolution": [camera.width, camera.height],
        "shutter": "global",
        **more,
    }


def _calibration(stream_id: str, camera: Camera) -> JsonObject:
    body = next(fixed for fixed in robot.FIXED if fixed.child == camera.frame_id)
    mount = next(fixed for fixed in robot.FIXED if fixed.child == body.parent)
    turn = product(mount.quat, body.quat)
    return {
        "stream_id": stream_id,
        "resolution": [camera.width, camera.height],
        "intrinsics": {"fx": camera.fx, "fy": camera.fy, "cx": camera.cx, "cy": camera.cy},
        "distortion_model": "plumb_bob",
        "distortion": [0.0] * 5,
        "reprojection_error_px": 0.0,
        "extrinsics": {
            "parent_frame": mount.parent,
            "child_frame": camera.frame_id,
            "xyz_m": [float(value) for value in mount.origin],
            "quaternion_xyzw": list(turn),
        },
    }


def _stream(topic: Topic, depth_unit: str) -> JsonObject:
    periodic: Mapping[str, JsonValue] = {} if topic.rate_hz is None else {"nominal_rate_hz": topic.rate_hz}
    return {
        "stream_id": topic.stream_id,
        "topic": topic.name,
        "ros_type": topic.ros_type,
        "role": topic.role,
        "modality": topic.modality,
        "cadence": topic.cadence,
        **periodic,
        "frame_id": topic.frame_id,
        "unit": _unit(topic, depth_unit),
        "clock_id": CLOCK_ID,
        "sync_group": topic.sync_group,
    }


def _unit(topic: Topic, depth_unit: str) -> JsonValue:
    pose: JsonObject = {"position": "m", "orientation": "1"}
    units: Mapping[str, JsonValue] = {
        "sensor_msgs/msg/JointState": {
            "position": "rad (fingers m)",
            "velocity": "rad/s (fingers m/s)",
            "effort": "N.m (fingers N)",
        },
        "geometry_msgs/msg/PoseStamped": pose,
        "geometry_msgs/msg/WrenchStamped": {"force": "N", "torque": "N.m"},
        "tf2_msgs/msg/TFMessage": pose,
        "sensor_msgs/msg/Image": depth_unit,
    }
    return units.get(topic.ros_type, "1")
