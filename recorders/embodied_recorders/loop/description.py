"""Who operates and where: said once, of the take that is open and of all that follow, until somebody says otherwise."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from embodied_kit.episode.dataset import Dataset
from embodied_kit.model.json import JsonObject
from embodied_recorders.loop.control import Describe, Described
from embodied_recorders.take.documents import TakeOptions, TakeResult


@dataclass
class Description:
    """What was said so far.

    Attributes:
        options: What a take that begins now says of itself.
        dataset: Its tasks.json knows scenes.
    """

    options: TakeOptions
    dataset: Dataset
    _scenes: list[JsonObject] = field(default_factory=list)

    def __post_init__(self) -> None:
        for scene in self.dataset.task_scenes().values():
            self._know(scene)
        self.begin(self.options)

    def begin(self, options: TakeOptions) -> None:
        """A take begins that says this, and so do those that follow."""
        self.options = options
        self._task_scene = self.dataset.task_scenes().get(options.task_id, {})
        self._know(options.scene)

    def hear(self, said: Describe) -> None:
        """Something was said; what is empty stays as it was."""
        self._know(said.scene)
        self.options = replace(
            self.options,
            operator_pseudonym=said.operator_pseudonym or self.options.operator_pseudonym,
            operator_skill_level=said.operator_skill_level or self.options.operator_skill_level,
            scene=said.scene or self.options.scene,
        )

    def completed(self, result: TakeResult | None, capture: JsonObject) -> TakeResult:
        """A result with what was said since its take began, where it does not say that itself.

        Args:
            result: Of the take; None where nothing was said yet.
            capture: What the take said of itself when it began.
        """
        now, result = self.options, result or TakeResult()
        new = {
            name: value
            for name, value in (
                ("operator_pseudonym", now.operator_pseudonym),
                ("operator_skill_level", now.operator_skill_level),
                ("scene", now.scene),
            )
            if value != capture.get(name, type(value)()) and not getattr(result, name)
        }
        return replace(result, **new)  # type: ignore[arg-type]  # each is of its field's type

    def shown(self) -> Described:
        """As an operator sees it."""
        now = self.options
        return Described(
            now.operator_pseudonym, now.operator_skill_level, now.scene, self._task_scene, tuple(self._scenes)
        )

    def _know(self, scene: JsonObject) -> None:
        if scene and scene not in self._scenes:
            self._scenes.append(scene)
