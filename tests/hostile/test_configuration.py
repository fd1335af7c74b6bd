"""Profiles, trust files and keys that are hostile or no such thing."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hostile.kit import EVIL, GOOD, ROOT, Program

from embodied_validators.attest.keys import new_key

PROFILE = ROOT / "schemas" / "v1" / "profiles" / "sim-preview@0.1.yaml"
PROFILES: Mapping[str, bytes] = {
    "empty": b"",
    "bytes": bytes(range(256)),
    "list": b"- a\n",
    "aliases": b"a: &a [x, x]\n" + b"".join(b"%c: [%s]\n" % (98 + n, b"*a, *a") for n in range(9)),
    "deep": b"[" * 100_000,
    "code": b"!!python/object/apply:os.system ['true']\n",
    "long": b"a: " + b"x" * (40 << 20),
    "terminal": b"profile_id: \x1b[31m\n",
    "version twice": PROFILE.read_bytes() + b"\nversion: '2'\n",
    "unknown member": PROFILE.read_bytes() + f"\n{json.dumps(EVIL)}: 1\n".encode(),
    "fixed rule": PROFILE.read_bytes() + b"\noverrides: {ST-01: {severity: info}}\n",
}


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_that_is_none_is_refused(name: str, program: Program, tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_bytes(PROFILES[name])
    assert "own.yaml" in program.refused(2, "validate", GOOD, "--depth", "index", "--profile", path)


@pytest.mark.parametrize("name", ["none@1", "sim-preview@9", "/dev/zero", "/", EVIL, "x" * 400, "../../../etc/passwd"])
def test_a_profile_that_does_not_exist_is_refused(name: str, program: Program) -> None:
    program.refused(2, "validate", GOOD, "--depth", "index", "--profile", name)


@pytest.fixture
def trusted(tmp_path: Path) -> Path:
    return new_key(tmp_path / "keys", "lab").trust


TRUST: Mapping[str, Callable[[dict[str, object]], object]] = {
    "another version": lambda it: it.update(schema_version="2.0.0"),
    "no keys": lambda it: it.update(keys=[]),
    "keys of another type": lambda it: it.update(keys={"a": 1}),
    "an unknown member": lambda it: it.update({EVIL: 1}),
    "a foreign key id": lambda it: it["keys"][0].update(keyid=EVIL),  # type: ignore[index]
    "no pem": lambda it: it["keys"][0].update(public_key="\0"),  # type: ignore[index]
    "a foolish date": lambda it: it["keys"][0].update(not_after="yesterday"),  # type: ignore[index]
    "a role of its own": lambda it: it["keys"][0].update(roles=[["lab"]]),  # type: ignore[index]
}


@pytest.mark.parametrize("name", TRUST)
def test_a_trust_file_that_is_none_is_refused(name: str, trusted: Path, program: Program) -> None:
    document = json.loads(trusted.read_bytes())
    TRUST[name](document)
    trusted.write_text(json.dumps(document))
    program.refused(2, "verify", GOOD, "--trust", trusted)


@pytest.mark.parametrize("data", [b"", b"[]", b"{" * 100_000, b"\xff", b"{}", b"x" * (2 << 20)], ids=range(6))
def test_other_bytes_are_no_trust_file_and_no_key(data: bytes, trusted: Path, program: Program) -> None:
    trusted.write_bytes(data)
    program.refused(2, "verify", GOOD, "--trust", trusted)


@pytest.mark.parametrize("kind", ["missing", "folder", "loop", "public", "text"])
def test_a_key_that_is_none_is_refused_before_anything_is_written(
    kind: str, trusted: Path, program: Program, tmp_path: Path
) -> None:
    sealed = tmp_path / "set"
    sealed.mkdir()
    for path in GOOD.rglob("*"):
        target = sealed / path.relative_to(GOOD)
        target.mkdir(exist_ok=True) if path.is_dir() else target.write_bytes(path.read_bytes())
    key = tmp_path / "key"
    ways: Mapping[str, Callable[[], object]] = {
        "folder": key.mkdir,
        "loop": lambda: key.symlink_to(key),
        "public": lambda: key.write_bytes(trusted.with_name("lab.pub").read_bytes()),
        "text": lambda: key.write_bytes(b"-----BEGIN PRIVATE KEY-----\nnonsense\n"),
    }
    ways.get(kind, lambda: None)()
    before = sorted(os.walk(sealed))
    program.refused(2, "attest", sealed, "--level", "L1", "--key", key)
    assert sorted(os.walk(sealed)) == before
