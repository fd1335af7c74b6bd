"""The in-toto Statement v1 of a conformity attestation: how it is composed, and how it is read strictly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from embodied_kit import __version__
from embodied_kit.canonical import canonical_bytes, parse_json, sha256_hex
from embodied_kit.episode.times import rfc3339
from embodied_kit.errors import DataError
from embodied_kit.model.json import JsonObject
from embodied_kit.model.report import Context, Report
from embodied_kit.model.rule import LEVELS, Level, Profile
from embodied_kit.spec import standard
from embodied_kit.spec.version import SCHEMA_BASE, SCHEMA_VERSION
from embodied_validators.attest.envelope import MAX_ENVELOPE_BYTES
from embodied_validators.attest.judgement import Judgement
from embodied_validators.attest.manifest import Manifest, is_digest, total_size
from embodied_validators.attest.moments import time_ns
from embodied_validators.judge import context_digest, context_value
from embodied_validators.judge.waivers import waiver_data

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = SCHEMA_BASE + "attestation"
PREDICATE_VERSION = "1.0.0"
ROOT_DIGEST = "embodiedKitUnitMerkleSha256"
"""Key of the second digest of the subject: the Merkle root over the units."""
STANDARD_NAME = "embodied-kit"
_SEVERITIES = ("error", "warning", "info")
_STATES = ("failed", "undetermined")
_MAX_DEPTH = 16
_PREVIEW = "-preview"
_WITH_WAIVERS = "-with-waivers"


class UnknownStatementError(DataError):
    """A statement of another type or of a newer version: neither right nor wrong to this reader."""


@dataclass(frozen=True)
class Statement:
    """A statement that was read; every value was signed together.

    Attributes:
        subject: `<dataset_id>@<version>`.
        manifest_sha256: SHA-256 of manifest.jsonl in hex.
        merkle_root: Root over the units in hex.
        level: Mark, e.g. `L2-preview`.
        profile: `id@version`; its digest in `profile_sha256`.
        issued_at_ns, valid_until_ns: ns since the Unix epoch.
        predicate: The whole predicate.
    """

    subject: str
    manifest_sha256: str
    merkle_root: str
    level: str
    profile: str
    profile_sha256: str
    facts_sha256: str
    report_sha256: str
    issued_at_ns: int
    valid_until_ns: int
    predicate: JsonObject

    @property
    def plain_level(self) -> str:
        """The level without the words preview and waivers."""
        return self.level.removesuffix(_WITH_WAIVERS).removesuffix(_PREVIEW)


def level_mark(level: Level, profile: Profile, report: Report) -> str:
    """What people read: the plain level, with `-preview` under a preview profile, `-with-waivers` where they helped."""
    preview = _PREVIEW if profile.preview else ""
    return f"{level}{preview}{_WITH_WAIVERS if report.with_waivers(level) else ''}"


def compose_statement(
    manifest: Manifest, judged: Judgement, *, subject: str, level: Level, issued_at_ns: int, valid_until_ns: int
) -> bytes:
    """Payload of a conformity attestation, in JCS.

    Args:
        manifest: Every file that it speaks of.
        judged: Facts and the report judged from them.
        subject: `<dataset_id>@<version>`.
        level: The level that it reached.
        issued_at_ns: Date of issue, ns since the Unix epoch.
        valid_until_ns: End of its validity, ns since the Unix epoch.
    """
    report, profile = judged.report, judged.profile
    digest: JsonObject = {"sha256": manifest.digest, ROOT_DIGEST: manifest.root}
    predicate: JsonObject = {
        "schema_version": PREDICATE_VERSION,
        "kind": "conformity attestation",
        "standard": {"name": STANDARD_NAME, "version": SCHEMA_VERSION, "schemas_sha256": standard().digest()},
        "profile": {"name": profile.name, "sha256": profile.digest, "rules_sha256": rules_digest(profile)},
        "level": level_mark(level, profile, report),
        "manifest": _size_of(manifest),
        "facts_sha256": judged.facts_sha256,
        "report_sha256": sha256_hex(judged.report_bytes),
        "context": _context(judged.context),
        "coverage": {key: value for key, value in report.coverage.items() if type(value) is int},
        "findings": _counts(report),
        "excluded": [{"episode_id": key, "reason": reason} for key, reason in sorted(report.excluded.items())],
        "waivers": [{**waiver_data(use.waiver), "findings_n": use.findings_n} for use in report.waivers],
        "issued_at": rfc3339(issued_at_ns),
        "valid_until": rfc3339(valid_until_ns),
        "tool": {"name": "embodied-kit", "version": __version__},
    }
    return canonical_bytes(
        {
            "_type": STATEMENT_TYPE,
            "subject": [{"name": subject, "digest": digest}],
            "predicateType": PREDICATE_TYPE,
            "predicate": predicate,
        }
    )


def read_statement(payload: bytes) -> Statement:
    """Read a payload whose signature was checked, from these same bytes.

    Raises:
        UnknownStatementError: Another type, or a newer major version.
        DataError: It lacks what a conformity attestation holds, or is inconsistent.
    """
    result = parse_json(payload, max_bytes=MAX_ENVELOPE_BYTES, max_depth=_MAX_DEPTH)
    statement = result.value
    if statement is None:
        raise DataError(f"expected a statement in JSON, got {result.problem}")
    kind, predicate_type = _text(statement, "_type"), _text(statement, "predicateType")
    if (kind, predicate_type) != (STATEMENT_TYPE, PREDICATE_TYPE):
        raise UnknownStatementError(f"expected {PREDICATE_TYPE}, got {predicate_type[:120]}")
    predicate = _object(statement, "predicate")
    version = _text(predicate, "schema_version")
    if version.partition(".")[0] != PREDICATE_VERSION.partition(".")[0]:
        raise UnknownStatementError(f"expected predicate version {PREDICATE_VERSION}, got {version[:40]}")
    return _read_known(statement, predicate)


def rules_digest(profile: Profile) -> str:
    """SHA-256 in hex over the JCS of the profile's rules as they were carried out, and those that the tool lacked."""
    rules = [asdict(rule) for rule in profile.rules]
    return sha256_hex(canonical_bytes({"rules": rules, "unknown": list(profile.unknown)}))


def _read_known(statement: JsonObject, predicate: JsonObject) -> Statement:
    subjects = statement.get("subject")
    if not (isinstance(subjects, list) and len(subjects) == 1 and isinstance(subjects[0], dict)):
        raise DataError("expected one subject")
    digest, profile = _object(subjects[0], "digest"), _object(predicate, "profile")
    read = Statement(
        subject=_text(subjects[0], "name"),
        manifest_sha256=_digest(digest, "sha256"),
        merkle_root=_digest(digest, ROOT_DIGEST),
        level=_text(predicate, "level"),
        profile=_text(profile, "name"),
        profile_sha256=_digest(profile, "sha256"),
        facts_sha256=_digest(predicate, "facts_sha256"),
        report_sha256=_digest(predicate, "report_sha256"),
        issued_at_ns=time_ns(_text(predicate, "issued_at")),
        valid_until_ns=time_ns(_text(predicate, "valid_until")),
        predicate=predicate,
    )
    if read.plain_level not in LEVELS:
        raise DataError(f"expected a level mark, got {read.level[:40]!r}")
    if read.issued_at_ns >= read.valid_until_ns:
        raise DataError("expected valid_until after issued_at")
    return read


def _size_of(manifest: Manifest) -> JsonObject:
    return {
        "files_n": len(manifest.entries),
        "units_n": len(manifest.units),
        "size_bytes": total_size(manifest.entries),
    }


def _context(context: Context) -> JsonObject:
    return {
        "as_of": rfc3339(context.as_of_ns),
        **{name: value for name, value in context_value(context).items() if value is not None},
        "sha256": context_digest(context),
    }


def _counts(report: Report) -> JsonObject:
    """Findings by severity and state, without those of excluded episodes, which are named beside."""
    counts: dict[str, dict[str, int]] = {severity: dict.fromkeys(_STATES, 0) for severity in _SEVERITIES}
    for finding in report.findings:
        if finding.place.episode not in report.excluded:
            counts[finding.severity][finding.state] += 1
    return counts


def _text(value: JsonObject, name: str) -> str:
    item = value.get(name)
    if not isinstance(item, str):
        raise DataError(f"expected text in {name}")
    return item


def _digest(value: JsonObject, name: str) -> str:
    item = _text(value, name)
    if not is_digest(item):
        raise DataError(f"expected a SHA-256 in {name}")
    return item


def _object(value: JsonObject, name: str) -> JsonObject:
    item = value.get(name)
    if not isinstance(item, Mapping):
        raise DataError(f"expected an object in {name}")
    return item
