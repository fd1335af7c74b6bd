"""A judged subject in one of the report's formats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from embodied_kit.cli.judging import Judged
from embodied_kit.language import Language
from embodied_kit.model.facts import DATASET_SCOPE
from embodied_kit.model.json import JsonObject
from embodied_kit.model.rule import Level

if TYPE_CHECKING:
    from embodied_validators.report import EpisodeView, FormatName


@dataclass(frozen=True)
class Presentation:
    """How a report is to be shown.

    Attributes:
        form: text, json or html.
        level: Level that was asked for.
        images: Whether camera pictures are wanted even where they may hold personal data.
        colour, width: Of the terminal.
        report_path: Where an HTML report lies, for the text to say so.
    """

    form: FormatName
    language: Language
    level: Level | None = None
    images: bool = False
    colour: bool = False
    width: int | None = None
    report_path: str = ""


def render(result: Judged, path: Path, how: Presentation) -> bytes:
    """The report; an HTML page reads the data files once more for its plots.

    Args:
        result: What was judged.
        path: Where it lies.
        how: In which form.
    """
    from embodied_validators.report import FORMATS, Request  # noqa: PLC0415  # arrows
    from embodied_validators.rulebook import load_rulebook  # noqa: PLC0415

    request = Request(
        report=result.report,
        rules={**load_rulebook().rules, **{rule.rule_id: rule for rule in result.profile.rules}},
        info=replace(result.info, report_path=how.report_path),
        lang=how.language,
        views=_views(result, path, images=how.images) if how.form == "html" else (),
        width=how.width,
        colour=how.colour,
        level=how.level,
    )
    return FORMATS[how.form](request)


def _views(result: Judged, path: Path, *, images: bool) -> Sequence[EpisodeView]:
    from embodied_validators.report import pictures_allowed  # noqa: PLC0415
    from embodied_validators.report.views import episode_view, worst_episodes  # noqa: PLC0415

    pictures = pictures_allowed(_document(result, "dataset"), _document(result, "governance"), asked=images)
    views = []
    for scope in worst_episodes(result.report):
        info = result.info.episode(scope)
        if scope in result.facts.scopes and scope != DATASET_SCOPE and info is not None:
            views.append(episode_view(path, result.facts.unit(scope), info, pictures))
    return views


def _document(result: Judged, kind: str) -> JsonObject | None:
    """A document of the dataset, or of the first unit that has one."""
    for scope in result.facts.scopes[:1]:
        for row in result.facts.unit(scope).tables.get("document", ()):
            value = row.get("value")
            if row.get("kind") == kind and isinstance(value, dict):
                return value
    return None
