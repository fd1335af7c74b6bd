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
    "transport": ("ros2", "ros2, dds or zenoh."),
    "discard_reason": ("discarded by the operator", "Why ~/discard discards."),
}
AUTOSTART = ("true", "Configure and activate by itself; false leaves it to a lifecycle manager.")


def generate_launch_description() -> LaunchDescription:
    """One node that serves ~/start, ~/stop and the others until it is shut down."""
    texts = {name: ParameterValue(LaunchConfiguration(name), value_type=str) for name in TEXTS}
    autostart = ParameterValue(LaunchConfiguration("autostart"), value_type=bool)
    return LaunchDescription(
        [
            *(
                DeclareLaunchArgument(name, description=text)
                if default is None
                else DeclareLaunchArgument(name, default_value=default, description=text)
                for name, (default, text) in {**TEXTS, "autostart": AUTOSTART}.items()
            ),
            Node(
                package="embodied_kit",
                executable="episode_recorder_node",
                name="episode_recorder",
                parameters=[{**texts, "autostart": autostart}],
                output="screen",
            ),
        ]
    )
