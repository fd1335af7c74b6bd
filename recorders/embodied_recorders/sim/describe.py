"""The documents that describe the robot: robot, calibration and contract, as the standard wants them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from types import MappingProxyType

from embodied_kit.model.json import JsonObject, JsonValue
from embodied_kit.spec import SCHEMA_VERSION
from embodied_recorders.sim import robot, streams
from embodied_recorders.sim.cameras import DEPTH_RANGE_M, FRONT, JPEG_QUALITY, WRIST, Camera
from embodied_recorders.sim.models import ROBOT_ID, urdf
from embodied_recorders.sim.options import SimOptions
from embodied_recorders.sim.physics import payload
from embodied_recorders.sim.rotation import product
from embodied_recorders.sim.streams import Topic

CALIBRATION_ID = "sim_truth"
CONTRACT_ID = "sim_arm"
CLOCK_ID = "host_realtime"
URDF_NAME = f"{ROBOT_ID}.urdf"
_CAMERA_STREAMS: Mapping[str, Camera] = MappingProxyType(
    {"cam_front": FRONT, "cam_wrist": WRIST, "cam_front_depth": FRONT}
)
_POSE: Mapping[str, JsonValue] = MappingProxyType({"position": "m", "orientation": "1"})
_UNITS: Mapping[str, Mapping[str, JsonValue]] = MappingProxyType(
    {
        "sensor_msgs/msg/JointState": {"position": "rad", "velocity": "rad/s", "effort": "N.m"},
        "geometry_msgs/msg/PoseStamped": _POSE,
        "geometry_msgs/msg/WrenchStamped": {"force": "N", "torque": "N.m"},
        "tf2_msgs/msg/TFMessage": {"translation": "m", "rotation": "1"},
    }
)


def describe(options: SimOptions | None = None) -> dict[str, JsonObject]:
    """Documents about the robot; only `calibration_time` is left to whoever writes them down.

    Args:
        options: Of the run; the fault wrong_unit declares depth in m, while the camera sends mm as ever.

    Returns:
        `robot`, `calibration` and `contract`; `urdf_uri` names the file that `urdf()` fills.
    """
    wrong = options is not None and options.has_fault("wrong_unit")
    depth_unit = "m" if wrong else "mm"
    return {
        "robot": _robot(depth_unit),
        "calibration": _calibration(),
        "contract": {
            "schema_version": SCHEMA_VERSION,
            "contract_id": CONTRACT_ID,
            "robots": [ROBOT_ID],
            "streams": [_stream(topic, depth_unit) for topic in streams.TOPICS],
        },
    }


def _robot(depth_unit: str) -> JsonObject:
    return {
        "schema_version": SCHEMA_VERSION,
        "robot_id": ROBOT_ID,
        "robot_model": "SimArm 6",
        "robot_vendor": "embodied-kit",
        "robot_serial_hash": _serial_hash("arm"),
        "embodiment_class": "single_arm",
        "urdf_uri": URDF_NAME,
        "urdf_sha256": hashlib.sha256(urdf().encode()).hexdigest(),
        "joint_names": list(robot.JOINT_NAMES),
        "joint_limits": [_limits(joint) for joint in robot.JOINTS],
        "end_effector_type": "parallel_gripper",
        "gripper_semantics": f"0=closed, {robot.FINGER_OPEN_M:g}=open, m of each finger",
        "control_mode": "joint_position",
        "action_representation": "joint_absolute",
        "action_frame": robot.BASE,
        "control_rate_hz": streams.CONTROL_RATE_HZ,
        "base_frame": robot.BASE,
        "frame_tree": frame_tree(),
        "rotation_convention": "quaternion_xyzw",
        "cameras": [_camera(stream_id, camera, depth_unit) for stream_id, camera in _CAMERA_STREAMS.items()],
        "ft_frame": robot.FT_FRAME,
        "ft_zero_offset": [0.0] * 6,
        "payload_mass_kg": round(payload()[0], 6),
        "calibration_ids": [CALIBRATION_ID],
    }


def frame_tree() -> list[JsonValue]:
    """Every frame with its parent: `movable` ones on /tf, `fixed` ones on /tf_static; one root, base_link."""
    edges: list[tuple[str, str, str]] = [(joint.parent, joint.child, "movable") for joint in robot.JOINTS]
    edges += [(fixed.parent, fixed.child, "fixed") for fixed in robot.FIXED]
    return [{"parent": parent, "child": child, "kind": kind} for parent, child, kind in edges]


def _limits(joint: robot.Joint) -> JsonObject:
    if joint.kind == "revolute":
        fields = ("lower_rad", "upper_rad", "velocity_rad_s", "effort_n_m")
    else:
        fields = ("lower_m", "upper_m", "velocity_m_s", "effort_n")
    values = (joint.lower, joint.upper, joint.velocity, joint.effort)
    return {"name": joint.name, **dict(zip(fields, values, strict=True))}


def _camera(stream_id: str, camera: Camera, depth_unit: str) -> JsonObject:
    depth: Mapping[str, JsonValue] = {
        "codec": "none",
        "bit_depth": 16,
        "quality": "lossless",
        "depth_unit": depth_unit,
        "depth_range_m": list(DEPTH_RANGE_M),
    }
    colour: Mapping[str, JsonValue] = {"codec": "jpeg", "bit_depth": 8, "quality": JPEG_QUALITY}
    return {
        "stream_id": stream_id,
        "camera_model": "simulated pinhole",
        "serial_hash": _serial_hash(stream_id),
        "resolution": [camera.width, camera.height],
        "shutter": "global",
        **(depth if stream_id.endswith("depth") else colour),
    }


def _serial_hash(device: str) -> str:
    """A simulated device has no serial number to hide; its name tells it apart."""
    return f"sn-{hashlib.sha256(f'{ROBOT_ID}/{device}'.encode()).hexdigest()[:12]}"


def _calibration() -> JsonObject:
    cameras: list[JsonValue] = [_camera_calibration(name, camera) for name, camera in _CAMERA_STREAMS.items()]
    return {
        "schema_version": SCHEMA_VERSION,
        "calibration_id": CALIBRATION_ID,
        "robot_id": ROBOT_ID,
        "method": "simulation_truth",
        "cameras": cameras,
    }


def _camera_calibration(stream_id: str, camera: Camera) -> JsonObject:
    optical = next(fixed for fixed in robot.FIXED if fixed.child == camera.frame_id)
    mount = next(fixed for fixed in robot.FIXED if fixed.child == optical.parent)
    hand_eye: Mapping[str, JsonValue] = {"hand_eye_error_m": 0.0, "hand_eye_error_rad": 0.0}
    return {
        "stream_id": stream_id,
        "serial_hash": _serial_hash(stream_id),
        "resolution": [camera.width, camera.height],
        "intrinsics": {"fx": camera.fx, "fy": camera.fy, "cx": camera.cx, "cy": camera.cy},
        "distortion_model": "plumb_bob",
        "distortion": [0.0] * 5,
        "reprojection_error_px": 0.0,
        "images_n": 0,
        "extrinsics": {
            "parent_frame": mount.parent,
            "child_frame": camera.frame_id,
            "xyz_m": [float(value) for value in mount.origin],
            "quaternion_xyzw": list(product(mount.quat, optical.quat)),
        },
        **hand_eye,
    }


def _stream(topic: Topic, depth_unit: str) -> JsonObject:
    entry: dict[str, JsonValue] = {
        "stream_id": topic.stream_id,
        "topic": topic.name,
        "ros_type": topic.ros_type,
        "role": topic.role,
        "modality": topic.modality,
        "cadence": topic.cadence,
        "encoding": topic.encoding,
        "clock_id": CLOCK_ID,
        "stamp_semantics": topic.stamp_semantics,
        "contains_pi": False,
    }
    if topic.rate_hz is not None:
        entry["nominal_rate_hz"] = topic.rate_hz
    if topic.frame_id:
        entry["frame_id"] = topic.frame_id
    if topic.sync_group:
        entry["sync_group"] = topic.sync_group
    if topic.ros_type == "sensor_msgs/msg/JointState":
        entry["names"] = list(robot.JOINT_NAMES)
        entry["shape"] = [len(robot.JOINT_NAMES)]
    if topic.ros_type in _UNITS:
        entry["unit"] = dict(_UNITS[topic.ros_type])
    if topic.ros_type == "sensor_msgs/msg/Image":
        entry["unit"] = depth_unit
    return entry
