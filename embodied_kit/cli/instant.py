"""The verdict on a take within seconds of its end: a process beside the recorder does what `validate` does."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.util import Finalize
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from embodied_kit.cli.failure import failure_of
from embodied_kit.cli.texts import Texts
from embodied_kit.episode.layout import EPISODES
from embodied_kit.errors import EmbodiedKitError
from embodied_kit.model.facts import Depth

if TYPE_CHECKING:
    from embodied_kit.cli.judging import Judged
    from embodied_recorders.control import Verdict, VerdictLine
    from embodied_validators.report.group import Group

_STOP_S = 0.5
_NICE = 5  # the recording goes first
_DEPTHS: tuple[Depth, ...] = ("index", "signal", "full")
_ONE_CORE = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # Arrow goes by the first, too
GONE = {
    "en": "the judging process has ended; takes are recorded all the same, embodied-kit validate judges them",
    "zh": "校验进程已退出；采集不受影响，可用 embodied-kit validate 校验",
}


class InstantJudge:
    """Judges episode folders in a process of its own; itself a recorder's `Judge`.

    Each take is judged three times: at once by its documents and the summary of its file, then with every message
    read, then with images decoded. Each verdict replaces the one before, which leaves undecided what it has not seen.
    First verdicts go before second ones, whatever take they are of, and the newest take before older ones.

    Args:
        dataset: Root of the dataset, whose documents choose the profile.
        profile: Name or file of a profile; None chooses.
    """

    def __init__(self, dataset: Path, profile: str | None = None) -> None:
        from embodied_recorders.stop import signals_held  # noqa: PLC0415  # arrows

        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._awaited: dict[str, None] = {}  # in order
        self._process = context.Process(
            target=run_judge, args=(theirs, str(dataset), profile), name="embodied-kit-judge", daemon=True
        )
        with signals_held():
            self._process.start()
        theirs.close()
        # At exit multiprocessing waits for its children, and this one waits for the end of its pipe.
        Finalize(self, self._connection.close, exitpriority=1)

    def submit(self, episode_id: str, folder: str) -> None:
        """Have an episode folder judged; returns at once."""
        self._awaited[episode_id] = None
        with suppress(OSError):  # it died, which `finished` says
            self._connection.send((episode_id, folder, time.monotonic()))

    def finished(self) -> Sequence[tuple[str, Verdict]]:
        """Verdicts that came since the last call; never waits. Where the process has died, there is none but that."""
        from embodied_recorders.control import Verdict  # noqa: PLC0415  # arrows

        found: list[tuple[str, Verdict]] = []
        try:
            while self._connection.poll():
                episode_id, verdict = self._connection.recv()
                found.append((episode_id, verdict))
                if verdict.whole:
                    self._awaited.pop(episode_id, None)
        except (EOFError, OSError):
            found += [(episode_id, Verdict(problem=GONE)) for episode_id in self._awaited]
            self._awaited.clear()
        return found

    @property
    def process_id(self) -> int:
        """Of the process; 0 where there is none."""
        return self._process.pid or 0

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
    os.environ.update(_ONE_CORE)
    root = Path(dataset)
    _warm(root, profile)
    left: list[tuple[int, float, str, str]] = []  # how far, when it was closed, which, where
    with suppress(EOFError, OSError):  # the recorder is gone
        while True:
            if not left or connection.poll():
                episode_id, folder, closed_s = connection.recv()
                left.append((0, closed_s, episode_id, folder))
            task = min(left, key=lambda task: (task[0], -task[1]))
            left.remove(task)
            stage, closed_s, episode_id, folder = task
            verdict = judge_take(root, Path(folder), profile, closed_s, _DEPTHS[stage])
            connection.send((episode_id, verdict))
            if not verdict.whole:
                left.append((stage + 1, closed_s, episode_id, folder))


def _warm(dataset: Path, profile: str | None) -> None:
    """Judge an episode of nothing: imports, rulebook and profile cost their second before the first take."""
    from pyarrow import parquet  # noqa: F401, PLC0415  # what keeps measurements

    with TemporaryDirectory() as folder:
        (Path(folder) / "episode.json").write_bytes(b"{}")
        judge_take(dataset, Path(folder), profile, time.monotonic(), "signal")


def judge_take(dataset: Path, folder: Path, profile: str | None, closed_s: float, depth: Depth) -> Verdict:
    """Measure and judge one episode folder as `validate` does, under the dataset's profile.

    Args:
        dataset: Root of the dataset.
        folder: The episode folder.
        profile: Name or file of a profile; None chooses by the dataset's documents.
        closed_s: When the take was closed, s of the monotonic clock of this machine.
        depth: How deep.
    """
    from embodied_kit.cli.judging import Judging, judged, profile_of  # noqa: PLC0415  # heavy
    from embodied_kit.measure import default_cache, measure_path  # noqa: PLC0415
    from embodied_kit.measure.kept.eviction import max_cache_bytes, trim  # noqa: PLC0415
    from embodied_recorders.control import Verdict  # noqa: PLC0415  # arrows
    from embodied_validators.report.group import group_findings  # noqa: PLC0415

    try:
        cache, max_bytes = default_cache(), max_cache_bytes()
        units = measure_path(folder, depth=depth, cache=cache, trust_index=True)  # no bar: the operator's line is there
        result = judged(folder, units, Judging(profile or profile_of(dataset) or None))
        trim(cache, max_bytes)
    except (EmbodiedKitError, OSError) as error:
        text = {language: failure_of(error, Texts(language)).message for language in ("en", "zh")}
        return Verdict(problem=text, seconds=time.monotonic() - closed_s)  # whole: it will not get better
    groups = group_findings(result.report.findings, result.report.excluded)
    failed = [group for group in groups if group.state == "failed"]
    undecided = [group for group in groups if group.state == "undetermined"]
    return Verdict(
        level=result.report.level or "",
        failed=_lines((group for group in failed if group.severity == "error"), result),
        undetermined=(*_lines(undecided, result), *_skipped(result, {group.rule_id for group in groups})),
        warned=_lines((group for group in failed if group.severity != "error"), result),
        seconds=time.monotonic() - closed_s,
        whole=depth == _DEPTHS[-1],
    )


def _lines(groups: Iterable[Group], result: Judged) -> tuple[VerdictLine, ...]:
    from embodied_validators.report.phrases import place_text, time_text  # noqa: PLC0415  # arrows

    def place(group: Group) -> str:
        where, when = place_text(group.worst.place), time_text(group.worst.place, result.info)
        return f"{where.replace(f'{EPISODES}/{group.worst.place.episode}/', '')} {when}".strip()

    return _with_words((group.rule_id, group.level, place(group)) for group in groups)


def _skipped(result: Judged, told: set[str]) -> tuple[VerdictLine, ...]:
    """Rules that were not asked, since what they look at was not measured."""
    levels: dict[str, str] = {}
    for item in sorted(result.report.skipped, key=lambda item: item.level):
        for rule_id in item.rules:
            levels.setdefault(rule_id, item.level)
    return _with_words((rule_id, level, "") for rule_id, level in levels.items() if rule_id not in told)


def _with_words(rows: Iterable[tuple[str, str, str]]) -> tuple[VerdictLine, ...]:
    from embodied_recorders.control import VerdictLine  # noqa: PLC0415  # arrows
    from embodied_validators.rulebook import load_rulebook  # noqa: PLC0415

    rules = load_rulebook().rules

    def lines() -> Iterator[VerdictLine]:
        for rule_id, level, place in rows:
            rule = rules.get(rule_id)
            if rule is not None:
                yield VerdictLine(rule_id, rule.title, rule.fix, place, level)

    return tuple(lines())
