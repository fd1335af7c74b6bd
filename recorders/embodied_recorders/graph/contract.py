"""Contracts as files: YAML read and checked against the standard, and drafted from a live graph."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import yaml

from embodied_kit.episode.ids import require_slug, unique_slugs
from embodied_kit.errors import DataError, UsageError
from embodied_kit.model.contract import Contract, contract_from
from embodied_kit.model.json import JsonObject, JsonValue
from embodied_kit.model.stream import Qos
from embodied_kit.spec import check, load_yaml, standard
from embodied_recorders.graph.survey import TopicSurvey
from embodied_recorders.graph.type_hints import hint_for

SCHEMA_VERSION = "1.0.0"
_MAX_BYTES = 2**20
_ENCODING = "cdr"  # of every ROS 2 middleware; from L1 on a stream says it
_IGNORED_TOPICS = frozenset({"/rosout", "/parameter_events", "/ros_discovery_info"})


def load_contract(path: Path) -> Contract:
    """Read a contract.

    Raises:
        UsageError: There is no such file.
        DataError: It is not strict YAML, the standard's authoring schema does not accept it, it is of another major
            version, or it names a stream or a topic twice.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(
            f"cannot read the contract {path}: {error.strerror}", remedy=f"embodied-kit contract init -o {path}"
        ) from error
    try:
        document = load_yaml(data, max_bytes=_MAX_BYTES)
    except DataError as error:
        raise _not_a_contract(path, f"this: {error.message}") from error
    problems = check("contract", document, standard().document_schema("contract", "authoring"))
    if problems or not isinstance(document, Mapping):
        first = problems[0]
        raise _not_a_contract(path, f"{len(problems)} problem(s); first: {first.pointer} {first.message}")
    version = str(document["schema_version"])
    if version.partition(".")[0] != SCHEMA_VERSION.partition(".")[0]:
        raise _not_a_contract(path, f"/schema_version {version}, which this program does not know")
    contract = contract_from(document)
    streams = contract.streams
    for what, names in (("stream_id", [s.stream_id for s in streams]), ("topic", [s.topic for s in streams])):
        twice = [name for name, count in Counter(names).items() if count > 1]
        if twice:
            raise _not_a_contract(path, f"the {what} {twice[0]} twice")
    return contract


def _not_a_contract(path: Path, found: str) -> DataError:
    return DataError(
        f"expected a contract in {path}, got {found}", remedy="compare with a fresh draft: embodied-kit contract init"
    )


def robots_of(words: Iterable[str]) -> dict[str, str]:
    """Robots as the command line names them, `NAME` or `NAME=/namespace` -> namespace, empty for none.

    Raises:
        UsageError: One is neither, or two share a name.
    """
    robots: dict[str, str] = {}
    for word in words:
        name, equals, namespace = word.partition("=")
        if (equals and not namespace.strip("/")) or (namespace and not namespace.startswith("/")) or name in robots:
            raise UsageError(
                f"expected each robot once, as NAME or NAME=/namespace, got {word!r}", remedy="--robot left=/left"
            )
        robots[require_slug(name, "robot_id")] = namespace.rstrip("/")
    return robots


def draft_contract(contract_id: str, robots: Mapping[str, str], surveys: Iterable[TopicSurvey]) -> JsonObject:
    """Draft a contract document of what a graph offers: topics, types, hashes, cadence and measured rates.

    Args:
        contract_id: Slug.
        robots: Robots and their namespaces; streams below one belong to its robot. A robot without one has the rest.
        surveys: What was seen.

    Fields that a graph cannot tell (clock, stamp semantics, frames) are left out: a person declares them. So are topics
    whose publishers disagree on the type, and those that could not be received.
    """
    wanted = [one for one in surveys if one.topic not in _IGNORED_TOPICS and one.agreed and one.refusal is None]
    slugs = unique_slugs(survey.topic for survey in wanted)
    streams: list[JsonValue] = [_entry(survey, slugs[survey.topic], _owner(survey.topic, robots)) for survey in wanted]
    return {
        "schema_version": SCHEMA_VERSION,
        "contract_id": contract_id,
        "robots": list(robots),
        "streams": streams,
    }


def contract_yaml(document: JsonObject) -> str:
    """The document as YAML, order kept."""
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, default_flow_style=None, width=120)


def seen_comment(surveys: Iterable[TopicSurvey]) -> str:
    """The QoS of each topic's publishers as comments of a draft: no contract asks for a QoS, the recorder adapts."""
    lines = ["# QoS seen while drafting"]
    for survey in surveys:
        kinds = Counter(
            f"{one.qos.reliability} {one.qos.durability} {one.qos.history}"
            + (f" {one.qos.depth}" * (one.qos.depth > 0))
            for one in survey.endpoints
        )
        told = "; ".join(f"{n} x {kind}" for kind, n in sorted(kinds.items()))
        lines.append(f"# {survey.topic}: {told}")
    return "\n".join(lines) + "\n"


def _qos_words(qos: Qos) -> str:
    depth = f" {qos.depth}" if qos.depth else ""
    return f"{qos.reliability} {qos.durability} {qos.history}{depth}"


def _owner(topic: str, robots: Mapping[str, str]) -> str | None:
    """Robot that a topic belongs to, by the longest namespace; None where there is one robot, or none fits."""
    fit = [(len(space), name) for name, space in robots.items() if not space or topic.startswith(f"{space}/")]
    return max(fit)[1] if fit and len(robots) > 1 else None


def _entry(survey: TopicSurvey, stream_id: str, robot_id: str | None) -> JsonObject:
    hint = hint_for(survey.ros_type, survey.topic)
    entry: dict[str, JsonValue] = {
        "stream_id": stream_id,
        "topic": survey.topic,
        "ros_type": survey.ros_type,
    }
    if survey.type_hash is not None:
        entry["type_hash"] = survey.type_hash
    if robot_id is not None:
        entry["robot_id"] = robot_id
    entry |= {"role": hint.role, "modality": hint.modality, "cadence": survey.cadence, "encoding": _ENCODING}
    if survey.cadence == "periodic" and survey.rate_hz is not None:
        entry |= {"nominal_rate_hz": survey.rate_hz, "rate_tolerance": 0.1}
    if hint.unit:
        entry["unit"] = dict(hint.unit) if isinstance(hint.unit, Mapping) else hint.unit
    return entry | {"required": True}
