"""The verdict on a take within seconds of its end: a process beside the recorder does what `validate` does."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

from embodied_kit.cli.sentences import told
from embodied_kit.cli.texts import Texts
from embodied_kit.errors import EmbodiedKitError
from embodied_kit.model.facts import Depth

if TYPE_CHECKING:
    from embodied_recorders.control import Verdict, VerdictLine
    from embodied_validators.report.group import Group

_STOP_S = 2.0
_NICE = 5  # the recording goes first
_QUICK: Depth = "signal"
_WHOLE: Depth = "full"


class InstantJudge:
    """Judges episode folders one after the other in a process of its own; itself a recorder's `Judge`.

    Each take is judged twice: at once without decoding images (`signal`), then wholly. The second verdict replaces
    the first, in which every rule on images is undecided.

    Args:
        dataset: Root of the dataset, whose documents choose the profile.
        profile: Name or file of a profile; None chooses.
    """

    def __init__(self, dataset: Path, profile: str | None = None) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(
            target=run_judge, args=(theirs, str(dataset), profile), name="embodied-kit-judge", daemon=True
        )
        self._process.start()
        theirs.close()

    def submit(self, episode_id: str, folder: str) -> None:
        """Have an episode folder judged; returns at once."""
        with suppress(OSError):  # it died: there will be no verdict, which `finished` says
            self._connection.send((episode_id, folder, time.monotonic()))

    def finished(self) -> Sequence[tuple[str, Verdict]]:
        """Verdicts that came since the last call; never waits."""
        found: list[tuple[str, Verdict]] = []
        with suppress(EOFError, OSError):
            while self._connection.poll():
                found.append(self._connection.recv())
        return found

    def close(self) -> None:
        """End it; verdicts that did not come are not waited for."""
        self._connection.close()
        self._process.join(_STOP_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def run_judge(connection: Connection, dataset: str, profile: str | None) -> None:
    """Main of the judging process: verdicts on what comes, until the pipe closes."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the recorder decides
    if hasattr(os, "nice"):
        os.nice(_NICE)
    from embodied_kit.cli import judging  # noqa: F401, PLC0415  # heavy, so it is done before the first take

    with suppress(EOFError, OSError):  # the recorder is gone
        while True:
            episode_id, folder, closed_s = connection.recv()
            connection.send((episode_id, judge_take(Path(dataset), Path(folder), profile, closed_s, _QUICK)))
            if not connection.poll():  # the next take's first verdict goes before this one's second
                connection.send((episode_id, judge_take(Path(dataset), Path(folder), profile, closed_s, _WHOLE)))


def judge_take(dataset: Path, folder: Path, profile: str | None, closed_s: float, depth: Depth) -> Verdict:
    """Measure and judge one episode folder as `validate` does, under the dataset's profile.

    Args:
        dataset: Root of the dataset.
        folder: The episode folder.
        profile: Name or file of a profile; None chooses by the dataset's documents.
        closed_s: When the take was closed, s of the monotonic clock of this machine.
        depth: How deep.
    """
    from embodied_kit.cli.judging import Judging, judged, measured, profile_of  # noqa: PLC0415  # heavy
    from embodied_recorders.control import Verdict  # noqa: PLC0415  # arrows
    from embodied_validators.report.group import group_findings  # noqa: PLC0415

    try:
        units = measured(folder, depth, Texts("en"), trust_index=True)
        result = judged(folder, units, Judging(profile or profile_of(dataset) or None))
    except EmbodiedKitError as error:
        text = {"en": error.message, "zh": told(error.message, Texts("zh"))}
        return Verdict(problem=text, seconds=time.monotonic() - closed_s)
    groups = group_findings(result.report.findings, result.report.excluded)
    failed = [group for group in groups if group.state == "failed"]
    return Verdict(
        level=result.report.level or "",
        failed=_lines(group for group in failed if group.severity == "error"),
        undetermined=_lines(group for group in groups if group.state == "undetermined"),
        warned=_lines(group for group in failed if group.severity != "error"),
        seconds=time.monotonic() - closed_s,
        whole=depth == _WHOLE,
    )


def _lines(groups: Iterable[Group]) -> tuple[VerdictLine, ...]:
    from embodied_recorders.control import VerdictLine  # noqa: PLC0415  # arrows
    from embodied_validators.rulebook import load_rulebook  # noqa: PLC0415

    rules = load_rulebook().rules
    return tuple(
        VerdictLine(group.rule_id, rule.title, rule.fix, ", ".join(group.streams[:3]))
        for group in groups
        if (rule := rules.get(group.rule_id)) is not None
    )
