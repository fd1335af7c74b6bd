"""What is known of an episode besides its data files: robots with their URDF, calibrations, annotation layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from embodied_kit.canonical import canonical_bytes, sha256_hex
from embodied_kit.measure.declared.jsonget import get_object, get_objects, get_text, get_texts
from embodied_kit.measure.declared.links import DatasetDocuments
from embodied_kit.measure.declared.urdfs import embedded_urdf_path, urdf_path
from embodied_kit.measure.streams.episode import Episode
from embodied_kit.model.json import JsonObject


@dataclass(frozen=True)
class GivenRobot:
    """One robot.

    Attributes:
        document: robot.json.
        urdf: Content of the file that it names; None where there is none that can be read.
    """

    document: JsonObject
    urdf: bytes | None = None

    @property
    def robot_id(self) -> str:
        """Its id."""
        return get_text(self.document, "robot_id")


@dataclass(frozen=True)
class GivenLayer:
    """One annotation layer and what it says of the episode.

    Attributes:
        path: Of the episode's document in the layer.
        layer: layer.json; empty where it cannot be read.
        episode: The episode's document.
    """

    path: str
    layer: JsonObject
    episode: JsonObject


@dataclass(frozen=True)
class Given:
    """Everything that derived tables may use and that may change without a data file changing.

    Attributes:
        objects: instance_id of the objects of the episode's task and scene.
    """

    robots: tuple[GivenRobot, ...] = ()
    calibrations: tuple[JsonObject, ...] = ()
    layers: tuple[GivenLayer, ...] = ()
    objects: tuple[str, ...] = ()

    def digest(self) -> str:
        """SHA-256 of all of it, hex."""
        return sha256_hex(
            canonical_bytes(
                {
                    "robots": [[item.document, sha256_hex(item.urdf or b"")] for item in self.robots],
                    "calibrations": list(self.calibrations),
                    "layers": [[item.path, item.layer, item.episode] for item in self.layers],
                    "objects": list(self.objects),
                }
            )
        )

    def over(self, embedded: Given) -> Given:
        """These; what is not among them is taken from those that the data files carry."""
        return replace(
            self, robots=self.robots or embedded.robots, calibrations=self.calibrations or embedded.calibrations
        )


NOTHING_GIVEN = Given()


def embedded_given(episode: Episode) -> Given:
    """What the data files of an episode carry along."""
    files = {item.name: item.data for file in episode.scan.files[:1] for item in file.embedded}
    robots = tuple(GivenRobot(robot, files.get(embedded_urdf_path(robot))) for robot in episode.robots)
    return Given(robots, tuple(episode.calibrations))


def dataset_given(
    documents: DatasetDocuments, name: str, episode: JsonObject, urdfs: Mapping[str, bytes | None]
) -> Given:
    """What a dataset's folder holds for one episode.

    Args:
        documents: Of the dataset.
        name: Of the episode's folder.
        episode: episode.json; its robots are taken, or all of them where it names none.
        urdfs: Path -> content of the robots' URDFs (see `read_urdfs`).
    """
    wanted = set(get_texts(episode, "robot_ids")) or documents.ids("robot")
    robots = [item for item in documents.all("robot") if get_text(item.value, "robot_id") in wanted]
    calibrations = [item.value for item in documents.all("calibration") if get_text(item.value, "robot_id") in wanted]
    folders = {item.path.rpartition("/")[0]: item.value for item in documents.all("layer")}
    return Given(
        tuple(GivenRobot(item.value, urdfs.get(urdf_path(item.path, item.value))) for item in robots),
        tuple(calibrations),
        tuple(
            GivenLayer(item.path, folders.get(item.path.rpartition("/")[0], {}), item.value)
            for item in documents.annotations.get(name, ())
        ),
        _objects(documents, episode),
    )


def _objects(documents: DatasetDocuments, episode: JsonObject) -> tuple[str, ...]:
    tasks = get_objects(documents.first("task"), "tasks")
    own = [task for task in tasks if get_text(task, "task_id") == get_text(episode, "task_id")]
    places = [*own, get_object(episode, "scene")]
    return tuple(get_text(item, "instance_id") for place in places for item in get_objects(place, "objects"))
