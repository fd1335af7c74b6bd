"""Rows of kind `operator` of the table `link`: signs of a person where a declared mode has none (rule PV-05)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from embodied_kit.measure.declared.jsonget import get_objects, get_text
from embodied_kit.measure.declared.links import link_row
from embodied_kit.measure.streams.episode import Episode
from embodied_kit.model.facts import Row

NOBODY = ("autonomous", "script", "sim")
"""Acquisition modes in which nobody is an operator; in a simulation somebody may be, and is then named by a key."""
NO_OPERATOR = "not_applicable"
_HAND_DEVICES = ("sensor_msgs/Joy", "sensor_msgs/JoyFeedback", "sensor_msgs/JoyFeedbackArray")
_STEERED = re.compile(
    r"(?:^|[/_])(?:tele_?op\w*|leader|master|operator|joy(?:stick)?|gamepad|space_?(?:mouse|nav)|vr|vive|oculus|quest"
    r"|haptic|exo(?:skeleton)?|data_?glove)(?:[/_0-9]|$)",
    re.IGNORECASE,
)
"""Names of topics on which people steer robots, word by word."""


def operator_links(episode: Episode, path: str) -> Iterator[Row]:
    """One row where a mode without an operator is declared: `different` where the episode shows one.

    Else `unshown`: that nobody operated a robot rests on the declaration; of a simulation everything does.
    """
    documents = (episode.capture, episode.closing, episode.document)
    mode = next((text for item in documents if (text := get_text(item, "acquisition_mode"))), "")
    if mode in NOBODY:
        signs = list(dict.fromkeys(_signs(episode)))
        named = any(get_text(item, "operator_pseudonym") not in ("", NO_OPERATOR) for item in documents)
        keyed = mode == "sim" and named
        state = "different" if signs and not keyed else "equal" if mode == "sim" else "unshown"
        found = ", ".join(signs) or None
        yield link_row(
            "operator", path, "acquisition_mode", state, expected=mode, found=found, episode=episode.episode_id
        )


def _signs(episode: Episode) -> Iterator[str]:
    """Interventions, an operator's skill, and what hands hold or what is named after it."""
    for document in (episode.capture, episode.closing, episode.document):
        if get_objects(document, "intervention_segments"):
            yield "intervention_segments"
        if get_text(document, "operator_skill_level") not in ("", NO_OPERATOR):
            yield f"operator_skill_level {get_text(document, 'operator_skill_level')}"
    for view in episode.streams:
        held = any(series.short_type in _HAND_DEVICES for series in view.series)
        if episode.recorded(view) and (held or _STEERED.search(view.topic) or _STEERED.search(view.stream)):
            yield view.topic
