"""What the simulated robot publishes: one row a topic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from embodied_kit.model.stream import LATCHED, Cadence, Qos
from embodied_recorders.sim.cameras import DEPTH_RATE_HZ, FRAME_RATE_HZ

Process: TypeAlias = Literal["control", "cameras"]

JOINT_STATES = "/joint_states"
JOINT_COMMANDS = "/joint_commands"
EE_POSE = "/ee_pose"
WRENCH = "/wrench"
TF = "/tf"
TF_STATIC = "/tf_static"
ROBOT_DESCRIPTION = "/robot_description"
PHASE = "/sim/phase"
DESCRIPTION = "/sim/description"
FRONT_IMAGE = "/cam_front/image/compressed"
FRONT_INFO = "/cam_front/camera_info"
WRIST_IMAGE = "/cam_wrist/image/compressed"
WRIST_INFO = "/cam_wrist/camera_info"
DEPTH_IMAGE = "/cam_front/depth/image"
DEPTH_INFO = "/cam_front/depth/camera_info"

CONTROL_RATE_HZ = 500
WRENCH_RATE_HZ = 1000
POSE_RATE_HZ = 100


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic.

    Attributes:
        stream_id: Slug that a contract would use.
        process: The process that publishes it.
        rate_hz: Nominal rate; None unless cadence is periodic.
        frame_id: Frame of its header; empty where it has none.
        sync_group: Topics of one group are taken at the same moments.
    """

    name: str
    ros_type: str
    stream_id: str
    role: str
    modality: str
    cadence: Cadence
    process: Process
    rate_hz: int | None = None
    frame_id: str = ""
    sync_group: str = ""

    @property
    def qos(self) -> Qos:
        """Reliable; latched, or deep enough for half a second, so that a stalled reader loses nothing."""
        if self.cadence in {"latched", "event"}:
            return LATCHED
        return Qos(depth=max(10, (self.rate_hz or 0) // 2))


_STATE = "sensor_msgs/msg/JointState"
_JPEG = "sensor_msgs/msg/CompressedImage"
_INFO = "sensor_msgs/msg/CameraInfo"
_FRONT = "cam_front_optical_frame"
_WRIST = "cam_wrist_optical_frame"


def _control(
    name: str, ros_type: str, role: str, modality: str, rate_hz: int, frame_id: str = "", sync_group: str = ""
) -> Topic:
    return Topic(name, ros_type, name[1:], role, modality, "periodic", "control", rate_hz, frame_id, sync_group)


def _latched(name: str, ros_type: str, stream_id: str, role: str, cadence: Cadence = "latched") -> Topic:
    return Topic(name, ros_type, stream_id, role, "description", cadence, "control")


def _camera(name: str, ros_type: str, stream_id: str, modality: str, rate_hz: int, frame_id: str) -> Topic:
    role, group = ("camera_info", "") if ros_type == _INFO else ("observation", "cameras")
    return Topic(name, ros_type, stream_id, role, modality, "periodic", "cameras", rate_hz, frame_id, group)


TOPICS = (
    _control(JOINT_STATES, _STATE, "state", "proprioception", CONTROL_RATE_HZ, "", "joints"),
    _control(JOINT_COMMANDS, _STATE, "action", "proprioception", CONTROL_RATE_HZ, "", "joints"),
    _control(EE_POSE, "geometry_msgs/msg/PoseStamped", "state", "proprioception", POSE_RATE_HZ, "base_link"),
    _control(WRENCH, "geometry_msgs/msg/WrenchStamped", "observation", "force", WRENCH_RATE_HZ, "ft_frame"),
    _control(TF, "tf2_msgs/msg/TFMessage", "transform", "proprioception", POSE_RATE_HZ),
    _latched(TF_STATIC, "tf2_msgs/msg/TFMessage", "tf_static", "transform"),
    _latched(ROBOT_DESCRIPTION, "std_msgs/msg/String", "robot_description", "description"),
    _latched(DESCRIPTION, "std_msgs/msg/String", "sim_description", "description"),
    _latched(PHASE, "std_msgs/msg/String", "sim_phase", "event", "event"),
    _camera(FRONT_IMAGE, _JPEG, "cam_front", "vision", FRAME_RATE_HZ, _FRONT),
    _camera(FRONT_INFO, _INFO, "cam_front_info", "vision", FRAME_RATE_HZ, _FRONT),
    _camera(WRIST_IMAGE, _JPEG, "cam_wrist", "vision", FRAME_RATE_HZ, _WRIST),
    _camera(WRIST_INFO, _INFO, "cam_wrist_info", "vision", FRAME_RATE_HZ, _WRIST),
    _camera(DEPTH_IMAGE, "sensor_msgs/msg/Image", "cam_front_depth", "depth", DEPTH_RATE_HZ, _FRONT),
    _camera(DEPTH_INFO, _INFO, "cam_front_depth_info", "depth", DEPTH_RATE_HZ, _FRONT),
)
