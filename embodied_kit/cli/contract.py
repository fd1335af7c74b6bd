"""`contract init` and `contract check`: what a live graph offers, and whether it keeps a contract."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from embodied_kit.cli.options import (
    example,
    output_option,
    path_argument,
    path_option,
    text_option,
    transport_options,
    verb,
    verbs,
)
from embodied_kit.cli.output import write_report
from embodied_kit.cli.recording.gonogo import EXIT_UNFIT, go_or_no_go, show_checkup
from embodied_kit.cli.sentences import told
from embodied_kit.cli.texts import Texts
from embodied_kit.errors import UsageError
from embodied_kit.model.json import JsonObject

if TYPE_CHECKING:
    from embodied_kit.episode.robots import RobotFolder
    from embodied_recorders.graph.survey import TopicSurvey


def build(texts: Texts) -> click.Command:
    """The group of verbs."""
    return verbs("contract", texts("Draft and check contracts.", "起草并检查采集约定。"), [_init(texts), _check(texts)])


@dataclass(frozen=True)
class InitOptions:
    """`contract init` as it was asked for; see its help."""

    output: Path | None
    robots: tuple[str, ...]
    window: float
    domain_id: int | None
    transport: str
    interface: str


def _init(texts: Texts) -> click.Command:
    def run(**values: object) -> int:
        return init(InitOptions(**values), texts)  # type: ignore[arg-type]  # click has converted each by its option

    return verb(
        "init",
        run,
        params=[
            output_option(texts),
            click.Option(
                ["--robot", "robots"],
                multiple=True,
                metavar="NAME[=/NAMESPACE]",
                help=texts(
                    "A robot it is about; with several, the namespace of each one's topics.",
                    "对应的机器人；多台时给出各自话题的命名空间。",
                ),
            ),
            click.Option(
                ["--window"],
                type=click.FloatRange(0.5, 60),
                default=3.0,
                show_default=True,
                help=texts("Seconds to look.", "观察秒数。"),
            ),
            *transport_options(texts),
        ],
        help_text=example(
            texts,
            "Draft a contract of every topic in the live graph, with types, hashes, cadence and rates.",
            "根据当前通信图起草采集约定：话题、类型、摘要、节拍与频率。",
            "embodied-kit contract init -o contract.yaml --robot my_arm",
            "embodied-kit contract init -o contract.yaml --robot left=/left --robot right=/right",
        ),
    )


def init(options: InitOptions, texts: Texts) -> int:
    """Look, write the draft, say what it still lacks; the exit code."""
    from embodied_recorders.graph.contract import draft_contract, robots_of  # noqa: PLC0415  # arrows

    if options.output is not None and options.output.exists():
        raise UsageError(
            f"expected a new file, got {options.output}, which exists", remedy="name another, or remove it"
        )
    owners = robots_of(options.robots)
    seen = _seen(options)
    if not seen:
        click.echo(
            texts("No publisher was found; is the robot on this domain?", "没有发现发布者；机器人在此域内吗？"),
            err=True,
        )
        return EXIT_UNFIT
    _tell_left_out(seen, texts)
    _write_draft(draft_contract("draft", owners, seen), seen, options.output, texts)
    if not owners:
        click.echo(
            texts(
                "No robot is named: give --robot my_arm, or write `robots: [my_arm]`; it is robot_id of robot.json.",
                "没有写明机器人：请给出 --robot my_arm，或写 `robots: [my_arm]`；名称即 robot.json 的 robot_id。",
            ),
            err=options.output is None,
        )
    return 0


def _seen(options: InitOptions) -> Sequence[TopicSurvey]:
    from embodied_recorders.graph.survey import survey  # noqa: PLC0415  # arrows
    from embodied_recorders.transports import open_transport  # noqa: PLC0415

    graph = open_transport(options.transport, domain_id=options.domain_id, interface=options.interface)
    try:
        return survey(graph, discovery_s=1.0, window_s=options.window)
    finally:
        graph.close()


def _tell_left_out(seen: Sequence[TopicSurvey], texts: Texts) -> None:
    for found in seen:
        if not found.agreed:
            click.echo(
                texts(
                    f"left out: {found.topic}, its publishers disagree on the type ({found.ros_type})",
                    f"未列入：{found.topic}，发布者的类型不一致（{found.ros_type}）",
                ),
                err=True,
            )
        elif found.refusal is not None:
            why, remedy = told(found.refusal.message, texts), told(found.refusal.remedy, texts)
            click.echo(texts(f"left out: {found.topic}, {why}", f"未列入：{found.topic}，{why}"), err=True)
            click.echo(f"  -> {remedy}", err=True)


def _write_draft(document: JsonObject, seen: Sequence[TopicSurvey], output: Path | None, texts: Texts) -> None:
    from embodied_recorders.graph.contract import contract_yaml, seen_comment  # noqa: PLC0415

    streams = document["streams"]
    count = len(streams) if isinstance(streams, list) else 0
    said = texts(f"{count} topics -> {output}", f"{count} 个话题 -> {output}")
    write_report((contract_yaml(document) + seen_comment(seen)).encode(), output, texts, said=said)
    if output is not None:
        click.echo(
            texts(
                "Declare what a graph cannot tell: clock_id, contains_pi, stamp_semantics, frame_id, sync_group.\n"
                "Call each camera as its calibration does: stream_id.",
                "请补上通信图无法得知的字段：clock_id、contains_pi、stamp_semantics、frame_id、sync_group。\n"
                "相机的 stream_id 请与其标定中的一致。",
            )
        )


def _check(texts: Texts) -> click.Command:
    def run(**values: object) -> int:
        return check(CheckOptions(**values), texts)  # type: ignore[arg-type]  # click has converted each by its option

    return verb(
        "check",
        run,
        params=[path_argument("contract"), *_check_options(texts), *transport_options(texts)],
        help_text=example(
            texts,
            "Go or no-go: is every stream there, of its type, at its rate, its QoS that of all publishers; are"
            " clock, disk and socket buffers fit; does the robot have its URDF and calibration? Exit code 4: no-go.",
            "能否开始：每路数据流是否在，类型、频率、QoS 是否相符；时钟、磁盘、套接字缓冲是否合适；机器人的 URDF 与"
            "标定是否齐全。退出码 4 表示不能开始。",
            "embodied-kit contract check contract.yaml",
            "embodied-kit contract check contract.yaml --dataset my_ds --duration 60",
        ),
    )


@dataclass(frozen=True)
class CheckOptions:
    """`contract check` as it was asked for; see its help."""

    contract: Path
    dataset: Path | None
    robots: tuple[Path, ...]
    duration: float | None
    distro: str
    msg_folders: tuple[Path, ...]
    domain_id: int | None
    transport: str
    interface: str


def _check_options(texts: Texts) -> list[click.Parameter]:
    return [
        path_option(
            "--dataset",
            help_text=texts(
                "Dataset of the next take: its disk and its robots.", "下一次采集的数据集：其磁盘与机器人。"
            ),
        ),
        click.Option(
            ["--robot", "robots"],
            multiple=True,
            type=click.Path(path_type=Path),
            help=texts("A robot.json, in place of the dataset's robots.", "robot.json，代替数据集中的机器人。"),
        ),
        click.Option(
            ["--duration"],
            type=click.FloatRange(0.1),
            help=texts(
                "Seconds of the next take (default: limits.max_episode_s).",
                "下一次采集的秒数（默认取 limits.max_episode_s）。",
            ),
        ),
        text_option("--distro", help_text=texts("ROS distribution of the robot.", "机器人的 ROS 发行版。")),
        click.Option(
            ["--msgs", "msg_folders"],
            multiple=True,
            type=click.Path(path_type=Path, exists=True),
            help=texts("Folder with your own .msg files.", "自有 .msg 文件所在文件夹。"),
        ),
    ]


def check(options: CheckOptions, texts: Texts) -> int:
    """Look, show the table; the exit code."""
    from embodied_kit.messages.definitions import TypeStore  # noqa: PLC0415  # heavy, and arrows
    from embodied_recorders.graph.checkup import check_up  # noqa: PLC0415
    from embodied_recorders.graph.contract import load_contract  # noqa: PLC0415
    from embodied_recorders.graph.preflight import Preflight  # noqa: PLC0415
    from embodied_recorders.transports import open_transport  # noqa: PLC0415

    wanted, robots = load_contract(options.contract), _robots(options)
    graph = open_transport(options.transport, domain_id=options.domain_id, interface=options.interface)
    try:
        store = TypeStore(options.msg_folders)
        preflight = Preflight(wanted, graph, graph.take, definitions=store, distro=options.distro or None)
        seen = check_up(preflight, options.dataset or Path(), options.duration, robots)
    finally:
        graph.close()
    show_checkup(seen, texts)
    click.echo(go_or_no_go(seen.unfit, texts))
    return EXIT_UNFIT if seen.unfit else 0


def _robots(options: CheckOptions) -> Sequence[RobotFolder] | None:
    """Robots as they are described: by files, else by the dataset; None where neither is given."""
    from embodied_kit.episode.dataset import Dataset  # noqa: PLC0415  # --help needs none of it
    from embodied_kit.episode.layout import ROBOT_JSON, ROBOTS  # noqa: PLC0415
    from embodied_kit.episode.robots import read_robot  # noqa: PLC0415

    if options.robots:
        return [read_robot(path) for path in options.robots]
    if options.dataset is None:
        return None
    root = Dataset.open(options.dataset).root
    return [read_robot(path) for path in sorted((root / ROBOTS).glob(f"*/{ROBOT_JSON}"))]
