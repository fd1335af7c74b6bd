from __future__ import annotations

import base64
import hashlib
import re
import zlib
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from report.samples import (
    EPISODES,
    HOSTILE,
    NS,
    START_NS,
    bad_report,
    clean_report,
    hostile_page,
    outcomes,
    rulebook,
    subject,
    view,
)

from embodied_kit.model.report import Finding, Place
from embodied_validators.report import render_html
from embodied_validators.report.decimate import Times, Values, detailed
from embodied_validators.report.episode_view import EpisodeView, Rate, Series, Span
from embodied_validators.report.html.markup import element
from embodied_validators.report.html.plots import path_data, rate_plots, series_plots
from embodied_validators.report.html.pool import Pool
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


def test_ten_minutes_stay_below_two_megabytes_whatever_the_numbers() -> None:
    quiet, noise = view(seconds=600), np.random.default_rng(11)
    end_ns = quiet.start_ns + 600 * NS
    faults = [(quiet.start_ns + at * NS, quiet.start_ns + at * NS + NS // 3) for at in range(10, 590, 60)]

    def noisy(rate_hz: int) -> tuple[Times, Values]:
        envelope = detailed(quiet.start_ns, end_ns, faults)
        times = quiet.start_ns + (np.arange(600 * rate_hz) * NS // rate_hz) + noise.integers(0, 10**6, 600 * rate_hz)
        envelope.add(times, noise.normal(size=len(times)))
        return envelope.result()

    series = tuple(Series("joints", f"joint_{n}", "rad", *noisy(100)) for n in range(32))
    rates = tuple(Rate(f"s{n}", f"/s{n}", 30.0, *noisy(30)) for n in range(24))
    worst = replace(quiet, series=series, rates=rates, strips=quiet.strips * 2)
    page = render_html(bad_report(), rulebook(), [worst], subject(), "en")
    assert 1_000_000 < len(page.encode()) < 2_000_000
    assert 100_000 < len(render_html(bad_report(), rulebook(), [quiet], subject(), "en").encode()) < 600_000


def test_frames_appear_only_where_the_view_has_them() -> None:
    with_frames = render_html(bad_report(), rulebook(), [view()], subject(), "en")
    without = render_html(bad_report(), rulebook(), [view(pictures=False)], subject(), "en")
    assert with_frames.count("<img ") == 16
    assert "<img " not in without
    assert "No frames are shown: nothing declares the set free of personal information" in without


def test_a_clean_report_without_episodes_is_a_page() -> None:
    page = render_html(clean_report(), rulebook(), [], replace(subject(), episodes=(), title=None), "zh")
    assert "没有需要报告的发现。" in page


def arrays(pool: Pool) -> list[np.ndarray]:
    """The numbers of a page as its script unpacks them."""
    packed = pool.packed()
    assert isinstance(packed["block"], str)
    flat = np.frombuffer(zlib.decompress(base64.b64decode(packed["block"]), -zlib.MAX_WBITS), np.uint8)
    found, at = [], 0
    for n, width in packed["sizes"]:  # type: ignore[union-attr, misc]  # JSON
        planes = flat[at : at + n * width].reshape(width, n).astype(np.int64)
        found.append(np.cumsum(sum(planes[byte] << (8 * byte) for byte in range(width))) % 256**width)
        at += n * width
    assert at == len(flat)
    return found


def decoded(pool: Pool, line: object) -> tuple[np.ndarray, np.ndarray]:
    assert isinstance(line, dict)
    found = arrays(pool)
    times, values = (found[line[name]["at"]] * line[name]["step"] + line[name]["low"] for name in ("t", "v"))
    return times, np.where(found[line["v"]["at"]] == 65535, np.nan, values)


def test_lines_carry_their_values() -> None:
    times = START_NS + np.arange(100, dtype=np.int64) * NS // 10
    values = np.linspace(-2.0, 3.0, 100)
    values[50] = np.nan
    drawn = EpisodeView("e", "", START_NS, START_NS + 10 * NS, (Series("s", "j", "rad", times, values),))
    pool = Pool()
    data = series_plots(drawn, pool)[0].data
    assert isinstance(data, dict)
    seconds, numbers = decoded(pool, data["lines"][0])
    assert np.allclose(seconds, np.arange(100) / 10, atol=1e-6)
    assert np.isnan(numbers[50])
    assert np.allclose(np.delete(numbers, 50), np.delete(values, 50), atol=1e-4)


def test_intervals_show_the_gap_and_the_axis_the_usual() -> None:
    times = START_NS + np.arange(300, dtype=np.int64) * NS // 30
    times[200:] += 2 * NS
    drawn = EpisodeView("e", "", START_NS, START_NS + 12 * NS, rates=(Rate("c", "/c", 30.0, times),))
    pool = Pool()
    data = rate_plots(drawn, pool)[0].data
    assert isinstance(data, dict)
    _, intervals = decoded(pool, data["lines"][0])
    assert len(intervals) == 299
    assert abs(intervals.max() - 2033.3) < 1
    assert data["axis"][0] == 0
    assert 60 < data["axis"][1] < 100
    assert data["nominal"] == pytest.approx(33.33, abs=0.01)


def test_a_clock_that_goes_back_is_below_the_axis() -> None:
    times = START_NS + np.arange(300, dtype=np.int64) * NS // 30
    times[200:] -= NS
    drawn = EpisodeView("e", "", START_NS, START_NS + 12 * NS, rates=(Rate("c", "/c", 30.0, times),))
    pool = Pool()
    data = rate_plots(drawn, pool)[0].data
    assert isinstance(data, dict)
    assert decoded(pool, data["lines"][0])[1].min() < data["axis"][0]


@given(st.lists(st.floats(-1e9, 1e9) | st.just(float("nan")), max_size=60))
def test_numbers_come_out_of_the_block_as_they_went_in(numbers: list[float]) -> None:
    pool, values = Pool(), np.array(numbers, float)
    seconds = np.sort(np.abs(np.nan_to_num(values)))
    placed = {"t": pool.add_times(seconds), "v": pool.add_values(values)}
    times, found = decoded(pool, placed)
    assert np.array_equal(np.isnan(found), np.isnan(values))
    assert np.allclose(times, seconds, atol=max(1e-6, 1e-9 * float(np.ptp(seconds)) if len(seconds) else 0))
    known = values[~np.isnan(values)]
    assert np.allclose(found[~np.isnan(values)], known, atol=(np.ptp(known) if len(known) else 0) / 65534 + 1e-9)


def test_a_path_carries_its_points_its_reach_and_its_faults() -> None:
    drawn, pool = view(), Pool()
    data = path_data(drawn, pool, drawn.paths[0])
    assert isinstance(data, dict)
    found = arrays(pool)
    points = np.column_stack([found[axis["at"]] * axis["step"] + axis["low"] for axis in data["xyz"]])
    assert np.allclose(points, drawn.paths[0].points_m, atol=1e-5)
    assert np.allclose(data["low"], drawn.paths[0].points_m.min(axis=0))
    assert data["spans"] == [[8.0, 9.0]]
    page = render_html(bad_report(), rulebook(), [drawn], subject(), "zh")
    assert "坐标系 base_link，" in page
    assert "0.3 × 0.4 × 0.2 m" in page


def test_the_overview_names_the_worst_finding_of_each_episode() -> None:
    page = render_html(bad_report(), rulebook(), [view()], subject(), "en")
    section = page.partition('<section id="episodes"')[2].partition("</section>")[0]
    rows = section.split("<tr data-row")[1:]
    assert [re.findall(r'data-level="(\w+)"', row) for row in rows] == [["L2"], ["L1"], ["L1"], ["excluded"]]
    assert ["#rule-TM-07" in row for row in rows] == [False, True, False, True]
    assert 'data-key="5"' in rows[1]  # error findings of the second
    assert 'href="#episode-0"' in rows[1]
    assert all(part in section for part in ('data-filter="level"', 'data-filter="outcome"', "Lost frames", "丢帧率"))


def test_an_episode_with_checks_not_carried_out_is_not_shown_as_decided() -> None:
    open_ = Finding(
        "CT-07", "error", "undetermined", "L1", Place(EPISODES[1]), reason="the file ends before its data do"
    )
    report = replace(bad_report(), findings=(), outcomes=outcomes(rulebook(), (open_,)), excluded={})
    page = render_html(report, rulebook(), [], subject(), "en")
    rows = page.partition('<section id="episodes"')[2].partition("</section>")[0].split("<tr data-row")[1:]
    assert ['<span class="undetermined">1</span>' in row for row in rows] == [False, True, False, False]


def test_of_very_many_episodes_the_worst_are_listed() -> None:
    episodes = tuple(replace(subject().episodes[0], episode_id=f"episode-{n:05}") for n in range(3000))
    finding = replace(bad_report().findings[0], place=Place("episode-02999"))
    report = replace(bad_report(), findings=(finding,), excluded={})
    page = render_html(report, rulebook(), [], replace(subject(), episodes=episodes, episodes_n=3000), "en")
    assert "Only the first 500 of 3000" not in page
    assert "500 of 3000 episodes are listed, those with most findings" in page
    assert page.count("<tr data-row") == 500
    assert 'title="episode-02999"' in page


def test_many_faults_of_one_kind_take_little_room_and_are_counted() -> None:
    drawn = view()
    starts = [drawn.start_ns + n * NS // 10 for n in range(90)]
    many = tuple(Span("joint_states", "stuck", start, start) for start in starts)
    page = render_html(bad_report(), rulebook(), [replace(drawn, spans=(*many, drawn.spans[0]))], subject(), "en")
    assert page.count('class="fault"') == 5
    assert "and 86 more" in page
