"""episode.json as a pure function of what the data files hold, so that they alone can rebuild it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from embodied_kit.canonical import sha256_hex
from embodied_kit.model.json import JsonObject, JsonValue

SCHEMA_VERSION = "1.0.0"
NOT_OBSERVABLE = "not_observable"
UNKNOWN_LOSS = dict.fromkeys(("publisher_sequence", "header_stamp", "transport", "queue"), NOT_OBSERVABLE)
"""`loss` of closing.json where nobody watched."""
Origin = Literal["recorded", "imported", "recovered"]
_FROM_CAPTURE = (
    "episode_id",
    "dataset_id",
    "collection_id",
    "series_id",
    "task_id",
    "robot_ids",
    "acquisition_mode",
    "data_origin",
    "generated_data_indicator",
    "scene",
    "operator_pseudonym",
    "operator_skill_level",
    "imported_from",
)
_FROM_CLOSING = (
    "start_time",
    "end_time",
    "start_ns",
    "end_ns",
    "duration_s",
    "outcome",
    "failure_cause",
    "outcome_source",
    "intervention_segments",
    "operator_pseudonym",  # said at the end, it stands before what was said at the start
    "operator_skill_level",
    "scene",
)
_FROM_STREAM = (
    "stream_id",
    "topic",
    "ros_type",
    "role",
    "modality",
    "cadence",
    "nominal_rate_hz",
    "encoding",
    "unit",
    "frame_id",
)


@dataclass(frozen=True)
class EpisodeFile:
    """One file of an episode: path relative to the episode folder, size in bytes, sha256 hex."""

    path: str
    size: int
    sha256: str
    media_type: str


def episode_document(
    capture: JsonObject,
    closing: JsonObject,
    *,
    capture_bytes: bytes,
    closing_bytes: bytes,
    messages: Mapping[str, int],
    files: Sequence[EpisodeFile],
    origin: Origin,
) -> dict[str, JsonValue]:
    """Compose episode.json.

    Args:
        capture: The embedded capture document.
        closing: The embedded closing document.
        capture_bytes: The attachment's bytes, which the digest is over.
        closing_bytes: Likewise.
        messages: Topic -> messages over all data files.
        files: Every file of the episode folder except episode.json.
        origin: How the episode came to be.
    """
    document: dict[str, JsonValue] = {"schema_version": SCHEMA_VERSION}
    document |= {name: capture[name] for name in _FROM_CAPTURE if name in capture}
    document |= {name: closing[name] for name in _FROM_CLOSING if name in closing}
    document |= _clock_fields(capture) | _recorder_fields(capture)
    document["streams"] = [
        _stream_entry(stream, messages) for stream in _objects(_object(capture, "contract"), "streams")
    ]
    document["files"] = [
        {"path": file.path, "size": file.size, "sha256": file.sha256, "media_type": file.media_type} for file in files
    ]
    document["capture_sha256"] = sha256_hex(capture_bytes)
    document["closing_sha256"] = sha256_hex(closing_bytes)
    document["origin"] = origin
    document["lineage"] = []
    document["quality_flags"] = []
    return document


def _stream_entry(stream: JsonObject, messages: Mapping[str, int]) -> JsonObject:
    entry: dict[str, JsonValue] = {name: stream[name] for name in _FROM_STREAM if name in stream}
    entry["messages_n"] = messages.get(str(stream.get("topic")), 0)
    return entry


def _clock_fields(capture: JsonObject) -> dict[str, JsonValue]:
    """Source and method of the first clock, which is the recorder's own."""
    clocks = _objects(capture, "clocks")
    if not clocks:
        return {}
    names = {"clock_source": "source", "sync_method": "sync_method"}
    return {name: clocks[0][key] for name, key in names.items() if key in clocks[0]}


def _recorder_fields(capture: JsonObject) -> dict[str, JsonValue]:
    recorder = _object(capture, "recorder")
    return {f"recorder_{name}": recorder[name] for name in ("name", "version", "config_sha256") if name in recorder}


def _object(value: JsonObject, name: str) -> JsonObject:
    item = value.get(name)
    return item if isinstance(item, Mapping) else {}


def _objects(value: JsonObject, name: str) -> list[JsonObject]:
    items = value.get(name)
    if not isinstance(items, Sequence) or isinstance(items, str):
        return []
    return [item for item in items if isinstance(item, Mapping)]
