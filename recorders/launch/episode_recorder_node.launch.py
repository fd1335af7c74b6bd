"""The recorder as a node: ros2 launch embodied_kit episode_recorder_node.launch.py contract:=C dataset:=D task:=T."""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

TEXTS = {
    "contract": (None, "Contract of the streams to record."),
    "dataset": (None, "Dataset folder."),
    "task": (None, "Task id in tasks.json."),
    "operator": ("", "Your name; only a keyed pseudonym is kept."),
    "skill": ("", "Operator's skill level."),
    "mode": ("", "acquisition_mode, e.g. teleop_leader."),
    "scene": ("", "Scene of the takes, where it is not the task's: JSON, or a file of it."),
    "joy": ("", "Gamepad (sensor_msgs/msg/Joy)."),
    "buttons": ("", "Its buttons, e.g. start=0,stop=1."),
    "transport": ("ros2", "ros2, dds or zenoh."),
    "discard_reason": ("discarded by the operator", "Why ~/discard discards."),
}
SECONDS = {
    "duration": ("0.0", "Longest take, s; 0.0 for no limit."),
    "pre_roll": ("-1.0", "Kept from before each start, s; -1.0 takes the contract's."),
    "post_roll": ("-1.0", "Recorded after each stop, s; -1.0 takes the contract's."),
}
AUTOSTART = {"autostart": ("true", "Configure and activate by itself; false leaves it to a lifecycle manager.")}
KINDS = {str: TEXTS, float: SECONDS, bool: AUTOSTART}
PATIENCE_S = "60"
"""launch kills after 10 s what a Ctrl-C has not ended; a take that is being saved may need longer."""


def generate_launch_description() -> LaunchDescription:
    """One node that serves ~/start, ~/stop and the others until it is shut down."""
    parameters = {
        name: ParameterValue(LaunchConfiguration(name), value_type=kind)
        for kind, texts in KINDS.items()
        for name in texts
    }
    return LaunchDescription(
        [
            *(
                DeclareLaunchArgument(name, description=text)
                if default is None
                else DeclareLaunchArgument(name, default_value=default, description=text)
                for texts in KINDS.values()
                for name, (default, text) in texts.items()
            ),
            Node(
                package="embodied_kit",
                executable="episode_recorder_node",
                name="episode_recorder",
                parameters=[parameters],
                output="screen",
                sigterm_timeout=PATIENCE_S,
                sigkill_timeout=PATIENCE_S,
            ),
        ]
    )
