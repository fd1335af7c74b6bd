"""One page that looks: what it is sent, and what it asks for.

Each channel (the snapshots, and each camera) has one frame under way at most: the next is made once the page has
acknowledged the last. A page that does not keep up, or that nobody has open, costs nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from starlette.websockets import WebSocket, WebSocketDisconnect

from embodied_recorders.console.pictures import Pictures
from embodied_recorders.console.wire import (
    SNAPSHOTS,
    Ack,
    Asked,
    Request,
    hello,
    picture_frame,
    read,
    refusal,
    reply_frame,
    snapshot_frame,
)
from embodied_recorders.loop.control import Recorder, Snapshot

PERIOD_S = 0.2
_REST_PER_WORK = 3.0  # pictures take a quarter of one core at most, however many and large they are
_MOST_WAITING = 16


@dataclass
class Freshness:
    """How long ago a recorder made its snapshot, by a clock that is not the recorder's.

    Attributes:
        clock: Seconds that never go back.
    """

    clock: Callable[[], float] = time.monotonic
    _made_ns: int = 0
    _seen_s: float = 0.0

    def age_s(self, snapshot: Snapshot) -> float:
        """Seconds since a snapshot of that time was first seen."""
        if snapshot.time_ns != self._made_ns:
            self._made_ns, self._seen_s = snapshot.time_ns, self.clock()
        return self.clock() - self._seen_s


@dataclass
class Client:
    """A connection; `run` ends with it."""

    socket: WebSocket
    recorder: Recorder
    pictures: Pictures
    freshness: Freshness
    build: str
    asked: Asked
    _under_way: set[str] = field(default_factory=set)
    _shown: dict[str, bytes] = field(default_factory=dict)
    _lock: anyio.Lock = field(default_factory=anyio.Lock)
    _scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)

    async def run(self) -> None:
        """Serve the page until it goes."""
        await self.socket.accept()
        requests, waiting = anyio.create_memory_object_stream[Request](_MOST_WAITING)
        async with anyio.create_task_group() as group, requests, waiting:
            self._scope = group.cancel_scope
            await self._send(hello(self.build, self.asked))
            group.start_soon(self._snapshots)
            group.start_soon(self._cameras)
            group.start_soon(self._commands, waiting)
            await self._listen(requests)
            self._scope.cancel()

    async def _send(self, frame: bytes, channel: str | None = None) -> None:
        if channel is not None:
            self._under_way.add(channel)
        try:
            async with self._lock:
                await self.socket.send_bytes(frame)
        except WebSocketDisconnect:
            self._scope.cancel()

    async def _listen(self, requests: MemoryObjectSendStream[Request]) -> None:
        async for text in self.socket.iter_text():
            said = read(text, self.asked.pseudonym)
            if isinstance(said, Ack):
                self._under_way.discard(said.channel)
            else:
                await requests.send(said)

    async def _commands(self, requests: MemoryObjectReceiveStream[Request]) -> None:
        """One after the other, as they were asked for; an answer may take as long as a take takes to close."""
        async for request in requests:
            if request.command is None:
                reply = refusal(request.problem)
            else:
                ask = partial(self.recorder.ask, request.command)
                reply = await anyio.to_thread.run_sync(ask, abandon_on_cancel=True)
            await self._send(reply_frame(request, reply))

    async def _snapshots(self) -> None:
        while True:
            snapshot = self.recorder.snapshot()
            age_s = self.freshness.age_s(snapshot)
            if SNAPSHOTS not in self._under_way:
                await self._send(snapshot_frame(snapshot, age_s), SNAPSHOTS)
            await anyio.sleep(PERIOD_S)

    async def _cameras(self) -> None:
        """Each camera in turn, and a rest in proportion to the work; a round takes PERIOD_S at least."""
        while True:
            began_s = time.monotonic()
            for stream in self.recorder.snapshot().streams:
                await self._camera(stream.stream_id, stream.ros_type)
            await anyio.sleep(max(0.01, PERIOD_S - (time.monotonic() - began_s)))

    async def _camera(self, stream_id: str, ros_type: str) -> None:
        cdr = self.recorder.image(stream_id)
        if cdr is None or stream_id in self._under_way or self._shown.get(stream_id) is cdr:
            return
        began_s = time.monotonic()
        make = partial(self.pictures.picture, stream_id, ros_type, cdr)
        picture = await anyio.to_thread.run_sync(make, abandon_on_cancel=True)
        if picture is None:
            return
        self._shown[stream_id] = cdr
        rest_s = _REST_PER_WORK * (time.monotonic() - began_s)
        await self._send(picture_frame(stream_id, picture), stream_id)
        await anyio.sleep(rest_s)
