"""What ROS can ask of a recorder, whatever carries it: a word or a switch in, `success` and `message` out, a status."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import orjson

from embodied_kit.errors import EmbodiedKitError
from embodied_kit.language import Language, Texts, pick
from embodied_recorders.loop.answers import told
from embodied_recorders.loop.control import Command, Intervene, Recorder, Snapshot
from embodied_recorders.loop.words import OUTCOME_WORDS, Said, command_of

TRIGGERS: Final = ("start", "stop", *OUTCOME_WORDS, "discard", "undo", "next", "mark")
TRIGGER: Final = "std_srvs/srv/Trigger"
SWITCH: Final = "intervene"
SET_BOOL: Final = "std_srvs/srv/SetBool"
STATUS: Final = "status"
STATUS_TYPE: Final = "std_msgs/msg/String"
STATUS_PERIOD_S: Final = 0.5
NOT_ACTIVE: Texts = {
    "en": "the recorder is {stage}; configure and activate its node first",
    "zh": "采集器处于 {stage}；请先配置并激活其节点",
}


@dataclass(frozen=True)
class Desk:
    """Answers requests; every answer is (whether it was done, a sentence in the reader's language).

    Attributes:
        recorder: What is commanded now; None where nothing can be.
        shown: What the status shows; None where nothing is open.
        said: What goes with words now.
        language: Of answers.
        stage: Where a lifecycle stands; `active` without one.
        chinese: Translates an error's sentence.
    """

    recorder: Callable[[], Recorder | None]
    shown: Callable[[], Recorder | None]
    said: Callable[[], Said]
    language: Language
    stage: Callable[[], str] = lambda: "active"
    chinese: Callable[[str], str] = str

    def press(self, word: str) -> tuple[bool, str]:
        """Do what a word asks."""
        return self._answer(lambda shown: command_of(word, shown, self.said()))

    def switch(self, *, on: bool) -> tuple[bool, str]:
        """Begin or end an intervention."""
        return self._answer(lambda _shown: Intervene(on=on))

    def refuse(self, error: EmbodiedKitError) -> tuple[bool, str]:
        """Answer with an error, and what remedies it."""
        return False, pick(told(error, self.chinese), self.language)

    def status(self) -> str:
        """JSON: the snapshot, and the stage; without a recorder, the stage alone."""
        recorder = self.shown()
        stage = orjson.dumps({"stage": self.stage()})
        if recorder is None:
            return stage.decode()
        return (stage[:-1] + b"," + orjson.dumps(recorder.snapshot(), default=_plain)[1:]).decode()

    def _answer(self, command: Callable[[Snapshot], Command]) -> tuple[bool, str]:
        recorder = self.recorder()
        if recorder is None:
            text = {language: sentence.format(stage=self.stage()) for language, sentence in NOT_ACTIVE.items()}
            return False, pick(text, self.language)
        try:
            reply = recorder.ask(command(recorder.snapshot()))
        except EmbodiedKitError as error:
            return self.refuse(error)
        sentence = pick(reply.text, self.language)
        return reply.done, f"{sentence}: {reply.episode_id}" if reply.episode_id else sentence


def _plain(value: object) -> object:
    """What orjson does not know: mappings that are no dict."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(type(value).__name__)
