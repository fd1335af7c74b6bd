"""Profiles: which rules are asked, with which parameters; frozen by a digest over the profile and its whole rules."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

from embodied_kit.canonical import canonical_bytes, sha256_hex
from embodied_kit.errors import DataError, UsageError
from embodied_kit.model.json import JsonObject, JsonValue
from embodied_kit.model.rule import LEVELS, DocumentCheck, LimitCheck, Profile, Rule
from embodied_kit.spec import load_yaml, standard
from embodied_validators.released import SUFFIX, read_released, released_files
from embodied_validators.rulebook import Rulebook, load_rulebook
from embodied_validators.rulefile import RULE_ID, comparable, parse_limits

SIMULATION_PROFILE = "sim@1.0"
DEFAULT_PROFILE = "arm@1.0"
_BY_EMBODIMENT = {  # of several robots the first that is here decides
    "humanoid": "humanoid@1.0",
    "mobile_manipulator": "mobile@1.0",
    "quadruped": "mobile@1.0",
    "dual_arm": "dual_arm@1.0",
    "single_arm": "arm@1.0",
    "hand": "hand@1.0",
    "human": "egocentric@1.0",
}
_KEYS = {"profile_id", "version", "title", "description", "status", "rules", "parameters", "overrides", "without"}
_NEEDED = _KEYS - {"parameters", "overrides", "without"}
_OVERRIDE_KEYS = {"severity", "limits"}


def profile_names() -> tuple[str, ...]:
    """Names (`id@version`) of the profiles that this package carries, released ones first."""
    return (*released_files(), *(path.stem for path in standard().profile_files()))


def default_profile(data_origin: str, embodiments: Collection[str] = ()) -> str:
    """Name of the profile for a dataset that names none.

    Args:
        data_origin: As dataset.json says; empty where not known.
        embodiments: `embodiment_class` of each robot.
    """
    if data_origin == "sim":
        return SIMULATION_PROFILE
    return next((name for kind, name in _BY_EMBODIMENT.items() if kind in embodiments), DEFAULT_PROFILE)


def load_profile(name_or_path: str | Path) -> Profile:
    """A profile by name (`sim@1.0`) or by the path of its file.

    Raises:
        UsageError: There is none, its file is not strict, it overrides a rule that may not be overridden, or lacks a
            parameter that one of its rules refers to.
        EnvironmentUnfitError: A released profile is not the one that was frozen.
    """
    path = _profile_path(name_or_path)
    if path.name.endswith(SUFFIX):
        frozen = read_released(path)
        profile = build_profile(frozen.data, frozen.rulebook, path.name)
        return replace(profile, digest=frozen.digest, basis=frozen.basis)
    data = read_profile_file(path)
    if data.get("status") != "preview":
        raise UsageError(
            f"{path.name}: expected status preview and an id that ends in -preview",
            remedy=f"to release it: embodied-kit rules freeze {path.name}",
        )
    return build_profile(data, load_rulebook(), path.name)


def read_profile_file(path: Path) -> JsonObject:
    """The object in a YAML file of a profile, or of a source of one.

    Raises:
        UsageError: The file cannot be read, or holds no object.
    """
    try:
        data = load_yaml(path.read_bytes())
    except DataError as error:
        raise UsageError(f"{path.name}: {error.message}") from error
    except OSError as error:
        raise UsageError(f"cannot read the profile {path}: {error.strerror}") from error
    if not isinstance(data, Mapping):
        raise UsageError(f"{path.name}: expected an object as profile, got {type(data).__name__}")
    return data


def build_profile(data: JsonObject, rulebook: Rulebook, source: str) -> Profile:
    """Profile of its data and a rulebook.

    Raises:
        UsageError: See `load_profile`.
    """
    _check_keys(data, source)
    listed = _listed_rules(data["rules"], source)
    parameters = mapping_of(data, "parameters", source)
    overrides = mapping_of(data, "overrides", source)
    for rule_id in overrides:
        if rule_id not in listed:
            raise UsageError(f"{source}: expected overrides of listed rules, got '{rule_id}'")
    known = [name for name in listed if name in rulebook.rules]
    rules = tuple(_overridden(rulebook.rules[name], overrides.get(name), source) for name in known)
    for rule in rules:
        _require_parameters(rule, parameters, source)
    return Profile(
        profile_id=str(data["profile_id"]),
        version=str(data["version"]),
        title=cast("Mapping[str, str]", data["title"]),
        rules=rules,
        parameters=parameters,
        unknown=tuple(name for name in listed if name not in rulebook.rules),
        digest=sha256_hex(canonical_bytes({"profile": data, "rules": [rulebook.data[name] for name in known]})),
    )


def all_rules_profile(parameters: JsonObject, rulebook: Rulebook | None = None) -> Profile:
    """A profile of every rule that there is, for tests and for authors."""
    book = rulebook or load_rulebook()
    title: JsonObject = {"en": "All rules", "zh": "全部规则"}
    data: JsonObject = {
        "profile_id": "all-preview",
        "version": "0",
        "title": title,
        "description": title,
        "status": "preview",
        "rules": list(book.rules),
        "parameters": parameters,
    }
    return build_profile(data, book, "all rules")


def _profile_path(name_or_path: str | Path) -> Path:
    by_name = {**released_files(), **{path.stem: path for path in standard().profile_files()}}
    if str(name_or_path) in by_name:
        return by_name[str(name_or_path)]
    path = Path(name_or_path)
    if not path.is_file():
        raise UsageError(
            f"expected a profile or the path of one, got '{name_or_path}'",
            remedy=f"known profiles: {', '.join(by_name)}",
        )
    return path


def _check_keys(data: JsonObject, source: str) -> None:
    for key in data:
        if key not in _KEYS:
            raise UsageError(f"{source}: expected one of the keys {', '.join(sorted(_KEYS))}, got '{key}'")
    for key in sorted(_NEEDED):
        if key not in data:
            raise UsageError(f"{source}: expected the key '{key}', got none")
    for key in ("title", "description"):
        if set(mapping_of(data, key, source)) != {"en", "zh"}:
            raise UsageError(f"{source}: expected {key} in en and zh")
    if (data["status"] == "preview") is not str(data["profile_id"]).endswith("-preview"):
        raise UsageError(f"{source}: expected an id that ends in -preview for a preview, and for nothing else")


def _listed_rules(value: JsonValue, source: str) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, Sequence) or not value:
        raise UsageError(f"{source}: expected a list of rule ids as rules")
    names = tuple(str(name) for name in value)
    for position, name in enumerate(names):
        if not RULE_ID.fullmatch(name):
            raise UsageError(f"{source}: expected a rule id like TM-07, got '{name[:40]}'")
        if name in names[:position]:
            raise UsageError(f"{source}: expected each rule once, got {name} twice")
    return names


def mapping_of(data: JsonObject, key: str, source: str) -> JsonObject:
    """The object under a key; an empty one where there is none.

    Raises:
        UsageError: It is no object.
    """
    value = data.get(key, {})
    if not isinstance(value, Mapping):
        raise UsageError(f"{source}: expected an object as {key}, got {type(value).__name__}")
    return value


def _overridden(rule: Rule, override: JsonValue, source: str) -> Rule:
    """The rule with the profile's severity and limits (`limits: {measure: {L2: {value, origin}}}`)."""
    if override is None:
        return rule
    where = f"{source}, override of {rule.rule_id}"
    if not rule.overridable:
        raise UsageError(f"{where}: this rule may not be overridden")
    if not isinstance(override, Mapping) or not override or set(override) - _OVERRIDE_KEYS:
        raise UsageError(f"{where}: expected an object with {' or '.join(sorted(_OVERRIDE_KEYS))}")
    severity = override.get("severity", rule.severity)
    if severity not in ("error", "warning", "info"):
        raise UsageError(f"{where}: expected severity error, warning or info, got '{severity}'")
    limits = mapping_of(override, "limits", where)
    measures = {check.measure for check in rule.checks if isinstance(check, LimitCheck)}
    for measure in limits:
        if measure not in measures:
            raise UsageError(f"{where}: expected limits of {', '.join(sorted(measures)) or 'nothing'}, got '{measure}'")
    checks = tuple(
        _with_limits(check, limits[check.measure], rule, where)
        if isinstance(check, LimitCheck) and check.measure in limits
        else check
        for check in rule.checks
    )
    return replace(rule, severity=severity, checks=checks)


def _with_limits(check: LimitCheck, data: JsonValue, rule: Rule, where: str) -> LimitCheck:
    if not isinstance(data, Mapping):
        raise UsageError(f"{where}: expected limits by level for '{check.measure}'")
    own = comparable(parse_limits(data, rule.level, where), check.comparator, check.measure, where)
    merged = {**check.limits, **own}
    return replace(check, limits={level: merged[level] for level in LEVELS if level in merged})


def _require_parameters(rule: Rule, parameters: JsonObject, source: str) -> None:
    for check in rule.checks:
        if isinstance(check, DocumentCheck):
            continue
        for value in (*check.only.values(), *(limit.value for limit in check.limits.values())):
            name = value.get("parameter") if isinstance(value, Mapping) else None
            if name is not None and name not in parameters:
                raise UsageError(f"{source}: expected the parameter '{name}', which {rule.rule_id} needs")
