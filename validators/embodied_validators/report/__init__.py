"""Reports for people and machines. A further format is one module and one row of `FORMATS`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from embodied_kit.language import Language
from embodied_kit.model.report import Report
from embodied_kit.model.rule import Level, Rule
from embodied_validators.report.episode_view import EpisodeView
from embodied_validators.report.html.page import render_html
from embodied_validators.report.info import (
    EpisodeInfo,
    PictureDecision,
    SubjectInfo,
    pictures_allowed,
    subject_info,
)
from embodied_validators.report.json_ import render_json
from embodied_validators.report.junit import render_junit
from embodied_validators.report.markdown import render_markdown
from embodied_validators.report.sarif import render_sarif
from embodied_validators.report.stored import Stored, read_reports, render_jsonl
from embodied_validators.report.text import render_text

FormatName: TypeAlias = Literal["text", "json", "jsonl", "html", "markdown", "sarif", "junit"]


@dataclass(frozen=True)
class Request:
    """Everything a format may need; each takes what it shows.

    Attributes:
        rules: Rule id -> rule.
        views: Episodes to draw.
        width: Columns of the terminal; None where there is none.
        colour: Whether to style a terminal.
        level: Level that the user asked for; None for none.
    """

    report: Report
    rules: Mapping[str, Rule]
    info: SubjectInfo
    lang: Language = "en"
    views: Sequence[EpisodeView] = ()
    width: int | None = None
    colour: bool = False
    level: Level | None = None


def _text(asked: Request) -> bytes:
    rendered = render_text(
        asked.report, asked.rules, asked.lang, asked.width, asked.colour, info=asked.info, level=asked.level
    )
    return rendered.encode("utf-8")


def _json(asked: Request) -> bytes:
    return render_json(asked.report, asked.rules, asked.info)


def _html(asked: Request) -> bytes:
    return render_html(asked.report, asked.rules, asked.views, asked.info, asked.lang).encode("utf-8")


def _jsonl(asked: Request) -> bytes:
    return render_jsonl(asked.report, asked.info)


def _markdown(asked: Request) -> bytes:
    return render_markdown(asked.report, asked.rules, asked.info, asked.lang, asked.level)


def _sarif(asked: Request) -> bytes:
    return render_sarif(asked.report, asked.rules, asked.info, asked.lang)


def _junit(asked: Request) -> bytes:
    return render_junit(asked.report, asked.rules, asked.info, asked.lang, asked.level)


FORMATS: Mapping[FormatName, Callable[[Request], bytes]] = {
    "text": _text,
    "json": _json,
    "jsonl": _jsonl,
    "html": _html,
    "markdown": _markdown,
    "sarif": _sarif,
    "junit": _junit,
}

__all__ = [
    "FORMATS",
    "EpisodeInfo",
    "EpisodeView",
    "FormatName",
    "PictureDecision",
    "Request",
    "Stored",
    "SubjectInfo",
    "pictures_allowed",
    "read_reports",
    "render_html",
    "render_json",
    "render_text",
    "subject_info",
]
