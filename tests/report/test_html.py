from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from report.samples import (
    EPISODES,
    HOSTILE,
    NS,
    START_NS,
    bad_report,
    clean_report,
    hostile_page,
    rulebook,
    subject,
    view,
)

from embodied_kit.model.report import Finding, Place
from embodied_validators.report import render_html
from embodied_validators.report.episode_view import EpisodeView, Rate, Series
from embodied_validators.report.html.markup import element
from embodied_validators.report.html.plots import rate_plots, series_plots
from embodied_validators.report.words import LANGUAGES


class Tags(HTMLParser):
    """Every start tag with its attributes, and the text of scripts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_the_page_needs_nothing_from_outside() -> None:
    page = render_html(bad_report(), rulebook(), [view()], subject(), "en")
    for tag, attributes in Tags(page).found:
        assert tag not in {"link", "iframe", "object", "embed", "base", "form"}
        for name in ("src", "href", "srcset", "action"):
            target = attributes.get(name)
            assert target is None or target.startswith(("data:image/jpeg;base64,", "#")), (tag, target)
    assert not re.search(r"https?://|url\(|@import", page)


def test_the_policy_allows_exactly_the_style_and_the_script() -> None:
    page = render_html(bad_report(), rulebook(), [], subject(), "en")
    policy = next(a["content"] for t, a in Tags(page).found if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    for kind, body in re.findall(r"<(style|script)>(.*?)</\1>", page, re.DOTALL):
        digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert not any("style" in attributes for _, attributes in Tags(page).found)


def test_hostile_names_are_inert() -> None:
    clean, hostile = Tags(render_html(bad_report(), rulebook(), [view()], subject(), "en")), Tags(hostile_page())
    assert {tag for tag, _ in hostile.found} <= {tag for tag, _ in clean.found}
    assert sum(tag == "script" for tag, _ in hostile.found) == 2
    assert not any(name.startswith("on") for _, attributes in hostile.found for name in attributes)
    assert "&lt;script&gt;alert(1)" in hostile_page()
    assert element("p", {"title": HOSTILE}, HOSTILE).text.count("<") == 2


@pytest.mark.parametrize("lang", LANGUAGES)
def test_both_languages_are_in_the_page_and_one_opens(lang: str) -> None:
    page = render_html(bad_report(), rulebook(), [view()], subject(), "zh" if lang == "zh" else "en")
    assert f'<html lang="{"zh-CN" if lang == "zh" else "en"}">' in page
    for part in ("Lost frames", "丢帧率", "Gap", "间断", "limit 5 %", "上限 5 %", "Quoted by others", "转引"):
        assert part in page
    assert page.count('class="en"') == page.count('class="zh"')


def test_each_row_tells_why_how_and_where_the_limit_comes_from() -> None:
    page = render_html(bad_report(), rulebook(), [], subject(), "en")
    row = page.partition('id="rule-TM-07"')[2].partition("</details>")[0]
    for part in (
        "Why lost frames matters",
        "USB bandwidth",
        "GB/Z 218.1-2026 6.2.2.3",
        "宜",
        "2026-10-02",
        "lost_ratio",
    ):
        assert part in row
    assert row.count("15.50–15.83 s") == 1
    assert 'data-state="failed" data-severity="error" data-family="TM"' in row


def test_thousands_of_findings_stay_small_and_say_what_is_cut() -> None:
    many = tuple(
        Finding("CT-07", "error", "failed", "L1", Place(EPISODES[0], stream=f"/topic_{n}"), n + 1, 0, "max")
        for n in range(20_000)
    )
    page = render_html(replace(bad_report(), findings=many), rulebook(), [], subject(), "en")
    assert len(page) < 200_000
    assert "19960 more places are in the JSON report" in page


def test_ten_minutes_stay_below_two_megabytes() -> None:
    page = render_html(bad_report(), rulebook(), [view(seconds=600)], subject(), "en")
    assert 100_000 < len(page.encode()) < 2_000_000


def test_frames_appear_only_where_the_view_has_them() -> None:
    with_frames = render_html(bad_report(), rulebook(), [view()], subject(), "en")
    without = render_html(bad_report(), rulebook(), [view(pictures=False)], subject(), "en")
    assert with_frames.count("<img ") == 16
    assert "<img " not in without
    assert "No frames are shown: nothing declares the set free of personal information" in without


def test_a_clean_report_without_episodes_is_a_page() -> None:
    page = render_html(clean_report(), rulebook(), [], replace(subject(), episodes=(), title=None), "zh")
    assert "没有需要报告的发现。" in page


def decoded(line: object) -> tuple[np.ndarray, np.ndarray]:
    assert isinstance(line, dict)
    out = []
    for values, span in ((line["t"], line["t_range"]), (line["v"], line["v_range"])):
        codes = np.frombuffer(base64.b64decode(values), "<u2").astype(float)
        out.append(np.where(codes == 65535, np.nan, span[0] + codes / 65534 * (span[1] - span[0])))
    return out[0], out[1]


def test_lines_carry_their_values() -> None:
    times = START_NS + np.arange(100, dtype=np.int64) * NS // 10
    values = np.linspace(-2.0, 3.0, 100)
    values[50] = np.nan
    drawn = EpisodeView("e", "", START_NS, START_NS + 10 * NS, (Series("s", "j", "rad", times, values),))
    data = series_plots(drawn)[0].data
    assert isinstance(data, dict)
    seconds, numbers = decoded(data["lines"][0])
    assert np.allclose(seconds, np.arange(100) / 10, atol=1e-3)
    assert np.isnan(numbers[50])
    assert np.allclose(np.delete(numbers, 50), np.delete(values, 50), atol=1e-4)


def test_intervals_show_the_gap_and_the_axis_the_usual() -> None:
    times = START_NS + np.arange(300, dtype=np.int64) * NS // 30
    times[200:] += 2 * NS
    drawn = EpisodeView("e", "", START_NS, START_NS + 12 * NS, rates=(Rate("c", "/c", 30.0, times),))
    data = rate_plots(drawn)[0].data
    assert isinstance(data, dict)
    _, intervals = decoded(data["lines"][0])
    assert len(intervals) == 299
    assert abs(intervals.max() - 2033.3) < 1
    assert data["axis"][0] == 0
    assert 60 < data["axis"][1] < 100
    assert data["nominal"] == pytest.approx(33.33, abs=0.01)


def test_a_clock_that_goes_back_is_below_the_axis() -> None:
    times = START_NS + np.arange(300, dtype=np.int64) * NS // 30
    times[200:] -= NS
    drawn = EpisodeView("e", "", START_NS, START_NS + 12 * NS, rates=(Rate("c", "/c", 30.0, times),))
    data = rate_plots(drawn)[0].data
    assert isinstance(data, dict)
    assert decoded(data["lines"][0])[1].min() < data["axis"][0]
