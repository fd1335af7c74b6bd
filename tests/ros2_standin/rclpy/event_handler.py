from rclpy.versions import VERSION

if not VERSION.hashes:
    raise ModuleNotFoundError("No module named 'rclpy.event_handler'")  # Humble

from rclpy.qos_event import SubscriptionEventCallbacks, UnsupportedEventTypeError

__all__ = ["SubscriptionEventCallbacks", "UnsupportedEventTypeError"]
