"""Records takes by a contract: ros2 launch embodied_kit episode_recorder.launch.py contract:=C dataset:=D task:=T."""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

ARGUMENTS = {
    "contract": "Contract of the streams to record.",
    "dataset": "Dataset folder.",
    "task": "Task id in tasks.json.",
}
WITH_DEFAULTS = {
    "episodes": ("1", "Takes to record."),
    "duration": ("30", "Seconds a take."),
    "outcome": ("unknown", "Outcome of the takes."),
}
PATIENCE_S = "60"
"""launch kills after 10 s what a Ctrl-C has not ended; a take that is being saved may need longer."""


def generate_launch_description() -> LaunchDescription:
    """One recorder that ends after its takes; Ctrl-C ends the running take as a valid episode."""
    options = [
        word for name in ("dataset", "task", *WITH_DEFAULTS) for word in (f"--{name}", LaunchConfiguration(name))
    ]
    return LaunchDescription(
        [
            *(DeclareLaunchArgument(name, description=text) for name, text in ARGUMENTS.items()),
            *(
                DeclareLaunchArgument(name, default_value=value, description=text)
                for name, (value, text) in WITH_DEFAULTS.items()
            ),
            Node(
                package="embodied_kit",
                executable="episode_recorder",
                arguments=[LaunchConfiguration("contract"), *options],
                output="screen",
                sigterm_timeout=PATIENCE_S,
                sigkill_timeout=PATIENCE_S,
            ),
        ]
    )
