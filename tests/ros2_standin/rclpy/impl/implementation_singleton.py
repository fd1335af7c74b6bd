from types import SimpleNamespace

from rclpy import native
from rclpy.versions import VERSION

_HIDDEN = () if VERSION.private else ("WaitSet",)
rclpy_implementation = SimpleNamespace(**{name: value for name, value in vars(native).items() if name not in _HIDDEN})
