"""Commands on their way from any thread to the one that carries them out."""

from __future__ import annotations

import queue
import time
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from embodied_recorders.loop import answers
from embodied_recorders.loop.control import Command, Describe, Discard, Reply, Shutdown, Undo

_ANSWER_S: Final = 60.0
_OF_NO_MOMENT: Final = (Discard, Undo, Describe, Shutdown)  # they say what they are about, and can wait
Asked: TypeAlias = tuple[Command, "Future[Reply]"]


@dataclass
class Mailbox:
    """`ask` and `put` are safe for threads; the rest is for the one that carries out.

    Attributes:
        refused: The last answer that says no.
    """

    refused: Reply | None = None
    _refused_at_s: float = 0.0
    _new: queue.SimpleQueue[Asked] = field(default_factory=queue.SimpleQueue)
    _kept: list[Asked] = field(default_factory=list)

    def ask(self, command: Command) -> Reply:
        """Have a command carried out, and wait for the answer."""
        future: Future[Reply] = Future()
        self.put((command, future))
        try:
            reply = future.result(_ANSWER_S)
        except FutureTimeoutError:
            reply = answers.late(_ANSWER_S)
        if not reply.done:
            self.refused, self._refused_at_s = reply, time.monotonic()
        return reply

    @property
    def refused_s(self) -> float:
        """How long ago that was."""
        return time.monotonic() - self._refused_at_s

    def put(self, asked: Asked) -> None:
        """A command, and where its answer is awaited."""
        self._new.put(asked)

    def next(self) -> Asked | None:
        """The command that is to be carried out next; None where there is none."""
        if self._kept:
            return self._kept.pop(0)
        return None if self._new.empty() else self._new.get()

    def refuse(self, answer: Reply) -> None:
        """Answer at once what is meant for this moment and cannot be done now; the rest waits for its turn."""
        while not self._new.empty():
            asked = self._new.get()
            if isinstance(asked[0], _OF_NO_MOMENT):
                self._kept.append(asked)
            else:
                asked[1].set_result(answer)

    def close(self, answer: Reply) -> None:
        """Answer all that is left."""
        while (asked := self.next()) is not None:
            asked[1].set_result(answer)
