"""Ed25519 keys and the list of keys that a reader trusts; trust comes from the caller, never from the dataset."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from securesystemslib.signer import CryptoSigner, SSlibKey  # type: ignore[attr-defined]  # public, without __all__

from embodied_kit.canonical import parse_json, pretty_bytes
from embodied_kit.episode.layout import DATASET_JSON
from embodied_kit.errors import DataError, EnvironmentUnfitError, UsageError
from embodied_kit.model.json import JsonObject, JsonValue
from embodied_validators.attest.moments import time_ns

Role = Literal["lab", "verifier", "centre"]
ROLES: tuple[Role, ...] = ("lab", "verifier", "centre")
TRUST_VERSION = "1.0.0"
_MAX_TRUST_BYTES = 2**20
_MAX_KEY_BYTES = 2**16
_KEY_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_KEY_FIELDS = {"keyid", "public_key", "name", "roles", "not_before", "not_after"}


@dataclass(frozen=True)
class TrustedKey:
    """One public key that the caller trusts.

    Attributes:
        keyid: SHA-256 of the key in securesystemslib's form, so that one key has one id.
        name: Who holds it, for people.
        not_before_ns, not_after_ns: Bounds of its validity, ns since the Unix epoch; None for no bound.
    """

    keyid: str
    name: str
    roles: tuple[Role, ...]
    key: SSlibKey
    not_before_ns: int | None = None
    not_after_ns: int | None = None

    def valid_at(self, moment_ns: int) -> bool:
        """Whether a moment lies within its validity."""
        after_start = self.not_before_ns is None or self.not_before_ns <= moment_ns
        return after_start and (self.not_after_ns is None or moment_ns <= self.not_after_ns)


@dataclass(frozen=True)
class Trust:
    """Keys that the caller trusts, by key id."""

    keys: Mapping[str, TrustedKey] = field(default_factory=dict)


@dataclass(frozen=True)
class NewKey:
    """Files of a key that was made.

    Attributes:
        private: PKCS#8 PEM, readable by its owner only.
        public: SubjectPublicKeyInfo PEM.
        trust: Trust file with this one key, to be handed to whoever verifies.
    """

    keyid: str
    private: Path
    public: Path
    trust: Path


def new_key(folder: Path, name: str, passphrase: str | None = None, *, roles: tuple[Role, ...] = ("lab",)) -> NewKey:
    """Make an Ed25519 key: `<name>.pem`, `<name>.pub` and `<name>.trust.json`.

    Args:
        folder: Where they are put; made if it does not exist.
        name: Slug of the holder.
        passphrase: Encrypts the private key; None leaves it in the clear.
        roles: What the trust file says the key may be used for.

    Raises:
        UsageError: The name is no slug, a file exists already, or the folder lies in a dataset.
        EnvironmentUnfitError: The files cannot be written.
    """
    if not _KEY_NAME.fullmatch(name):
        raise UsageError(f"expected a key name of a-z, 0-9, _ and -, got {name!r}")
    here = Path(os.path.realpath(folder))
    if any((parent / DATASET_JSON).is_file() for parent in (here, *here.parents)):
        raise UsageError(
            f"expected a folder outside any dataset for a private key, got {folder}",
            remedy="choose a folder that is never shared, e.g. ~/.embodied-kit/keys",
        )
    private = Ed25519PrivateKey.generate()
    signer = CryptoSigner(private)
    made = NewKey(signer.public_key.keyid, *(folder / f"{name}{end}" for end in (".pem", ".pub", ".trust.json")))
    public = _public_pem(private.public_key())
    for path in (made.private, made.public, made.trust):
        if path.exists():
            raise UsageError(f"expected a new key, got {path} that exists", remedy="choose another name")
    _write_new(made.private, _private_pem(private, passphrase), mode=0o600)
    _write_new(made.public, public.encode("ascii"), mode=0o644)
    _write_new(made.trust, pretty_bytes(_trust_document(made.keyid, public, name, roles)), mode=0o644)
    return made


def load_signer(path: Path, passphrase: str | None = None) -> CryptoSigner:
    """Signer of a private key file.

    Raises:
        UsageError: It is missing, no Ed25519 PEM, or the passphrase is not the right one.
    """
    try:
        key = load_pem_private_key(_read(path, _MAX_KEY_BYTES), passphrase.encode("utf-8") if passphrase else None)
    except TypeError as error:
        expected = "no passphrase, the key is not encrypted" if passphrase else "a passphrase, the key is encrypted"
        raise UsageError(f"expected {expected}: {path}") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise UsageError(f"expected a private key in PEM and its passphrase, got {path} that does not open") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError(f"expected an Ed25519 key, got another kind in {path}", remedy="embodied-kit keys new NAME")
    return CryptoSigner(key)


def load_trust(path: Path, *, dataset: Path) -> Trust:
    """Keys of a trust file.

    Args:
        path: The trust file.
        dataset: The dataset that is to be verified; a trust file inside it proves nothing and is refused.

    Raises:
        UsageError: It lies inside the dataset, is missing, or is not a trust file.
    """
    home, *places = (os.path.realpath(item) for item in (dataset, path, path.parent))  # resolve() fails over circles
    if any(Path(place).is_relative_to(home) for place in places):  # nor a link in it
        raise UsageError(
            f"expected a trust file from outside the dataset, got {path}",
            remedy="get the key from its holder by another way, and keep it apart from the data",
        )
    try:
        return parse_trust(_read(path, _MAX_TRUST_BYTES))
    except DataError as error:
        raise UsageError(f"{path} is no trust file: {error.message}") from error


def parse_trust(data: bytes) -> Trust:
    """Read the bytes of a trust file strictly.

    Raises:
        DataError: Anything in it is unknown, missing or inconsistent.
    """
    result = parse_json(data, max_bytes=_MAX_TRUST_BYTES, max_depth=4)
    document = result.value
    if document is None:
        raise DataError(f"expected a JSON object, got {result.problem}")
    if set(document) != {"schema_version", "keys"} or document["schema_version"] != TRUST_VERSION:
        raise DataError(f"expected schema_version {TRUST_VERSION} and keys")
    items = document["keys"]
    if not isinstance(items, list) or not items:
        raise DataError("expected a list of at least one key")
    keys = [_parse_key(item) for item in items]
    trust = {key.keyid: key for key in keys}
    if len(trust) != len(keys):
        raise DataError("expected each key once")
    return Trust(trust)


def _parse_key(item: JsonValue) -> TrustedKey:
    if not isinstance(item, dict) or set(item) - _KEY_FIELDS:
        raise DataError(f"expected keys of the fields {', '.join(sorted(_KEY_FIELDS))}")
    keyid, pem, name, roles = (item.get(key) for key in ("keyid", "public_key", "name", "roles"))
    if not (isinstance(keyid, str) and isinstance(pem, str) and isinstance(name, str) and isinstance(roles, list)):
        raise DataError("expected keyid, public_key, name and roles in each key")
    if not roles or any(role not in ROLES for role in roles):
        raise DataError(f"expected roles of {', '.join(ROLES)}")
    key = _public_key(pem)
    if key.keyid != keyid:
        raise DataError(f"expected the keyid {key.keyid} of the public key, got {keyid[:80]}")
    bounds = (_bound(item, "not_before"), _bound(item, "not_after"))
    return TrustedKey(keyid, name, tuple(cast("list[Role]", roles)), key, *bounds)


def _public_key(pem: str) -> SSlibKey:
    try:
        key = load_pem_public_key(pem.encode("utf-8"))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise DataError("expected a public key in PEM") from error
    if not isinstance(key, Ed25519PublicKey):
        raise DataError("expected an Ed25519 public key")
    return SSlibKey.from_crypto(key)


def _bound(item: JsonObject, name: str) -> int | None:
    text = item.get(name)
    if text is None:
        return None
    if not isinstance(text, str):
        raise DataError(f"expected a time in {name}")
    return time_ns(text)


def _trust_document(keyid: str, public: str, name: str, roles: tuple[Role, ...]) -> JsonObject:
    key: JsonObject = {"keyid": keyid, "public_key": public, "name": name, "roles": list(roles)}
    return {"schema_version": TRUST_VERSION, "keys": [key]}


def _public_pem(key: Ed25519PublicKey) -> str:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")


def _private_pem(key: Ed25519PrivateKey, passphrase: str | None) -> bytes:
    encryption: KeySerializationEncryption = NoEncryption()
    if passphrase:
        encryption = BestAvailableEncryption(passphrase.encode("utf-8"))
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def _write_new(path: Path, data: bytes, *, mode: int) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(data)
    except OSError as error:
        raise EnvironmentUnfitError(f"cannot write {path}: {error.strerror}") from error


def _read(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    if len(data) > limit:
        raise UsageError(f"expected a file of at most {limit} bytes, got more: {path}")
    return data
