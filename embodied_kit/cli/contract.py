"""`contract init` and `contract check`: what a live graph offers, and whether it keeps a contract."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
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
from embodied_kit.cli.sentences import told
from embodied_kit.cli.texts import Texts, columns, padded
from embodied_kit.errors import UsageError
from embodied_kit.model.json import JsonObject

if TYPE_CHECKING:
    from embodied_kit.episode.robots import RobotFolder
    from embodied_recorders.machine import CheckRow
    from embodied_recorders.preflight import PreflightRow
    from embodied_recorders.readiness import ReadyRow
    from embodied_recorders.survey import TopicSurvey

EXIT_UNFIT = 4
MARKS = {"ok": "ok  ", "warn": "warn", "fail": "FAIL"}
WIDTH = 80
_INDENT = " " * 6


def build(texts: Texts) -> click.Command:
    """The group of verbs."""
    return verbs("contract", texts("Draft and check contracts.", "起草并检查采集约定。"), [_init(texts), _check(texts)])


def _init(texts: Texts) -> click.Command:
    def run(
        output: Path | None,
        robots: tuple[str, ...],
        window: float,
        domain_id: int | None,
        transport: str,
        interface: str,
    ) -> int:
        from embodied_recorders.contract import draft_contract, robots_of  # noqa: PLC0415  # arrows
        from embodied_recorders.survey import survey  # noqa: PLC0415
        from embodied_recorders.transports import open_transport  # noqa: PLC0415

        if output is not None and output.exists():
            raise UsageError(f"expected a new file, got {output}, which exists", remedy="name another, or remove it")
        owners = robots_of(robots)
        graph = open_transport(transport, domain_id=domain_id, interface=interface)
        try:
            seen = survey(graph, discovery_s=1.0, window_s=window)
        finally:
            graph.close()
        if not seen:
            click.echo(
                texts("No publisher was found; is the robot on this domain?", "没有发现发布者；机器人在此域内吗？"),
                err=True,
            )
            return EXIT_UNFIT
        _tell_left_out(seen, texts)
        _write_draft(draft_contract("draft", owners, seen), seen, output, texts)
        return 0

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
    from embodied_recorders.contract import contract_yaml, seen_comment  # noqa: PLC0415

    streams = document["streams"]
    count = len(streams) if isinstance(streams, list) else 0
    said = texts(f"{count} topics -> {output}", f"{count} 个话题 -> {output}")
    write_report((contract_yaml(document) + seen_comment(seen)).encode(), output, texts, said=said)
    if output is not None:
        click.echo(
            texts(
                "Declare what a graph cannot tell: clock_id, stamp_semantics, frame_id, sync_group.",
                "请补上通信图无法得知的字段：clock_id、stamp_semantics、frame_id、sync_group。",
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
    from embodied_recorders.contract import load_contract  # noqa: PLC0415
    from embodied_recorders.preflight import Preflight  # noqa: PLC0415
    from embodied_recorders.readiness import NextTake, readiness  # noqa: PLC0415
    from embodied_recorders.transports import open_transport  # noqa: PLC0415

    wanted, robots = load_contract(options.contract), _robots(options)
    graph = open_transport(options.transport, domain_id=options.domain_id, interface=options.interface)
    try:
        store = TypeStore(options.msg_folders)
        preflight = Preflight(wanted, graph, graph.take, definitions=store, distro=options.distro or None)
        rows, endpoints = preflight.look(), graph.endpoints()
    finally:
        graph.close()
    longest_s = wanted.max_episode_s if options.duration is None else options.duration
    take = NextTake(options.dataset or Path(), longest_s)
    over_udp = options.transport != "zenoh"
    checks = readiness(wanted, endpoints, preflight.seen, preflight.window_s, take, robots, over_udp=over_udp)
    show_preflight(rows, texts)
    show_readiness(checks, texts)
    unfit_n = sum(row.blocks for row in rows) + sum(row.state == "fail" for row in checks)
    no_go = texts(f"no-go: {unfit_n} to mend", f"不能开始：{unfit_n} 项待处理")
    click.echo(no_go if unfit_n else texts("go", "可以开始"))
    return EXIT_UNFIT if unfit_n else 0


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


def show_preflight(rows: tuple[PreflightRow, ...], texts: Texts) -> None:
    """Print one line a stream; under each that is unfit what is wrong with it, and a remedy."""
    width = max((len(row.stream.stream_id) for row in rows), default=0)
    for row in rows:
        rate = "" if row.rate_hz is None else f"{row.rate_hz:8.4g} Hz"
        mark = MARKS["ok" if row.problem is None else "fail" if row.blocks else "warn"]
        _echo_row(f"{mark}  {row.stream.stream_id:<{width}}  {rate:>11}", row.stream.topic)
        if row.problem is not None:
            _echo_indented(texts.of(row.problem))
        if row.remedy is not None:
            _echo_indented(f"-> {texts.of(row.remedy)}")
    if rows and not any(row.publishers for row in rows):
        click.echo(
            texts(
                "Nothing of the contract is there: is the robot on this --domain, and reachable by --interface?",
                "约定中的数据流一路都没有：机器人是否在此 --domain 内，能否经由 --interface 到达？",
            )
        )


def show_readiness(rows: Sequence[CheckRow | ReadyRow], texts: Texts) -> None:
    """Print one line a check, with a remedy under each that is unfit."""
    width = max((columns(texts.of(row.what)) for row in rows), default=0)
    for row in rows:
        _echo_row(f"{MARKS[row.state]}  {padded(texts.of(row.what), width)}", texts.of(row.found))
        if row.remedy:
            remedy = told(row.remedy, texts) if isinstance(row.remedy, str) else texts.of(row.remedy)
            _echo_indented(f"-> {remedy}")


def _echo_row(head: str, tail: str) -> None:
    """On one line where that is short enough."""
    if columns(f"{head}  {tail}") <= WIDTH:
        click.echo(f"{head}  {tail}")
        return
    click.echo(head.rstrip())
    _echo_indented(tail)


def _echo_indented(text: str) -> None:
    """A paragraph of at most 80 columns; words stay whole, Chinese breaks between characters."""
    from rich.console import Console  # noqa: PLC0415  # --help needs none of it
    from rich.text import Text  # noqa: PLC0415

    room = WIDTH - len(_INDENT)
    for line in Text(text).wrap(Console(width=room, file=StringIO()), room, overflow="fold"):
        click.echo(f"{_INDENT}{line.plain.rstrip()}")
