"""The statement: read from signed bytes only, strictly; a newer one is unknown, not wrong."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
from attest.lab import NOT_MEASURED, NOW_NS, PROFILE, SAFE_PATHS, Lab, codes, make_lab, profile_of
from hypothesis import given
from hypothesis import strategies as st

from embodied_kit.canonical import canonical_bytes, sha256_hex
from embodied_kit.episode.times import rfc3339
from embodied_kit.errors import DataError
from embodied_kit.model.report import Context, Finding, Place
from embodied_kit.model.rule import Profile
from embodied_kit.spec import check, standard
from embodied_validators.attest import Verification, build_manifest, read_statement
from embodied_validators.attest.envelope import parse_envelope, sign
from embodied_validators.attest.keys import load_signer
from embodied_validators.attest.moments import time_ns
from embodied_validators.attest.statement import level_mark, rules_digest
from embodied_validators.judge import judge


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    made = make_lab(tmp_path_factory.mktemp("lab"))
    made.attest()
    return made


def payload_of(lab: Lab) -> dict:
    line = next((lab.root / "attestation").glob("*/*.intoto.jsonl")).read_bytes()
    return json.loads(parse_envelope(line).payload)


def signed_again(lab: Lab, payload: object) -> Verification:
    """Verdict where the trusted key itself signed something else."""
    path = next((lab.root / "attestation").glob("*/*.intoto.jsonl"))
    good = path.read_bytes()
    path.write_bytes(sign(json.dumps(payload).encode(), load_signer(lab.key.private)))
    try:
        return lab.verify()
    finally:
        path.write_bytes(good)


def put(*keys: str | int, value: object = None) -> Callable[[dict], None]:
    def change(payload: dict) -> None:
        target = payload
        for key in keys[:-1]:
            target = target[key]
        assert target[keys[-1]] != value
        target[keys[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "code", "exit_code"),
    [
        (put("_type", value="https://in-toto.io/Statement/v2"), "statement_unknown", 3),
        (put("predicateType", value="https://in-toto.io/attestation/svr/v0.2"), "statement_unknown", 3),
        (put("predicate", "schema_version", value="2.0.0"), "statement_unknown", 3),
        (put("predicate", "schema_version", value=1), "statement_malformed", 1),
        (put("_type"), "statement_malformed", 1),
        (put("subject", value=[]), "statement_malformed", 1),
        (put("subject", value="x"), "statement_malformed", 1),
        (put("subject", 0, value="x"), "statement_malformed", 1),
        (put("subject", 0, "digest", value={}), "statement_malformed", 1),
        (put("subject", 0, "digest", "sha256", value="A" * 64), "statement_malformed", 1),
        (put("subject", 0, "digest", "sha256", value="a" * 64), "folder_mismatch", 1),
        (put("subject", 0, "digest", "embodiedKitUnitMerkleSha256", value="a" * 64), "merkle_root_wrong", 1),
        (put("predicate", value=[]), "statement_malformed", 1),
        (put("predicate", "level", value="L9"), "statement_malformed", 1),
        (put("predicate", "level", value=2), "statement_malformed", 1),
        (put("predicate", "profile", value="x"), "statement_malformed", 1),
        (put("predicate", "profile", "sha256", value="a" * 64), "report_says_otherwise", 1),
        (put("predicate", "profile", "name", value="other@1"), "report_says_otherwise", 1),
        (put("predicate", "facts_sha256", value="a" * 64), "facts_changed", 1),
        (put("predicate", "facts_sha256", value="a" * 63), "statement_malformed", 1),
        (put("predicate", "report_sha256", value="a" * 64), "report_changed", 1),
        (put("predicate", "report_sha256", value=1.5), "statement_malformed", 1),
        (put("predicate", "issued_at", value="2999-01-01T00:00:00Z"), "statement_malformed", 1),
        (put("predicate", "issued_at", value="yesterday"), "statement_malformed", 1),
        (put("predicate", "valid_until", value=None), "statement_malformed", 1),
        (put("predicate", "valid_until", value="2026-13-01T00:00:00Z"), "statement_malformed", 1),
    ],
)
def test_a_wrong_statement_under_a_good_signature(
    lab: Lab, change: Callable[[dict], None], code: str, exit_code: int
) -> None:
    payload = payload_of(lab)
    assert signed_again(lab, payload).state == "valid"
    change(payload)
    verification = signed_again(lab, payload)
    assert (code in {found for found, _ in codes(verification)}, verification.exit_code) == (True, exit_code)


@pytest.mark.parametrize("bundle", ["judging", "authoring"])
def test_predicate_satisfies_its_schema(lab: Lab, bundle: Literal["judging", "authoring"]) -> None:
    schema, predicate = standard().document_schema("attestation", bundle), payload_of(lab)["predicate"]
    assert check("attestation", predicate, schema) == []
    assert check("attestation", predicate | {"level": "L5"}, schema)


def test_unknown_fields_of_a_later_minor_version_do_no_harm(lab: Lab) -> None:
    payload = payload_of(lab)
    payload["predicate"] |= {"schema_version": "1.7.0", "x_new": 1}
    assert signed_again(lab, payload).state == "valid"


@pytest.mark.parametrize("payload", [b"", b"[]", b"{", b'{"_type":"a","_type":"b"}', b"\xff", b"[" * 100_000, b"{}"])
def test_payloads_that_are_no_statement(payload: bytes) -> None:
    with pytest.raises(DataError):
        read_statement(payload)


def test_a_level_that_the_report_does_not_reach_is_invalid(tmp_path: Path) -> None:
    lab = make_lab(tmp_path)
    paths = lab.attest(level="L1")
    report = paths.report.read_bytes().replace(b'"level":"L4"', b'"level":"L1"')
    assert report != paths.report.read_bytes()
    paths.report.write_bytes(report)
    payload = payload_of(lab)
    payload["predicate"]["report_sha256"] = sha256_hex(report)
    assert signed_again(lab, payload).state == "valid"
    payload["predicate"]["level"] = "L2-preview"
    assert codes(signed_again(lab, payload)) == {
        ("report_says_otherwise", paths.report.relative_to(lab.root).as_posix())
    }


def test_facts_of_other_files_are_found_though_signed(tmp_path: Path) -> None:
    lab = make_lab(tmp_path)
    paths = lab.attest()
    (lab.root / "tasks.json").write_bytes(b"other")
    manifest, payload = build_manifest(lab.root), payload_of(lab)
    shutil.move(paths.folder, paths.folder.with_name(manifest.digest))
    (paths.folder.with_name(manifest.digest) / "manifest.jsonl").write_bytes(manifest.data)
    payload["subject"][0]["digest"] = {"sha256": manifest.digest, "embodiedKitUnitMerkleSha256": manifest.root}
    assert codes(signed_again(lab, payload)) == {("facts_of_other_files", "tasks.json")}


def test_mark_says_preview() -> None:
    report, released = judge((), PROFILE, Context(NOW_NS)), Profile("core", "1.0", {}, ())
    assert level_mark("L2", PROFILE, report) == "L2-preview"
    assert level_mark("L2", released, report) == "L2"
    waived = Finding("TM-07", "error", "failed", "L2", Place())
    assert level_mark("L2", released, replace(report, waived=(waived,))) == "L2-with-waivers"
    assert level_mark("L1", released, replace(report, waived=(waived,))) == "L1"


def test_digest_of_rules_is_that_of_what_was_carried_out() -> None:
    digests = {rules_digest(profile_of(*rules, unknown=unknown)) for rules, unknown in (
        ((), ()), ((SAFE_PATHS,), ()), ((NOT_MEASURED,), ()), ((SAFE_PATHS,), ("ZZ-01",)),
    )}  # fmt: skip
    assert len(digests) == 4
    assert rules_digest(PROFILE) in digests


@given(st.integers(0, 4_000_000_000_000_000))
def test_times_read_back(microseconds: int) -> None:
    assert time_ns(rfc3339(microseconds * 1000)) == microseconds * 1000


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T08:00:00+08:00", 0),
        ("1970-01-01T00:00:01.5Z", 1.5),
        ("1969-12-31T23:59:59.9Z", -0.1),
    ],
)
def test_times_with_offset_and_fraction(text: str, seconds: float) -> None:
    assert time_ns(text) == seconds * 1e9


@pytest.mark.parametrize(
    "text", ["", "2026-01-01", "2026-01-01T00:00:00", "2026-01-01T00:00:00+99:00", "2026-01-01T00:00:00.1234567Z",
             "2026-00-01T00:00:00Z", "２026-01-01T00:00:00Z", "2026-01-01T00:00:00Z\n"],
)  # fmt: skip
def test_texts_that_are_no_time(text: str) -> None:
    with pytest.raises(DataError):
        time_ns(text)


def test_statement_is_canonical_and_holds_no_path_of_the_machine(lab: Lab) -> None:
    payload = payload_of(lab)
    line = next((lab.root / "attestation").glob("*/*.intoto.jsonl")).read_bytes()
    assert parse_envelope(line).payload == canonical_bytes(payload)
    assert str(lab.root) not in json.dumps(payload)
    assert payload["predicate"]["context"]["as_of_ns"] == str(NOW_NS)
