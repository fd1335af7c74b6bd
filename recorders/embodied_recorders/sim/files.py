"""The simulated robot's own documents, as files that `dataset init --robot` and `record` take."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from embodied_kit.canonical import load_json, pretty_bytes
from embodied_kit.episode.dataset import Dataset, create
from embodied_kit.episode.layout import (
    CALIBRATION,
    DATASET_JSON,
    GOVERNANCE_JSON,
    ROBOT_JSON,
    TASKS_JSON,
    write_whole,
)
from embodied_kit.episode.robots import add_robot, read_robot
from embodied_kit.episode.times import rfc3339
from embodied_kit.model.json import JsonObject
from embodied_recorders.contract import contract_yaml
from embodied_recorders.sim.describe import describe
from embodied_recorders.sim.models import urdf
from embodied_recorders.sim.options import SimOptions

CONTRACT_YAML = "contract.yaml"
TASK_ID = "pick_place_cube"
OPERATOR = "op-" + "0" * 12
"""Nobody operates the simulated robot; its place is taken by a pseudonym that no key makes."""
HOST = "ho-" + "0" * 12


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


def create_sim_dataset(folder: Path, robot_json: Path, *, dataset_id: str, now_ns: int) -> Dataset:
    """Make a dataset folder for takes of the simulated robot, its documents complete and its robot in it.

    Args:
        folder: New or empty.
        robot_json: From `write_description`.
        dataset_id: UUIDv7.
        now_ns: Time of creation, ns since the Unix epoch.
    """
    dataset, governance, tasks = (_own_document(name) for name in (DATASET_JSON, GOVERNANCE_JSON, TASKS_JSON))
    identity = {"dataset_id": dataset_id, "dataset_uri": f"urn:uuid:{dataset_id}"}
    entries = cast("list[JsonObject]", tasks["tasks"])
    made = create(folder, {**identity, **dataset}, governance=governance, tasks=entries, now_ns=now_ns)
    add_robot(folder, read_robot(robot_json))
    return made


def _own_document(name: str) -> JsonObject:
    return load_json(Path(__file__).with_name("documents") / name)
