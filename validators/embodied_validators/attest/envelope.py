"""DSSE envelopes, one canonical line each: signing, strict reading, and whose signatures hold."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import UnverifiedSignatureError
from securesystemslib.signer import CryptoSigner, Signature  # type: ignore[attr-defined]  # public, without __all__

from embodied_kit.canonical import canonical_bytes, parse_json
from embodied_kit.errors import DataError
from embodied_kit.model.json import JsonValue
from embodied_validators.attest.keys import Trust, TrustedKey

PAYLOAD_TYPE = "application/vnd.in-toto+json"
MAX_ENVELOPE_BYTES = 4 * 2**20
_MAX_SIGNATURES = 16
_KEYID = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Signatures:
    """What the signatures of an envelope are worth to one reader.

    Attributes:
        trusted: Trusted keys whose signature holds; each key counts once.
        broken: Key ids that are trusted and whose signature does not hold.
        unknown: Key ids that the reader does not trust.
    """

    trusted: tuple[TrustedKey, ...]
    broken: tuple[str, ...]
    unknown: tuple[str, ...]


def sign(payload: bytes, signer: CryptoSigner) -> bytes:
    """One line of attestations.intoto.jsonl: the signed payload in JCS, and LF."""
    envelope = Envelope(payload, PAYLOAD_TYPE, {})
    envelope.sign(signer)
    return canonical_bytes(envelope.to_dict()) + b"\n"


def parse_envelope(line: bytes) -> Envelope:
    """Read one line strictly: exactly the fields of DSSE, canonical base64, each key id once.

    Raises:
        DataError: It is not so.
    """
    if not (line.startswith(b"{") and line.endswith(b"}\n")):
        raise DataError("expected one JSON object a line, each ending with a newline")
    value = parse_json(line, max_bytes=MAX_ENVELOPE_BYTES, max_depth=3).value
    if value is None or set(value) != {"payload", "payloadType", "signatures"}:
        raise DataError("expected payload, payloadType and signatures")
    if value["payloadType"] != PAYLOAD_TYPE:
        raise DataError(f"expected the payload type {PAYLOAD_TYPE}")
    signatures = value["signatures"]
    if not isinstance(signatures, list) or not 1 <= len(signatures) <= _MAX_SIGNATURES:
        raise DataError(f"expected 1 to {_MAX_SIGNATURES} signatures")
    read = [_parse_signature(signature) for signature in signatures]
    by_keyid = {signature.keyid: signature for signature in read}
    if len(by_keyid) != len(read):
        raise DataError("expected one signature a key")
    return Envelope(_decode(value["payload"]), PAYLOAD_TYPE, by_keyid)


def check_signatures(envelope: Envelope, trust: Trust) -> Signatures:
    """Hold each signature against the trusted key of its id.

    A key id only selects the key: `parse_trust` ties it to the key itself, so that no key counts twice.
    """
    trusted, broken, unknown = [], [], []
    for keyid, signature in envelope.signatures.items():
        key = trust.keys.get(keyid)
        if key is None:
            unknown.append(keyid)
        elif _holds(key, signature, envelope.pae()):
            trusted.append(key)
        else:
            broken.append(keyid)
    return Signatures(tuple(trusted), tuple(broken), tuple(unknown))


def _holds(key: TrustedKey, signature: Signature, signed: bytes) -> bool:
    try:
        key.key.verify_signature(signature, signed)
    except UnverifiedSignatureError:
        return False
    return True


def _parse_signature(value: JsonValue) -> Signature:
    if not isinstance(value, dict) or set(value) != {"keyid", "sig"}:
        raise DataError("expected keyid and sig in each signature")
    keyid = value["keyid"]
    if not isinstance(keyid, str) or not _KEYID.fullmatch(keyid):
        raise DataError("expected a key id of 64 hex digits")
    return Signature(keyid, _decode(value["sig"]).hex())


def _decode(text: JsonValue) -> bytes:
    """Bytes of canonical base64: other texts of the same bytes would make an envelope malleable."""
    if not isinstance(text, str):
        raise DataError("expected base64 text")
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise DataError("expected base64 text") from error
    if base64.b64encode(data).decode("ascii") != text:
        raise DataError("expected canonical base64")
    return data
