"""Verify a dataset's conformity attestation, offline: valid, invalid or indeterminate, with the reasons."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from embodied_kit.canonical import MAX_DOCUMENT_BYTES, parse_json, sha256_hex
from embodied_kit.episode.times import rfc3339
from embodied_kit.errors import DataError, EmbodiedKitError, UsageError
from embodied_kit.model.json import JsonObject
from embodied_validators.attest.compare import compare_files, facts_differ
from embodied_validators.attest.evidence import (
    FACTS_JSONL,
    MANIFEST_JSONL,
    REPORT_JSONL,
    Candidate,
    Gathered,
    gather,
    lines_in,
    open_evidence,
    read_evidence,
)
from embodied_validators.attest.keys import Trust, TrustedKey
from embodied_validators.attest.manifest import Manifest, Progress, hash_stream, parse_manifest
from embodied_validators.attest.moments import NS_PER_S
from embodied_validators.attest.reasons import Findings, Reason
from embodied_validators.attest.statement import Statement

VerdictState = Literal["valid", "invalid", "indeterminate"]
Rejudge = Callable[[Iterable[bytes], JsonObject], bytes]
"""Lines of facts.jsonl, read when asked for, and the signed predicate (profile, context) -> bytes of report.jsonl."""
MAX_MANIFEST_BYTES = 64 * 2**20
MAX_EVIDENCE_BYTES = 4 * 2**30
_CLOCK_SKEW_NS = 300 * NS_PER_S
_EXIT_CODES: Mapping[VerdictState, int] = {"valid": 0, "invalid": 1, "indeterminate": 3}


@dataclass(frozen=True)
class Verification:
    """Verdict over a dataset's attestation.

    Attributes:
        reasons: What was found, at most `KEPT_PER_CODE` of each code.
        counts: Reason code -> how many there were.
        statement: What was signed; None where no statement counts.
        signers: The trusted keys that signed it.
        folder: Its folder relative to the dataset; empty without a statement.
        rejudged: Whether the report was computed again from the facts and came out the same.
    """

    state: VerdictState
    reasons: tuple[Reason, ...]
    counts: Mapping[str, int]
    statement: Statement | None = None
    signers: tuple[TrustedKey, ...] = ()
    folder: str = ""
    rejudged: bool = False

    @property
    def exit_code(self) -> int:
        """0 valid, 1 invalid, 3 indeterminate."""
        return _EXIT_CODES[self.state]


def verify(
    root: Path, trust: Trust, *, now_ns: int, rejudge: Rejudge | None = None, progress: Progress | None = None
) -> Verification:
    """Hold a dataset against the newest statement in it that the reader trusts.

    Of several statements (folders for several manifests, several envelopes in one), that one counts which was issued
    last among those valid now, or, where none is valid now, which was issued last. A broken envelope anywhere makes the
    verdict invalid; an envelope by a key that the reader does not trust is only noted beside one that counts.

    Args:
        root: The dataset's folder.
        trust: Keys that the caller trusts (`load_trust`).
        now_ns: Date of the verification, ns since the Unix epoch.
        rejudge: Computes the report again from the facts; None leaves that out.
        progress: Called with the number of bytes read since the last call.

    Raises:
        UsageError: The dataset is no folder that can be read.
    """
    if not root.is_dir() or not os.access(root, os.R_OK | os.X_OK):
        raise UsageError(f"expected a dataset folder that can be read, got {root}")
    findings = Findings()
    gathered = gather(root, trust, now_ns, findings)
    chosen = max(gathered.candidates, key=lambda candidate: _rank(candidate, now_ns), default=None)
    _weigh_the_others(gathered, chosen, findings)
    rejudged = False
    if chosen is not None:
        _check_dates(chosen.statement, now_ns, findings)
        manifest = _read_manifest(root, chosen, findings)
        if manifest is not None:
            compare_files(root, manifest, findings, progress)
            rejudged = _check_judgement(root, chosen, manifest, rejudge, findings)
    return _verdict(findings, chosen, rejudged=rejudged)


def _rank(candidate: Candidate, now_ns: int) -> tuple[bool, int]:
    statement = candidate.statement
    valid_now = statement.issued_at_ns <= now_ns + _CLOCK_SKEW_NS and now_ns <= statement.valid_until_ns
    return valid_now, statement.issued_at_ns


def _weigh_the_others(gathered: Gathered, chosen: Candidate | None, findings: Findings) -> None:
    """Envelopes that do not count: notes beside one that counts, else the reason why nothing is decided."""
    for code, path, detail in gathered.passed_over:
        if chosen is None:
            findings.add(code, path, detail)
        else:
            findings.add("envelope_ignored", path, f"{code} {detail}")
    if chosen is None and not gathered.passed_over and not findings.has("invalid"):
        findings.add("no_attestation")


def _check_dates(statement: Statement, now_ns: int, findings: Findings) -> None:
    if statement.issued_at_ns > now_ns + _CLOCK_SKEW_NS:
        findings.add("not_yet_valid", detail=rfc3339(statement.issued_at_ns))
    if statement.valid_until_ns < now_ns:
        findings.add("attestation_expired", detail=rfc3339(statement.valid_until_ns))


def _read_manifest(root: Path, chosen: Candidate, findings: Findings) -> Manifest | None:
    path = f"{chosen.folder}/{MANIFEST_JSONL}"
    data = read_evidence(root, path, MAX_MANIFEST_BYTES, findings)
    if data is None:
        return None
    if sha256_hex(data) != chosen.statement.manifest_sha256:
        findings.add("manifest_changed", path)
        return None
    try:
        manifest = parse_manifest(data)
    except DataError as error:
        findings.add("manifest_malformed", path, error.message)
        return None
    if manifest.root != chosen.statement.merkle_root:
        findings.add("merkle_root_wrong", path)
    return manifest


def _check_judgement(
    root: Path, chosen: Candidate, manifest: Manifest, rejudge: Rejudge | None, findings: Findings
) -> bool:
    """Facts and report against their signed digests, facts against files; with `rejudge` the report against the facts.

    Returns:
        Whether the report was computed again and came out the same.
    """
    facts_path, report_path = f"{chosen.folder}/{FACTS_JSONL}", f"{chosen.folder}/{REPORT_JSONL}"
    with open_evidence(root, report_path, findings) as file:
        if file is not None and not _holds(file, chosen.statement.report_sha256):
            findings.add("report_changed", report_path)
        elif file is not None and not _bears_out(file, chosen.statement):
            findings.add("report_says_otherwise", report_path)
    with open_evidence(root, facts_path, findings) as file:
        if file is None:
            return False
        if not _holds(file, chosen.statement.facts_sha256):
            findings.add("facts_changed", facts_path)
            return False
        file.seek(0)
        for path in facts_differ(lines_in(file), manifest):
            findings.add("facts_of_other_files", path)
        if rejudge is None:
            return False
        file.seek(0)
        return _rejudge(lines_in(file), chosen, rejudge, findings)


def _holds(file: BinaryIO, sha256: str) -> bool:
    """Whether a file has the signed digest; one that is larger than any evidence has not."""
    fits = os.fstat(file.fileno()).st_size <= MAX_EVIDENCE_BYTES
    return fits and hash_stream(file, MAX_EVIDENCE_BYTES)[1] == sha256


def _bears_out(report: BinaryIO, statement: Statement) -> bool:
    """Whether the report's header names the signed profile and facts, and reaches the signed level."""
    report.seek(0)
    header = parse_json(report.readline(MAX_DOCUMENT_BYTES)).value or {}
    digests = header.get("digests")
    if not isinstance(digests, Mapping):
        return False
    said = (header.get("profile"), digests.get("profile"), digests.get("facts"))
    signed = (statement.profile, statement.profile_sha256, statement.facts_sha256)
    return said == signed and str(header.get("level") or "") >= statement.plain_level


def _rejudge(facts: Iterable[bytes], chosen: Candidate, rejudge: Rejudge, findings: Findings) -> bool:
    try:
        again = rejudge(facts, chosen.statement.predicate)
    except EmbodiedKitError as error:
        findings.add("rejudge_impossible", detail=error.message)
        return False
    if sha256_hex(again) != chosen.statement.report_sha256:
        findings.add("report_not_reproduced", f"{chosen.folder}/{REPORT_JSONL}")
        return False
    return True


def _verdict(findings: Findings, chosen: Candidate | None, *, rejudged: bool) -> Verification:
    state: VerdictState = "valid"
    if findings.has("indeterminate"):
        state = "indeterminate"
    if findings.has("invalid"):
        state = "invalid"
    reasons, counts = tuple(findings.kept), dict(findings.counts)
    if chosen is None:
        return Verification(state, reasons, counts)
    return Verification(state, reasons, counts, chosen.statement, chosen.signers, chosen.folder, rejudged)
