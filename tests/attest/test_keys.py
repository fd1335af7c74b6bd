"""Keys and trust files: made safely, read strictly, never taken from the dataset."""

import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from attest.lab import FILES, make_lab, write_files
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from embodied_kit.errors import DataError, UsageError
from embodied_validators.attest import load_trust, new_key, parse_trust
from embodied_validators.attest.keys import load_signer


def test_a_new_key(tmp_path: Path) -> None:
    key = new_key(tmp_path / "a/b", "lab", roles=("lab", "verifier"))
    assert {path.name for path in (tmp_path / "a/b").iterdir()} == {"lab.pem", "lab.pub", "lab.trust.json"}
    assert stat.S_IMODE(key.private.stat().st_mode) == 0o600
    assert load_signer(key.private).public_key.keyid == key.keyid
    trusted = parse_trust(key.trust.read_bytes()).keys[key.keyid]
    assert (trusted.name, trusted.roles) == ("lab", ("lab", "verifier"))
    assert json.loads(key.trust.read_text())["keys"][0]["public_key"] == key.public.read_text()
    assert key.private.read_bytes() not in key.trust.read_bytes()


def test_two_keys_differ(tmp_path: Path) -> None:
    assert new_key(tmp_path, "a").keyid != new_key(tmp_path, "b").keyid


def test_a_passphrase_encrypts(tmp_path: Path) -> None:
    key = new_key(tmp_path, "lab", "secret")
    assert b"ENCRYPTED" in key.private.read_bytes()
    assert load_signer(key.private, "secret").public_key.keyid == key.keyid
    for wrong in (None, "Secret"):
        with pytest.raises(UsageError, match="passphrase"):
            load_signer(key.private, wrong)
    plain = new_key(tmp_path, "plain")
    with pytest.raises(UsageError, match="no passphrase"):
        load_signer(plain.private, "secret")


@pytest.mark.parametrize("end", [".pem", ".pub", ".trust.json"])
def test_nothing_is_overwritten(tmp_path: Path, end: str) -> None:
    (tmp_path / f"lab{end}").write_bytes(b"mine")
    with pytest.raises(UsageError, match="exists"):
        new_key(tmp_path, "lab")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"mine"]


@pytest.mark.parametrize("name", ["", "../x", "A", "a b", "-a", "a" * 65, "a\n"])
def test_names_are_slugs(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="name"):
        new_key(tmp_path, name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("folder", ["", "keys", "episodes/keys"])
def test_no_private_key_in_a_dataset(tmp_path: Path, folder: str) -> None:
    write_files(tmp_path, {"dataset.json": FILES["dataset.json"]})
    with pytest.raises(UsageError, match="outside any dataset"):
        new_key(tmp_path / folder, "lab")
    assert not list(tmp_path.rglob("*.pem"))


@pytest.mark.parametrize(
    "data",
    [b"", b"no key", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", b"\xff" * 100, b"x" * 2**17],
)
def test_files_that_are_no_key(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "key").write_bytes(data)
    with pytest.raises(UsageError):
        load_signer(tmp_path / "key")
    with pytest.raises(UsageError, match="cannot read"):
        load_signer(tmp_path / "missing")


def test_another_kind_of_key_is_refused(tmp_path: Path) -> None:
    other = generate_ec_key(SECP256R1())
    (tmp_path / "key").write_bytes(other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(UsageError, match="Ed25519"):
        load_signer(tmp_path / "key")
    public = other.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    entry = {"keyid": "0" * 64, "public_key": public, "name": "x", "roles": ["lab"]}
    with pytest.raises(DataError, match="Ed25519"):
        parse_trust(json.dumps({"schema_version": "1.0.0", "keys": [entry]}).encode())


# Trust


def test_trust_inside_the_dataset_is_refused(tmp_path: Path) -> None:
    lab = make_lab(tmp_path)
    assert load_trust(lab.key.trust, dataset=lab.root).keys
    write_files(
        lab.root, {"attestation/trust.json": lab.key.trust.read_bytes(), "trust.json": lab.key.trust.read_bytes()}
    )
    (lab.root / "link.json").symlink_to(lab.key.trust)  # the dataset would choose
    (tmp_path / "out.json").symlink_to(lab.root / "trust.json")
    (tmp_path / "alias").symlink_to(lab.root)
    inside = ("set/trust.json", "set/attestation/trust.json", "set/link.json", "out.json", "alias/trust.json")
    for path in (*inside, "keys/../set/trust.json"):
        with pytest.raises(UsageError, match="outside the dataset"):
            load_trust(tmp_path / path, dataset=lab.root)
    with pytest.raises(UsageError, match="outside the dataset"):
        load_trust(tmp_path / "set/trust.json", dataset=tmp_path / "alias")


def test_trust_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_bytes(b"{")
    for name in ("bad.json", "missing.json"):
        with pytest.raises(UsageError, match=name):
            load_trust(tmp_path / name, dataset=tmp_path / "set")


def spoil_key(**fields: object) -> Callable[[dict], object]:
    return lambda trust: trust["keys"][0].update(fields)


@pytest.mark.parametrize(
    "change",
    [
        lambda trust: trust.update(schema_version="2.0.0"),
        lambda trust: trust.update(extra=1),
        lambda trust: trust.pop("keys"),
        lambda trust: trust.update(keys=[]),
        lambda trust: trust.update(keys={}),
        lambda trust: trust.update(keys=["x"]),
        lambda trust: trust["keys"].append(trust["keys"][0]),
        spoil_key(extra=1),
        spoil_key(keyid="0" * 64),
        spoil_key(keyid=7),
        spoil_key(public_key="x"),
        spoil_key(public_key=None),
        spoil_key(name=1),
        spoil_key(roles=[]),
        spoil_key(roles=["king"]),
        spoil_key(roles=[["lab"]]),
        spoil_key(roles="lab"),
        spoil_key(not_after="tomorrow"),
        spoil_key(not_after="2026-02-30T00:00:00Z"),
        spoil_key(not_before=7),
    ],
)
def test_trust_is_read_strictly(tmp_path: Path, change: Callable[[dict], object]) -> None:
    good = json.loads(new_key(tmp_path, "lab").trust.read_bytes())
    parse_trust(json.dumps(good).encode())
    change(good)
    with pytest.raises(DataError):
        parse_trust(json.dumps(good).encode())


def test_a_key_cannot_count_twice_under_two_ids(tmp_path: Path) -> None:
    good = json.loads(new_key(tmp_path, "lab").trust.read_bytes())
    good["keys"].append(good["keys"][0] | {"keyid": "1" * 64})
    with pytest.raises(DataError, match="keyid"):
        parse_trust(json.dumps(good).encode())
