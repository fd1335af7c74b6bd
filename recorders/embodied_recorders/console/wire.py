"""What crosses the one connection: frames to the page, requests from it.

A frame is a byte that says what it is, then JSON; of a picture, a byte with the length of the stream's id and the id,
two bytes with the length of a note and the note as JSON, and a JPEG, empty where the image cannot be shown. A
request is JSON: `{"ack": channel}`, or `{"id": n, "do": verb, ...}`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import orjson

from embodied_kit.episode.scene import scene_problem
from embodied_kit.language import Texts
from embodied_kit.model.ending import UNDONE
from embodied_kit.model.json import JsonObject
from embodied_kit.spec import standard
from embodied_recorders.console.pictures import Picture
from embodied_recorders.loop.control import (
    Command,
    Describe,
    Discard,
    Intervene,
    Label,
    Mark,
    Next,
    Reply,
    Snapshot,
    Start,
    Stop,
    Undo,
)
from embodied_recorders.take.documents import TakeResult

Json: TypeAlias = dict[str, object]
HELLO, SNAPSHOT, REPLY, PICTURE = b"H", b"S", b"R", b"P"
SNAPSHOTS = ""
"""Channel of snapshots; those of pictures are called like their streams."""
_VOCABULARIES = ("outcome", "failure_cause", "stop_reason", "operator_skill_level", "scene_type", "depth")
_SLUG = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_LONGEST_TEXT = 500
NOT_UNDERSTOOD: Texts = {"en": "not understood: {what}", "zh": "无法理解：{what}"}
NO_NAMES: Texts = {
    "en": "expected no name from another machine: the connection is not encrypted",
    "zh": "不接受来自其他机器的姓名：连接未加密",
}


@dataclass(frozen=True)
class Asked:
    """What a page asks of whoever operates.

    Attributes:
        pseudonym: Makes of a person's name what may be kept; None where no name is asked for.
        failure_cause: Of takes that fail, where that was said beforehand; empty where the page asks.
    """

    pseudonym: Callable[[str], str] | None = None
    failure_cause: str = ""


class _NoCommandError(Exception):
    """A request that the page would not make; what is wrong with it, in both languages."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.texts: Texts = {"en": en, "zh": zh}


@dataclass(frozen=True)
class Ack:
    """The page has shown the last frame of a channel."""

    channel: str


@dataclass(frozen=True)
class Request:
    """A command, and the number that its answer carries; what is wrong with it where it is none."""

    number: int
    command: Command | None
    problem: Texts = field(default_factory=dict)


def hello(build: str, asked: Asked) -> bytes:
    """First frame: which assets this server has, the words of the standard, and what this page asks.

    Args:
        build: Digest of the assets; a page with other ones loads itself anew.
        asked: Of this page.
    """
    words = {
        name: [{"code": term.code, "label": dict(term.label)} for term in standard().vocabulary(name).terms]
        for name in _VOCABULARIES
    }
    may = {"names": asked.pseudonym is not None, "undone": UNDONE, "failure_cause": asked.failure_cause}
    return HELLO + orjson.dumps({"build": build, "words": words, **may})


def snapshot_frame(snapshot: Snapshot, age_s: float) -> bytes:
    """A snapshot, and how long ago the recorder made it."""
    return SNAPSHOT + orjson.dumps({"age_s": age_s, "snapshot": snapshot}, default=_plain)


def picture_frame(stream_id: str, picture: Picture) -> bytes:
    """A picture of a stream."""
    name, note = stream_id.encode(), orjson.dumps(picture.note)
    return b"".join((PICTURE, bytes([len(name)]), name, len(note).to_bytes(2, "big"), note, picture.jpeg))


def reply_frame(request: Request, reply: Reply) -> bytes:
    """Answer to a request; where it named an operator, with the pseudonym, by which the page knows the name again."""
    said = request.command
    operator = said.operator_pseudonym if isinstance(said, Describe) else ""
    return REPLY + orjson.dumps({"id": request.number, "reply": reply, "operator": operator}, default=_plain)


def refusal(problem: Texts) -> Reply:
    """Answer to what is no command."""
    return Reply(
        done=False, text={language: text.format(what=problem[language]) for language, text in NOT_UNDERSTOOD.items()}
    )


def read(text: str, pseudonym: Callable[[str], str] | None = None) -> Ack | Request:
    """A message of the page; whatever it is, this does not raise.

    Args:
        text: What came.
        pseudonym: As of Asked; None refuses names.
    """
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        return Request(0, None, {"en": "no JSON", "zh": "不是 JSON"})
    if not isinstance(document, dict):
        return Request(0, None, {"en": "no object", "zh": "不是 JSON 对象"})
    if "ack" in document:
        return Ack(str(document["ack"]))
    number = document.get("id")
    number = number if isinstance(number, int) else 0
    try:
        return Request(number, _command(document, pseudonym))
    except _NoCommandError as error:
        return Request(number, None, error.texts)


def _command(document: Json, pseudonym: Callable[[str], str] | None) -> Command:
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
        case "describe":
            return _description(document, pseudonym)
        case _:
            raise _NoCommandError(f"expected a verb of the console, got {verb!r}", f"没有名为 {verb!r} 的操作")


def _description(document: Json, pseudonym: Callable[[str], str] | None) -> Describe:
    name, level = _text(document, "operator").strip(), ""
    if name and pseudonym is None:
        raise _NoCommandError(NO_NAMES["en"], NO_NAMES["zh"])
    if document.get("operator_skill_level"):
        level = _word(document, "operator_skill_level")
    return Describe(pseudonym(name) if name and pseudonym else "", level, _scene(document))


def _scene(document: Json) -> JsonObject:
    scene = document.get("scene") or {}
    if not isinstance(scene, dict):
        raise _NoCommandError("expected a scene as an object", "场景应为 JSON 对象")
    if not scene:
        return {}
    _slug(scene, "scene_id")
    _word(scene, "scene_type")
    problem = scene_problem(scene)
    if problem:
        raise _NoCommandError(problem["en"], problem["zh"])
    return scene


def _result(document: Json) -> TakeResult:
    cause = _word(document, "failure_cause") if document.get("failure_cause") else ""
    return TakeResult(_word(document, "outcome"), cause, outcome_source="operator")


def _word(document: Json, vocabulary: str) -> str:
    word, known = _text(document, vocabulary), standard().vocabulary(vocabulary).codes
    if word not in known:
        words = ", ".join(map(str, known))
        raise _NoCommandError(
            f"expected {vocabulary} to be one of {words}, got {word!r}",
            f"{vocabulary} 应为 {words}，实为 {word!r}",
        )
    return word


def _slug(document: Json, name: str) -> str:
    text = _text(document, name)
    if not _SLUG.fullmatch(text):
        raise _NoCommandError(
            f"expected {name} of small letters, digits, _ and -, got {text!r}",
            f"{name} 应由小写字母、数字、_ 与 - 组成，实为 {text!r}",
        )
    return text


def _text(document: Json, name: str) -> str:
    value = document.get(name, "")
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT:
        raise _NoCommandError(
            f"expected {name} to be text of at most {_LONGEST_TEXT} characters",
            f"{name} 应为不超过 {_LONGEST_TEXT} 字的文本",
        )
    return value


def _plain(value: Any) -> object:
    """Mappings that are no dict."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(type(value).__name__)
