"""What was latched before the recorder was there is in each file of a long take: over DDS, between processes."""

from __future__ import annotations

from pathlib import Path

import pytest
from mcap.reader import make_reader
from mcap_ros2.decoder import DecoderFactory
from recorder import support
from recorder.sensors import lab_folder, sensors, topics
from transports.harness import until

pytestmark = pytest.mark.wire
TRANSFORMS = "tf2_msgs/msg/TFMessage"
SECONDS = 3.2


def test_tf_static_of_long_ago_is_in_each_file(tmp_path: Path) -> None:
    robot_sends = [one for one in sensors(lab_folder(tmp_path)) if one.topic in {"/tf_static", "/joint_states"}]
    dataset = support.dataset_in(tmp_path)
    contract = support.contract_file(
        tmp_path,
        support.stream("joints", "/joint_states", support.JOINTS, 20),
        support.stream(
            "tf_static", "/tf_static", TRANSFORMS, None, cadence="latched", role="transform", modality="reference"
        ),
        max_file_s=1,
    )
    with support.running_robot(tmp_path, list(topics(robot_sends, tmp_path))) as robot:
        until(lambda: len(robot.sent("/joint_states")) > 10, "the robot at work for half a second")
        (latched,) = robot.sent("/tf_static")
        words = ["--dataset", dataset.root, "--task", "pick", "--domain", robot.domain_id, "--duration", SECONDS]
        done = support.run(tmp_path, "record", contract, *words, "--outcome", "success")
        assert done.returncode == 0, done.stdout + done.stderr
        assert len(robot.sent("/tf_static")) == 1, "the robot has not sent it again"
    (episode_id,) = dataset.episode_ids()
    folder = dataset.root / "episodes" / episode_id
    files = sorted(folder.glob("data_*.mcap"))
    assert len(files) >= 3
    for index, path in enumerate(files):
        with path.open("rb") as file:
            reader = make_reader(file, validate_crcs=True, decoder_factories=[DecoderFactory()])
            found = [(m, ros) for _, c, m, ros in reader.iter_decoded_messages(topics=["/tf_static"])]
            marks = [one.metadata for one in reader.iter_metadata() if one.name == "embodied_kit.repeated"]
        assert [(one.publish_time, ros.transforms[0].child_frame_id) for one, ros in found] == [
            (latched.source_ns, "tool")
        ], path.name
        assert found[0][0].data == robot_sends[-1].played.message(0, latched.source_ns)
        assert marks == ([{"/tf_static": "1"}] if index else [])
