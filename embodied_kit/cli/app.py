"""The program and its verbs; a verb's module is imported only when the verb is used."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import click

from embodied_kit.cli.texts import Texts
from embodied_kit.errors import EmbodiedKitError
from embodied_kit.language import language

PROGRAM = "embodied-kit"
EXIT_INTERRUPTED = 130
EXIT_READER_GONE = 141  # 128 + SIGPIPE, as a shell has it: a verdict nobody read is neither passed nor failed


@dataclass(frozen=True)
class Verb:
    """One verb: the module whose `build(texts)` makes its command, and one line about it in both languages."""

    module: str
    en: str
    zh: str


VERBS: Mapping[str, Verb] = MappingProxyType(
    {
        "demo": Verb(
            "demo", "Record, judge and attest with a simulated robot", "用仿真机器人走完全程：采集、校验、声明"
        ),
        "doctor": Verb("doctor", "What this machine lacks, and how to mend it", "检查本机缺什么、如何补齐"),
        "robot": Verb("robot", "A robot without a robot", "没有机器人时的仿真机器人"),
        "contract": Verb("contract", "Draft and check what a robot must publish", "起草并检查采集约定"),
        "record": Verb("record", "Record episodes from a live ROS 2 graph", "从 ROS 2 通信图采集片段"),
        "dataset": Verb(
            "dataset", "Make, list, exclude from, rebuild and seal datasets", "新建、查看、剔除、重建、封存数据集"
        ),
        "import": Verb("importer", "Bring foreign recordings into a dataset", "导入其他格式的录制数据"),
        "measure": Verb("measure", "Measure a dataset, episode, MCAP or bag into facts", "测量数据，得到事实表"),
        "validate": Verb("validate", "Judge a dataset, episode, MCAP or bag", "校验数据集、片段、MCAP 或 bag"),
        "rules": Verb("rules", "List and explain the rules", "列出并解释规则"),
        "keys": Verb("keys", "Make signing keys", "生成签名密钥"),
        "attest": Verb("attest", "Sign a conformity attestation of a sealed dataset", "为已封存的数据集签署符合性声明"),
        "certify": Verb("attest", "The same as attest", "与 attest 相同"),
        "verify": Verb("verify", "Check files and attestation, offline", "离线核验文件与符合性声明"),
    }
)


class LazyGroup(click.Group):
    """A group that knows the names and help lines of its verbs and imports them on use."""

    def __init__(self, texts: Texts, verbs: Mapping[str, Verb], help_text: str) -> None:
        super().__init__(help=help_text, context_settings={"help_option_names": ["-h", "--help"]})
        self.texts = texts
        self.verbs = verbs
        self._speak(self)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        """Names in the order of a user's day."""
        return list(self.verbs)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # click's signature
        """The verb, imported now."""
        verb = self.verbs.get(cmd_name)
        if verb is None:
            return None
        command = importlib.import_module(f"embodied_kit.cli.{verb.module}").build(self.texts)
        if not isinstance(command, click.Command):
            raise TypeError(f"expected a command from {verb.module}, got {command!r}")
        command.name = cmd_name
        self._speak(command)
        return command

    def invoke(self, ctx: click.Context) -> object:
        """Run the verb; end quietly where the reader of a pipe has gone."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            _mute_output()
            return EXIT_READER_GONE

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  # click's signature
        """The list of verbs, without importing them."""
        with formatter.section(self.texts("Commands", "命令")):
            formatter.write_dl([(name, self.texts(verb.en, verb.zh)) for name, verb in self.verbs.items()])

    def _speak(self, command: click.Command) -> None:
        if self.texts.language == "zh":
            from embodied_kit.cli.helptext import speak_chinese  # noqa: PLC0415  # English needs none of it

            speak_chinese(command)


def application(texts: Texts) -> click.Group:
    """The whole program in one language."""
    group = LazyGroup(
        texts,
        VERBS,
        texts(
            "Record robot-learning episodes, judge them, attest them.\n\n"
            "First steps: embodied-kit doctor, then embodied-kit demo.",
            "采集机器人学习数据，校验，并签署符合性声明。\n\n第一步：embodied-kit doctor，然后 embodied-kit demo。",
        ),
    )
    group.params.append(
        click.Option(
            ["--lang"], metavar="en|zh", expose_value=False, help=texts("Language of all output.", "输出语言。")
        )
    )
    group.params.append(_version_option(texts))
    return group


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program.

    Args:
        arguments: Command line without the program's name; None takes the process's own.

    Returns:
        Exit code: 0 fine, 1 failed, 2 usage, 3 undetermined, 4 environment.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        wish, rest = _take_language(words)
        texts = Texts(language(wish))
    except EmbodiedKitError as error:
        return _tell(error, Texts("en"))
    return _run(application(texts), rest, texts)


def _run(group: click.Group, words: list[str], texts: Texts) -> int:
    try:
        code = group.main(words, prog_name=PROGRAM, standalone_mode=False)
    except (EmbodiedKitError, click.ClickException, OSError) as error:
        if isinstance(error, click.UsageError) and error.ctx and error.message == error.ctx.get_help():
            click.echo(error.message, err=True)  # a group without a verb shows its help
            return error.exit_code
        if isinstance(error, OSError):
            _flush_output()
        return _tell(error, texts)
    except (click.Abort, KeyboardInterrupt):
        click.echo(texts("interrupted", "已中断"), err=True)
        return EXIT_INTERRUPTED
    return code if isinstance(code, int) else 0


def _tell(error: EmbodiedKitError | click.ClickException | OSError, texts: Texts) -> int:
    from embodied_kit.cli.failure import failure_of, tell  # noqa: PLC0415  # --help fails seldom and starts often

    return tell(failure_of(error, texts), texts)


def _flush_output() -> None:
    """Write what is left, so that a full disk under a redirected output is told once and not again at exit."""
    try:
        sys.stdout.flush()
    except OSError:
        _mute_output()


def _mute_output() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _take_language(words: list[str]) -> tuple[str | None, list[str]]:
    """`--lang` may stand anywhere: its value, and the words without it."""
    rest: list[str] = []
    wish: str | None = None
    queue = iter(words)
    for word in queue:
        if word == "--":
            rest += [word, *queue]
        elif word == "--lang":
            wish = next(queue, "")
        elif word.startswith("--lang="):
            wish = word.partition("=")[2]
        else:
            rest.append(word)
    return wish, rest


def _version_option(texts: Texts) -> click.Option:
    def show(context: click.Context, _option: click.Parameter, asked: bool) -> None:
        if asked:
            from embodied_kit import __version__  # noqa: PLC0415  # only when asked

            click.echo(f"{PROGRAM} {__version__}")
            context.exit()

    return click.Option(
        ["--version"], is_flag=True, is_eager=True, expose_value=False, callback=show, help=texts("Version.", "版本。")
    )
