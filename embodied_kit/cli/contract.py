"""`contract init` and `contract check`: what a live graph offers, and whether it keeps a contract."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from embodied_kit.cli.options import example, output_option, path_argument, transport_options, verb, verbs
from embodied_kit.cli.output import write_report
from embodied_kit.cli.sentences import told
from embodied_kit.cli.texts import Texts
from embodied_kit.errors import UsageError
from embodied_kit.model.json import JsonObject

if TYPE_CHECKING:
    from embodied_recorders.preflight import PreflightRow
    from embodied_recorders.survey import TopicSurvey

EXIT_UNFIT = 4


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
        from embodied_recorders.contract import draft_contract  # noqa: PLC0415  # arrows
        from embodied_recorders.survey import survey  # noqa: PLC0415
        from embodied_recorders.transports import open_transport  # noqa: PLC0415

        if output is not None and output.exists():
            raise UsageError(f"expected a new file, got {output}, which exists", remedy="name another, or remove it")
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
        _write_draft(draft_contract("draft", robots, seen), output, texts)
        return 0

    return verb(
        "init",
        run,
        params=[
            output_option(texts),
            click.Option(
                ["--robot", "robots"], multiple=True, help=texts("robot_id it is about.", "对应的 robot_id。")
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


def _write_draft(document: JsonObject, output: Path | None, texts: Texts) -> None:
    from embodied_recorders.contract import contract_yaml  # noqa: PLC0415

    streams = document["streams"]
    count = len(streams) if isinstance(streams, list) else 0
    said = texts(f"{count} topics -> {output}", f"{count} 个话题 -> {output}")
    write_report(contract_yaml(document).encode(), output, texts, said=said)
    if output is not None:
        click.echo(
            texts(
                "Declare what a graph cannot tell: clock_id, stamp_semantics, frame_id, sync_group.",
                "请补上通信图无法得知的字段：clock_id、stamp_semantics、frame_id、sync_group。",
            )
        )


def _check(texts: Texts) -> click.Command:
    def run(contract: Path, domain_id: int | None, transport: str, interface: str) -> int:
        from embodied_recorders.contract import load_contract  # noqa: PLC0415
        from embodied_recorders.preflight import Preflight  # noqa: PLC0415
        from embodied_recorders.transports import open_transport  # noqa: PLC0415

        wanted = load_contract(contract)
        graph = open_transport(transport, domain_id=domain_id, interface=interface)
        try:
            rows = Preflight(wanted, graph, graph.take).look()
        finally:
            graph.close()
        show_preflight(rows, texts)
        return EXIT_UNFIT if any(row.blocks for row in rows) else 0

    return verb(
        "check",
        run,
        params=[path_argument("contract"), *transport_options(texts)],
        help_text=example(
            texts,
            "Go or no-go: is every stream there, of its type, at its rate?",
            "能否开始：每路数据流是否在、类型与频率是否相符？",
            "embodied-kit contract check contract.yaml",
        ),
    )


def show_preflight(rows: tuple[PreflightRow, ...], texts: Texts) -> None:
    """Print one line a stream, and a remedy under each that is unfit."""
    width = max((len(row.stream.stream_id) for row in rows), default=0)
    for row in rows:
        rate = "" if row.rate_hz is None else f"{row.rate_hz:8.4g} Hz"
        mark = "ok  " if row.problem is None else "FAIL" if row.blocks else "warn"
        problem = "" if row.problem is None else texts.of(row.problem)
        click.echo(f"{mark}  {row.stream.stream_id:<{width}}  {rate:>11}  {row.stream.topic}  {problem}".rstrip())
        if row.remedy is not None:
            click.echo(f"      -> {texts.of(row.remedy)}")
    if rows and not any(row.publishers for row in rows):
        click.echo(
            texts(
                "Nothing of the contract is there: is the robot on this --domain, and reachable by --interface?",
                "约定中的数据流一路都没有：机器人是否在此 --domain 内，能否经由 --interface 到达？",
            )
        )
