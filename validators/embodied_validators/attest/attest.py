"""Attest: refuse what is not so, then sign a statement over files, facts and report, and put it in place whole."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Literal

from embodied_kit.canonical import parse_json
from embodied_kit.episode.layout import ATTESTATION, DATASET_JSON, PARTIAL, sync_folder, write_whole
from embodied_kit.episode.paths import open_inside
from embodied_kit.errors import DataError, EmbodiedKitError, EnvironmentUnfitError, UsageError
from embodied_kit.model.json import JsonObject
from embodied_kit.model.report import Report
from embodied_kit.model.rule import Level
from embodied_validators.attest.compare import facts_differ
from embodied_validators.attest.envelope import sign
from embodied_validators.attest.evidence import ENVELOPES, FACTS_JSONL, MANIFEST_JSONL, REPORT_JSONL
from embodied_validators.attest.judgement import Judgement
from embodied_validators.attest.keys import load_signer
from embodied_validators.attest.manifest import Manifest, Progress, build_manifest
from embodied_validators.attest.moments import NS_PER_DAY
from embodied_validators.attest.statement import compose_statement, level_mark
from embodied_validators.judge import exit_code

VALID_FOR_DAYS = 365
_MAX_DATASET_JSON = 16 * 2**20
_SHOWN = 5
_SUPERSEDED = ".superseded-"


@dataclass(frozen=True)
class Obstacle:
    """One rule that stands in the way of a level.

    Attributes:
        state: failed or undetermined; failed where scopes differ.
        scopes: `dataset` and the episode ids where it is so, sorted.
    """

    rule_id: str
    state: Literal["failed", "undetermined"]
    scopes: tuple[str, ...]


class NotReachedError(EmbodiedKitError):
    """The level that was to be attested is not reached; nothing was written.

    Attributes:
        obstacles: The rules that stand in the way, failed ones first.
        exit_code: 1 where one of them failed, 3 where all are undetermined.
    """

    def __init__(self, root: Path, level: Level, obstacles: tuple[Obstacle, ...], code: int) -> None:
        named = ", ".join(item.rule_id for item in obstacles)
        super().__init__(
            f"expected level {level} to be reached, got these rules in its way: {named}"
            if obstacles
            else f"expected level {level} to be reached, got no episode that counts",
            remedy=f"embodied-kit validate {shlex.quote(str(root))} --level {level}",
        )
        self.obstacles = obstacles
        self.exit_code = code


@dataclass(frozen=True)
class AttestationPaths:
    """What was written.

    Attributes:
        folder: `attestation/<manifest digest>` of the dataset.
        subject: `<dataset_id>@<version>`.
        level: Mark that was attested, e.g. `L2-preview`.
        keyid: Key that signed.
    """

    folder: Path
    subject: str
    level: str
    keyid: str
    manifest_sha256: str
    merkle_root: str

    @property
    def manifest(self) -> Path:
        """manifest.jsonl."""
        return self.folder / MANIFEST_JSONL

    @property
    def facts(self) -> Path:
        """facts.jsonl."""
        return self.folder / FACTS_JSONL

    @property
    def report(self) -> Path:
        """report.jsonl."""
        return self.folder / REPORT_JSONL

    @property
    def envelopes(self) -> Path:
        """attestations.intoto.jsonl."""
        return self.folder / ENVELOPES


def attest(
    root: Path,
    judged: Judgement,
    level: Level,
    *,
    key_path: Path,
    passphrase: str | None = None,
    now_ns: int,
    valid_for_days: int = VALID_FOR_DAYS,
    progress: Progress | None = None,
) -> AttestationPaths:
    """Sign a conformity attestation of a sealed dataset and put it below `attestation/`.

    Every file is read and hashed again, and must be the one that the facts were measured on. An attestation of the same
    files with the same facts and report gets one envelope more; with others, the older folder is kept beside as
    `<digest>.superseded-N`.

    Args:
        root: The dataset's folder.
        judged: Facts and the report judged from them.
        level: The level to attest.
        key_path: Private key in PEM.
        passphrase: Of the key; None where it has none.
        now_ns: Date of issue, ns since the Unix epoch.
        valid_for_days: How long it is valid.
        progress: Called with the number of bytes read since the last call.

    Raises:
        UsageError: The dataset is not sealed, the report is of something else, or the key does not open.
        NotReachedError: The level is not reached.
        DataError: A path is unsafe, or the files are not those that the facts were measured on.
        EnvironmentUnfitError: It cannot be written.
    """
    subject = _sealed_subject(root)
    judged.require_consistent()
    _require_level(root, judged.report, level)
    signer = load_signer(key_path, passphrase)
    manifest = build_manifest(root, progress=progress)
    _require_same_files(judged.facts, manifest)
    payload = compose_statement(
        manifest,
        judged,
        subject=subject,
        level=level,
        issued_at_ns=now_ns,
        valid_until_ns=now_ns + valid_for_days * NS_PER_DAY,
    )
    evidence = {MANIFEST_JSONL: [manifest.data], FACTS_JSONL: judged.facts, REPORT_JSONL: [judged.report_bytes]}
    folder = root / ATTESTATION / manifest.digest
    _put(folder, evidence, sign(payload, signer))
    mark = level_mark(level, judged.profile, judged.report)
    return AttestationPaths(folder, subject, mark, signer.public_key.keyid, manifest.digest, manifest.root)


def obstacles(report: Report, level: Level) -> tuple[Obstacle, ...]:
    """The error rules that failed or are undetermined at a level or below, without excluded episodes; failed first."""
    found: dict[str, dict[str, str]] = {}
    for outcome in report.outcomes:
        states = {state for at, state in outcome.states.items() if at <= level} & {"failed", "undetermined"}
        if outcome.severity == "error" and states and outcome.scope not in report.excluded:
            found.setdefault(outcome.rule_id, {})[outcome.scope] = min(states)  # "failed" comes first
    listed = [_obstacle(rule_id, by_scope) for rule_id, by_scope in found.items()]
    return tuple(sorted(listed, key=lambda item: (item.state, item.rule_id)))


def _obstacle(rule_id: str, by_scope: Mapping[str, str]) -> Obstacle:
    state: Literal["failed", "undetermined"] = "failed" if "failed" in by_scope.values() else "undetermined"
    return Obstacle(rule_id, state, tuple(sorted(scope for scope, found in by_scope.items() if found == state)))


def _sealed_subject(root: Path) -> str:
    document = _dataset_document(root)
    if document.get("state") != "sealed":
        raise UsageError(
            f"expected a sealed dataset, got one that is {document.get('state')!r}",
            remedy=f"embodied-kit dataset seal {root}",
        )
    parts = (document.get("dataset_id"), document.get("dataset_version"))
    if not all(isinstance(part, str) and part for part in parts):
        raise DataError(f"expected dataset_id and dataset_version in {DATASET_JSON}")
    return f"{parts[0]}@{parts[1]}"


def _dataset_document(root: Path) -> JsonObject:
    try:
        with open_inside(root, DATASET_JSON) as file:
            result = parse_json(file.read(_MAX_DATASET_JSON + 1))
    except OSError as error:
        raise UsageError(f"expected a dataset folder with {DATASET_JSON}, got {root}: {error.strerror}") from error
    if result.value is None:
        raise DataError(f"expected a JSON object in {DATASET_JSON}, got {result.problem}: {result.place}")
    return result.value


def _require_level(root: Path, report: Report, level: Level) -> None:
    code = exit_code(report, level)
    if code or report.level is None or report.level < level:
        raise NotReachedError(root, level, obstacles(report, level), code or 1)


def _require_same_files(facts: Iterable[bytes], manifest: Manifest) -> None:
    different = sorted(facts_differ(facts, manifest))
    if different:
        shown = ", ".join(repr(path) for path in different[:_SHOWN])
        raise DataError(
            f"expected facts measured on these files, got {len(different)} that differ or were not hashed: {shown}",
            remedy="measure and validate the dataset again, at depth full",
        )


def _put(folder: Path, evidence: Mapping[str, Iterable[bytes]], envelope: bytes) -> None:
    """Append to an attestation with the same evidence, or put a new folder in place by one rename.

    Raises:
        UsageError: A link lies where the folder should.
        EnvironmentUnfitError: It cannot be written.
    """
    try:
        _write(folder, evidence, envelope)
    except OSError as error:
        raise EnvironmentUnfitError(f"cannot write {folder}: {error.strerror}") from error


def _write(folder: Path, evidence: Mapping[str, Iterable[bytes]], envelope: bytes) -> None:
    folder.parent.mkdir(exist_ok=True)
    if folder.parent.is_symlink() or folder.is_symlink():
        raise UsageError(f"expected a plain folder, got a link: {folder}")
    if _has_same_evidence(folder, evidence):
        _append(folder / ENVELOPES, envelope)
        return
    partial = folder.with_name(f"{folder.name}.{os.getpid()}{PARTIAL}")
    partial.mkdir()
    try:
        for name, data in {**evidence, ENVELOPES: [envelope]}.items():
            write_whole(partial / name, data)
        _swap_in(partial, folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        with suppress(OSError):
            folder.parent.rmdir()  # where this was to be the first attestation
        raise
    sync_folder(folder.parent)


def _append(path: Path, envelope: bytes) -> None:
    try:
        write_whole(path, path.read_bytes() + envelope)
    except OSError:
        path.with_name(path.name + PARTIAL).unlink(missing_ok=True)
        raise


def _has_same_evidence(folder: Path, evidence: Mapping[str, Iterable[bytes]]) -> bool:
    """Whether a folder holds exactly this evidence, and envelopes to append to."""
    files = [folder / name for name in (*evidence, ENVELOPES)]
    if any(path.is_symlink() or not path.is_file() for path in files):
        return False
    return all(_holds(folder / name, parts) for name, parts in evidence.items())


def _holds(path: Path, parts: Iterable[bytes]) -> bool:
    """Whether a file consists of these parts."""
    with path.open("rb") as file:
        return all(file.read(len(part)) == part for part in parts) and not file.read(1)


def _swap_in(partial: Path, folder: Path) -> None:
    """Rename a finished folder into place; one that is there already is kept beside."""
    if not folder.exists():
        partial.rename(folder)
        return
    names = (folder.with_name(f"{folder.name}{_SUPERSEDED}{number}") for number in count(1))
    aside = folder.rename(next(name for name in names if not name.exists()))
    try:
        partial.rename(folder)
    except OSError:
        aside.rename(folder)
        raise
