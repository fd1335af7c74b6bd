"""Proof, once a process, that the library's private structures are what `native.py` believes."""

from __future__ import annotations

import functools
from typing import Final

from embodied_kit.errors import EnvironmentUnfitError
from embodied_kit.model.stream import Qos

from .native import INSTALL, Native, load
from .raw import Drain, RawReader, RawWriter

# Beyond the domains that ROS allows (0-232); without network, discovery or multicast.
_DOMAIN_ID: Final = 0xFFFF
_QUIET: Final = (
    '<Domain Id="any"><General><Interfaces><NetworkInterface address="127.0.0.1"/></Interfaces>'
    "<AllowMulticast>false</AllowMulticast></General><Discovery><ParticipantIndex>none</ParticipantIndex></Discovery>"
    "</Domain>"
)
_CDR: Final = bytes.fromhex("00010000") + bytes(range(1, 21))
_SOURCE_NS: Final = 1_700_000_000_123_456_789


@functools.cache
def proven() -> Native:
    """The library after a round trip of one message through memory: its bytes and its source stamp are the same.

    Raises:
        EnvironmentUnfitError: They are not, or the library does not load.
    """
    native = load()
    domain = native.call("dds_create_domain", _DOMAIN_ID, _QUIET.encode())
    try:
        got = _round_trip(native)
    finally:
        native.call("dds_delete", domain)
    if got != [(_CDR, _SOURCE_NS)]:
        raise EnvironmentUnfitError("expected a message back from DDS unchanged, got another one", remedy=INSTALL)
    return native


def _round_trip(native: Native) -> list[tuple[bytes, int]]:
    """What a reader gets of one message written in the same participant: (CDR, source stamp in ns)."""
    participant = native.call("dds_create_participant", _DOMAIN_ID, None, None)
    name, qos = ("embodied_kit_selftest", "embodied_kit::SelfTest"), Qos()
    reader = RawReader(native, participant, *name, qos=qos, type_hash=None)
    RawWriter(native, participant, *name, qos=qos, type_hash=None).write(_CDR, _SOURCE_NS)
    _, messages = Drain(native).take(reader)
    return [(cdr, source_ns) for cdr, source_ns, _ in messages]
