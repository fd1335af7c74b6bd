"""QoS in our words and in rclpy's."""

from __future__ import annotations

from typing import Final

from embodied_kit.model.stream import Durability, History, Qos, Reliability

from .api import Duration, QosProfile
from .load import Rclpy

# RMWs say "endless" with different large numbers, all of them beyond 68 years.
_ENDLESS_NS: Final = 2_147_483_647 * 1_000_000_000


def profile_of(rclpy: Rclpy, qos: Qos) -> QosProfile:
    """The profile that rclpy wants for a QoS; an unknown history is left to the RMW."""
    policies = rclpy.qos
    history = "SYSTEM_DEFAULT" if qos.history == "unknown" else qos.history.upper()
    return policies.QoSProfile(
        history=policies.QoSHistoryPolicy[history],
        depth=max(qos.depth, 1) if qos.history == "keep_last" else 0,
        reliability=policies.QoSReliabilityPolicy[qos.reliability.upper()],
        durability=policies.QoSDurabilityPolicy[qos.durability.upper()],
        deadline=rclpy.duration.Duration(nanoseconds=qos.deadline_ns or 0),
        lifespan=rclpy.duration.Duration(nanoseconds=qos.lifespan_ns or 0),
    )


def qos_of(profile: QosProfile) -> Qos:
    """The QoS of a publisher in the graph. What it does not tell is taken as the least, which every reader may ask."""
    history = _history(profile.history.name)
    return Qos(
        reliability=_reliability(profile.reliability.name),
        durability=_durability(profile.durability.name),
        history=history,
        depth=profile.depth if history == "keep_last" else 0,
        deadline_ns=_span_ns(profile.deadline),
        lifespan_ns=_span_ns(profile.lifespan),
    )


def _reliability(name: str) -> Reliability:
    return "reliable" if name == "RELIABLE" else "best_effort"


def _durability(name: str) -> Durability:
    return "transient_local" if name == "TRANSIENT_LOCAL" else "volatile"


def _history(name: str) -> History:
    if name == "KEEP_LAST":
        return "keep_last"
    return "keep_all" if name == "KEEP_ALL" else "unknown"


def _span_ns(duration: Duration) -> int | None:
    return duration.nanoseconds if 0 < duration.nanoseconds < _ENDLESS_NS else None
