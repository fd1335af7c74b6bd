"""A lab with a two-joint arm and a camera: its description, its nodes as processes, what it adds to a draft."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import yaml
from recorder.sensors import RATE_HZ, Maker, Sensor, topics
from recorder.support import running_robot

from embodied_kit.canonical import sha256_hex
from embodied_recorders.sim.files import write_description
from embodied_recorders.sim.options import SimOptions

JOINTS = ("j1", "j2")
URDF = """<robot name="my_arm">
  <link name="base"/><link name="upper"/><link name="tool"/><link name="cam_front_optical_frame"/>
  <joint name="j1" type="revolute"><parent link="base"/><child link="upper"/><axis xyz="0 0 1"/>
    <limit lower="-3" upper="3" velocity="5" effort="50"/></joint>
  <joint name="j2" type="revolute"><parent link="upper"/><child link="tool"/><axis xyz="0 1 0"/>
    <limit lower="-3" upper="3" velocity="5" effort="50"/></joint>
  <joint name="cam_joint" type="fixed"><parent link="base"/><child link="cam_front_optical_frame"/></joint>
</robot>
"""


def describe(folder: Path) -> Path:
    """What a lab writes once: `my_arm/` with robot.json, URDF, calibration and the dataset's documents."""
    arm = folder / "my_arm"
    write_description(arm, SimOptions(), time.time_ns())  # its words on licence, persons and task serve here too
    for path in (arm / "sim_arm.urdf", arm / "contract.yaml", arm / "calibration" / "sim_truth.json"):
        path.unlink()
    (arm / "my_arm.urdf").write_text(URDF, encoding="utf-8")
    calibration = {"schema_version": "1.0.0", "calibration_id": "c1", "robot_id": "my_arm"}
    calibration["cameras"] = [{"stream_id": "cam_front_image_compressed"}]
    _write(arm / "calibration" / "c1.json", calibration)
    limits = [{"name": name, "lower_rad": -3, "upper_rad": 3, "velocity_rad_s": 5, "effort_n_m": 50} for name in JOINTS]
    _change(
        arm / "robot.json",
        robot_id="my_arm",
        robot_model="two joints",
        urdf_uri="my_arm.urdf",
        urdf_sha256=sha256_hex(URDF.encode()),
        joint_names=JOINTS,
        joint_limits=limits,
        base_frame="base",
        calibration_ids=["c1"],
    )
    _change(arm / "dataset.json", data_origin="real", generated_data_indicator=0)
    return arm


def _change(path: Path, **values: object) -> None:
    _write(path, {**json.loads(path.read_text(encoding="utf-8")), **values})


def _write(path: Path, document: Mapping[str, object]) -> None:
    path.write_text(json.dumps(document, ensure_ascii=False, indent=2), encoding="utf-8")


def arm_node(folder: Path) -> list[dict[str, object]]:
    """Topics of the arm's driver."""
    make = Maker(folder)
    body, transform = ("state", "proprioception"), ("transform", "reference")
    joints, tf = "sensor_msgs/msg/JointState", "tf2_msgs/msg/TFMessage"
    sent = (
        make.sensor("/joint_states", body, joints, make.joints),
        make.sensor("/joint_commands", body, joints, make.joints),
        make.sensor("/tf_static", transform, tf, make.transforms, latched=True, stamp_at=8),
    )
    return _node(folder / "arm_node", sent)


@contextmanager
def camera(folder: Path, domain_id: int) -> Iterator[None]:
    """The camera's driver at work."""
    place = folder / "camera"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    with running_robot(place, camera_node(place), domain_id=domain_id):
        yield


def camera_node(folder: Path) -> list[dict[str, object]]:
    """Topics of the camera's driver."""
    make = Maker(folder)
    image = "sensor_msgs/msg/CompressedImage"
    sent = (make.sensor("/cam_front/image/compressed", ("observation", "vision"), image, make.jpeg),)
    return _node(folder / "camera_node", sent)


def _node(folder: Path, sent: Sequence[Sensor]) -> list[dict[str, object]]:
    folder.mkdir()
    return list(topics(sent, folder))


def complete(contract: Path) -> None:
    """What a person adds to a draft: clocks, stamps, frames, and the rates that the devices are meant to have."""
    document = yaml.safe_load(contract.read_text(encoding="utf-8"))
    for stream in document["streams"]:
        stream |= {"clock_id": "host_realtime", "stamp_semantics": "publish", "contains_pi": False}
        if stream["cadence"] == "periodic":
            stream |= {"nominal_rate_hz": RATE_HZ, "rate_tolerance": 0.8}  # wide: a machine under test is busy
        if stream["modality"] == "vision":
            stream |= {"frame_id": "cam_front_optical_frame", "stamp_semantics": "exposure_mid"}
    contract.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
