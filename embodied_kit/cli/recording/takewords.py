"""What takes say of themselves, as a command line or a node's parameters give it: words, a name, a scene, rolls."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from embodied_kit.cli.pseudonyms import pseudonym
from embodied_kit.cli.recording.questions import require_words
from embodied_kit.episode.dataset import DEFAULT_GROUP
from embodied_kit.errors import UsageError
from embodied_kit.model.json import JsonObject

if TYPE_CHECKING:
    from embodied_kit.model.contract import Contract
    from embodied_recorders.take.documents import TakeOptions


@dataclass(frozen=True)
class TakeWords:
    """As it was given; what is empty was not."""

    task: str
    operator: str = ""
    skill: str = ""
    mode: str = ""
    collection: str = DEFAULT_GROUP
    series: str = DEFAULT_GROUP
    scene: str = ""

    def options(self) -> TakeOptions:
        """The same as takes hold it: of the operator a pseudonym.

        Raises:
            UsageError: The standard does not have a word, or has something against the scene: no take may hold it.
        """
        from embodied_recorders.take.documents import TakeOptions  # noqa: PLC0415  # arrows

        require_words({"acquisition_mode": self.mode, "operator_skill_level": self.skill})
        return TakeOptions(
            task_id=self.task,
            collection_id=self.collection,
            series_id=self.series,
            operator_pseudonym=pseudonym("op", self.operator),
            operator_skill_level=self.skill,
            acquisition_mode=self.mode,
            scene=_scene(self.scene),
        )


def rolled_contract(path: Path, pre_roll_s: float | None, post_roll_s: float | None) -> Contract:
    """A contract, with the rolls that are given instead of its own, s."""
    from embodied_kit.model.contract import contract_from  # noqa: PLC0415  # arrows
    from embodied_recorders.graph.contract import load_contract  # noqa: PLC0415

    contract = load_contract(path)
    said = {"pre_roll_s": pre_roll_s, "post_roll_s": post_roll_s}
    given: JsonObject = {name: seconds for name, seconds in said.items() if seconds is not None}
    if not given:
        return contract
    rolls = cast("JsonObject", contract.document.get("rolls") or {})
    return contract_from({**contract.document, "rolls": {**rolls, **given}})


def _scene(given: str) -> JsonObject:
    """JSON, or a file of it; empty where none was given.

    Raises:
        UsageError: It cannot be read, or the standard has something against it.
    """
    from embodied_kit.canonical import parse_json  # noqa: PLC0415  # seldom needed
    from embodied_kit.episode.scene import scene_problem  # noqa: PLC0415

    if not given:
        return {}
    try:
        data = given.encode() if given.lstrip().startswith("{") else Path(given).read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read the scene {given}: {error.strerror}") from error
    scene = parse_json(data).value
    problem = {"en": given} if scene is None else scene_problem(scene)
    if scene is None or problem:
        raise UsageError(
            f"expected a scene as a JSON object, got {problem['en']}",
            remedy="give scene_id and scene_type, as embodied-kit record --help shows it",
        )
    return scene
