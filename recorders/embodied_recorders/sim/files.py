"""The simulated robot's own documents, as files that `dataset init --robot` and `record` take."""

from __future__ import annotations

from pathlib import Path

from embodied_kit.canonical import pretty_bytes
from embodied_kit.episode.layout import CALIBRATION, ROBOT_JSON, write_whole
from embodied_kit.episode.times import rfc3339
from embodied_recorders.contract import contract_yaml
from embodied_recorders.sim.describe import describe
from embodied_recorders.sim.models import urdf
from embodied_recorders.sim.options import SimOptions

CONTRACT_YAML = "contract.yaml"


def write_description(folder: Path, options: SimOptions, now_ns: int) -> tuple[Path, Path]:
    """Write robot.json with URDF and calibration, and contract.yaml.

    Args:
        folder: Where; made if it does not exist.
        options: Of the run; a fault may change what is declared.
        now_ns: Stands as the time of calibration, ns since the Unix epoch.

    Returns:
        Paths of robot.json and of contract.yaml.
    """
    documents = describe(options)
    robot, calibration = documents["robot"], documents["calibration"]
    (folder / CALIBRATION).mkdir(parents=True, exist_ok=True)
    write_whole(folder / ROBOT_JSON, pretty_bytes(robot))
    write_whole(folder / str(robot["urdf_uri"]), urdf().encode())
    calibrated = {**calibration, "calibration_time": rfc3339(now_ns)}
    write_whole(folder / CALIBRATION / f"{calibration['calibration_id']}.json", pretty_bytes(calibrated))
    write_whole(folder / CONTRACT_YAML, contract_yaml(documents["contract"]).encode())
    return folder / ROBOT_JSON, folder / CONTRACT_YAML
