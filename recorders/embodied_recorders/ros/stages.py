"""A lifecycle over a recorder: configure opens and checks it, activate lets it be commanded, cleanup closes it.

Between configure and deactivate the recorder keeps up with the graph all the time, so that nothing piles up and the
pre-roll is there; only commands are refused while it is not active.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from typing import Literal

from embodied_kit.errors import EmbodiedKitError
from embodied_kit.language import Texts
from embodied_recorders.loop.answers import told
from embodied_recorders.loop.control import Label, Recorder, Reply, Stop
from embodied_recorders.take.documents import TakeResult

Stage = Literal["unconfigured", "inactive", "active", "finalized"]
_ARMED_S = 10.0
_LOOK_S = 0.05
DONE: Texts = {"en": "the recorder is {stage}", "zh": "采集器：{stage}"}
NOT_ARMED: Texts = {
    "en": "expected every required stream to send, got silence; see the status topic",
    "zh": "必需的数据流应在发送，实际没有；详见状态话题",
}


@dataclass
class Stages:
    """For one thread, but `recorder` and `stage` may be read by any.

    Attributes:
        opened: Opens a recorder whose preflight has passed; it works until the context is left.
        armed_s: How long activate waits for the recorder to be armed.
        chinese: Translates an error's sentence.
        stage: Where it stands.
    """

    opened: Callable[[], AbstractContextManager[Recorder]]
    armed_s: float = _ARMED_S
    chinese: Callable[[str], str] = str
    stage: Stage = "unconfigured"
    _opened: Recorder | None = None
    _stack: ExitStack = field(default_factory=ExitStack)

    def recorder(self) -> Recorder | None:
        """What may be commanded now."""
        return self._opened if self.stage == "active" else None

    def shown(self) -> Recorder | None:
        """What is open."""
        return self._opened

    def configure(self) -> Reply:
        """Open the recorder; where that fails, nothing is left open."""
        try:
            self._opened = self._stack.enter_context(self.opened())
        except EmbodiedKitError as error:
            return Reply(done=False, text=told(error, self.chinese))
        return self._now("inactive")

    def activate(self) -> Reply:
        """Let it be commanded, once it is armed."""
        if self._opened is None:
            return self._refused()
        until_s = time.monotonic() + self.armed_s
        while self._opened.snapshot().state == "idle":
            if time.monotonic() >= until_s:
                return Reply(done=False, text=NOT_ARMED)
            time.sleep(_LOOK_S)
        return self._now("active")

    def deactivate(self) -> Reply:
        """Let it be commanded no more; a take that runs is saved, its outcome unknown."""
        recorder = self.recorder()
        if recorder is None:
            return self._refused()
        if recorder.snapshot().state == "recording":
            recorder.ask(Stop(TakeResult()))
        elif recorder.snapshot().asks_label:
            recorder.ask(Label(TakeResult()))
        return self._now("inactive")

    def cleanup(self) -> Reply:
        """Close the recorder; a take that runs is saved."""
        self._opened = None
        self._stack.close()
        return self._now("unconfigured")

    def shutdown(self) -> Reply:
        """Close it for good."""
        self.cleanup()
        return self._now("finalized")

    def _now(self, stage: Stage) -> Reply:
        self.stage = stage
        return Reply(done=True, text={language: text.format(stage=stage) for language, text in DONE.items()})

    def _refused(self) -> Reply:
        return Reply(done=False, text={language: text.format(stage=self.stage) for language, text in DONE.items()})
