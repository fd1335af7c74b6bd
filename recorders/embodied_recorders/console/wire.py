"""What crosses the one connection: frames to the page, requests from it.

A frame is a byte that says what it is, then JSON; of a picture, a byte with the length of the stream's id, the id and a
JPEG, empty where the image cannot be shown. A request is JSON: `{"ack": channel}`, or `{"id": n, "do": verb, ...}`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import orjson

from embodied_kit.spec import standard
from embodied_recorders.control import (
    Command,
    Discard,
    Intervene,
    Label,
    Mark,
    Next,
    Reply,
    Snapshot,
    Start,
    Stop,
    Texts,
    Undo,
)
from embodied_recorders.documents import TakeResult

Json: TypeAlias = dict[str, object]
HELLO, SNAPSHOT, REPLY, PICTURE = b"H", b"S", b"R", b"P"
SNAPSHOTS = ""
"""Channel of snapshots; those of pictures are called like their streams."""
_VOCABULARIES = ("failure_cause", "stop_reason")
_SLUG = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_LONGEST_TEXT = 500
NOT_UNDERSTOOD: Texts = {"en": "not understood: {what}", "zh": "无法理解：{what}"}


class _NoCommandError(Exception):
    """A request that the page would not make."""


@dataclass(frozen=True)
class Ack:
    """The page has shown the last frame of a channel."""

    channel: str


@dataclass(frozen=True)
class Request:
    """A command, and the number that its answer carries; what is wrong with it where it is none."""

    number: int
    command: Command | None
    problem: str = ""


def hello(build: str) -> bytes:
    """First frame: which assets this server has, and the words of the standard.

    Args:
        build: Digest of the assets; a page with other ones loads itself anew.
    """
    words = {
        name: [{"code": term.code, "label": dict(term.label)} for term in standard().vocabulary(name).terms]
        for name in _VOCABULARIES
    }
    return HELLO + orjson.dumps({"build": build, "words": words})


def snapshot_frame(snapshot: Snapshot, age_s: float) -> bytes:
    """A snapshot, and how long ago the recorder made it."""
    return SNAPSHOT + orjson.dumps({"age_s": age_s, "snapshot": snapshot}, default=_plain)


def picture_frame(stream_id: str, jpeg: bytes) -> bytes:
    """A picture of a stream."""
    name = stream_id.encode()
    return PICTURE + bytes([len(name)]) + name + jpeg


def reply_frame(number: int, reply: Reply) -> bytes:
    """Answer to a request."""
    return REPLY + orjson.dumps({"id": number, "reply": reply}, default=_plain)


def refusal(problem: str) -> Reply:
    """Answer to what is no command."""
    return Reply(done=False, text={language: text.format(what=problem) for language, text in NOT_UNDERSTOOD.items()})


def read(text: str) -> Ack | Request:
    """A message of the page; whatever it is, this does not raise."""
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        return Request(0, None, "no JSON")
    if not isinstance(document, dict):
        return Request(0, None, "no object")
    if "ack" in document:
        return Ack(str(document["ack"]))
    number = document.get("id")
    number = number if isinstance(number, int) else 0
    try:
        return Request(number, _command(document))
    except _NoCommandError as error:
        return Request(number, None, str(error))


def _command(document: Json) -> Command:
    verb = _text(document, "do")
    episode_id = _text(document, "episode_id")
    match verb:
        case "start":
            return Start()
        case "stop":
            return Stop(_result(document) if document.get("outcome") else None)
        case "label":
            return Label(_result(document))
        case "next":
            return Next(_result(document))
        case "discard":
            return Discard(_text(document, "reason"), episode_id)
        case "undo":
            return Undo(episode_id)
        case "mark":
            return Mark(_slug(document, "name"), _text(document, "text"))
        case "intervene":
            return Intervene(on=document.get("on") is True)
        case _:
            raise _NoCommandError(f"expected a verb of the console, got {verb!r}")


def _result(document: Json) -> TakeResult:
    cause = _word(document, "failure_cause") if document.get("failure_cause") else ""
    return TakeResult(_word(document, "outcome"), cause, outcome_source="operator")


def _word(document: Json, vocabulary: str) -> str:
    word, known = _text(document, vocabulary), standard().vocabulary(vocabulary).codes
    if word not in known:
        raise _NoCommandError(f"expected {vocabulary} to be one of {', '.join(map(str, known))}, got {word!r}")
    return word


def _slug(document: Json, name: str) -> str:
    text = _text(document, name)
    if not _SLUG.fullmatch(text):
        raise _NoCommandError(f"expected {name} of small letters, digits, _ . and -, got {text!r}")
    return text


def _text(document: Json, name: str) -> str:
    value = document.get(name, "")
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT:
        raise _NoCommandError(f"expected {name} to be text of at most {_LONGEST_TEXT} characters")
    return value


def _plain(value: Any) -> object:
    """Mappings that are no dict."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(type(value).__name__)
