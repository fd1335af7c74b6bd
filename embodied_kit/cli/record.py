"""`record`: contract, preflight, and a session whose takes are driven by keys, a console or a duration."""

from __future__ import annotations

import sys
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from embodied_kit.cli.kept_secret import kept_secret
from embodied_kit.cli.options import example, path_argument, path_option, transport_options, verb
from embodied_kit.cli.pseudonyms import pseudonym
from embodied_kit.cli.recording.gonogo import EXIT_UNFIT, go_or_no_go
from embodied_kit.cli.recording.handsfree import Graph, HandsFree, hands_free, hands_free_options
from embodied_kit.cli.recording.keyboard import Keyboard, has_keys, keyboard
from embodied_kit.cli.recording.operator import Operator, Plan
from embodied_kit.cli.recording.questions import require_words
from embodied_kit.cli.recording.recorder import RecorderSetup, driven, set_up
from embodied_kit.cli.recording.takewords import TakeWords, rolled_contract
from embodied_kit.cli.texts import Texts
from embodied_kit.episode.dataset import DEFAULT_GROUP, Dataset
from embodied_kit.errors import UsageError
from embodied_kit.model.ending import OUTCOMES

if TYPE_CHECKING:
    from embodied_recorders.loop.controller import Controller
    from embodied_recorders.loop.words import Said

_CONSOLE = "127.0.0.1:8765"
_CONSOLE_KEY = "console.key"


@dataclass(frozen=True)
class RecordOptions:
    """`record` as it was asked for; see its help."""

    contract: Path
    dataset: Path
    task: str
    episodes: int | None
    duration: float | None
    outcome: str | None
    failure_cause: str
    operator: str
    skill: str
    mode: str
    collection: str
    series: str
    distro: str
    msg_folders: tuple[Path, ...]
    domain_id: int | None
    transport: str
    interface: str
    pre_roll: float | None
    post_roll: float | None
    scene: str
    profile: str | None
    no_verdict: bool
    console: str | None
    joy: str | None
    buttons: str
    pedals: tuple[str, ...]
    services: bool

    @property
    def take_words(self) -> TakeWords:
        """What takes say of themselves."""
        return TakeWords(self.task, self.operator, self.skill, self.mode, self.collection, self.series, self.scene)

    @property
    def hands_free(self) -> HandsFree:
        """What is pressed, and called, elsewhere."""
        return HandsFree(self.joy, self.buttons, self.pedals, self.services)

    def said(self) -> Said:
        """What goes with presses."""
        from embodied_recorders.loop.words import Said  # noqa: PLC0415  # arrows

        return Said(failure_cause=self.failure_cause)

    @property
    def is_driven_elsewhere(self) -> bool:
        """Whether somebody starts and stops takes who is not at this terminal."""
        return self.console is not None or bool(self.hands_free)


def build(texts: Texts) -> click.Command:
    """The verb."""

    def run(**values: object) -> int:
        return record(RecordOptions(**values), texts)  # type: ignore[arg-type]  # click has converted each by its option

    return verb(
        "record",
        run,
        params=[path_argument("contract"), *_options(texts), *transport_options(texts)],
        help_text=example(
            texts,
            "Record takes by a contract. Enter starts and stops a take, ? shows the other keys; Ctrl-C ends it as a"
            " valid episode. With --duration, or without a terminal, takes begin by themselves.",
            "按约定采集。回车开始和结束一次采集，? 显示其他按键；Ctrl-C 结束并保留有效片段。"
            "给出 --duration 或没有终端时，采集自动开始。",
            "embodied-kit record contract.yaml --dataset my_ds --task pick_place --duration 30 --episodes 10",
        ),
    )


def _options(texts: Texts) -> list[click.Parameter]:
    return [
        path_option(
            "--dataset",
            required=True,
            help_text=texts("Dataset folder.", "数据集文件夹。"),
        ),
        click.Option(["--task"], required=True, help=texts("Task id in tasks.json.", "tasks.json 中的任务标识。")),
        click.Option(
            ["--episodes"],
            type=click.IntRange(1),
            help=texts(
                "Takes to save (default: 1, with --console until it is ended).",
                "保存的采集次数（默认 1；使用 --console 时直到结束）。",
            ),
        ),
        click.Option(["--duration"], type=click.FloatRange(0.1), help=texts("Seconds a take.", "每次采集的秒数。")),
        click.Option(
            ["--outcome"],
            type=click.Choice(OUTCOMES),
            help=texts("Outcome of the takes; asked for where not given.", "结果；未给出则逐次询问。"),
        ),
        click.Option(["--failure-cause"], default="", help=texts("Code of the cause.", "失败原因代码。")),
        click.Option(
            ["--operator"],
            default="",
            help=texts("Your name; only a keyed pseudonym is kept.", "姓名；只保存带密钥的化名。"),
        ),
        click.Option(["--skill"], default="", help=texts("Operator's skill level.", "操作员熟练度。")),
        click.Option(
            ["--mode"], default="", help=texts("acquisition_mode, e.g. teleop_leader.", "采集方式，如 teleop_leader。")
        ),
        click.Option(
            ["--collection"], default=DEFAULT_GROUP, show_default=True, help=texts("collection_id", "提交批标识")
        ),
        click.Option(["--series"], default=DEFAULT_GROUP, show_default=True, help=texts("series_id", "系列标识")),
        click.Option(
            ["--distro"],
            default="",
            help=texts(
                "ROS distribution of the robot, e.g. humble, where types announce no hash.",
                "机器人的 ROS 发行版，如 humble（类型不通告摘要时）。",
            ),
        ),
        click.Option(
            ["--msgs", "msg_folders"],
            multiple=True,
            type=click.Path(path_type=Path, exists=True),
            help=texts("Folder with your own .msg files.", "自有 .msg 文件所在文件夹。"),
        ),
        *_session_options(texts),
    ]


def _session_options(texts: Texts) -> list[click.Parameter]:
    roll = click.FloatRange(0, 60)
    return [
        click.Option(
            ["--pre-roll"],
            type=roll,
            help=texts(
                "Seconds kept from before each start (default: the contract's).", "开始前保留的秒数（默认按约定）。"
            ),
        ),
        click.Option(
            ["--post-roll"],
            type=roll,
            help=texts(
                "Seconds recorded after each stop (default: the contract's).", "停止后续录的秒数（默认按约定）。"
            ),
        ),
        click.Option(
            ["--scene"],
            default="",
            metavar="FILE|JSON",
            help=texts(
                """Scene, where it is not the task's: '{"scene_id": "table_2", "scene_type": "tabletop"}'.""",
                """场景（与任务不同时）：'{"scene_id": "table_2", "scene_type": "tabletop"}'。""",
            ),
        ),
        click.Option(
            ["--no-verdict"], is_flag=True, help=texts("Do not judge each take as it ends.", "采集结束后不立即校验。")
        ),
        click.Option(
            ["--profile"],
            help=texts("Profile of these verdicts (default: the dataset's).", "校验所用规则集（默认按数据集选取）。"),
        ),
        click.Option(
            ["--console"],
            is_flag=False,
            flag_value=_CONSOLE,
            metavar="[HOST:PORT]",
            help=texts(
                f"Serve the operator's page, at {_CONSOLE} if nothing else is said.",
                f"提供操作页面，默认 {_CONSOLE}。",
            ),
        ),
        *hands_free_options(texts),
    ]


def record(options: RecordOptions, texts: Texts) -> int:
    """Preflight, then the takes; the exit code."""
    require_words({"failure_cause": options.failure_cause})
    take = options.take_words.options()
    _address(options)
    if options.profile is not None:
        from embodied_validators.profiles import load_profile  # noqa: PLC0415  # arrows

        load_profile(options.profile)  # refuses one that there is not
    setup = RecorderSetup(
        Dataset.open(options.dataset),
        rolled_contract(options.contract, options.pre_roll, options.post_roll),
        take,
        options.transport,
        options.domain_id,
        options.interface,
        distro=options.distro,
        msg_folders=options.msg_folders,
        verdicts=not options.no_verdict,
        profile=options.profile,
        duration_s=options.duration,
        note=_what_a_level_will_miss(options, texts),
    )
    with ExitStack() as stack:
        ready = stack.enter_context(set_up(setup, texts))
        if ready.unfit:
            said = go_or_no_go(ready.unfit, texts)
            click.echo(texts(f"{said}. Not recording.", f"{said}。未采集。"), err=True)
            return EXIT_UNFIT
        return _takes(ready.controller, options, stack, texts)


def _takes(controller: Controller, options: RecordOptions, stack: ExitStack, texts: Texts) -> int:
    """The operator at work until the session ends; the exit code."""
    from embodied_recorders.loop.stop import stop_on_signals  # noqa: PLC0415  # arrows

    with stop_on_signals(then_exit=True) as switch, _keys(options) as keys, driven(controller) as driving:
        _serve_console(options, controller, stack, texts)
        place = Graph(options.transport, options.domain_id, options.interface)
        stack.enter_context(hands_free(controller, options.hands_free, place, options.said, texts))
        plan = _plan(options, keys)
        if keys is None and (options.outcome is not None or not plan.attended):
            controller.unasked = plan.result(options.outcome)
        operator = Operator(controller, plan, switch, keys, texts)
        try:
            operator.run()
        finally:
            for line in operator.log.last_lines(options.dataset):
                click.echo(line)
        driving.result()
        stack.close()  # here, so that an impatient second Ctrl-C does no harm
    return EXIT_UNFIT if operator.log.count("failed") else 0


@contextmanager
def _keys(options: RecordOptions) -> Iterator[Keyboard | None]:
    """The operator's keys, where somebody can type and is asked."""
    if not _asks_here(options):
        yield None
        return
    with keyboard() as keys:
        yield keys


def _asks_here(options: RecordOptions) -> bool:
    """Whether this terminal or pipe is asked: a script that says how long takes are is not."""
    return has_keys() and (options.duration is None or sys.stdin.isatty())


def _plan(options: RecordOptions, keys: Keyboard | None) -> Plan:
    elsewhere = options.is_driven_elsewhere
    return Plan(
        episodes=options.episodes or (None if elsewhere else 1),
        begins=options.duration is not None or not (sys.stdin.isatty() or elsewhere),
        attended=keys is not None or elsewhere,
        outcome=options.outcome,
        cause=options.failure_cause,
        judged=not options.no_verdict,
    )


def _serve_console(options: RecordOptions, controller: Controller, stack: ExitStack, texts: Texts) -> None:
    """Serve the operator's page, where it is wanted, and say where.

    Raises:
        MissingExtraError: Its packages are not installed.
    """
    if options.console is None:
        return
    from embodied_recorders.console import Asked, serve  # noqa: PLC0415  # arrows

    host, port = _address(options)
    key = urlsafe_b64encode(kept_secret(_CONSOLE_KEY)).decode().rstrip("=")  # kept: open pages find the next session
    asked = Asked(partial(pseudonym, "op"), options.failure_cause)
    url = stack.enter_context(serve(controller, host=host, port=port, token=key, asked=asked))
    click.echo(texts(f"console: {url}", f"操作页面：{url}"))


def _address(options: RecordOptions) -> tuple[str, int]:
    """Host and port of the console.

    Raises:
        UsageError: `--console` is none.
    """
    host, _, port = (options.console or _CONSOLE).rpartition(":")
    if not host or not port.isdecimal():
        raise UsageError(
            f"expected HOST:PORT as --console, got '{options.console}'",
            remedy="for this machine alone: --console 127.0.0.1:8765",
        )
    return host, int(port)


def _what_a_level_will_miss(options: RecordOptions, texts: Texts) -> str:
    """Names the options that a level asks for, while there is still time to give them; empty where none is missing."""
    by_l2 = {}
    if not (_asks_here(options) or options.is_driven_elsewhere):  # else somebody is asked
        by_l2["--outcome"] = options.outcome
    if options.console is None:  # else the page asks for it
        by_l2["--skill"] = options.skill
        if not _asks_here(options):  # else it is asked for here
            by_l2["--operator"] = options.operator
    absent = ", ".join(sorted(name for name, value in by_l2.items() if not value))
    parts = [("--mode", "L1")] * (not options.mode) + [(absent, "L2")] * bool(absent)
    if not parts:
        return ""
    en = "; ".join(f"without {names} these takes stay below {level}" for names, level in parts)
    zh = "；".join(f"未给出 {names}，片段达不到 {level}" for names, level in parts)
    return texts(f"note: {en}", f"注意：{zh}")
