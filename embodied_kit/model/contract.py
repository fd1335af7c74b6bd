"""A contract: the streams that a lab promises to record, as records and as the document they came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from embodied_kit.model.json import JsonObject, JsonValue
from embodied_kit.model.stream import Cadence, Stream

DEFAULT_MIN_FREE_BYTES = 2**30


@dataclass(frozen=True)
class Contract:
    """What a recorder must find in the graph and write.

    Attributes:
        contract_id: Slug.
        robots: Ids of the robots that the streams come from.
        streams: In the order of the document.
        document: The whole document, as it is embedded in each data file.
        min_free_bytes: Recording stops cleanly before free disk space falls below it.
        max_episode_s: Longest take in s; None for no limit.
        max_file_bytes, max_file_s: A data file of about this size (bytes of messages) or length is followed by another;
            None for no limit.
        pre_roll_s, post_roll_s: What is recorded before the start and after the stop of a take, s.
    """

    contract_id: str
    robots: tuple[str, ...]
    streams: tuple[Stream, ...]
    document: JsonObject
    min_free_bytes: int = DEFAULT_MIN_FREE_BYTES
    max_episode_s: float | None = None
    max_file_bytes: int | None = None
    max_file_s: float | None = None
    pre_roll_s: float = 0.0
    post_roll_s: float = 0.0


def contract_from(document: JsonObject) -> Contract:
    """Read a contract document that its schema has accepted."""
    limits, rolls = _object(document, "limits"), _object(document, "rolls")
    max_episode_s, max_file_s = limits.get("max_episode_s"), limits.get("max_file_s")
    max_file_bytes = limits.get("max_file_bytes")
    return Contract(
        contract_id=str(document["contract_id"]),
        robots=tuple(str(robot) for robot in _items(document.get("robots"))),
        streams=tuple(_stream(entry) for entry in _items(document.get("streams")) if isinstance(entry, Mapping)),
        document=document,
        min_free_bytes=int(cast("int", limits.get("min_free_bytes", DEFAULT_MIN_FREE_BYTES))),
        max_episode_s=float(max_episode_s) if isinstance(max_episode_s, int | float) else None,
        max_file_bytes=max_file_bytes if isinstance(max_file_bytes, int) else None,
        max_file_s=float(max_file_s) if isinstance(max_file_s, int | float) else None,
        pre_roll_s=float(cast("float", rolls.get("pre_roll_s", 0.0))),
        post_roll_s=float(cast("float", rolls.get("post_roll_s", 0.0))),
    )


def _stream(entry: JsonObject) -> Stream:
    rate = entry.get("nominal_rate_hz")
    tolerance = entry.get("rate_tolerance", 0.1)
    return Stream(
        stream_id=str(entry["stream_id"]),
        topic=str(entry["topic"]),
        ros_type=str(entry["ros_type"]),
        role=str(entry.get("role", "")),
        modality=str(entry.get("modality", "")),
        cadence=cast("Cadence", entry.get("cadence", "on_change")),
        nominal_rate_hz=float(rate) if isinstance(rate, int | float) else None,
        rate_tolerance=float(tolerance) if isinstance(tolerance, int | float) else 0.1,
        clock_id=str(entry.get("clock_id", "")),
        sync_group=str(entry.get("sync_group", "")),
        required=entry.get("required") is not False,
    )


def _object(document: JsonObject, name: str) -> JsonObject:
    value = document.get(name)
    return value if isinstance(value, Mapping) else {}


def _items(value: JsonValue) -> Sequence[JsonValue]:
    return value if isinstance(value, Sequence) and not isinstance(value, str) else ()
