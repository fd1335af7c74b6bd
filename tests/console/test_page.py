"""The page in a real browser, before a real recorder: keys, mouse, cameras, Chinese, a server that goes and comes."""

from __future__ import annotations

import json
import os
import re
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from console.browser import CHROMIUM, Browser, Page, running_browser
from console.stand import CAMERAS, GAP, Stand, running_stand

from embodied_kit.canonical import load_json, sha256_hex
from embodied_kit.episode.quarantine import quarantined
from embodied_recorders.console import Asked, serve
from embodied_recorders.loop.control import Describe, Start
from embodied_recorders.loop.words import Said, command_of
from embodied_recorders.writing.sink import Sink

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine (Debian: apt install chromium)")
LIVE = "document.querySelectorAll('figure:not(.old)').length"


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    with running_stand(tmp_path) as found:
        found.until("armed")
        yield found


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with running_browser(tmp_path_factory.mktemp("browser")) as found:
        yield found


@pytest.fixture
def page(stand: Stand, browser: Browser) -> Iterator[Page]:
    with serve(stand.controller) as url, browser.page(url) as found:
        found.until_state("armed")
        found.noise.clear()  # the entrance answers 403, and the browser notes it
        yield found


def outcomes(stand: Stand) -> list[tuple[str, str]]:
    return [(take.state, take.outcome) for take in stand.controller.snapshot().takes]


def episode(stand: Stand) -> Path:
    return stand.dataset.root / "episodes" / stand.controller.snapshot().takes[-1].episode_id


def enabled(page: Page) -> set[str]:
    script = "[...document.querySelectorAll('#controls button:enabled')].map((b) => b.dataset.do)"
    return set(page.evaluate(script))


def test_takes_by_keys(page: Page, stand: Stand) -> None:
    assert enabled(page) == {"start", "undo"}
    page.press(" ", "recording")
    assert page.text("#word") == "Recording"
    assert enabled(page) >= {"stop", "success", "failure", "discard", "mark", "intervene", "next"}
    page.key("m")
    page.key("i")
    page.until("document.querySelector('[data-do=intervene]').getAttribute('aria-pressed') === 'true'")
    assert "INTERVENTION" in page.text("#sub")
    page.key("i")
    page.until("document.querySelector('[data-do=intervene]').getAttribute('aria-pressed') === 'false'")
    page.press("s", "armed")
    page.press(" ", "recording")
    page.press(" ", "asking")
    assert page.text("#word") == "How did it go?"
    page.press("k", "armed")
    assert outcomes(stand) == [("saved", "success"), ("saved", "unknown")]
    assert page.noise == []


def test_what_is_not_done_ends_at_once_and_asks_for_its_cause(page: Page, stand: Stand) -> None:
    for key, again, expected in (("f", "4", ("failure", "collision")), ("p", "p", ("partial", None))):
        page.press(" ", "recording")
        page.key(key)
        page.until_state("asking")
        assert page.evaluate("document.querySelector('#cause').open")
        page.key(again, "Digit4" if again == "4" else "")
        page.until_state("armed")
        document = load_json(episode(stand) / "episode.json")
        assert (document["outcome"], document.get("failure_cause")) == expected


def pseudonym(name: str) -> str:
    return "op-" + sha256_hex(name.encode())[:32]


def test_who_operates_and_where_is_said_once_and_kept(stand: Stand, browser: Browser) -> None:
    with serve(stand.controller, asked=Asked(pseudonym)) as url, browser.page(url) as page:
        page.until_state("armed")
        page.until("document.querySelector('#who').hasAttribute('data-unsaid')")
        assert page.text("#who small") == "lab_1 · Laboratory"
        page.press(" ", "recording")
        page.press(" ", "asking")
        assert page.text("#sub") == "O: who operates, and where"
        page.key("o")
        page.type("Zhang Xiaoming")
        page.click("#about-skill label:nth-child(3)")
        page.evaluate("document.querySelector('#about-scene').value = 'other'")
        page.evaluate("document.querySelector('#about-scene').onchange()")
        page.click("#about-scene-id")
        page.type("Bench 2")
        page.key("Enter")
        page.until("document.querySelector('#about-problem').innerText.includes('small letters')")
        page.evaluate("document.querySelector('#about-scene-id').value = 'bench_2'")
        page.key("Enter")
        page.until("!document.querySelector('#about').open")
        page.until("document.querySelector('#who b').innerText === 'Zhang Xiaoming · Expert'")
        assert page.text("#who small") == "bench_2 · Tabletop"
        page.press("s", "armed")
        said = load_json(episode(stand) / "episode.json")
        scene = {"scene_id": "bench_2", "scene_type": "tabletop"}
        wanted = (pseudonym("Zhang Xiaoming"), "expert", scene)
        assert (said["operator_pseudonym"], said["operator_skill_level"], said["scene"]) == wanted
        page.key("o")
        page.until("document.querySelector('#about').open")
        assert page.evaluate("document.querySelector('#about-operator').value") == "Zhang Xiaoming"
        page.evaluate("document.querySelector('#about-operator').value = 'Wu'")
        page.key("Enter")
        page.until("document.querySelector('#who b').innerText === 'Wu · Expert'")
        page.press(" ", "recording")
        page.press("s", "armed")
        said = load_json(episode(stand) / "episode.json")
        assert (said["operator_pseudonym"], said["scene"]) == (pseudonym("Wu"), scene)
        page.go(f"{url.partition('#')[0]}?again")
        page.until("document.querySelector('#who b')?.innerText.startsWith('op-')")
        assert page.evaluate("JSON.stringify([localStorage, sessionStorage, document.cookie])").count("Wu") == 0
    kept = b"".join(path.read_bytes() for path in stand.dataset.root.rglob("*") if path.is_file())
    assert b"Zhang" not in kept
    assert "Zhang" not in repr(stand.controller.snapshot())


def test_what_the_command_line_said_is_not_asked_again(stand: Stand, browser: Browser) -> None:
    stand.controller.ask(Describe(pseudonym("Ada"), "trained", {"scene_id": "b1", "scene_type": "office"}))
    with serve(stand.controller, asked=Asked(failure_cause="timeout")) as url, browser.page(url, "zh-CN") as page:
        page.until_state("armed")
        page.until("document.querySelector('#who small').innerText === 'b1 · 办公室'")
        assert page.text("#who b") == f"{pseudonym('Ada')[:11]}… · 经过培训"
        page.key("o")
        page.until("document.querySelector('#about').open")
        assert page.evaluate("document.querySelector('#about-operator').disabled")
        assert "--operator" in page.text("#about-note")
        assert page.evaluate("document.querySelector('#about-skill :checked').value") == "trained"
        page.key("Escape")
        page.until("!document.querySelector('#about').open")
        page.press(" ", "recording")
        page.press("f", "armed")
    document = load_json(episode(stand) / "episode.json")
    assert (document["outcome"], document["failure_cause"]) == ("failure", "timeout")
    assert document["scene"] == {"scene_id": "b1", "scene_type": "office"}


def test_a_take_by_mouse_discarded_and_brought_back(page: Page, stand: Stand) -> None:
    page.click("[data-do=start]")
    page.until_state("recording")
    page.click("[data-do=success]")
    page.until_state("armed")
    page.until("document.querySelector('#takes li .verdict .level')")
    page.click("#takes li > button")
    page.until("document.querySelector('#reason').open")
    page.click("#reason-text")
    page.type("gripper slipped")
    page.key("Enter")
    page.until("document.querySelector('#takes li').dataset.state === 'discarded'")
    assert [entry.reason for entry in quarantined(stand.dataset)] == ["gripper slipped"]
    page.click("[data-do=undo]")
    page.until("document.querySelector('#takes li').dataset.state === 'saved'")
    assert quarantined(stand.dataset) == []
    page.click("[data-do=discard]")
    page.key(" ", "Space")
    assert page.evaluate("document.querySelector('#reason').open")
    page.click("#reason .choices button:nth-child(3)")
    page.until("document.querySelector('#takes li').dataset.state === 'discarded'")
    assert [entry.reason for entry in quarantined(stand.dataset)] == ["operator error"]


def test_a_held_key_and_a_key_in_a_text_ask_for_nothing_twice(page: Page, stand: Stand) -> None:
    page.press(" ", "recording")
    for _ in range(3):
        page.call(
            "Input.dispatchKeyEvent", type="keyDown", key=" ", code="Space", windowsVirtualKeyCode=32, autoRepeat=True
        )
    page.key("d")
    page.until("document.querySelector('#reason').open")
    page.click("#reason-text")
    page.key("s")
    page.key("Escape")
    page.until("!document.querySelector('#reason').open")
    assert page.evaluate("document.documentElement.dataset.state") == "recording"
    assert outcomes(stand) == []


def test_six_cameras_over_one_connection_and_nothing_from_elsewhere(page: Page, stand: Stand) -> None:
    page.until(f"{LIVE} === {len(CAMERAS)}")
    shown = "[...document.querySelectorAll('figure canvas')].map((c) => c.toDataURL())"
    before = page.evaluate(shown)
    assert len(set(before)) == len(CAMERAS)
    page.until(f"{shown}.every((now, at) => now !== {json.dumps(before)}[at])")
    here = page.evaluate("location.origin")
    assert {url for url in page.requests if not url.startswith(here)} == set()
    sizes = page.evaluate("[...document.querySelectorAll('figure canvas')].map((c) => [c.width, c.height])")
    assert sizes == [[320, 240]] * len(CAMERAS)
    stand.graph.muted.add(CAMERAS[2])
    page.until(f"document.querySelector('figure[data-stream={CAMERAS[2]}]').classList.contains('old')")
    assert page.evaluate(LIVE) == len(CAMERAS) - 1


def test_the_table_tells_what_is_wrong_with_a_stream(page: Page, stand: Stand) -> None:
    row = "[...document.querySelectorAll('tbody tr')].find((r) => r.cells[1].innerText.startsWith('joint_states'))"
    page.until(f"{row}.dataset.band === 'ok'")
    assert "by stamps" in str(page.evaluate(f"{row}.innerText"))
    latched = row.replace("joint_states", "description")
    assert "not observable" in str(page.evaluate(f"{latched}.innerText"))
    assert page.text("#problems") == "Nothing stands in the way."
    stand.graph.muted.add("joint_states")
    page.until(f"{row}.dataset.band === 'silent'")
    page.until_state("idle")
    assert page.text("#word") == "Not ready"
    assert "/joint_states: no message" in page.text("#problems")
    assert "start" not in enabled(page)
    page.key(" ", "Space")
    assert page.text("#said") == "not now: Start"
    stand.graph.muted.clear()
    page.until_state("armed")
    page.until("document.querySelector('#problems').dataset.band === 'ok'")
    stand.graph.sources["joint_states"].period_s *= 4
    page.until(f"['warn', 'bad'].includes({row}.dataset.band)")
    assert "contract says 50 Hz" in page.text("#problems")
    assert page.evaluate("document.documentElement.dataset.state") == "armed"


def test_verdicts_come_when_they_come(page: Page, stand: Stand) -> None:
    stand.judge.held = True
    page.press(" ", "recording")
    page.press("s", "armed")
    page.until("/^verdict awaited .[1-9] s.$/.test(document.querySelector('#takes .verdict')?.innerText)")
    stand.judge.held, whole = False, stand.judge.verdict
    stand.judge.verdict = replace(whole, level="", undetermined=(GAP,) * 13, whole=False, depth="index")
    page.until("document.querySelector('#takes .level')")
    assert re.fullmatch(r"… 1 failed 1/3 Index only · deeper one awaited \(\d s\)", page.text("#takes .verdict"))
    page.evaluate("document.querySelector('#takes summary').focus()")
    stand.judge.verdict = replace(stand.judge.verdict, depth="signal")
    stand.judge.submit(stand.controller.snapshot().takes[-1].episode_id, str(episode(stand)))
    page.until("document.querySelector('#takes .verdict').innerText.includes('2/3 Signals · deeper one awaited')")
    assert page.evaluate("document.activeElement === document.querySelector('#takes summary')")
    stand.judge.verdict = whole
    stand.judge.submit(stand.controller.snapshot().takes[-1].episode_id, str(episode(stand)))
    page.until("!document.querySelector('#takes .level.open')")
    page.until("document.querySelector('#takes .level')")
    assert page.text("#takes .verdict") == "L1 1 failed 3/3 Full"
    assert page.text("#judging") == ""
    assert "TM-07" in page.text("#takes .rules")
    assert "Check its cable" in page.text("#takes .fix")


def test_no_judge_is_no_late_judge(page: Page, stand: Stand) -> None:
    stand.judge.alive = False
    page.until("document.querySelector('#judging').innerText === 'judge has ended'")
    stand.controller._after.judge = None
    page.until("document.querySelector('#judging').innerText === 'verdicts are off'")
    page.press(" ", "recording")
    page.press("s", "armed")
    page.until("document.querySelector('#takes .verdict').innerText === 'verdicts are off'")


def test_a_slow_disk_is_shown_as_saving_and_never_as_hung(tmp_path: Path, browser: Browser) -> None:
    with (
        running_stand(tmp_path, new_sink=Sink) as stand,
        serve(stand.controller) as url,
        browser.page(url) as page,
    ):
        page.until_state("armed")
        page.press(" ", "recording")
        writer = stand.controller.session.prepare()._child.process.pid
        os.kill(writer, signal.SIGSTOP)
        try:
            page.press("s", "closing")
            page.until("/^writes to the disk, .*B to go · for [3-9]/.test(document.querySelector('#sub').innerText)")
            assert page.evaluate("document.documentElement.dataset.state") == "closing"
            assert "start" not in enabled(page)
            answer = stand.controller.ask(Start())
            assert (answer.done, answer.text["en"]) == (False, "not now: the recorder is closing")
        finally:
            os.kill(writer, signal.SIGCONT)
        page.until_state("armed")
        assert [take.outcome for take in stand.controller.snapshot().takes] == ["success"]


def test_chinese_by_the_browsers_language_and_by_key(stand: Stand, browser: Browser) -> None:
    with serve(stand.controller) as url, browser.page(url, "zh-CN") as page:
        page.until_state("armed")
        assert page.evaluate("document.documentElement.lang") == "zh-CN"
        page.until("document.querySelector('#word').innerText === '就绪'")
        assert not stand.controller.ask(command_of("stop", stand.controller.snapshot(), Said())).done
        page.until("document.querySelector('#said').innerText.includes('现在不行：采集器已就绪')")
        assert page.text("[data-do=start]").startswith("开始")
        page.press(" ", "recording")
        page.key("f")
        page.until("document.querySelector('#cause').open")
        assert "碰撞" in page.text("#cause .choices")
        page.key("4", "Digit4")
        page.until_state("armed")
        page.until("document.querySelector('#takes .fix')")
        assert "检查线缆" in page.text("#takes .fix")
        page.key("l")
        assert page.text("#word") == "Ready"
        assert "Check its cable" in page.text("#takes .fix")


def test_a_server_that_is_gone_is_seen_and_found_again(stand: Stand, browser: Browser) -> None:
    with ExitStack() as first:
        url = first.enter_context(serve(stand.controller))
        with browser.page(url) as page:
            page.until_state("armed")
            page.evaluate("void (window.same = true)")
            first.close()
            page.until_state("lost")
            assert page.text("#word") == "No connection"
            assert_nothing_is_cut(page)
            assert enabled(page) == set()
            assert page.evaluate("Number(getComputedStyle(document.querySelector('main')).opacity)") < 1
            page.until("/[1-9].* s old/.test(document.querySelector('#sub').innerText)")
            with serve(stand.controller, port=urlsplit(url).port, token=url.partition("=")[2]):
                page.until_state("armed")
                page.until(f"{LIVE} === {len(CAMERAS)}")
                page.press(" ", "recording")
                assert page.evaluate("window.same") is True


def test_a_server_with_another_token_refuses_the_page_until_it_has_the_new_address(
    stand: Stand, browser: Browser
) -> None:
    with ExitStack() as first:
        url = first.enter_context(serve(stand.controller))
        with browser.page(url) as page:
            page.until_state("armed")
            assert "token" not in str(page.evaluate("location.href + document.cookie"))
            first.close()
            page.until_state("lost")
            with serve(stand.controller, port=urlsplit(url).port) as other:
                page.until_state("refused")
                assert page.text("#word") == "Key refused"
                assert_nothing_is_cut(page)
                page.go(other)
                page.until_state("armed")


def test_without_the_token_there_is_a_hint_and_no_page(stand: Stand, browser: Browser) -> None:
    with serve(stand.controller) as url, browser.page(url.partition("#")[0]) as page:
        page.until("document.body.innerText.includes('Open the whole address')")
        assert page.evaluate("document.querySelector('#controls')") is None
        page.go(url.partition("=")[0] + "=wrong-token-0123456789")
        page.until("location.hash === '' && document.body.innerText.includes('Open the whole address')")


def test_a_recorder_that_hangs_is_not_shown_as_live(stand: Stand, page: Page) -> None:
    go_on = threading.Event()
    taking = stand.graph.take
    stand.graph.take = lambda timeout_s: (go_on.wait(20) and taking(timeout_s)) or []
    try:
        page.until_state("hung")
        assert page.text("#word") == "Not responding"
        assert page.text("#link") == "Not live"
        assert_nothing_is_cut(page)
        assert enabled(page) == set()
    finally:
        go_on.set()
        del stand.graph.take
    page.until_state("armed")


def test_nothing_moves_while_it_is_live(page: Page, stand: Stand) -> None:
    places = """JSON.stringify([...document.querySelectorAll('#controls button, #state, th, figure, #problems, #takes')]
        .map((e) => e.getBoundingClientRect()).map(({ x, y, width, height }) => [x, y, width, height]))"""
    page.until(f"{LIVE} === {len(CAMERAS)}")
    before = page.evaluate(places)
    page.press(" ", "recording")
    assert page.evaluate(places) == before
    page.press(" ", "asking")
    assert page.evaluate(places) == before
    page.press("s", "armed")
    page.until("document.querySelector('#takes .level')")
    stand.graph.muted.add("joint_states")
    page.until_state("idle")
    assert page.evaluate(places) == before


def test_everything_has_a_name_and_the_state_is_announced(page: Page) -> None:
    unnamed = """[...document.querySelectorAll('button, section, canvas, input, dialog, table')].filter((e) =>
        !(e.innerText || e.getAttribute('aria-label') || e.getAttribute('aria-labelledby') || e.labels?.length))
        .map((e) => e.outerHTML)"""
    page.until(f"{LIVE} === {len(CAMERAS)}")
    assert page.evaluate(unnamed) == []
    assert page.evaluate("document.querySelector('#announce').getAttribute('aria-live')") == "assertive"
    assert page.text("#announce") == "Ready"
    page.key(" ", "Space")
    page.until("document.querySelector('#announce').innerText === 'Recording'")


SIZES = ((1280, 800), (1024, 768), (800, 1100), (480, 850))
CUT = """[...document.querySelectorAll('#controls button, #who b, #word, #elapsed, #sub, .chip, nav button, th')]
    .concat([...document.querySelectorAll('summary .outcome, figcaption b')])
    .filter((e) => e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 2).map((e) => e.innerText)"""


def assert_nothing_is_cut(page: Page) -> None:
    """In no language and at no size."""
    for width, height in SIZES:
        page.size(width, height)
        for _ in ("en", "zh"):
            page.key("l")
            assert (width, page.evaluate(CUT)) == (width, [])
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.size(1280, 800)


def test_nothing_is_cut(page: Page, stand: Stand) -> None:
    page.until(f"{LIVE} === {len(CAMERAS)}")
    assert_nothing_is_cut(page)
    for act, state in ((" ", "recording"), (" ", "asking"), ("s", "armed")):
        page.press(act, state)
        assert_nothing_is_cut(page)
    stand.graph.muted.add("joint_states")
    page.until_state("idle")
    assert_nothing_is_cut(page)
