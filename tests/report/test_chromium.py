"""The page in a real browser: no error, no request, plots drawn, switches work."""

from __future__ import annotations

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
    found = re.search(r'<body data-result="([^"]*)"', dom)
    assert found, dom[:500]
    result: dict[str, object] = json.loads(found[1].replace("&quot;", '"').replace("&amp;", "&"))
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
