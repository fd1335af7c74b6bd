import sys

from rclpy import native


class Context:
    def __init__(self):
        self._handle = None

    @property
    def handle(self):
        return self._handle

    def init(self, args=None, *, initialize_logging=True, domain_id=None):
        if self._handle is not None:
            raise RuntimeError("Context.init() must only be called once")
        self._handle = native.Context(sys.argv if args is None else args, domain_id)

    def ok(self):
        return self._handle is not None and self._handle.ok()

    def try_shutdown(self):
        if self._handle is not None:
            self._handle.shutdown()
