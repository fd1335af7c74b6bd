"""The page, its assets and its connection, served from a thread."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib import resources

import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from embodied_kit.errors import EnvironmentUnfitError, UsageError
from embodied_recorders.console.access import Access, is_loopback
from embodied_recorders.console.client import Client, Freshness
from embodied_recorders.console.pictures import Pictures
from embodied_recorders.console.wire import Asked
from embodied_recorders.loop.control import Recorder

_ASSETS = {
    "index.html": "text/html",
    "console.js": "text/javascript",
    "console.css": "text/css",
    "icon.svg": "image/svg+xml",
}
_ENTRANCE = "entrance.html"
_INLINE = re.compile(r"<(script|style)>(.*?)</\1>", re.DOTALL)
_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,}")
_MOST_CLIENTS = 8
_LARGEST_MESSAGE = 2**16
_BUSY = 1013
_END_S = 10.0
_POLICY = (
    "default-src 'none'; script-src 'self'{script}; style-src 'self'{style}; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@dataclass
class Console:
    """What the routes share.

    Attributes:
        asked: Of pages on this machine; those on others are asked for no name.
        clients: Pages that look right now.
    """

    recorder: Recorder
    access: Access
    assets: dict[str, bytes]
    asked: Asked
    pictures: Pictures = field(default_factory=Pictures)
    freshness: Freshness = field(default_factory=Freshness)
    clients: int = 0

    def app(self) -> ASGIApp:
        """The application, guarded."""
        pages = [Route("/", self._asset), *(Route(f"/{name}", self._asset) for name in _ASSETS if name != "index.html")]
        routes = [*pages, Route("/enter", self._enter, methods=["POST"]), WebSocketRoute("/socket", self._socket)]
        return Guard(Starlette(routes=routes), self.access, self.assets[_ENTRANCE])

    async def _asset(self, request: Request) -> Response:
        name = request.url.path.removeprefix("/") or "index.html"
        return Response(self.assets[name], media_type=_ASSETS[name])

    async def _enter(self, _request: Request) -> Response:
        """Trade the token for the cookie; the guard has seen the token."""
        return Response(status_code=204, headers={"set-cookie": self.access.set_cookie()})

    async def _socket(self, websocket: WebSocket) -> None:
        if self.clients >= _MOST_CLIENTS:
            await websocket.close(_BUSY)
            return
        self.clients += 1
        try:
            asked = self.asked_of(websocket.client.host if websocket.client else "")
            await Client(websocket, self.recorder, self.pictures, self.freshness, self._build(), asked).run()
        finally:
            self.clients -= 1

    def asked_of(self, peer: str) -> Asked:
        """A person's name crosses no network."""
        return self.asked if is_loopback(peer) else replace(self.asked, pseudonym=None)

    def _build(self) -> str:
        return hashlib.sha256(b"\0".join(self.assets.values())).hexdigest()[:16]


class Guard:
    """Lets nothing through without the token, or under a name that is not ours; sets the headers of safety."""

    def __init__(self, app: ASGIApp, access: Access, entrance: bytes) -> None:
        self._app = app
        self._access = access
        self._entrance = entrance

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        headers = Headers(scope=scope)
        at_home = self._access.known_place(headers)
        allowed = at_home and self._access.has_token(headers)
        if scope["type"] == "websocket":
            if allowed and "origin" in headers:
                await self._app(scope, receive, send)
            else:
                await send({"type": "websocket.close"})  # before it is accepted: status 403
            return
        answer = self._app if allowed else self._refusal(scope, at_home=at_home)
        await answer(scope, receive, _with_headers(send, self._policy(allowed=allowed)))

    def _refusal(self, scope: Scope, *, at_home: bool) -> Response:
        """403. In a browser at home it is a page that looks for the token in its own address, and enters with it."""
        if at_home and scope["path"] == "/":
            return Response(self._entrance, 403, media_type="text/html")
        return Response("403\n", 403, media_type="text/plain")

    def _policy(self, *, allowed: bool) -> str:
        """The entrance, which cannot load anything yet, has its script and style within, known by their digests."""
        digests = {"script": "", "style": ""}
        for kind, text in () if allowed else _INLINE.findall(self._entrance.decode()):
            digests[kind] = f" 'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
        return _POLICY.format(**digests)


def _with_headers(send: Send, policy: str) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["Content-Security-Policy"] = policy
            headers["X-Content-Type-Options"] = "nosniff"
            headers["Referrer-Policy"] = "no-referrer"
            headers["Cross-Origin-Opener-Policy"] = "same-origin"
            headers["Cross-Origin-Resource-Policy"] = "same-origin"
            headers["Cache-Control"] = "no-store"
        await send(message)

    return sending


@contextmanager
def running_server(recorder: Recorder, host: str, port: int, token: str, asked: Asked) -> Iterator[str]:
    """The console in a thread of its own; see `embodied_recorders.console.serve`."""
    if token and not _TOKEN.fullmatch(token):
        raise UsageError(
            "expected a token of at least 16 letters, digits, - and _", remedy="leave it out for a new one"
        )
    listener = _listener(host, port)
    access = Access(host, int(listener.getsockname()[1]), token or secrets.token_urlsafe(24))
    folder = resources.files("embodied_recorders.console") / "assets"
    assets = {name: (folder / name).read_bytes() for name in (*_ASSETS, _ENTRANCE)}
    config = uvicorn.Config(
        Console(recorder, access, assets, asked).app(),
        ws="websockets-sansio",
        http="h11",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws_max_size=_LARGEST_MESSAGE,
        timeout_graceful_shutdown=2,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), name="console", daemon=True)
    thread.start()
    try:
        yield access.url()
    finally:
        server.should_exit = True
        thread.join(_END_S)
        listener.close()


def _listener(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise EnvironmentUnfitError(
            f"expected to listen to {host} port {port}: {error.strerror or error}",
            remedy="--console 127.0.0.1:0",
        ) from error
