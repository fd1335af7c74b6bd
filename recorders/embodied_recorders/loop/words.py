"""One word for each thing that an operator can ask with one press or one empty request: pedals, buttons, ROS services.

A word means what fits the moment: `success` ends the take that runs as a success, or labels the one that has ended.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from embodied_kit.errors import UsageError
from embodied_kit.spec import standard
from embodied_recorders.loop.control import (
    Command,
    Discard,
    Intervene,
    Label,
    Mark,
    Next,
    Snapshot,
    Start,
    Stop,
    Undo,
)
from embodied_recorders.take.documents import TakeResult

OUTCOME_WORDS: Final = ("success", "failure", "partial")
WORDS: Final = ("start", "stop", "toggle", *OUTCOME_WORDS, "discard", "undo", "next", "mark", "intervene")

_SLUG: Final = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")


@dataclass(frozen=True)
class Said:
    """What goes with a word, since a press cannot say it.

    Attributes:
        failure_cause: Code of the vocabulary, of takes that end by `failure`; empty for none.
        discard_reason: Why takes are discarded, without personal information.
        next_outcome: Outcome of the take that `next` ends.
        mark_name, mark_text: Slug and text of marks.
    """

    failure_cause: str = ""
    discard_reason: str = "discarded by the operator"
    next_outcome: str = "success"
    mark_name: str = "mark"
    mark_text: str = ""


def require_word(word: str) -> str:
    """The word.

    Raises:
        UsageError: It means nothing.
    """
    if word not in WORDS:
        raise UsageError(f"expected a word of {', '.join(WORDS)}, got {word!r}")
    return word


def command_of(word: str, shown: Snapshot, said: Said) -> Command:
    """What a word asks for now.

    Args:
        word: One of WORDS. `toggle` starts or stops, `intervene` begins or ends an intervention.
        shown: The recorder's newest snapshot.
        said: What goes with the word.

    Raises:
        UsageError: No such word, or it goes with a word that the standard does not have: no take may hold one.
    """
    match require_word(word):
        case "start":
            return Start()
        case "stop":
            return Stop()
        case "toggle":
            return Stop() if shown.state == "recording" else Start()
        case "discard":
            return Discard(said.discard_reason)
        case "undo":
            return Undo()
        case "next":
            return Next(_result(said.next_outcome, said))
        case "mark":
            return _mark(said)
        case "intervene":
            return Intervene(on=not shown.intervening)
        case outcome:
            result = _result(outcome, said)
            return Label(result) if shown.state == "closing" else Stop(result)


def _result(outcome: str, said: Said) -> TakeResult:
    cause = said.failure_cause if outcome == "failure" else ""
    for vocabulary, word in (("outcome", outcome), ("failure_cause", cause)):
        known = [str(code) for code in standard().vocabulary(vocabulary).codes]
        if word and word not in known:
            raise UsageError(f"expected {vocabulary} to be one of {', '.join(known)}, got {word!r}")
    return TakeResult(outcome, cause, outcome_source="operator")


def _mark(said: Said) -> Mark:
    if not _SLUG.fullmatch(said.mark_name):
        raise UsageError(f"expected a mark_name like 'contact' or 'door_opens', got {said.mark_name!r}")
    return Mark(said.mark_name, said.mark_text)
