"""What the standard has against a scene that somebody says."""

from __future__ import annotations

from collections.abc import Mapping

from embodied_kit.model.json import JsonObject
from embodied_kit.spec import check, standard


def scene_problem(scene: JsonObject) -> Mapping[str, str]:
    """The first thing, language -> text; empty for nothing."""
    for item in check("capture", {"scene": scene}, standard().document_schema("capture", "authoring")):
        if item.pointer.startswith("/scene"):
            return {"en": f"{item.pointer} {item.message}", "zh": f"{item.pointer} {item.message_zh}"}
    return {}
