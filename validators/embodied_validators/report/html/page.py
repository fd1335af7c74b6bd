"""The whole page: self-contained, both languages, light and dark, inert whatever the data says."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib.resources import files

from embodied_kit.language import Language
from embodied_kit.model.json import JsonValue
from embodied_kit.model.report import Report
from embodied_kit.model.rule import Rule
from embodied_validators.report.episode_view import EpisodeView
from embodied_validators.report.html.conditions import limited_note, skipped_section, waivers_section
from embodied_validators.report.html.episodes import episode_section
from embodied_validators.report.html.findings import findings_section, sources
from embodied_validators.report.html.markup import Markup, element, escape, join, text
from embodied_validators.report.html.overview import episodes_section
from embodied_validators.report.html.pool import Pool
from embodied_validators.report.html.summary import coverage_section, evidence_section, summary_section
from embodied_validators.report.info import SubjectInfo
from embodied_validators.report.words import Words

_SCRIPTS = ("page", "lists", "numbers", "plot", "path", "episode", "start")
_HTML_LANGUAGE: Mapping[Language, str] = {"en": "en", "zh": "zh-CN"}


def render_html(
    report: Report,
    rules: Mapping[str, Rule],
    views: Sequence[EpisodeView],
    info: SubjectInfo,
    lang: Language,
) -> str:
    """The report as one HTML file without any request to the outside.

    Args:
        report: What the judge said.
        rules: Rule id -> rule.
        views: Episodes to draw, in order; may be empty.
        info: Name, episodes and duration of the subject.
        lang: Language that the page opens in.
    """
    source = sources(report, rules, info)
    sections, data, pool = [], [], Pool()
    for index, view in enumerate(views):
        section, plots = episode_section(view, index, pool)
        sections.append(section)
        data.append(plots)
    body = join(
        _top(info),
        element(
            "main",
            None,
            summary_section(report, info),
            limited_note(source),
            episodes_section(source, [view.episode_id for view in views]),
            findings_section(source),
            skipped_section(source),
            waivers_section(source),
            coverage_section(report, source.short),
            *sections,
            element("p", {"id": "old-browser", "class": "note", "hidden": True}, text("page.old_browser")),
            evidence_section(report),
        ),
    )
    words = Words(lang)
    return _document(words, words("page.title", name=info.name), body, {"episodes": data, "numbers": pool.packed()})


def _top(info: SubjectInfo) -> Markup:
    toggle = element(
        "div",
        {"class": "switch", "role": "group"},
        element("button", {"type": "button", "data-lang": "en"}, "English"),
        element("button", {"type": "button", "data-lang": "zh-CN", "lang": "zh-CN"}, "中文"),
    )
    return element(
        "header",
        "top",
        element("div", "brand", element("span", "kicker", text("page.kicker")), element("h1", None, info.name)),
        element(
            "div",
            "tools",
            toggle,
            element("button", {"type": "button", "id": "theme"}, text("page.theme")),
            element("button", {"type": "button", "id": "print"}, text("page.print")),
        ),
    )


def _document(words: Words, title: str, body: Markup, data: JsonValue) -> str:
    style, script = _asset("report.css"), _script()
    policy = f"default-src 'none'; img-src data:; style-src '{_digest(style)}'; script-src '{_digest(script)}'"
    return (
        f'<!doctype html>\n<html lang="{_HTML_LANGUAGE[words.lang]}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{style}</style>\n</head>\n<body>\n{body.text}\n"
        f'<script type="application/json" id="data">{_inert_json(data)}</script>\n<script>{script}</script>\n'
        "</body>\n</html>\n"
    )


def _script() -> str:
    """All scripts in one function, so that they share names with each other and with nothing else."""
    return '"use strict";\n(() => {\n' + "\n".join(_asset(f"{name}.js") for name in _SCRIPTS) + "})();\n"


def _asset(name: str) -> str:
    return files("embodied_validators.report.html").joinpath("assets").joinpath(name).read_text(encoding="utf-8")


def _digest(source: str) -> str:
    """The source as a content security policy names it."""
    return "sha256-" + base64.b64encode(hashlib.sha256(source.encode("utf-8")).digest()).decode("ascii")


def _inert_json(data: JsonValue) -> str:
    """JSON that no HTML parser can leave early."""
    return json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
