"""capture.json and closing.json: what a data file says of itself, before the first message and after the last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from embodied_kit.canonical import canonical_bytes, sha256_hex
from embodied_kit.episode.dataset import DEFAULT_GROUP
from embodied_kit.episode.document import SCHEMA_VERSION
from embodied_kit.episode.robots import RobotFolder
from embodied_kit.episode.span import Span
from embodied_kit.model.contract import Contract
from embodied_kit.model.json import JsonObject, JsonValue

RECORDER_NAME = "embodied-kit"


@dataclass(frozen=True)
class TakeOptions:
    """What the operator says of a take before it starts; empty fields stay out of the documents.

    Attributes:
        operator_pseudonym: Keyed hash of the operator, never a name.
        acquisition_mode: Word of the vocabulary `acquisition_mode`.
    """

    task_id: str
    collection_id: str = DEFAULT_GROUP
    series_id: str = DEFAULT_GROUP
    operator_pseudonym: str = ""
    operator_skill_level: str = ""
    acquisition_mode: str = ""
    scene: JsonObject = field(default_factory=dict)


@dataclass(frozen=True)
class TakeResult:
    """What is said of a take at its end.

    Attributes:
        outcome: success, failure, partial, aborted or unknown.
        failure_cause: Code of the vocabulary; empty for none.
        outcome_source: Who judged it.
        end_ns: End of the span, ns since the Unix epoch, where the robot itself says when; None is the moment of stop.
        stop_reason: Word of the vocabulary `stop_reason`.
        operator_pseudonym, operator_skill_level, scene: As of TakeOptions, where they are only said at the end.
    """

    outcome: str = "unknown"
    failure_cause: str = ""
    outcome_source: str = ""
    stop_reason: str = "operator"
    end_ns: int | None = None
    operator_pseudonym: str = ""
    operator_skill_level: str = ""
    scene: JsonObject = field(default_factory=dict)

    def said(self) -> JsonObject:
        """Its fields of the closing document, without those that are empty."""
        said: Mapping[str, JsonValue] = {
            "failure_cause": self.failure_cause,
            "outcome_source": self.outcome_source,
            "operator_pseudonym": self.operator_pseudonym,
            "operator_skill_level": self.operator_skill_level,
            "scene": self.scene,
        }
        return {"outcome": self.outcome, **{name: value for name, value in said.items() if value}}


def capture_document(
    *,
    dataset: JsonObject,
    episode_id: str,
    contract: Contract,
    robots: Sequence[RobotFolder],
    clocks: Sequence[JsonObject],
    recorder: JsonObject,
    take: TakeOptions,
) -> JsonObject:
    """Compose capture.json of a recorded take."""
    origin = {name: dataset[name] for name in ("data_origin", "generated_data_indicator") if name in dataset}
    said: Mapping[str, JsonValue] = {
        "acquisition_mode": take.acquisition_mode,
        "operator_pseudonym": take.operator_pseudonym,
        "operator_skill_level": take.operator_skill_level,
        "scene": take.scene,
    }
    return {
        "schema_version": SCHEMA_VERSION,
        "dataset_id": dataset.get("dataset_id"),
        "episode_id": episode_id,
        "collection_id": take.collection_id,
        "series_id": take.series_id,
        "task_id": take.task_id,
        "robot_ids": [robot.robot_id for robot in robots],
        **origin,
        **{name: value for name, value in said.items() if value},
        "contract": contract.document,
        "robots": [robot.robot for robot in robots],
        "calibrations": [calibration for robot in robots for calibration in robot.calibrations],
        "urdfs": [urdf for robot in robots for urdf in robot.urdfs()],
        "clocks": list(clocks),
        "recorder": recorder,
        "file_index": 0,
    }


def recorder_document(version: str, contract: Contract, transport: str) -> JsonObject:
    """Who records, and the digest of the configuration (the contract in canonical form)."""
    return {
        "name": RECORDER_NAME,
        "version": version,
        "config_sha256": sha256_hex(canonical_bytes(contract.document)),
        "transport": transport,
    }


def closing_document(
    *,
    episode_id: str,
    span: Span,
    result: TakeResult,
    streams: Sequence[JsonObject],
    transport_counters: JsonObject,
    clocks: Sequence[JsonObject],
    events: Sequence[JsonObject] = (),
    interventions: Sequence[JsonObject] = (),
    files_n: int = 1,
) -> JsonObject:
    """Compose closing.json of a take that has ended."""
    return {
        "schema_version": SCHEMA_VERSION,
        "episode_id": episode_id,
        **span.document(),
        **result.said(),
        "stop_reason": result.stop_reason,
        "streams": list(streams),
        "transport_counters": transport_counters,
        "clocks": list(clocks),
        "intervention_segments": list(interventions),
        "events": list(events),
        "files_n": files_n,
    }
