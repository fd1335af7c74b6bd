"""The simulated robot's own documents, as files that `dataset init --robot` and `record` take."""

from __future__ import annotations

from pathlib import Path

from embodied_kit.canonical import pretty_bytes
from embodied_kit.episode.dataset import Dataset, create
from embodied_kit.episode.layout import (
    CALIBRATION,
    ROBOT_JSON,
    write_whole,
)
from embodied_kit.episode.robots import add_robot, read_robot
from embodied_kit.episode.templates import read_template
from embodied_kit.episode.times import rfc3339
from embodied_recorders.graph.contract import contract_yaml
from embodied_recorders.sim.describe import describe
from embodied_recorders.sim.models import urdf
from embodied_recorders.sim.options import SimOptions

CONTRACT_YAML = "contract.yaml"
DOCUMENTS = Path(__file__).with_name("documents")
"""What a dataset of the simulated robot begins with."""
TASK_ID = "pick_place_cube"
OPERATOR = "op-" + "0" * 12
"""Nobody operates the simulated robot; its place is taken by a pseudonym that no key makes."""
HOST = "ho-" + "0" * 12


def write_description(folder: Path, options: SimOptions, now_ns: int) -> tuple[Path, Path]:
    """Write robot.json with URDF and calibration, contract.yaml, and the documents that a dataset begins with.

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
    for path in sorted(DOCUMENTS.glob("*.json")):
        write_whole(folder / path.name, path.read_bytes())
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
    template = read_template(DOCUMENTS)
    identity = {"dataset_id": dataset_id, "dataset_uri": f"urn:uuid:{dataset_id}"}
    document = {**identity, **template.dataset}
    made = create(folder, document, governance=template.governance, tasks=template.tasks, now_ns=now_ns)
    add_robot(folder, read_robot(robot_json))
    return made
