"""`record` without hands on a keyboard: buttons of a gamepad, pedals, and ROS services."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from embodied_kit.cli.sentences import told
from embodied_kit.cli.texts import Texts
from embodied_kit.errors import UsageError

if TYPE_CHECKING:
    from embodied_recorders.loop.control import Recorder, Reply
    from embodied_recorders.loop.words import Said

_NODE = "/episode_recorder"


@dataclass(frozen=True)
class HandsFree:
    """What the command line says of it; see its help."""

    joy: str | None
    buttons: str
    pedals: tuple[str, ...]
    services: bool

    def __bool__(self) -> bool:
        return bool(self.joy or self.pedals or self.services)


@dataclass(frozen=True)
class Graph:
    """Where it is heard: the graph that is recorded."""

    transport: str
    domain_id: int | None
    interface: str


def hands_free_options(texts: Texts) -> list[click.Parameter]:
    """Its options."""
    return [
        click.Option(
            ["--joy"], metavar="TOPIC", help=texts("Gamepad (sensor_msgs/msg/Joy).", "手柄（sensor_msgs/msg/Joy）。")
        ),
        click.Option(
            ["--buttons"],
            default="",
            metavar="WORD=N,...",
            help=texts(
                "Its buttons: start, stop, toggle, success, failure, partial, discard, undo, next, mark, intervene.",
                "其按键：start、stop、toggle、success、failure、partial、discard、undo、next、mark、intervene。",
            ),
        ),
        click.Option(
            ["--pedal", "pedals"],
            multiple=True,
            metavar="TOPIC=WORD",
            help=texts("Pedal (std_msgs/msg/Bool), true while it is down.", "踏板（std_msgs/msg/Bool），踩下为 true。"),
        ),
        click.Option(
            ["--services"],
            is_flag=True,
            help=texts(f"Offer ROS services {_NODE}/start and so on.", f"提供 ROS 服务 {_NODE}/start 等。"),
        ),
    ]


@contextmanager
def hands_free(
    recorder: Recorder, wanted: HandsFree, graph: Graph, said: Callable[[], Said], texts: Texts
) -> Iterator[None]:
    """Carry out what comes by buttons, pedals and services until the block ends.

    Args:
        recorder: What is commanded.
        wanted: By what.
        graph: Where it is heard.
        said: What goes with words as they come.
        texts: Language.

    Raises:
        UsageError: It is wired wrongly, or the transport has no services.
        EnvironmentUnfitError: It cannot be heard here.
    """
    from embodied_recorders.loop.pedal import joy, listening, pedal  # noqa: PLC0415  # arrows
    from embodied_recorders.transports import open_transport  # noqa: PLC0415

    controls = [*([joy(wanted.joy, wanted.buttons)] if wanted.joy else []), *map(pedal, wanted.pedals)]

    def tell(word: str, reply: Reply) -> None:
        if not reply.done:
            click.echo(f"{word}: {told(texts.of(reply.text), texts)}", err=True)

    with ExitStack() as stack:
        if controls:
            ears = open_transport(
                graph.transport, domain_id=graph.domain_id, interface=graph.interface, node_name=f"{_NODE}_pedal"
            )
            stack.enter_context(listening(recorder, controls, ears, said, tell))
        if wanted.services:
            _offer_services(recorder, graph, said, texts, stack)
        yield


def _offer_services(recorder: Recorder, graph: Graph, said: Callable[[], Said], texts: Texts, stack: ExitStack) -> None:
    from embodied_recorders.ros.desk import Desk  # noqa: PLC0415  # arrows

    desk = Desk(
        lambda: recorder,
        lambda: recorder,
        said,
        texts.language,
        chinese=lambda sentence: told(sentence, Texts("zh")),
    )
    if graph.transport == "ros2":
        from embodied_recorders.ros.node import attached  # noqa: PLC0415  # arrows

        stack.enter_context(attached(desk, graph.domain_id))
    elif graph.transport == "dds":
        from embodied_recorders.ros.plain import serving  # noqa: PLC0415  # arrows
        from embodied_recorders.transports.dds.transport import DdsTransport  # noqa: PLC0415

        wire = DdsTransport(graph.domain_id, interface=graph.interface, node_name=_NODE)
        stack.enter_context(serving(desk, wire, _NODE))
    else:
        raise UsageError(
            f"expected --services with the transport dds or ros2, got {graph.transport}",
            remedy="--joy /joy --buttons start=0,stop=1",
        )
