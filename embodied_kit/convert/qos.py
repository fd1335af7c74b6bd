"""`offered_qos_profiles` of foreign bags, brought into the integer form of rosbag2 up to metadata version 8.

Since version 9 rosbag2 writes policies as words; the metadata.yaml beside an episode is of version 8, whose readers
expect the integers of rmw/types.h.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import yaml

from embodied_kit.errors import DataError
from embodied_kit.model.json import JsonValue
from embodied_kit.spec import load_yaml

_NUMBERS: Final[Mapping[str, Mapping[str, int]]] = MappingProxyType(
    {
        "history": {"system_default": 0, "keep_last": 1, "keep_all": 2, "unknown": 3},
        "reliability": {"system_default": 0, "reliable": 1, "best_effort": 2, "unknown": 3, "best_available": 4},
        "durability": {"system_default": 0, "transient_local": 1, "volatile": 2, "unknown": 3, "best_available": 4},
        "liveliness": {"system_default": 0, "automatic": 1, "manual_by_topic": 3, "unknown": 4, "best_available": 5},
    }
)


def integer_form(text: str) -> str:
    """The same profiles with integers for words; as it is where there are none, empty where it is no list."""
    try:
        profiles = load_yaml(text.encode())
    except DataError:
        return ""
    if not isinstance(profiles, list) or not all(isinstance(profile, dict) for profile in profiles):
        return ""
    numbered: Sequence[JsonValue] = [
        {name: _number(name, value) for name, value in profile.items()}
        for profile in profiles
        if isinstance(profile, Mapping)
    ]
    return text if numbered == profiles else yaml.safe_dump(numbered, sort_keys=False).rstrip("\n")


def _number(policy: str, value: JsonValue) -> JsonValue:
    return _NUMBERS.get(policy, {}).get(value, value) if isinstance(value, str) else value
