"""The verdict on one take, as `validate` gives it, in the recorder's terms."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from embodied_kit.cli.failure import failure_of
from embodied_kit.cli.texts import Texts
from embodied_kit.episode.layout import EPISODES
from embodied_kit.errors import EmbodiedKitError
from embodied_kit.model.facts import Depth

if TYPE_CHECKING:
    from embodied_kit.cli.judging import Judged
    from embodied_kit.measure.streams.follower import Follower
    from embodied_recorders.loop.beside import Verdict, VerdictLine
    from embodied_validators.report.group import Group


def judge_take(
    dataset: Path,
    folder: Path,
    profile: str | None,
    closed_s: float,
    depth: Depth,
    follower: Follower | None = None,
) -> Verdict:
    """Measure and judge one episode folder as `validate` does, under the dataset's profile.

    Args:
        dataset: Root of the dataset.
        folder: The episode folder.
        profile: Name or file of a profile; None chooses by the dataset's documents.
        closed_s: When the take was closed, s of the monotonic clock of this machine.
        depth: How deep.
        follower: Has read the take while it was recorded; None for none.
    """
    from embodied_kit.cli.judging import Judging, judged, profile_of  # noqa: PLC0415  # heavy
    from embodied_kit.measure import default_cache, measure_path  # noqa: PLC0415
    from embodied_kit.measure.kept.eviction import max_cache_bytes, trim  # noqa: PLC0415
    from embodied_recorders.loop.beside import Verdict  # noqa: PLC0415  # arrows
    from embodied_validators.report.group import group_findings  # noqa: PLC0415

    try:
        cache, max_bytes = default_cache(), max_cache_bytes()
        # No bar: the operator's line is there.
        units = measure_path(folder, depth=depth, cache=cache, trust_index=True, follower=follower)
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
        whole=depth == "full",
        depth=depth,
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
    from embodied_recorders.loop.beside import VerdictLine  # noqa: PLC0415  # arrows
    from embodied_validators.rulebook import load_rulebook  # noqa: PLC0415

    rules = load_rulebook().rules

    def lines() -> Iterator[VerdictLine]:
        for rule_id, level, place in rows:
            rule = rules.get(rule_id)
            if rule is not None:
                yield VerdictLine(rule_id, rule.title, rule.fix, place, level)

    return tuple(lines())
