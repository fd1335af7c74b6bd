"""A recorder set up as `record` and the ROS node both need it: transport, session, judge, controller, preflight."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from embodied_kit.cli.pseudonyms import pseudonym
from embodied_kit.cli.recording.gonogo import show_checkup
from embodied_kit.cli.recording.instant import InstantJudge
from embodied_kit.cli.recording.recovering import recover_dataset
from embodied_kit.cli.recording.rescuing import TakeRescuer
from embodied_kit.cli.sentences import told
from embodied_kit.cli.texts import Texts
from embodied_kit.episode.dataset import Dataset
from embodied_kit.errors import EnvironmentUnfitError

if TYPE_CHECKING:
    from embodied_kit.model.contract import Contract
    from embodied_recorders.graph.checkup import Checkup
    from embodied_recorders.loop.controller import Controller
    from embodied_recorders.take.documents import TakeOptions
    from embodied_recorders.transports.base import Transport

_CLOCK_S = 2.0
"""How long discovery may take to show /clock, s."""


@dataclass(frozen=True)
class RecorderSetup:
    """What a recorder is made of.

    Attributes:
        take: What takes say of themselves.
        domain_id: ROS domain; None takes ROS_DOMAIN_ID, else 0.
        distro: ROS distribution of the robot; empty where its types tell their hashes.
        msg_folders: Folders with a lab's own .msg files.
        verdicts: Whether closed takes are judged.
        profile: Name or file of the profile; None lets the dataset choose.
        duration_s: Longest take in s; None for no limit.
        note: Said before the graph is looked at.
        simulated_time: Whether stamps are to be those of /clock, which somebody must publish then.
    """

    dataset: Dataset
    contract: Contract
    take: TakeOptions
    transport: str
    domain_id: int | None
    interface: str
    distro: str = ""
    msg_folders: Sequence[Path] = ()
    verdicts: bool = True
    profile: str | None = None
    duration_s: float | None = None
    note: str = ""
    simulated_time: bool = False


@dataclass(frozen=True)
class SetUp:
    """A recorder that has looked at its graph; `unfit` names what keeps it from recording."""

    controller: Controller
    unfit: Sequence[str]


@contextmanager
def set_up(setup: RecorderSetup, texts: Texts) -> Iterator[SetUp]:
    """Join the graph, bring unfinished takes back, and show the check-up.

    Raises:
        UsageError: The take refers to what the dataset does not have.
        EnvironmentUnfitError: The transport or the writer cannot work here.
    """
    with ExitStack() as stack:
        controller = _controller(setup, stack)
        if setup.note:
            click.echo(setup.note)
        recover_dataset(setup.dataset, texts)
        seen = _checkup(controller, setup.duration_s)
        show_checkup(seen, texts, briefly=True)
        if setup.simulated_time:
            _require_clock(controller.session.transport)
        yield SetUp(controller, seen.unfit)


def _controller(setup: RecorderSetup, stack: ExitStack) -> Controller:
    """On an open transport, with a writer and a judge; all of it ends with the stack."""
    from embodied_kit.messages.definitions import TypeStore  # noqa: PLC0415  # heavy, and arrows
    from embodied_recorders.loop.controller import Controller  # noqa: PLC0415
    from embodied_recorders.take.session import Session  # noqa: PLC0415
    from embodied_recorders.transports import open_transport  # noqa: PLC0415

    graph = open_transport(setup.transport, domain_id=setup.domain_id, interface=setup.interface)
    stack.callback(graph.close)
    host, store = pseudonym("ho", platform.node()), TypeStore(setup.msg_folders)
    session = Session(graph, setup.dataset, setup.contract, store, host, setup.distro or None)
    stack.callback(session.close)
    session.require(setup.take)
    session.prepare()
    judge = InstantJudge(setup.dataset.root, setup.profile) if setup.verdicts else None
    if judge is not None:
        stack.callback(judge.close)
    rescuer = TakeRescuer(setup.dataset.root)
    stack.callback(rescuer.close)
    return Controller(session, setup.take, judge, rescuer, duration_s=setup.duration_s, chinese=in_chinese)


def _checkup(controller: Controller, duration_s: float | None) -> Checkup:
    """As `contract check` looks; what comes meanwhile is remembered where a take needs it."""
    from embodied_recorders.graph.checkup import check_up  # noqa: PLC0415  # arrows
    from embodied_recorders.graph.preflight import Preflight  # noqa: PLC0415

    one = controller.session
    preflight = Preflight(one.contract, one.transport, controller.idle, definitions=one.definitions, distro=one.distro)
    return check_up(preflight, one.dataset.root, duration_s, one.robots)


def _require_clock(graph: Transport) -> None:
    """Somebody publishes /clock.

    Raises:
        EnvironmentUnfitError: Nobody does.
    """
    from embodied_recorders.graph.readiness import CLOCK_TOPIC  # noqa: PLC0415  # arrows
    from embodied_recorders.graph.survey import wait_for_topics  # noqa: PLC0415

    if CLOCK_TOPIC not in wait_for_topics(graph, {CLOCK_TOPIC}, _CLOCK_S):
        raise EnvironmentUnfitError(
            f"expected a publisher of {CLOCK_TOPIC}, since use_sim_time is set, got none",
            remedy="start the simulator, or ros2 param set /episode_recorder use_sim_time false",
        )


@contextmanager
def driven(controller: Controller) -> Iterator[Future[None]]:
    """The controller at work in a thread of its own; it has ended when the block is left."""
    from embodied_recorders.loop.control import Shutdown  # noqa: PLC0415  # arrows

    with ThreadPoolExecutor(1, "embodied-kit-recorder") as pool:
        future = pool.submit(controller.run)
        try:
            yield future
        finally:
            controller.ask(Shutdown())


def in_chinese(sentence: str) -> str:
    """An error's sentence in Chinese."""
    return told(sentence, Texts("zh"))
