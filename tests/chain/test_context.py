"""Recipient, purpose and ledger from the command line to the signed predicate and back."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from chain.test_levels import profile_copy
from chain.test_samples import SAMPLES

from embodied_kit.cli import main
from embodied_kit.cli.circumstances import PURPOSES
from embodied_kit.spec import standard
from embodied_validators.profiles import load_profile

LEDGER = {"exporter": "Lab", "year": 2026, "persons": 10, "sensitive_persons": 0}
RULES = ["PR-03", "PR-13", "PR-16", "PR-17", "PR-18"]


def written(path: Path, value: Any) -> str:
    path.write_text(json.dumps(value), encoding="utf-8")
    return str(path)


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SAMPLES / "good" / "dataset", tmp_path / "ds"))


@pytest.fixture
def options(tmp_path: Path) -> list[str]:
    rules = [*(rule.rule_id for rule in load_profile("sim-preview@0.1").rules), *RULES]
    profile = str(profile_copy(tmp_path, rules=list(dict.fromkeys(rules))))
    recipient = written(tmp_path / "r.json", {"id": "anyone", "country": "HK", "gba_member": True})
    return ["--profile", profile, "--purpose", "export", "--recipient", recipient]


def test_what_was_signed_can_be_judged_again_with_the_same_ledger_only(
    dataset: Path, options: list[str], tmp_path: Path
) -> None:
    ledger = written(tmp_path / "l.json", LEDGER)
    assert main(["keys", "new", "lab", "--dir", str(tmp_path)]) == 0
    key = ["--level", "L2", "--key", str(tmp_path / "lab.pem")]
    assert main(["attest", str(dataset), *key, *options, "--ledger", ledger]) == 0
    (envelopes,) = dataset.glob("attestation/*/attestations.intoto.jsonl")
    assert b"persons" not in envelopes.read_bytes(), "the ledger stays with the exporter"

    def verify(*more: str) -> int:
        trust = ["--trust", str(tmp_path / "lab.trust.json")]
        return main(["verify", str(dataset), *trust, "--rejudge", *options[:2], *more])

    assert verify("--ledger", ledger) == 0
    assert verify() != 0
    assert verify("--ledger", written(tmp_path / "m.json", {**LEDGER, "persons": 11})) != 0


def test_rules_of_export_are_asked_only_for_export(
    dataset: Path, options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    governance = dataset / "governance.json"
    document = json.loads(governance.read_bytes())
    governance.write_text(json.dumps({**document, "export_mechanism": "none"}), encoding="utf-8")
    words = ["--lang", "en", "validate", str(dataset), "--level", "L2"]
    assert main([*words, *options[:2]]) == 0
    assert "PR-16" not in capsys.readouterr().out
    assert main([*words, *options]) == 1
    assert "PR-16" in capsys.readouterr().out


def test_the_date_decides_which_table_is_in_force(
    dataset: Path, options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--lang", "en", "validate", str(dataset), *options]
    main([*words, "--as-of", "2025-12-31"])
    assert "L1 not reached: PR-13 undecided" in capsys.readouterr().out, "no table of that date"
    main([*words, "--as-of", "2026-12-31T08:00:00+08:00"])
    assert "PR-13" not in capsys.readouterr().out
    assert main([*words, "--as-of", "tomorrow"]) == 2


def test_purposes_are_the_words_of_consent() -> None:
    assert standard().vocabulary("consent_scope").codes == PURPOSES
