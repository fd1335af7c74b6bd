"""QoS in the words of a liveliness token: `reliability:durability:history,depth:deadline:lifespan:liveliness`.

Numbers are those of rmw's enums; what equals the default of rmw_zenoh is left empty.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from embodied_kit.model.stream import Durability, History, Qos, Reliability

DEFAULT_DEPTH: Final = 42
_RELIABILITY: Final[Mapping[str, Reliability]] = {"": "reliable", "1": "reliable", "2": "best_effort"}
_DURABILITY: Final[Mapping[str, Durability]] = {"": "volatile", "1": "transient_local", "2": "volatile"}
_HISTORY: Final[Mapping[str, History]] = {"": "keep_last", "1": "keep_last", "2": "keep_all"}
_NS_PER_S: Final = 10**9
# rmw's infinite duration, 2**63 - 1 ns, which is the default.
_INFINITE_NS: Final = 2**63 - 1
_TEXT: Final = re.compile(
    r"(\d?):(\d?):(\d?),(\d{0,19}):(\d{0,19}),(\d{0,19}):(\d{0,19}),(\d{0,19}):\d?,\d{0,19},\d{0,19}"
)


def qos_text(qos: Qos) -> str:
    """Text of a QoS; its liveliness is the default, automatic."""
    reliability = "" if qos.reliability == "reliable" else "2"
    durability = "" if qos.durability == "volatile" else "1"
    history = "2" if qos.history == "keep_all" else ""
    depth = "" if qos.history == "keep_all" or qos.depth == DEFAULT_DEPTH else str(qos.depth)
    return f"{reliability}:{durability}:{history},{depth}:{_duration(qos.deadline_ns)}:{_duration(qos.lifespan_ns)}:,,"


def qos_of(text: str) -> Qos | None:
    """QoS of a text; None where the text has another form. What rmw calls unknown is taken for its default."""
    found = _TEXT.fullmatch(text)
    if found is None:
        return None
    reliability, durability, history, depth, *durations = found.groups()
    kept: History = _HISTORY.get(history, "unknown")
    return Qos(
        reliability=_RELIABILITY.get(reliability, "reliable"),
        durability=_DURABILITY.get(durability, "volatile"),
        history=kept,
        depth=int(depth or DEFAULT_DEPTH) if kept == "keep_last" else 0,
        deadline_ns=_duration_ns(durations[0], durations[1]),
        lifespan_ns=_duration_ns(durations[2], durations[3]),
    )


def _duration(duration_ns: int | None) -> str:
    return "," if duration_ns is None else f"{duration_ns // _NS_PER_S},{duration_ns % _NS_PER_S}"


def _duration_ns(seconds: str, nanoseconds: str) -> int | None:
    """Nanoseconds; None for infinite and for 0, rmw's word for not told."""
    default_s, default_ns = divmod(_INFINITE_NS, _NS_PER_S)
    total_ns = int(seconds or default_s) * _NS_PER_S + int(nanoseconds or default_ns)
    return total_ns if 0 < total_ns < _INFINITE_NS else None
