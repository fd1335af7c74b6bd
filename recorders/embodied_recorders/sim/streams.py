"""What the simulated robot publishes: one row a topic."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from embodied_kit.model.stream import LATCHED, Cadence, Qos
from embodied_recorders.sim.cameras import DEPTH_RATE_HZ, FRAME_RATE_HZ, FRONT, WRIST, Camera

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
        stream_id: Slug that a contract uses.
        process: The process that publishes it.
        rate_hz: Nominal rate; None unless cadence is periodic.
        frame_id: Frame of its header; empty where it has none.
        sync_group: Topics of one group are taken at the same moments.
        encoding: Encoding of the payload.
        stamp_semantics: What the header stamp marks.
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
    encoding: str = "cdr"
    stamp_semantics: str = "exposure_mid"

    @property
    def qos(self) -> Qos:
        """Reliable; latched, or deep enough for half a second, so that a stalled reader loses nothing."""
        if self.cadence in {"latched", "event"}:
            return LATCHED
        return Qos(depth=max(10, (self.rate_hz or 0) // 2))


_STATE = "sensor_msgs/msg/JointState"
_POSE = "geometry_msgs/msg/PoseStamped"
_WRENCH = "geometry_msgs/msg/WrenchStamped"
_TF = "tf2_msgs/msg/TFMessage"
_TEXT = "std_msgs/msg/String"


def _periodic(name: str, ros_type: str, role: str, modality: str, rate_hz: int, frame_id: str = "") -> Topic:
    return Topic(name, ros_type, name[1:], role, modality, "periodic", "control", rate_hz, frame_id)


def _latched(name: str, ros_type: str, stream_id: str, role: str, cadence: Cadence = "latched") -> Topic:
    return Topic(name, ros_type, stream_id, role, "reference", cadence, "control", stamp_semantics="publish")


def _image(name: str, info: str, stream_id: str, camera: Camera, *, depth: bool = False) -> tuple[Topic, Topic]:
    """An image topic and the camera_info that goes with it."""
    ros_type, encoding = ("sensor_msgs/msg/Image", "16UC1") if depth else ("sensor_msgs/msg/CompressedImage", "jpeg")
    modality, rate_hz = ("spatial", DEPTH_RATE_HZ) if depth else ("vision", FRAME_RATE_HZ)
    image = Topic(name, ros_type, stream_id, "observation", modality, "periodic", "cameras", rate_hz)
    image = replace(image, frame_id=camera.frame_id, sync_group="cameras", encoding=encoding)
    parameters = Topic(
        info, "sensor_msgs/msg/CameraInfo", f"{stream_id}_info", "camera_info", "reference", "periodic", "cameras"
    )
    return image, replace(parameters, rate_hz=rate_hz, frame_id=camera.frame_id)


TOPICS = (
    replace(_periodic(JOINT_STATES, _STATE, "state", "proprioception", CONTROL_RATE_HZ), sync_group="joints"),
    replace(
        _periodic(JOINT_COMMANDS, _STATE, "action", "proprioception", CONTROL_RATE_HZ),
        sync_group="joints",
        stamp_semantics="publish",
    ),
    _periodic(EE_POSE, _POSE, "state", "proprioception", POSE_RATE_HZ, "base_link"),
    _periodic(WRENCH, _WRENCH, "observation", "force", WRENCH_RATE_HZ, "ft_frame"),
    _periodic(TF, _TF, "transform", "reference", POSE_RATE_HZ),
    _latched(TF_STATIC, _TF, "tf_static", "transform"),
    _latched(ROBOT_DESCRIPTION, _TEXT, "robot_description", "description"),
    _latched(DESCRIPTION, _TEXT, "sim_description", "description"),
    _latched(PHASE, _TEXT, "sim_phase", "event", "event"),
    *_image(FRONT_IMAGE, FRONT_INFO, "cam_front", FRONT),
    *_image(WRIST_IMAGE, WRIST_INFO, "cam_wrist", WRIST),
    *_image(DEPTH_IMAGE, DEPTH_INFO, "cam_front_depth", FRONT, depth=True),
)
