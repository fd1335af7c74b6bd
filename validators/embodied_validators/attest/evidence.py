"""The attestation folders of a dataset: which signed statements they hold for a reader, read within bounds."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from embodied_kit.episode.layout import ATTESTATION
from embodied_kit.episode.paths import UnsafePathError, is_real_directory, open_inside
from embodied_kit.errors import DataError
from embodied_validators.attest.envelope import MAX_ENVELOPE_BYTES, check_signatures, parse_envelope
from embodied_validators.attest.keys import Trust, TrustedKey
from embodied_validators.attest.manifest import is_digest
from embodied_validators.attest.reasons import Findings
from embodied_validators.attest.statement import Statement, UnknownStatementError, read_statement

MANIFEST_JSONL = "manifest.jsonl"
FACTS_JSONL = "facts.jsonl"
REPORT_JSONL = "report.jsonl"
ENVELOPES = "attestations.intoto.jsonl"
EVIDENCE = (MANIFEST_JSONL, FACTS_JSONL, REPORT_JSONL, ENVELOPES)
MAX_FOLDERS = 64
MAX_ENVELOPES = 64
MAX_ENVELOPES_BYTES = 32 * 2**20
MAX_ENTRIES = 10_000
MAX_LINE_BYTES = 64 * 2**20


@dataclass(frozen=True)
class Candidate:
    """A statement signed by a key that the reader trusts and that is valid.

    Attributes:
        folder: Path of its folder relative to the dataset.
        statement: What was signed.
        signers: The trusted keys whose signature holds.
    """

    folder: str
    statement: Statement
    signers: tuple[TrustedKey, ...]


@dataclass
class Gathered:
    """What the attestation folders hold for one reader at one time.

    Attributes:
        candidates: Statements that count.
        passed_over: Code, path and detail of envelopes that do not count for this reader.
    """

    trust: Trust
    now_ns: int
    findings: Findings
    candidates: list[Candidate] = field(default_factory=list)
    passed_over: list[tuple[str, str, str]] = field(default_factory=list)

    def weigh(self, line: bytes, folder: str) -> None:
        """One envelope: a candidate, passed over, or broken."""
        path = f"{folder}/{ENVELOPES}"
        try:
            envelope = parse_envelope(line)
        except DataError as error:
            self.findings.add("envelope_malformed", path, error.message)
            return
        signatures = check_signatures(envelope, self.trust)
        for keyid in signatures.broken:
            self.findings.add("signature_wrong", path, keyid)
        if not signatures.trusted:
            self.passed_over.extend(("no_trusted_key", path, keyid) for keyid in signatures.unknown)
            return
        try:
            statement = read_statement(envelope.payload)
        except UnknownStatementError as error:
            self.passed_over.append(("statement_unknown", path, error.message))
        except DataError as error:
            self.findings.add("statement_malformed", path, error.message)
        else:
            self._place(Candidate(folder, statement, signatures.trusted))

    def _place(self, signed: Candidate) -> None:
        path, issued_ns = f"{signed.folder}/{ENVELOPES}", signed.statement.issued_at_ns
        signers = tuple(key for key in signed.signers if key.valid_at(self.now_ns) and key.valid_at(issued_ns))
        if not signers:
            self.passed_over.extend(("key_not_valid", path, key.keyid) for key in signed.signers)
        elif signed.folder != f"{ATTESTATION}/{signed.statement.manifest_sha256}":
            self.findings.add("folder_mismatch", path, signed.statement.manifest_sha256)
        else:
            self.candidates.append(replace(signed, signers=signers))


def gather(root: Path, trust: Trust, now_ns: int, findings: Findings) -> Gathered:
    """Read every envelope of a dataset; what is broken becomes a finding.

    Args:
        root: The dataset's folder.
        trust: Keys that the reader trusts.
        now_ns: Date of the verification, ns since the Unix epoch.
        findings: Receives what is broken.
    """
    gathered, read = Gathered(trust, now_ns, findings), 0
    for folder in _folders(root, findings):
        path = f"{folder}/{ENVELOPES}"
        for line in _lines(root, path, findings):
            read += len(line)
            if read > MAX_ENVELOPES_BYTES:
                findings.add("too_many_attestations", path, f"> {MAX_ENVELOPES_BYTES} bytes")
                return gathered
            gathered.weigh(line, folder)
    return gathered


def read_evidence(root: Path, path: str, limit: int, findings: Findings) -> bytes | None:
    """Bytes of one evidence file; None with a finding where it is missing, unsafe or too large."""
    with open_evidence(root, path, findings) as file:
        size = 0 if file is None else min(os.fstat(file.fileno()).st_size, limit)
        data = None if file is None else file.read(size + 1)  # room is made for all that is asked for
    if data is not None and len(data) > limit:
        findings.add("evidence_too_large", path)
        return None
    return data


@contextmanager
def open_evidence(root: Path, path: str, findings: Findings) -> Iterator[BinaryIO | None]:
    """One evidence file, opened safely; None with a finding where that cannot be."""
    try:
        file = open_inside(root, path)
    except UnsafePathError as error:
        findings.add("evidence_unsafe", path, error.problem)
        yield None
        return
    except (FileNotFoundError, NotADirectoryError):
        findings.add("evidence_missing", path)
        yield None
        return
    except OSError as error:
        findings.add("evidence_unreadable", path, error.strerror or "")
        yield None
        return
    with file:
        yield file


def lines_in(file: BinaryIO) -> Iterator[bytes]:
    """Lines of an evidence file, one after the other; one that is too long to be read is cut, so it is no JSON."""
    return iter(partial(file.readline, MAX_LINE_BYTES + 1), b"")


def _folders(root: Path, findings: Findings) -> list[str]:
    """Folders named by a manifest digest; anything else beside them is named and left alone."""
    if not os.path.lexists(root / ATTESTATION):
        return []
    if not is_real_directory(root, ATTESTATION):
        findings.add("evidence_unsafe", ATTESTATION, "not a directory")
        return []
    try:
        with os.scandir(root / ATTESTATION) as listing:
            names = [item.name for item in islice(listing, MAX_ENTRIES + 1)]
    except OSError as error:
        findings.add("evidence_unreadable", ATTESTATION, error.strerror or "")
        return []
    for name in names:
        if not is_digest(name):
            findings.add("stray_evidence", f"{ATTESTATION}/{_shown(name)}")
    folders = sorted(f"{ATTESTATION}/{name}" for name in names if is_digest(name))
    if len(names) > MAX_ENTRIES or len(folders) > MAX_FOLDERS:
        findings.add("too_many_attestations", ATTESTATION, f"> {MAX_FOLDERS}")
    return folders[:MAX_FOLDERS]


def _lines(root: Path, path: str, findings: Findings) -> Iterator[bytes]:
    with open_evidence(root, path, findings) as file:
        for number in range(MAX_ENVELOPES + 1):
            line = b"" if file is None else file.readline(MAX_ENVELOPE_BYTES + 1)
            if not line and number == 0 and file is not None:
                findings.add("envelope_malformed", path, "empty")
            if not line:
                return
            if number == MAX_ENVELOPES:
                findings.add("too_many_attestations", path, f"> {MAX_ENVELOPES}")
                return
            yield line


def _shown(name: str) -> str:
    return os.fsencode(name).decode("utf-8", "backslashreplace")
