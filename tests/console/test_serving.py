"""The console over the wire: who gets in, what is sent and how much, what a request may be."""

from __future__ import annotations

import http.client
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from clone import python
from console.stand import CAMERAS, Stand, running_stand, wait
from recorder.support import ROOT
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from embodied_kit.errors import EnvironmentUnfitError, UsageError
from embodied_recorders.console import serve
from embodied_recorders.console.access import Access
from embodied_recorders.console.server import Console
from embodied_recorders.console.wire import Asked, Request, hello, read
from embodied_recorders.loop.control import Describe, Intervene, Label, Mark, Start, Stop
from embodied_recorders.take.documents import TakeResult

TOKEN = "test-token-0123456789"  # noqa: S105  # of the test alone
PATIENCE_S = 20.0
PLACES = ["/", "/console.js", "/console.css", "/icon.svg", "/nowhere"]


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with running_stand(tmp_path_factory.mktemp("stand")) as found:
        found.until("armed")
        yield found


@pytest.fixture(scope="module")
def port(stand: Stand) -> Iterator[int]:
    with serve(stand.controller, token=TOKEN) as url:
        assert url.endswith(f"/#token={TOKEN}")
        yield urlsplit(url).port


def asked(port: int, path: str, *, method: str = "GET", **headers: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, headers=named)
    answer = connection.getresponse()
    answer.body = answer.read()
    connection.close()
    return answer


def bearer(token: str = TOKEN) -> str:
    return f"Bearer {token}"


@contextmanager
def joined(port: int, **headers: str) -> Iterator[ClientConnection]:
    said = {"Authorization": bearer(), "Origin": f"http://127.0.0.1:{port}", **headers}
    origin = said.pop("Origin")
    with connect(f"ws://127.0.0.1:{port}/socket", additional_headers=said, origin=origin or None) as found:
        yield found


class Listener:
    """A page that reads frames; it acknowledges what it is told to."""

    def __init__(self, connection: ClientConnection, *, acks: bool = True) -> None:
        self.connection, self.acks, self.frames = connection, acks, []

    def hear(self, seconds: float) -> list[bytes]:
        """What came within a while."""
        deadline, found = time.monotonic() + seconds, []
        while (left := deadline - time.monotonic()) > 0:
            with suppress(TimeoutError):
                found.append(self.one(left))
        return found

    def one(self, seconds: float = PATIENCE_S) -> bytes:
        frame = self.connection.recv(timeout=seconds)
        if self.acks and frame[:1] in b"SP":
            channel = "" if frame[:1] == b"S" else frame[2 : 2 + frame[1]].decode()
            self.connection.send(json.dumps({"ack": channel}))
        return frame

    def until(self, kind: bytes) -> dict[str, object]:
        while True:
            frame = self.one()
            if frame[:1] == kind:
                return json.loads(frame[1:])

    def ask(self, **request: object) -> dict[str, object]:
        self.connection.send(json.dumps({"id": 7, **request}))
        answer = self.until(b"R")
        assert answer["id"] == 7
        return answer["reply"]


@pytest.mark.parametrize("path", PLACES)
def test_nothing_is_given_without_the_token(port: int, path: str) -> None:
    for headers in (
        {},
        {"Authorization": bearer("wrong-token-0123456789")},
        {"Cookie": f"embodied_kit_console_{port}=x"},
    ):
        answer = asked(port, path, **headers)
        assert answer.status == 403
        assert b"pick" not in answer.body
        assert TOKEN.encode() not in answer.body
    assert asked(port, path, Authorization=bearer()).status == (404 if path == "/nowhere" else 200)


def test_the_token_is_traded_for_a_cookie_that_scripts_cannot_read(port: int) -> None:
    assert asked(port, "/enter", method="POST").status == 403
    answer = asked(port, "/enter", method="POST", Authorization=bearer())
    cookie = answer.getheader("Set-Cookie")
    assert answer.status == 204
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert asked(port, "/", Cookie=cookie.partition(";")[0]).status == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "localhost.evil.example", "127.0.0.1.evil.example"]
)
def test_a_name_that_is_not_ours_is_refused_though_the_token_is_right(port: int, host: str) -> None:
    assert asked(port, "/", Host=host, Authorization=bearer()).status == 403
    assert asked(port, "/", Host=f"localhost:{port}", Authorization=bearer()).status == 200
    assert asked(port, "/", Origin=f"http://{host}", Authorization=bearer()).status == 403


def test_the_connection_wants_token_host_and_origin(port: int) -> None:
    with joined(port) as connection:
        assert connection.recv(timeout=PATIENCE_S)[:1] == b"H"
    wrong = (
        {"Authorization": ""},
        {"Authorization": bearer("x" * 20)},
        {"Origin": "http://evil.example"},
        {"Origin": ""},
    )
    for headers in wrong:
        with pytest.raises(InvalidStatus) as refused, joined(port, **headers):
            pass
        assert refused.value.response.status_code == 403


def test_other_machines_names_are_ours_only_where_they_may_come_in() -> None:
    inside, outside = Access("127.0.0.1", 80, TOKEN), Access("0.0.0.0", 80, TOKEN)  # noqa: S104  # nothing listens
    for name in ("192.168.1.5:80", f"{socket.gethostname()}:80"):
        assert not inside.known_place({"host": name})
        assert outside.known_place({"host": name})
    assert outside.known_place({"host": "[fe80::1]:80", "origin": "http://[fe80::1]:80"})
    for access in (inside, outside):
        assert not access.known_place({"host": "evil.example:80"})
        assert not access.known_place({})


def test_the_policy_lets_a_page_load_from_here_alone(port: int) -> None:
    for headers in ({"Authorization": bearer()}, {}):
        answer = asked(port, "/", **headers)
        policy = dict(
            part.strip().partition(" ")[::2] for part in answer.getheader("Content-Security-Policy").split(";")
        )
        assert policy["default-src"] == "'none'"
        assert policy["frame-ancestors"] == "'none'"
        assert "unsafe" not in str(policy)
        assert all("http" not in source for source in policy.values())
        assert answer.getheader("X-Content-Type-Options") == "nosniff"
        assert answer.getheader("Referrer-Policy") == "no-referrer"


def test_snapshots_and_each_camera_come_at_most_five_times_a_second(port: int) -> None:
    with joined(port) as connection:
        listener = Listener(connection)
        listener.hear(0.5)
        frames = listener.hear(3.0)
    pictures = [frame for frame in frames if frame[:1] == b"P"]
    by_camera = {name: [f for f in pictures if f[2 : 2 + f[1]] == name.encode()] for name in CAMERAS}
    assert sum(frame[:1] == b"S" for frame in frames) <= 16
    assert all(1 <= len(found) <= 16 for found in by_camera.values())
    assert all(frame[2 + frame[1] :][:6] == b"\0\2{}\xff\xd8" for frame in pictures)
    assert sum(map(len, pictures)) == sum(len(frame) for found in by_camera.values() for frame in found)


def test_who_does_not_acknowledge_gets_one_frame_of_each(port: int) -> None:
    with joined(port) as connection:
        frames = Listener(connection, acks=False).hear(2.0)
    assert sorted(frame[:1] for frame in frames) == [b"H", *[b"P"] * len(CAMERAS), b"S"]


def test_no_picture_is_made_while_nobody_looks(port: int, stand: Stand) -> None:
    asked_for = []
    original = stand.controller.image
    stand.controller.image = lambda stream_id: asked_for.append(stream_id) or original(stream_id)
    try:
        time.sleep(0.6)
        asked_for.clear()
        time.sleep(0.5)
        assert asked_for == []
        with joined(port) as connection:
            Listener(connection).hear(0.5)
        assert asked_for
    finally:
        del stand.controller.image


def test_a_take_by_commands_in_the_order_they_were_asked(port: int, stand: Stand) -> None:
    with joined(port) as connection:
        listener = Listener(connection)
        started = listener.ask(do="start")
        assert started["done"], started
        assert listener.ask(do="mark", name="mark")["done"]
        assert listener.ask(do="intervene", on=True)["done"]
        assert not listener.ask(do="start")["done"]
        assert listener.ask(do="stop")["done"]
        assert listener.ask(do="label", outcome="failure", failure_cause="collision")["done"]
        stand.until("armed")
        wait(lambda: stand.controller.snapshot().takes[-1].verdict is not None)
        last = None
        while not (last and last["takes"] and last["takes"][-1]["verdict"]):
            last = listener.until(b"S")["snapshot"]
        take = last["takes"][-1]
        assert (take["episode_id"], take["outcome"], take["verdict"]["level"]) == (
            started["episode_id"],
            "failure",
            "L1",
        )
        assert listener.ask(do="discard", reason="a trial", episode_id=started["episode_id"])["done"]
        assert listener.ask(do="undo")["episode_id"] == started["episode_id"]


@pytest.mark.parametrize(
    "request_",
    [
        "no json", "[]", '"x"', '{"id": 1}', '{"id": 1, "do": "shutdown"}', '{"id": 1, "do": "label"}',
        '{"id": 1, "do": "stop", "outcome": "splendid"}', '{"id": 1, "do": "mark", "name": "a b"}',
        '{"id": 1, "do": "label", "outcome": "failure", "failure_cause": "gremlins"}',
        '{"id": 1, "do": "discard", "reason": 5}', json.dumps({"id": 1, "do": "discard", "reason": "x" * 501}),
        '{"id": "one", "do": 3}', '{"id": 1, "do": "describe", "scene": {"scene_id": "A b", "scene_type": "office"}}',
        '{"id": 1, "do": "describe", "scene": {"scene_id": "b"}}', '{"id": 1, "do": "describe", "operator": "Ada"}',
        '{"id": 1, "do": "describe", "operator_skill_level": "wizard"}',
        '{"id": 1, "do": "describe", "scene": {"scene_id": "b", "scene_type": "office", "objects": 5}}',
    ],
)  # fmt: skip
def test_what_is_no_command_is_answered_and_goes_no_further(port: int, request_: str) -> None:
    said = read(request_)
    assert isinstance(said, Request)
    assert said.command is None
    with joined(port) as connection:
        connection.send(request_)
        reply = Listener(connection).until(b"R")["reply"]
    assert reply["done"] is False
    assert reply["text"]["en"].startswith("not understood: ")
    assert re.search(r"[\u4e00-\u9fff]", reply["text"]["zh"].removeprefix("无法理解："))


def test_requests_become_commands() -> None:
    assert read('{"id": 1, "do": "start"}') == Request(1, Start())
    assert read('{"id": 2, "do": "stop"}') == Request(2, Stop(None))
    said = TakeResult("success", outcome_source="operator")
    assert read('{"id": 3, "do": "stop", "outcome": "success"}') == Request(3, Stop(said))
    assert read('{"id": 4, "do": "label", "outcome": "success"}') == Request(4, Label(said))
    assert read('{"id": 5, "do": "mark", "name": "mark"}') == Request(5, Mark("mark"))
    assert read('{"id": 6, "do": "intervene", "on": true}') == Request(6, Intervene(on=True))
    scene = {"scene_id": "b_1", "scene_type": "office"}
    asked = {"id": 7, "do": "describe", "operator": " Ada ", "operator_skill_level": "expert", "scene": scene}
    assert read(json.dumps(asked), "op-{}".format) == Request(7, Describe("op-Ada", "expert", scene))


def test_a_name_is_asked_for_on_this_machine_alone(stand: Stand) -> None:
    console = Console(stand.controller, Access("0.0.0.0", 80, TOKEN), {}, Asked("op-{}".format, "timeout"))  # noqa: S104
    for peer, may in (("127.0.0.1", True), ("::1", True), ("192.168.1.7", False), ("", False)):
        assert (console.asked_of(peer).pseudonym is not None) is may
        assert console.asked_of(peer).failure_cause == "timeout"
    assert json.loads(hello("x", console.asked_of("10.0.0.1"))[1:])["names"] is False


def test_a_port_that_is_taken_and_a_weak_token_are_told(stand: Stand, port: int) -> None:
    with pytest.raises(EnvironmentUnfitError, match=f"port {port}"), serve(stand.controller, port=port):
        pass
    with pytest.raises(UsageError, match="16"), serve(stand.controller, token="short"):  # noqa: S106
        pass


def test_its_thread_ends_with_the_block(stand: Stand) -> None:
    with serve(stand.controller) as url:
        with joined_by_cookie(url) as connection:
            assert connection.recv(timeout=PATIENCE_S)[:1] == b"H"
        assert any(thread.name == "console" for thread in threading.enumerate() if thread.is_alive())
        mine = [thread for thread in threading.enumerate() if thread.name == "console"]
    assert sum(thread.is_alive() for thread in mine) < len(mine)


@contextmanager
def joined_by_cookie(url: str) -> Iterator[ClientConnection]:
    parts = urlsplit(url)
    token = parts.fragment.partition("=")[2]
    cookie = {"Cookie": f"embodied_kit_console_{parts.port}={token}"}
    with connect(f"ws://{parts.netloc}/socket", additional_headers=cookie, origin=f"http://{parts.netloc}") as found:
        yield found


def test_without_the_extra_the_remedy_is_one_line(tmp_path: Path) -> None:
    code = """
import sys
sys.modules["starlette"] = None
from embodied_kit.errors import MissingExtraError
from embodied_recorders.console import serve
try:
    with serve(None): pass
except MissingExtraError as error:
    print(error.remedy)
"""
    done = python(code, ROOT, ROOT / "recorders", cwd=tmp_path)
    assert (done.stdout, done.stderr) == ("pip install 'embodied_kit[console]'\n", "")
