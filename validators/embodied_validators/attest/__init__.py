"""Conformity attestation: a manifest of every file, a signed statement over it, and its check, all offline."""

from embodied_validators.attest.attest import AttestationPaths, NotReachedError, Obstacle, attest, obstacles
from embodied_validators.attest.judgement import Judgement
from embodied_validators.attest.keys import NewKey, Trust, TrustedKey, load_trust, new_key, parse_trust
from embodied_validators.attest.manifest import (
    InclusionProof,
    Manifest,
    Unit,
    build_manifest,
    check_inclusion,
    parse_manifest,
    prove_inclusion,
)
from embodied_validators.attest.reasons import REASONS, Reason
from embodied_validators.attest.statement import PREDICATE_TYPE, Statement, read_statement
from embodied_validators.attest.text import verification_document, verification_text
from embodied_validators.attest.verify import Rejudge, Verification, verify

__all__ = [
    "PREDICATE_TYPE",
    "REASONS",
    "AttestationPaths",
    "InclusionProof",
    "Judgement",
    "Manifest",
    "NewKey",
    "NotReachedError",
    "Obstacle",
    "Reason",
    "Rejudge",
    "Statement",
    "Trust",
    "TrustedKey",
    "Unit",
    "Verification",
    "attest",
    "build_manifest",
    "check_inclusion",
    "load_trust",
    "new_key",
    "obstacles",
    "parse_manifest",
    "parse_trust",
    "prove_inclusion",
    "read_statement",
    "verification_document",
    "verification_text",
    "verify",
]
