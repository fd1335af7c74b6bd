"""`record`: contract, preflight, takes."""

from __future__ import annotations

import platform
import select
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from embodied_kit.cli.contract import EXIT_UNFIT, show_preflight
from embodied_kit.cli.failure import failure_of, tell
from embodied_kit.cli.options import example, path_argument, path_option, transport_options, verb
from embodied_kit.cli.pseudonyms import pseudonym
from embodied_kit.cli.recovering import recover_dataset
from embodied_kit.cli.texts import Texts
from embodied_kit.episode.dataset import DEFAULT_GROUP, Dataset
from embodied_kit.errors import UsageError

if TYPE_CHECKING:
    from embodied_recorders.documents import TakeOptions, TakeResult
    from embodied_recorders.running import Progress
    from embodied_recorders.session import Recorded, Session
    from embodied_recorders.stop import StopSwitch

OUTCOMES = ("success", "failure", "partial", "aborted", "unknown")
_WATCH_PERIOD_S = 0.5
_IDLE_S = 0.05


@dataclass(frozen=True)
class RecordOptions:
    """`record` as it was asked for; see its help."""

    contract: Path
    dataset: Path
    task: str
    episodes: int
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
            "Record takes by a contract. Enter starts and stops a take; Ctrl-C ends it as a valid episode.",
            "按约定采集。回车开始和结束一次采集；Ctrl-C 结束并保留有效片段。",
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
            default=1,
            show_default=True,
            help=texts("Takes to record in this process.", "本进程内采集的次数。"),
        ),
        click.Option(["--duration"], type=click.FloatRange(0.1), help=texts("Seconds a take.", "每次采集的秒数。")),
        click.Option(
            ["--outcome"],
            type=click.Choice(OUTCOMES),
            help=texts(
                "Outcome of the takes; asked for where not given and Enter ends one.",
                "结果；未给出则回车后询问。",
            ),
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
    ]


def record(options: RecordOptions, texts: Texts) -> int:
    """Preflight, then the takes; the exit code."""
    from embodied_kit.messages.definitions import TypeStore  # noqa: PLC0415  # heavy, and arrows
    from embodied_recorders.contract import load_contract  # noqa: PLC0415
    from embodied_recorders.preflight import Preflight  # noqa: PLC0415
    from embodied_recorders.session import Session  # noqa: PLC0415
    from embodied_recorders.stop import stop_on_signals  # noqa: PLC0415
    from embodied_recorders.transports import open_transport  # noqa: PLC0415

    _require_words(options)
    dataset = Dataset.open(options.dataset)
    contract = load_contract(options.contract)
    host = pseudonym("ho", platform.node())
    with ExitStack() as stack:
        graph = open_transport(options.transport, domain_id=options.domain_id, interface=options.interface)
        stack.callback(graph.close)
        session = Session(graph, dataset, contract, TypeStore(options.msg_folders), host, options.distro or None)
        stack.callback(session.close)
        session.require(_take_options(options))
        session.prepare()
        _say_what_a_level_will_miss(options, texts)
        recover_dataset(dataset, texts)
        rows = Preflight(contract, graph, session.idle).look()
        show_preflight(rows, texts)
        if any(row.blocks for row in rows):
            click.echo(texts("Not recording: mend the lines above.", "未开始采集：请先处理以上问题。"), err=True)
            return EXIT_UNFIT
        with stop_on_signals(then_exit=True) as switch:
            _takes(session, options, switch, texts)
            stack.close()  # here, so that an impatient second Ctrl-C does no harm
    return 0


def _say_what_a_level_will_miss(options: RecordOptions, texts: Texts) -> None:
    """Name the options that L2 asks for, while there is still time to give them."""
    given = {"--operator": options.operator, "--skill": options.skill, "--mode": options.mode}
    absent = ", ".join(name for name, value in given.items() if not value)
    if absent:
        click.echo(texts(f"note: without {absent} these takes stay below L2", f"注意：未给出 {absent}，片段达不到 L2"))


def _require_words(options: RecordOptions) -> None:
    """Refuse words that the standard does not have: no take may hold one.

    Raises:
        UsageError: One is unknown.
    """
    from embodied_kit.spec import standard  # noqa: PLC0415  # heavy

    said = {
        "acquisition_mode": options.mode,
        "operator_skill_level": options.skill,
        "failure_cause": options.failure_cause,
    }
    for name, word in said.items():
        known = [str(code) for code in standard().vocabulary(name).codes]
        if word and word not in known:
            raise UsageError(f"expected {name} to be one of {', '.join(known)}, got {word!r}")


def _takes(session: Session, options: RecordOptions, switch: StopSwitch, texts: Texts) -> None:
    from embodied_recorders.stop import StopWhen  # noqa: PLC0415

    def judged(progress: Progress) -> TakeResult:
        return _result(progress, options, lambda: _ask_outcome(session, switch, texts))

    for number in range(1, options.episodes + 1):
        if options.duration is None and sys.stdin.isatty():
            click.echo(
                texts(
                    f"Take {number}/{options.episodes}: Enter starts.", f"第 {number}/{options.episodes} 次：回车开始。"
                )
            )
            _wait_for_line(session, switch)
        if switch.reason:
            return
        done = session.record(
            _take_options(options),
            StopWhen(switch, options.duration, lambda: _line() is not None),
            judged,
            Ticker(texts).show,
        )
        _tell(done, texts)
        if done.fault is not None:
            if options.duration is not None or not sys.stdin.isatty():
                raise done.fault
            tell(failure_of(done.fault, texts), texts)  # Enter starts another take once it is mended


def _take_options(options: RecordOptions) -> TakeOptions:
    from embodied_recorders.documents import TakeOptions  # noqa: PLC0415

    return TakeOptions(
        task_id=options.task,
        collection_id=options.collection,
        series_id=options.series,
        operator_pseudonym=pseudonym("op", options.operator),
        operator_skill_level=options.skill,
        acquisition_mode=options.mode,
    )


def _result(progress: Progress, options: RecordOptions, ask: Callable[[], str | None]) -> TakeResult:
    """Outcome as given, else asked of the person who ended the take, else unknown."""
    from embodied_recorders.documents import TakeResult  # noqa: PLC0415

    outcome = options.outcome
    if outcome is None and progress.stop_reason == "operator":
        outcome = ask()
    source = "operator" if outcome is not None else ""
    cause = options.failure_cause if outcome == "failure" else ""
    return TakeResult(outcome or "unknown", cause, source, progress.stop_reason)


def _ask_outcome(session: Session, switch: StopSwitch, texts: Texts) -> str | None:
    """Outcome that the operator types, its beginning is enough; None where a signal or the end of input comes first."""
    while True:
        click.echo(f"{texts('Outcome', '结果')} ({', '.join(OUTCOMES)}) [{OUTCOMES[0]}]: ", nl=False)
        line = _wait_for_line(session, switch)
        if not line:
            return None
        word = line.strip().lower()
        hits = [outcome for outcome in OUTCOMES if outcome.startswith(word)]
        if not word:
            return OUTCOMES[0]
        if len(hits) == 1:
            return hits[0]


def _wait_for_line(session: Session, switch: StopSwitch) -> str | None:
    """Next line of the terminal; what arrives meanwhile belongs to no take. None where a signal comes first."""
    while not switch.reason:
        session.idle(_IDLE_S)
        line = _line()
        if line is not None:
            return line
    return None


def _tell(done: Recorded, texts: Texts) -> None:
    closing = done.closing
    click.echo(
        texts(
            f"{done.episode_id}  {closing['duration_s']:.2f} s  {done.messages_n} messages  {closing['outcome']}"
            f"  ({closing['stop_reason']})",
            f"{done.episode_id}  {closing['duration_s']:.2f} 秒  {done.messages_n} 条消息  {closing['outcome']}"
            f"  （{closing['stop_reason']}）",
        )
    )


def _line() -> str | None:
    """A line that waits on a terminal's input, empty at its end; None where none waits."""
    if not sys.stdin.isatty():
        return None
    ready, _, _ = select.select([sys.stdin], [], [], 0)
    return sys.stdin.readline() if ready else None


class Ticker:
    """Shows a running take on one line of a terminal, twice a second."""

    def __init__(self, texts: Texts, out: Callable[[str], object] = sys.stderr.write) -> None:
        self._texts = texts
        self._out = out
        self._next_s = 0.0

    def show(self, progress: Progress) -> None:
        """Print, if it is time and someone watches."""
        if not sys.stderr.isatty() or (progress.elapsed_s < self._next_s and not progress.stop_reason):
            return
        self._next_s = progress.elapsed_s + _WATCH_PERIOD_S
        seconds, megabytes = f"{progress.elapsed_s:6.1f}", f"{progress.bytes_n / 1e6:8.1f}"
        line = self._texts(
            f"  {seconds} s  {progress.messages_n:9d} messages  {megabytes} MB",
            f"  {seconds} 秒  {progress.messages_n:9d} 条消息  {megabytes} MB",
        )
        self._out("\r" + line + ("\n" if progress.stop_reason else ""))
        sys.stderr.flush()
