from enum import Enum, IntEnum

from rclpy.duration import Duration

ENDLESS_NS = 9223372036854775807  # RMW_DURATION_INFINITE


class QoSHistoryPolicy(IntEnum):
    SYSTEM_DEFAULT, KEEP_LAST, KEEP_ALL, UNKNOWN = range(4)


class QoSReliabilityPolicy(IntEnum):
    SYSTEM_DEFAULT, RELIABLE, BEST_EFFORT, UNKNOWN, BEST_AVAILABLE = range(5)


class QoSDurabilityPolicy(IntEnum):
    SYSTEM_DEFAULT, TRANSIENT_LOCAL, VOLATILE, UNKNOWN, BEST_AVAILABLE = range(5)


class QoSProfile:
    """Its defaults are rmw_qos_profile_default's."""

    def __init__(
        self,
        *,
        history=QoSHistoryPolicy.KEEP_LAST,
        depth=10,
        reliability=QoSReliabilityPolicy.RELIABLE,
        durability=QoSDurabilityPolicy.VOLATILE,
        deadline=None,
        lifespan=None,
    ):
        for value, kind in (
            (history, QoSHistoryPolicy),
            (reliability, QoSReliabilityPolicy),
            (durability, QoSDurabilityPolicy),
            (depth, int),
        ):
            assert isinstance(value, kind)
        self.history, self.depth = history, depth
        self.reliability, self.durability = reliability, durability
        self.deadline, self.lifespan = deadline or Duration(), lifespan or Duration()
        assert isinstance(self.deadline, Duration)
        assert isinstance(self.lifespan, Duration)


class QoSCompatibility(Enum):
    OK, WARNING, ERROR = range(3)


def qos_check_compatible(publisher_qos, subscription_qos):
    reliable = QoSReliabilityPolicy.RELIABLE
    if subscription_qos.reliability == reliable != publisher_qos.reliability:
        return QoSCompatibility.ERROR, "ERROR: Best effort publisher and reliable subscription;"
    latched = QoSDurabilityPolicy.TRANSIENT_LOCAL
    if subscription_qos.durability == latched != publisher_qos.durability:
        return QoSCompatibility.ERROR, "ERROR: Volatile publisher and transient local subscription;"
    return QoSCompatibility.OK, ""
