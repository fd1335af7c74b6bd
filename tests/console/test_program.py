"""`embodied-kit record --console` as it is used: killed while a take runs and started again, the page always open."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from console.browser import CHROMIUM, Page, running_browser
from recorder import support
from recorder.support import IMAGE, JOINT_STREAM, contract_file, dataset_in, environment, program, stream

from embodied_kit.episode.dataset import Dataset

pytestmark = [
    pytest.mark.wire,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine (Debian: apt install chromium)"),
]
TOPICS = (
    {"topic": "/joint_states", "kind": "joint", "rate_hz": 100},
    {"topic": "/camera/image", "kind": "image", "rate_hz": 10},
)
CAMERA = stream("camera", "/camera/image", IMAGE, 10, modality="vision", role="observation")


@contextmanager
def recorder(dataset: Dataset, robot: support.Robot, port: int) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The program, once it has said where its page is, and that address."""
    contract = contract_file(dataset.root.parent, JOINT_STREAM, CAMERA)
    words = ["record", contract, "--dataset", dataset.root, "--task", "pick", "--domain", robot.domain_id]
    command = program(*words, "--no-verdict", "--console", f"127.0.0.1:{port}")
    process = subprocess.Popen(
        command, env=environment(dataset.root.parent), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        found = next(filter(None, (re.search(r"http://\S+", line) for line in process.stdout)), None)
        assert found, process.wait(10)
        yield process, found.group()
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def record_one(page: Page) -> None:
    page.press(" ", "recording")
    page.press("s", "armed")


def test_the_page_outlives_a_killed_recorder_and_goes_on_with_the_next(tmp_path: Path) -> None:
    dataset, port = dataset_in(tmp_path), free_port()
    with (
        support.running_robot(tmp_path, TOPICS) as robot,
        running_browser(tmp_path) as browser,
        recorder(dataset, robot, port) as (first, url),
        browser.page(url) as page,
    ):
        page.until_state("armed")
        page.until("document.querySelectorAll('figure:not(.old)').length === 1")
        page.evaluate("void (window.same = true)")
        record_one(page)
        page.press(" ", "recording")
        first.kill()
        page.until_state("lost")
        with recorder(dataset, robot, port) as (_, again):
            assert again == url
            page.until_state("armed")
            record_one(page)
            assert page.evaluate("window.same") is True
    assert len(dataset.episode_ids()) >= 2
