"""Packaging of embodied-kit: three prefixed packages in the folders of their rooms, and the standard as data."""

import os
from glob import glob
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).resolve().parent
PLATFORMS_WITH_CYCLONEDDS = (
    "python_version < '3.14' and ((sys_platform == 'linux' and platform_machine == 'x86_64')"
    " or sys_platform == 'darwin' or sys_platform == 'win32')"
)

PLATFORMS_WITH_ISAL = (  # those with a wheel; elsewhere zlib computes the same
    "python_version < '3.14' and platform_machine in 'x86_64 AMD64 aarch64 arm64'"
)


def here(folder: str) -> str:
    """Path of a folder relative to the working directory (colcon --symlink-install runs in its build folder)."""
    return Path(os.path.relpath(ROOT / folder)).as_posix()


def data_globs(suffixes: tuple[str, ...], depth: int = 6) -> list[str]:
    """Patterns that name the suffixes at every depth (old setuptools knows no `**`)."""
    return ["/".join(["*"] * level) + suffix for level in range(1, depth + 1) for suffix in suffixes]


# One library in two distributions: neither satisfies a requirement on the other.
OPEN3D_LINUX = "open3d-cpu>=0.19; sys_platform == 'linux' and platform_machine == 'x86_64'"
OPEN3D_OTHER = "open3d>=0.19; sys_platform != 'linux' or platform_machine != 'x86_64'"
LIBUSB = "libusb-package>=1.0.26"  # open3d loads libusb, which slim systems lack

ZENOH = ["eclipse-zenoh>=1.10,<2", "xxhash>=3"]

CONSOLE = ["starlette>=0.40", "uvicorn>=0.35", "websockets>=13"]

EXTRAS = {
    "console": CONSOLE,
    "ray": ["ray>=2.30"],
    "sim": [
        "mujoco>=3.17,<5",
        # mujoco's; newer ones need Python 3.11, and an index that does not say so sends pip searching for minutes
        "etils<1.14; python_version < '3.11'",
    ],
    "video": ["av>=13"],
    "zenoh": ZENOH,
    "geometry": [OPEN3D_LINUX, OPEN3D_OTHER, LIBUSB],
    "test": [
        *CONSOLE,
        *ZENOH,
        "av>=13",
        OPEN3D_LINUX,
        f"{LIBUSB}; sys_platform == 'linux'",
        "hypothesis>=6.100",
        "jsonschema>=4.21",
        "mcap>=1.2",
        "mcap-ros2-support>=0.5",
        "mypy>=1.11",
        "psutil>=5.9",
        "pyright[nodejs]>=1.1.380",
        "pytest>=8",
        "pytest-timeout>=2.3",
        "pytest-xdist>=3.6",  # .ci/run: two files of tests at a time
        "ray>=2.30; sys_platform == 'linux' and python_version < '3.14'",
        "ruff>=0.6",
        "types-PyYAML",
        "types-jsonschema",
        "build>=1.2",
        "catkin_pkg>=1.0",
        "colcon-ros>=0.5; sys_platform == 'linux'",  # builds the ROS 2 package
    ],
}

setup(
    name="embodied_kit",
    version="0.1.0",
    description="Record, measure, judge and attest robot-learning episodes against a data-collection standard",
    long_description=(ROOT / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    maintainer="embodied-kit maintainers",
    maintainer_email="maintainers@embodied-kit.example",
    python_requires=">=3.10",
    packages=[
        *find_packages(include=["embodied_kit", "embodied_kit.*"]),
        *find_packages("recorders"),
        *find_packages("validators"),
        "embodied_kit.schemas",
    ],
    package_dir={
        "embodied_recorders": "recorders/embodied_recorders",
        "embodied_validators": "validators/embodied_validators",
        "embodied_kit.schemas": here("schemas"),
    },
    package_data={
        "embodied_kit.schemas": data_globs((".json", ".jsonl", ".yaml")),
        "embodied_kit": ["py.typed", "cli/*.yaml", "messages/shipped/*/*/msg/*.msg"],
        "embodied_recorders": [
            "py.typed",
            *data_globs((".json", ".yaml", ".xml", ".urdf", ".html", ".js", ".css", ".svg")),
        ],
        "embodied_validators": ["py.typed", *data_globs((".html", ".js", ".css", ".json", ".yaml"))],
    },
    data_files=[
        ("share/ament_index/resource_index/packages", ["resource/embodied_kit"]),
        ("share/embodied_kit", ["package.xml"]),
        ("share/embodied_kit/launch", sorted(glob("recorders/launch/*.launch.py"))),
    ],
    install_requires=[
        "click>=8.1",
        "cryptography>=42",
        f"isal>=1.6; {PLATFORMS_WITH_ISAL}",
        "jsonschema-rs>=0.60",
        "lz4>=4.3",
        "numpy>=1.24",
        "orjson>=3.10",
        "pillow>=10",
        "platformdirs>=4",
        "pyarrow>=15",
        "PyYAML>=6",
        "rfc8785>=0.1.4",
        "rich>=13",
        "rosbags>=0.10",
        "securesystemslib>=1.1",
        "simplejpeg>=1.7",
        "zstandard>=0.22",
        f"cyclonedds>=11.0.1,<12; {PLATFORMS_WITH_CYCLONEDDS}",
    ],
    extras_require=EXTRAS,
    entry_points={
        "console_scripts": [
            "embodied-kit = embodied_kit.__main__:main",
            "episode_recorder = embodied_kit.cli.recording.episode_recorder:main",
            "episode_recorder_node = embodied_kit.cli.recording.recorder_node:main",
        ]
    },
    zip_safe=False,
)
