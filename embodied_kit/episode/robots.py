"""Robots of a dataset: robot.json with its URDF and calibrations, copied in and read back whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from embodied_kit.canonical import load_json, sha256_hex
from embodied_kit.episode.ids import require_slug
from embodied_kit.episode.layout import CALIBRATION, ROBOT_JSON, ROBOTS, write_whole, writing
from embodied_kit.episode.paths import path_problem
from embodied_kit.errors import DataError, UsageError
from embodied_kit.model.json import JsonObject

MAX_URDF_BYTES = 16 * 2**20


@dataclass(frozen=True)
class RobotFolder:
    """Everything that describes one robot.

    Attributes:
        robot_id: Slug.
        robot: robot.json.
        files: Name relative to the robot's folder -> bytes, robot.json first.
        calibrations: Parsed calibration documents, in order of name.
    """

    robot_id: str
    robot: JsonObject
    files: Mapping[str, bytes]
    calibrations: tuple[JsonObject, ...]

    def attachments(self) -> dict[str, bytes]:
        """URDF and calibrations as a data file embeds them; robot.json itself stands in capture.json."""
        return {f"{ROBOTS}/{self.robot_id}/{name}": data for name, data in self.files.items() if name != ROBOT_JSON}

    def urdfs(self) -> list[JsonObject]:
        """`urdfs[]` of capture.json: name and sha256 of the URDF, where there is one."""
        return [
            {"robot_id": self.robot_id, "name": name, "sha256": sha256_hex(data)}
            for name, data in self.files.items()
            if name == self.robot.get("urdf_uri")
        ]


def read_robot(robot_json: Path) -> RobotFolder:
    """Read robot.json with the URDF that it names and the calibrations in `calibration/` beside it.

    Raises:
        DataError: A file cannot be read or is not strict JSON.
        UsageError: There is no such file, it has no `robot_id`, or it names a URDF outside its folder.
    """
    if not robot_json.is_file():
        raise UsageError(f"expected a robot.json, got {robot_json}, which is no file")
    robot = load_json(robot_json)
    robot_id = require_slug(str(robot.get("robot_id", "")), "robot_id")
    files = {ROBOT_JSON: robot_json.read_bytes()}
    urdf = robot.get("urdf_uri")
    if isinstance(urdf, str):
        if "/" in urdf or path_problem(urdf) != "none":
            raise UsageError(f"expected urdf_uri to name a file beside robot.json, got {urdf!r}")
        files[urdf] = _read_bounded(robot_json.parent / urdf)
    calibrations = []
    for path in sorted((robot_json.parent / CALIBRATION).glob("*.json")):
        calibrations.append(load_json(path))
        files[f"{CALIBRATION}/{path.name}"] = path.read_bytes()
    return RobotFolder(robot_id, robot, files, tuple(calibrations))


def add_robot(dataset_root: Path, folder: RobotFolder) -> None:
    """Copy a robot into a dataset; the same robot again is fine, another content under its id is not.

    Raises:
        UsageError: The id is taken by a different robot.
    """
    target = dataset_root / ROBOTS / folder.robot_id
    missing = {name: data for name, data in folder.files.items() if not (target / name).exists()}
    for name in folder.files.keys() - missing.keys():
        if (target / name).read_bytes() != folder.files[name]:
            raise UsageError(
                f"expected robot {folder.robot_id!r} to be the one in the dataset, got another {name}",
                remedy="give the changed robot a new robot_id",
            )
    for name, data in missing.items():
        path = target / name
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, data)


def _read_bounded(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_URDF_BYTES:
            raise DataError(f"expected at most {MAX_URDF_BYTES} bytes, got {path.stat().st_size} in {path}")
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}", remedy="place the URDF beside robot.json") from error
