"""What an operator is asked at the end of a take: one key where that will do, else a line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from embodied_kit.cli.recording.keyboard import END, ENTER, Keyboard
from embodied_kit.cli.recording.liveline import Screen
from embodied_kit.cli.texts import Texts
from embodied_kit.errors import UsageError
from embodied_kit.model.ending import OUTCOMES
from embodied_kit.model.json import JsonObject

DISCARD = "discard"
_LOOK_S = 0.05


class Questions:
    """Asks, and gives up where the answer is no longer wanted.

    Args:
        keys: Where the answer is typed.
        screen: Where the question stands.
        texts: Language.
        is_wanted: Asked again and again; False ends the question without an answer.
    """

    def __init__(self, keys: Keyboard, screen: Screen, texts: Texts, is_wanted: Callable[[], bool]) -> None:
        self._keys = keys
        self._screen = screen
        self._texts = texts
        self._is_wanted = is_wanted

    def outcome(self) -> str | None:
        """A word of OUTCOMES, or DISCARD; None where the answer is no longer wanted."""
        words = {word[0]: word for word in (*OUTCOMES, DISCARD)}
        labels = {word: self._texts.of(label) for word, label in _labels("outcome").items()}
        labels[DISCARD] = self._texts("discard it", "隔离")
        shown = self._texts(", ", "，").join(f"{key} {labels[word]}" for key, word in words.items())
        default = self._texts(f"Enter: {labels[OUTCOMES[0]]}", f"回车：{labels[OUTCOMES[0]]}")
        return self._one_of(
            f"{self._texts('Outcome:', '结果：')} {shown} [{default}] ", {**words, ENTER: OUTCOMES[0]}, labels
        )

    def cause(self) -> str:
        """Code of the vocabulary `failure_cause`; empty where none is given."""
        labels = {code: self._texts.of(label) for code, label in _labels("failure_cause").items()}
        by_key = {str(number): code for number, code in enumerate(labels, start=1)}
        shown = self._texts(", ", "，").join(f"{key} {labels[code]}" for key, code in by_key.items())
        none = self._texts("none given", "未说明")
        default = self._texts(f"Enter: {none}", f"回车：{none}")
        question = f"{self._texts('Why:', '原因：')} {shown} [{default}] "
        return self._one_of(question, {**by_key, ENTER: ""}, {**labels, "": none}) or ""

    def operator(self) -> str:
        """A person's name; empty for none."""
        return self.line(
            self._texts("Operator (only a keyed pseudonym is kept) [Enter: none] ", "操作员（只保存化名）[回车：不填] ")
        )

    def scene(self) -> JsonObject:
        """Where the take was, where that is not the scene of its task; empty for that."""
        from embodied_kit.episode.scene import scene_problem  # noqa: PLC0415  # heavy

        types = " ".join(_labels("scene_type"))
        hint = self._texts(
            "Scene, if not the task's: ID TYPE, e.g. lab_table_1 tabletop [Enter: the task's] ",
            "场景（与任务不同时）：标识 类型，如 lab_table_1 tabletop [回车：同任务] ",
        )
        while words := self.line(hint).split():
            scene: JsonObject = dict(zip(("scene_id", "scene_type"), words, strict=False))
            if len(words) == 2 and not scene_problem(scene):
                return scene
            self._screen.say(self._texts(f"  types: {types}", f"  类型：{types}"))
        return {}

    def line(self, question: str) -> str:
        """A line; empty where nothing is typed, or the answer is no longer wanted."""
        self._keys.typing(lines=True)
        self._screen.ask(question)
        try:
            while self._is_wanted():
                line = self._keys.line(_LOOK_S)
                if line is not None:
                    return line.strip()
        finally:
            self._keys.typing(lines=False)
        self._screen.say("")
        return ""

    def _one_of(self, question: str, answers: Mapping[str, str], labels: Mapping[str, str]) -> str | None:
        """What one of these keys means; None where the answer is no longer wanted, or the input ends."""
        self._screen.ask(question)
        while self._is_wanted():
            key = self._keys.key(_LOOK_S).lower()
            if key in answers:
                self._screen.say(labels[answers[key]])
                return answers[key]
            if key == END:
                break
        self._screen.say("")
        return None


def _labels(vocabulary: str) -> dict[str, Mapping[str, str]]:
    """Code -> language -> label, in the order of the vocabulary."""
    from embodied_kit.spec import standard  # noqa: PLC0415  # heavy

    return {str(term.code): term.label for term in standard().vocabulary(vocabulary).terms}


def require_words(words: Mapping[str, str]) -> None:
    """Refuse words that the standard does not have: no take may hold one.

    Args:
        words: Vocabulary -> word; an empty one was not given.

    Raises:
        UsageError: One is unknown.
    """
    for name, word in words.items():
        known: Sequence[str] = [*_labels(name)] if word else ()
        if word and word not in known:
            raise UsageError(f"expected {name} to be one of {', '.join(known)}, got {word!r}")
