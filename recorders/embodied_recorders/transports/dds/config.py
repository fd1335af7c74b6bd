"""Configuration of Cyclone DDS: what leaves which interface, and how much the kernel may buffer."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

LOOPBACK = "127.0.0.1"
_URI = "CYCLONEDDS_URI"


def domain_xml(interface: str | None = LOOPBACK, peers: Sequence[str] = ()) -> str:
    """Configuration text for one interface.

    On loopback, multicast serves discovery only (Fast DDS announces itself in no other way, and does so on loopback
    too), and fragments are 65 kB: a tenth of the packets, so a tenth of the socket buffer's bookkeeping. The buffer is
    asked for with `max=`, which takes what the kernel grants; an unreachable `min=` would make the participant fail.
    `ParticipantIndex auto` is what ROS nodes use, so `localhost` finds up to 32 of them.

    Args:
        interface: Address or name of the interface, e.g. `127.0.0.1`, `eth0`; None where another text chooses it.
        peers: Addresses of further hosts to look for participants on.
    """
    loopback = interface in {LOOPBACK, "lo", "localhost"}
    chosen = "" if interface is None else _interfaces(LOOPBACK if loopback else interface)
    addresses = "".join(f'<Peer address="{peer}"/>' for peer in ("localhost", *peers))
    fragments = "<MaxMessageSize>65500B</MaxMessageSize><FragmentSize>65000B</FragmentSize>" if loopback else ""
    return (
        '<Domain Id="any"><General>'
        f"{chosen}<AllowMulticast>{'spdp' if loopback else 'default'}</AllowMulticast>{fragments}</General>"
        "<Discovery><ParticipantIndex>auto</ParticipantIndex>"
        f"<MaxAutoParticipantIndex>32</MaxAutoParticipantIndex><Peers>{addresses}</Peers></Discovery>"
        '<Internal><SocketReceiveBufferSize max="64MB"/></Internal></Domain>'
    )


@contextmanager
def applied(interface: str, peers: Sequence[str]) -> Iterator[None]:
    """Let the library read our configuration, then the user's own CYCLONEDDS_URI, which wins.

    Interfaces would add up there, and one that is named twice is an error: where the user chooses, we do not. The
    library reads the variable when the first participant of a domain is made in a process and counts the domain's
    users itself, so it is set only for that call.
    """
    before = os.environ.get(_URI)
    xml = domain_xml(None if before and _chooses_interfaces(before) else interface, peers)
    os.environ[_URI] = f"{xml},{before}" if before else xml
    try:
        yield
    finally:
        if before is None:
            del os.environ[_URI]
        else:
            os.environ[_URI] = before


def _chooses_interfaces(uri: str) -> bool:
    """Whether a CYCLONEDDS_URI, text and files of it, names interfaces."""
    texts = [uri]
    for part in uri.split(","):
        if not part.lstrip().startswith("<"):
            with suppress(OSError, ValueError):  # no file: the library says so itself
                texts.append(Path(part.strip().removeprefix("file://")).read_text(encoding="utf-8"))
    return any("NetworkInterface" in text for text in texts)


def _interfaces(address: str) -> str:
    kind = "address" if _is_address(address) else "name"
    return f'<Interfaces><NetworkInterface {kind}="{address}"/></Interfaces>'


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
