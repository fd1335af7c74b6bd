"""Entry: the reader's language, then the overview at once, or the program."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from embodied_kit.cli.texts import Texts
from embodied_kit.cli.verbs import overview
from embodied_kit.errors import UsageError
from embodied_kit.language import language

_OVERVIEW = (["--help"], ["-h"])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program.

    Args:
        arguments: Command line without the program's name; None takes the process's own.

    Returns:
        Exit code: 0 fine, 1 failed, 2 usage, 3 undetermined, 4 environment.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    _open_closed_streams()
    wish, rest = _take_language(words)
    texts = Texts("en")
    try:
        texts = Texts(language(wish))
        if rest in _OVERVIEW:
            print(overview(texts), flush=True)
            return 0
    except (UsageError, OSError) as error:
        from embodied_kit.cli.app import failed  # noqa: PLC0415  # click takes longer than the overview

        return failed(error, texts)
    from embodied_kit.cli.app import application, run  # noqa: PLC0415

    return run(application(texts), rest, texts)


def _open_closed_streams() -> None:
    """Where the caller closed a standard stream (`>&-`) Python has None; what is written there goes nowhere."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115  # for the whole process


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
