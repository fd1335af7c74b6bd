"""`ros2 run embodied_kit episode_recorder_node`: the recorder as a ROS 2 node, told what to do by parameters."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from embodied_kit.cli.app import failed
from embodied_kit.cli.recording.handsfree import Graph, HandsFree, hands_free
from embodied_kit.cli.recording.recorder import RecorderSetup, driven, in_chinese, set_up
from embodied_kit.cli.recording.takewords import TakeWords, rolled_contract
from embodied_kit.cli.texts import Texts
from embodied_kit.episode.dataset import Dataset
from embodied_kit.errors import EmbodiedKitError, EnvironmentUnfitError, UsageError
from embodied_kit.language import language

if TYPE_CHECKING:
    from embodied_recorders.loop.control import Command, Recorder, Reply, Snapshot
    from embodied_recorders.loop.controller import Controller
    from embodied_recorders.loop.words import Said
    from embodied_recorders.take.documents import TakeOptions

Values: TypeAlias = "Callable[[], Mapping[str, object]]"
TAKE: Final[Mapping[str, str]] = {one.name: str(getattr(TakeWords(task=""), one.name)) for one in fields(TakeWords)}
"""What takes say of themselves: parameters that may be changed between takes."""
PARAMETERS: Final[Mapping[str, str | bool | int | float | list[str]]] = {
    "contract": "",
    "dataset": "",
    **TAKE,
    "pre_roll": -1.0,
    "post_roll": -1.0,
    "duration": 0.0,
    "distro": "",
    "msg_folders": [""],  # an empty list would have no type
    "joy": "",
    "buttons": "",
    "pedals": [""],
    "transport": "ros2",
    "interface": "127.0.0.1",
    "domain_id": -1,
    "profile": "",
    "verdict": True,
    "autostart": True,
}
"""Name -> default. -1 is ROS_DOMAIN_ID, or the contract's rolls; `duration` is the longest take in s, 0 for no limit.
`autostart`: configure and activate by itself."""
SIMULATED_TIME: Final = (
    "use_sim_time: header stamps are to be those of /clock; log times stay those of the system clock",
    "use_sim_time：消息头时间戳应取自 /clock；日志时间仍取自系统时钟",
)
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
    from embodied_recorders.loop.stop import stop_on_signals  # noqa: PLC0415
    from embodied_recorders.ros.desk import Desk  # noqa: PLC0415  # arrows
    from embodied_recorders.ros.load import RosModules  # noqa: PLC0415
    from embodied_recorders.ros.node import ManagedNode, said_by, spinning  # noqa: PLC0415
    from embodied_recorders.ros.stages import Stages  # noqa: PLC0415

    rclpy = RosModules()
    with stop_on_signals(then_exit=True) as switch, spinning(rclpy, arguments) as (executor, make):
        managed = ManagedNode(
            rclpy,
            make,
            executor,
            PARAMETERS,
            lambda values: Stages(lambda: opened(values, lambda: said_by(managed.node), texts), chinese=in_chinese),
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
def opened(values: Values, said: Callable[[], Said], texts: Texts) -> Iterator[Recorder]:
    """A recorder at work, as parameters say it; its check-up has passed.

    Args:
        values: Parameters as they are now; those of `TAKE` are asked for again as each take begins.
        said: What goes with presses, as it is now.
        texts: Language.

    Raises:
        UsageError: A parameter is absent, or says what there is not.
        EnvironmentUnfitError: The check-up refuses, or the transport cannot work here.
    """
    setup, pressed = _setup(values(), texts), _pressed(values())
    with set_up(setup, texts) as ready:
        if ready.unfit:
            raise EnvironmentUnfitError(
                f"expected everything that a take needs to be fit, got {', '.join(ready.unfit)} unfit",
                remedy="embodied-kit contract check CONTRACT --dataset DATASET",
            )
        recorder = ByParameters(ready.controller, lambda: _take_words(values()).options())
        graph = Graph(setup.transport, setup.domain_id, setup.interface)
        with driven(ready.controller), hands_free(recorder, pressed, graph, said, texts):
            yield recorder


@dataclass(frozen=True)
class ByParameters:
    """A recorder whose takes say what parameters say as each begins; itself a `Recorder`."""

    controller: Controller
    options: Callable[[], TakeOptions]

    def ask(self, command: Command) -> Reply:
        """Have it carried out.

        Raises:
            UsageError: A take would begin that says what there is not.
        """
        from embodied_recorders.loop.control import Next, Start  # noqa: PLC0415  # arrows

        if isinstance(command, (Start, Next)):
            command = replace(command, options=self.options())
        return self.controller.ask(command)

    def snapshot(self) -> Snapshot:
        """The newest one."""
        return self.controller.snapshot()

    def image(self, stream_id: str) -> bytes | None:
        """Newest message of an image stream."""
        return self.controller.image(stream_id)


def _setup(values: Mapping[str, object], texts: Texts) -> RecorderSetup:
    said = _texts_of(values)
    if absent := [name for name in _REQUIRED if not said[name]]:
        raise UsageError(
            f"expected the parameters {', '.join(_REQUIRED)}, got no {', '.join(absent)}",
            remedy="ros2 run embodied_kit episode_recorder_node --ros-args -p contract:=C -p dataset:=D -p task:=T",
        )
    simulated_time = bool(values.get("use_sim_time"))  # every node has it, undeclared by us
    number = {name: float(str(values[name])) for name in ("domain_id", "pre_roll", "post_roll", "duration")}
    return RecorderSetup(
        Dataset.open(Path(said["dataset"])),
        rolled_contract(
            Path(said["contract"]), *(_unless_negative(number[name]) for name in ("pre_roll", "post_roll"))
        ),
        _take_words(values).options(),
        said["transport"],
        None if number["domain_id"] < 0 else int(number["domain_id"]),
        said["interface"],
        distro=said["distro"],
        msg_folders=[Path(folder) for folder in _listed(values, "msg_folders")],
        verdicts=bool(values["verdict"]),
        profile=said["profile"] or None,
        duration_s=_unless_negative(number["duration"]) or None,
        note=texts(*SIMULATED_TIME) if simulated_time else "",
        simulated_time=simulated_time,
    )


def _take_words(values: Mapping[str, object]) -> TakeWords:
    said = _texts_of(values)
    return TakeWords(**{name: said[name] for name in TAKE})


def _pressed(values: Mapping[str, object]) -> HandsFree:
    said = _texts_of(values)
    return HandsFree(said["joy"] or None, said["buttons"], _listed(values, "pedals"), services=False)  # it has its own


def _texts_of(values: Mapping[str, object]) -> dict[str, str]:
    return {name: value for name, value in values.items() if isinstance(value, str)}


def _listed(values: Mapping[str, object], name: str) -> tuple[str, ...]:
    return tuple(word for word in cast("Sequence[str]", values[name] or ()) if word)


def _unless_negative(seconds: float) -> float | None:
    return None if seconds < 0 else seconds
