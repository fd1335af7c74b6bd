"""`ros2 run embodied_kit episode_recorder_node`: the recorder as a ROS 2 node, told what to do by parameters."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from embodied_kit.cli.app import failed
from embodied_kit.cli.pseudonyms import pseudonym
from embodied_kit.cli.questions import require_words
from embodied_kit.cli.recorder import RecorderSetup, driven, in_chinese, set_up
from embodied_kit.cli.texts import Texts
from embodied_kit.episode.dataset import DEFAULT_GROUP, Dataset
from embodied_kit.errors import EmbodiedKitError, EnvironmentUnfitError, UsageError
from embodied_kit.language import language

if TYPE_CHECKING:
    from embodied_recorders.control import Recorder

PARAMETERS: Final[Mapping[str, str | bool | int | list[str]]] = {
    "contract": "",
    "dataset": "",
    "task": "",
    "operator": "",
    "skill": "",
    "mode": "",
    "collection": DEFAULT_GROUP,
    "series": DEFAULT_GROUP,
    "distro": "",
    "msg_folders": [""],  # an empty list would have no type
    "transport": "ros2",
    "interface": "127.0.0.1",
    "domain_id": -1,
    "profile": "",
    "verdict": True,
    "autostart": True,
}
"""Name -> default; -1 is ROS_DOMAIN_ID. `autostart`: configure and activate by itself."""
_REQUIRED = ("contract", "dataset", "task")


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until a signal, or until the lifecycle is shut down.

    Args:
        arguments: ROS arguments; None takes the process's own.

    Returns:
        Exit code, as of `embodied-kit`.
    """
    texts = Texts(language(None))
    try:
        _serve(list(sys.argv[1:] if arguments is None else arguments), texts)
    except EmbodiedKitError as error:
        return failed(error, texts)
    return 0


def _serve(arguments: list[str], texts: Texts) -> None:
    from embodied_recorders.ros.desk import Desk  # noqa: PLC0415  # arrows
    from embodied_recorders.ros.load import RosModules  # noqa: PLC0415
    from embodied_recorders.ros.node import ManagedNode, said_by, spinning  # noqa: PLC0415
    from embodied_recorders.ros.stages import Stages  # noqa: PLC0415
    from embodied_recorders.stop import stop_on_signals  # noqa: PLC0415

    rclpy = RosModules()
    with stop_on_signals(then_exit=True) as switch, spinning(rclpy, arguments) as (executor, make):
        managed = ManagedNode(
            rclpy,
            make,
            executor,
            PARAMETERS,
            lambda values: Stages(lambda: opened(values(), texts), chinese=in_chinese),
            lambda node, stages: Desk(
                stages.recorder, stages.shown, lambda: said_by(node), texts.language, lambda: stages.stage, in_chinese
            ),
        )
        try:
            if managed.node.get_parameter("autostart").value:
                managed.begin()
            while not switch.reason and managed.stages.stage != "finalized":
                managed.served.turn()
        finally:
            managed.stages.cleanup()


@contextmanager
def opened(values: Mapping[str, object], texts: Texts) -> Iterator[Recorder]:
    """A recorder at work, as parameters say it; its preflight has passed.

    Raises:
        UsageError: A parameter is absent, or says what there is not.
        EnvironmentUnfitError: Preflight refuses, or the transport cannot work here.
    """
    from embodied_recorders.contract import load_contract  # noqa: PLC0415
    from embodied_recorders.documents import TakeOptions  # noqa: PLC0415

    said = {name: str(value) for name, value in values.items() if isinstance(value, str)}
    if absent := [name for name in _REQUIRED if not said[name]]:
        raise UsageError(
            f"expected the parameters {', '.join(_REQUIRED)}, got no {', '.join(absent)}",
            remedy="ros2 run embodied_kit episode_recorder_node --ros-args -p contract:=C -p dataset:=D -p task:=T",
        )
    require_words({"acquisition_mode": said["mode"], "operator_skill_level": said["skill"]})
    take = TakeOptions(
        task_id=said["task"],
        collection_id=said["collection"],
        series_id=said["series"],
        operator_pseudonym=pseudonym("op", said["operator"]),
        operator_skill_level=said["skill"],
        acquisition_mode=said["mode"],
    )
    domain_id = int(str(values["domain_id"]))
    setup = RecorderSetup(
        Dataset.open(Path(said["dataset"])),
        load_contract(Path(said["contract"])),
        take,
        said["transport"],
        None if domain_id < 0 else domain_id,
        said["interface"],
        distro=said["distro"],
        msg_folders=[Path(str(folder)) for folder in cast("list[str]", values["msg_folders"]) if folder],
        verdicts=bool(values["verdict"]),
        profile=said["profile"] or None,
    )
    with set_up(setup, texts) as ready:
        if ready.unfit:
            raise EnvironmentUnfitError(
                f"expected every stream of the contract to be fit, got {', '.join(ready.unfit)} unfit",
                remedy="embodied-kit contract check CONTRACT",
            )
        with driven(ready.controller):
            yield ready.controller
