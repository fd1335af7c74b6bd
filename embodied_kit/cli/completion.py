"""`completion`: what a shell needs to complete our verbs, options and paths."""

from __future__ import annotations

import click

from embodied_kit.cli.options import example, verb
from embodied_kit.cli.texts import Texts
from embodied_kit.cli.verbs import PROGRAM

SHELLS = ("bash", "zsh", "fish")
VARIABLE = "_EMBODIED_KIT_COMPLETE"  # as click names it after the program


def build(texts: Texts) -> click.Command:
    """The verb."""

    def run(shell: str) -> int:
        click.echo(script(shell))
        return 0

    return verb(
        "completion",
        run,
        params=[click.Argument(["shell"], type=click.Choice(SHELLS))],
        help_text=example(
            texts,
            "Print what completes verbs, options and paths in a shell; its start-up file may load it, in bash with"
            ' `eval "$(embodied-kit completion bash)"`.',
            '输出 Shell 补全脚本，可补全动词、选项与路径；bash 启动文件中写 `eval "$(embodied-kit completion bash)"`。',
            "embodied-kit completion bash",
        ),
    )


def script(shell: str) -> str:
    """The script of a shell.

    Args:
        shell: One of SHELLS.
    """
    from click.shell_completion import ShellComplete, get_completion_class  # noqa: PLC0415  # only this verb needs it

    kind = get_completion_class(shell)
    if kind is None:
        raise LookupError(f"click knows no shell {shell}")
    # not bash's own source(): that runs a bash to ask for its version, and none need be here
    return ShellComplete.source(kind(click.Command(PROGRAM), {}, PROGRAM, VARIABLE))
