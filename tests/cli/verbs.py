"""Every verb of the program, found by walking its groups, and runs of the program in this process."""

import contextlib
import io
from collections.abc import Iterator
from dataclasses import dataclass

import click

from embodied_kit.cli import main
from embodied_kit.cli.app import application
from embodied_kit.cli.texts import Texts
from embodied_kit.language import Language

LANGUAGES: tuple[Language, ...] = ("en", "zh")


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


def run(*words: str) -> Ran:
    """The program's exit code and what it printed, without a traceback in between."""
    out, err = _Stream(), _Stream()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(words)
    return Ran(code, out.value(), err.value())


class _Stream(io.TextIOWrapper):
    """What a standard stream is: text over bytes, which some verbs write to."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", write_through=True)

    def value(self) -> str:
        self.seek(0)
        return self.read()


def commands(lang: Language) -> dict[tuple[str, ...], click.Command]:
    """Words of each verb (`('rules', 'list')`), groups included, and its command."""
    return dict(_below((), application(Texts(lang))))


def _below(words: tuple[str, ...], group: click.Group) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield (*words, name), command
        if isinstance(command, click.Group):
            yield from _below((*words, name), command)


GROUPS = sorted(words for words, command in commands("en").items() if isinstance(command, click.Group))
VERBS = sorted(set(commands("en")) - set(GROUPS))
ALIASES = {("certify",): ("attest",)}
