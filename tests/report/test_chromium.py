"""The page in a real browser: no error, no request, plots drawn, switches work."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from report.samples import bad_report, hostile_page, rulebook, subject, view

from embodied_validators.report import render_html

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine (Debian: apt install chromium)")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
    "--window-size=1280,1600",
    "--virtual-time-budget=5000",
)
POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')
PROBE = "<script>" + Path(__file__).with_name("probe.js").read_text(encoding="utf-8") + "</script></body>"


def run(page: str, folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    path = folder / "report.html"
    path.write_text(page, encoding="utf-8")
    command = [str(CHROMIUM), *FLAGS, f"--user-data-dir={folder / 'profile'}", *more]
    return subprocess.run([*command, path.as_uri()], capture_output=True, text=True, timeout=120, check=True)


def probed(page: str, folder: Path) -> dict[str, object]:
    opened, replaced = POLICY.subn("", page)
    assert replaced == 1
    dom = run(opened.replace("</body>", PROBE), folder, "--dump-dom").stdout
    found = re.search(r'<body[^>]* data-result="([^"]*)"', dom)
    assert found, dom[:500]
    result: dict[str, object] = json.loads(html.unescape(found[1]))
    assert "error" not in result, result["error"]
    return result


def console(process: subprocess.CompletedProcess[str]) -> list[str]:
    return [line for line in process.stderr.splitlines() if "CONSOLE" in line]


def page_of_samples() -> str:
    return render_html(bad_report(), rulebook(), [view()], subject(), "en")


@pytest.mark.parametrize("make", [page_of_samples, hostile_page])
def test_no_error_and_no_request(make: Callable[[], str], tmp_path: Path) -> None:
    assert console(run(make(), tmp_path, "--dump-dom")) == []  # the policy refuses any request, and says so here


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<main>", '<main><img src="http://127.0.0.1:9/x.png">'),
        ("<main>", "<main><script>1</script>"),
        ('id="theme"', 'id="gone"'),
    ],
)
def test_a_request_or_an_error_would_be_noticed(old: str, new: str, tmp_path: Path) -> None:
    page = page_of_samples().replace(old, new, 1)
    assert page != page_of_samples()
    assert console(run(page, tmp_path, "--dump-dom"))


def test_plots_are_drawn_and_everything_answers(tmp_path: Path) -> None:
    result = probed(page_of_samples(), tmp_path)
    canvases = result["canvases"]
    assert isinstance(canvases, list)
    assert len(canvases) == 6
    blue, orange = 0x1F6FB5, 0xD9780B
    assert all(blue in canvas["colours"] for canvas in canvases)
    assert orange in canvases[0]["colours"]
    assert 0xB3261E in canvases[3]["colours"]  # the fault of the camera
    first, second, third = (result[name] for name in ("first", "second", "third"))
    assert first == third == ["en", first[1]]  # type: ignore[index]  # JSON
    assert second[0] == "zh-CN"  # type: ignore[index]  # JSON
    assert "已达到 L1-preview" in second[1]  # type: ignore[index]  # JSON
    light, dark = result["theme"]  # type: ignore[misc]  # JSON
    assert light != dark
    assert result["failed"] == [f"rule-{rule}" for rule in ("TM-07", "TM-08", "SR-10", "TM-06", "VS-06")]
    assert result["shown"] == "5 of 8 rules shown"
    assert result["found"] == ["rule-TM-07"]
    values = result["values"]
    assert isinstance(values, list)
    assert all(re.fullmatch(r"-?\d+(\.\d+)?( ms)?", value) for value in values)
    assert result["zoomed"] is True


def test_zoom_by_wheel_and_keys_path_in_space_and_the_list_of_episodes(tmp_path: Path) -> None:
    result = probed(page_of_samples(), tmp_path)
    assert result["scrolls"] == [False, False]
    assert result["wheel"] == [True, True, True]
    assert result["reset"] == [False, True]
    assert result["plus"] is True
    colours = result["path"]
    assert isinstance(colours, list)
    assert {0x1D5FB4, 0xB3261E} <= set(colours)  # the path, and its fault
    assert [result[name] for name in ("turned", "home", "keyed", "marked")] == [True] * 4
    short = [item for item in result["listed"] if item]  # type: ignore[attr-defined]  # JSON
    first, second, third, fourth = short
    assert result["withoutL1"] == [first, fourth]
    assert result["shownEpisodes"] == "2 of 4 shown"
    assert result["ascending"] == [first, third, fourth, second]
    assert result["descending"] == [second, third, fourth, first]


def printed(page: str, folder: Path) -> bytes:
    folder.mkdir()
    run(page, folder, f"--print-to-pdf={folder / 'report.pdf'}", "--no-pdf-header-footer")
    return (folder / "report.pdf").read_bytes()


def test_it_prints_with_plots_and_pictures(tmp_path: Path) -> None:
    data = printed(page_of_samples(), tmp_path / "whole")
    bare = render_html(bad_report(), rulebook(), [replace(view(), series=(), paths=(), strips=())], subject(), "en")
    without = printed(bare, tmp_path / "bare")
    assert data.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type */Page\b", data)) >= 3
    images = [len(re.findall(rb"/Subtype */Image", pdf)) for pdf in (data, without)]
    assert images[0] - images[1] == len(view().strips[0].frames)  # equal pictures are kept once
    assert len(data) - len(without) > 100_000  # curves are vectors


def test_without_data_nothing_is_drawn(tmp_path: Path) -> None:
    empty = tuple(replace(series, values=series.values * float("nan")) for series in view().series)
    page = render_html(bad_report(), rulebook(), [replace(view(), series=empty)], subject(), "en")
    canvases = probed(page, tmp_path)["canvases"]
    assert isinstance(canvases, list)
    assert 0x1F6FB5 not in canvases[0]["colours"]


def test_hostile_names_run_nothing_even_without_the_policy(tmp_path: Path) -> None:
    page = hostile_page().replace("alert(", "window.hacked = (")
    assert "window.hacked" in page
    assert probed(page, tmp_path)["hacked"] is False
