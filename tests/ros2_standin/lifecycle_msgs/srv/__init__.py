"""Generated service classes; nested messages are dicts here."""

from std_srvs.srv import Metaclass

_STATE = f"{'=' * 80}\nMSG: lifecycle_msgs/State\nuint8 id\nstring label\n"


class ChangeState(metaclass=Metaclass):
    TEXTS = (f"State transition\n{_STATE}", "bool success\n")

    class Request:
        pass

    class Response:
        def __init__(self):
            self.success = False


class GetState(metaclass=Metaclass):
    TEXTS = ("uint8 structure_needs_at_least_one_member\n", f"State current_state\n{_STATE}")

    class Request:
        pass

    class Response:
        def __init__(self):
            self.current_state = {}
