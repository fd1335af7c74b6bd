"""The program on click; a verb's module is imported only when the verb is used."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from embodied_kit import __version__
from embodied_kit.cli.failure import failure_of, tell
from embodied_kit.cli.texts import Texts
from embodied_kit.cli.verbs import PROGRAM, VERBS, Verb, overview
from embodied_kit.errors import EmbodiedKitError
from embodied_kit.interrupts import EXIT_INTERRUPTED

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

EXIT_READER_GONE = 141  # 128 + SIGPIPE, as a shell has it: a verdict nobody read is neither passed nor failed


class LazyGroup(click.Group):
    """A group that knows the names and help lines of its verbs and imports them on use."""

    def __init__(self, texts: Texts, verbs: Mapping[str, Verb]) -> None:
        super().__init__(context_settings={"help_option_names": ["-h", "--help"]})
        self.texts = texts
        self.verbs = verbs

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
        except BrokenPipeError as error:
            return failed(error, self.texts)

    def get_help(self, ctx: click.Context) -> str:  # noqa: ARG002  # click's signature
        """The overview, without importing any verb."""
        return overview(self.texts)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Verbs and options that begin like this, without importing any verb."""
        from click.shell_completion import CompletionItem  # noqa: PLC0415  # only a shell that completes needs it

        names = [name for name in self.verbs if name.startswith(incomplete)]
        verbs = [CompletionItem(name, help=self.texts(self.verbs[name].en, self.verbs[name].zh)) for name in names]
        return [*verbs, *click.Command.shell_complete(self, ctx, incomplete)]

    def _speak(self, command: click.Command) -> None:
        if self.texts.language == "zh":
            from embodied_kit.cli.helptext import speak_chinese  # noqa: PLC0415  # English needs none of it

            speak_chinese(command)


def application(texts: Texts) -> click.Group:
    """The whole program in one language."""
    group = LazyGroup(texts, VERBS)
    group.params.append(click.Option(["--lang"], expose_value=False))  # taken before click sees it; here for completion
    group.params.append(_version_option())
    return group


def run(group: click.Group, words: list[str], texts: Texts) -> int:
    """Run a program; whatever fails on purpose is told in one line.

    Returns:
        Exit code.
    """
    try:
        code = group.main(words, prog_name=PROGRAM, standalone_mode=False)
    except (EmbodiedKitError, click.ClickException, OSError) as error:
        if isinstance(error, click.UsageError) and error.ctx and error.message == error.ctx.get_help():
            click.echo(error.message, err=True)  # a group without a verb shows its help
            return error.exit_code
        return failed(error, texts)
    except (click.Abort, KeyboardInterrupt):
        click.echo(texts("interrupted", "已中断"), err=True)
        return EXIT_INTERRUPTED
    return code if isinstance(code, int) else 0


def failed(error: EmbodiedKitError | click.ClickException | OSError, texts: Texts) -> int:
    """Tell a failure that is no bug.

    Returns:
        Exit code.
    """
    if isinstance(error, OSError):
        _flush_output()
    if isinstance(error, BrokenPipeError):
        return EXIT_READER_GONE
    return tell(failure_of(error, texts), texts)


def _flush_output() -> None:
    """Write what is left, so that an output that takes no more is told once and not again at exit."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _version_option() -> click.Option:
    def show(context: click.Context, _option: click.Parameter, asked: bool) -> None:
        if asked:
            click.echo(f"{PROGRAM} {__version__}")
            context.exit()

    return click.Option(["--version"], is_flag=True, is_eager=True, expose_value=False, callback=show)
